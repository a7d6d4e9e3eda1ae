"""The choice of calls to queue, the queue's tables, and `status`, `purge` and readiness."""

from __future__ import annotations

import logging
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from notify_me import SettingsError, admin, include_name
from notify_me.context import lock_folder
from notify_me.database import Database
from notify_me.delivery.locks import claim_executor_id, claim_first_executor_id
from notify_me.delivery.queue import check_sqlite
from notify_me.delivery.send_now import calls_to_queue
from notify_me.klaviyo.outcomes import (
    Accepted,
    DeadLetter,
    KlaviyoResponse,
    Misconfigured,
    Outcome,
    Refused,
    Temporary,
    UnknownVariant,
)
from notify_me.store.tables import CallRow, SignUpRow
from tests.notify_me.conftest import LogFile
from tests.notify_me.small_shop import engine_of, small_catalog, small_shop
from tests.support import Sandbox

ACCEPTED = Accepted(KlaviyoResponse(202))
REFUSED = Refused(KlaviyoResponse(400))
TEMPORARY = Temporary(KlaviyoResponse(503))
UNKNOWN_VARIANT = UnknownVariant(KlaviyoResponse(404))
MISCONFIGURED = Misconfigured(KlaviyoResponse(401))
DEAD_LETTER = DeadLetter(KlaviyoResponse(418))
MUG = "/notify-me/$custom:::$default:::MUG"
SIGN_UP = {"channels": "EMAIL", "email": "ada@example.org"}

CASES: dict[str, tuple[list[Outcome | None], list[int]]] = {
    "all accepted": ([ACCEPTED, ACCEPTED], []),
    "a failure, and a call that was not sent": ([TEMPORARY, None], [0, 1]),
    "a failure among acceptances": ([ACCEPTED, TEMPORARY, ACCEPTED], [1]),
    "misconfigured first": ([MISCONFIGURED, None], []),
    "misconfigured after a failure": ([TEMPORARY, MISCONFIGURED, None], []),
    "misconfigured after an acceptance": ([ACCEPTED, MISCONFIGURED, None], [1, 2]),
    "all refused, and a consent that was not sent": ([REFUSED, REFUSED, None], []),
    "a refusal and a failure": ([REFUSED, TEMPORARY], [1]),
    "an unknown variant, and a consent that was not sent": ([UNKNOWN_VARIANT, None], [0, 1]),
    "an unknown variant among acceptances": ([ACCEPTED, UNKNOWN_VARIANT], [1]),
    "a dead letter": ([DEAD_LETTER, None], []),
    "a dead letter and a failure": ([DEAD_LETTER, TEMPORARY, ACCEPTED], [1]),
}


@pytest.mark.parametrize(("outcomes", "queued"), CASES.values(), ids=CASES)
def test_which_calls_are_queued(outcomes: list[Outcome | None], queued: list[int]) -> None:
    """Calls that may succeed later, or that weren't sent, are queued. If the shop is misconfigured,
    none are queued, unless Klaviyo has accepted some of the calls.
    """
    assert calls_to_queue(outcomes) == queued


@pytest.mark.parametrize(
    ("python", "sqlite", "usable"),
    [((3, 11, 9), "3.40.1", True), ((3, 12, 1), "3.42.0", True), ((3, 12, 1), "3.40.1", False)],
)
def test_an_old_sqlite_is_refused_on_python_3_12(
    monkeypatch: pytest.MonkeyPatch, python: tuple[int, ...], sqlite: str, usable: bool
) -> None:
    """DBOS doesn't start with an old SQLite on Python 3.12. The message says what to do."""
    monkeypatch.setattr("sys.version_info", python)
    monkeypatch.setattr("sqlite3.sqlite_version", sqlite)
    monkeypatch.setattr("sqlite3.sqlite_version_info", tuple(map(int, sqlite.split("."))))
    if usable:
        check_sqlite()
    else:
        with pytest.raises(SettingsError, match=r"SQLite 3\.40\.1 is too old.*3\.12") as error:
            check_sqlite()
        assert error.value.exit_code == 2


def test_upgrade_names_a_shop_table_that_conflicts_with_the_queue(tmp_path: Path) -> None:
    """SQLite has no schemas that could separate the shop's tables from the queue's."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE notifications (id INTEGER)"))
    with pytest.raises(SettingsError, match="a table named notifications"):
        Database(engine).upgrade()
    engine.dispose()


def test_autogenerate_ignores_the_kits_tables(app: Flask) -> None:
    """Without `include_name`, migrations of a shop that shares its database would drop the kit's
    tables.
    """
    tables = sa.inspect(engine_of(app)).get_table_names()

    assert {"notify_me_sign_up", "workflow_status"} <= set(tables)
    here = {"schema_name": None}
    assert [name for name in tables if include_name(name, "table", here)] == []
    assert include_name("products", "table", here)


def test_shop_tables_may_have_the_names_of_queue_tables_on_postgresql(tmp_path: Path) -> None:
    """On PostgreSQL, the queue's tables are in their own schema."""
    app = small_shop(
        tmp_path,
        small_catalog(),
        migrate=False,
        KLAVIYO_PRIVATE_KEY="pk_test",
        NOTIFY_ME_DATABASE_URI="postgresql+psycopg://me@localhost/none",
    )
    with app.app_context():
        assert include_name("notifications", "table", {"schema_name": None})
        assert not include_name("notify_me_queue", "schema", {})


def test_workers_on_one_machine_have_different_ids(tmp_path: Path) -> None:
    """A new worker gets the ID of a worker that has ended."""
    (first, lock), (second, second_lock) = claim_executor_id(tmp_path), claim_executor_id(tmp_path)
    lock.release()
    third, third_lock = claim_executor_id(tmp_path)

    assert first == third != second
    second_lock.release()
    third_lock.release()


def test_status_names_a_worker_that_outlives_the_first(app: Flask) -> None:
    """While the second worker is running, no web process starts delivering."""
    with app.app_context():
        folder = lock_folder()
        (_, first_lock), (_, second_lock) = claim_executor_id(folder), claim_executor_id(folder)
        first_lock.release()

        assert admin.ready()["deliverer"] == "worker"
        assert claim_first_executor_id(folder, "web process") is None
        second_lock.release()
        assert admin.ready()["deliverer"] == "none"


def test_readiness(app: Flask) -> None:
    """Database, disk and queue are ok. Without the queue's tables, the queue is unavailable."""
    with app.app_context():
        parts = admin.ready()
        assert {parts[name] for name in ("database", "disk", "queue")} == {"ok"}
        with engine_of(app).begin() as connection:
            connection.execute(sa.text("DROP TABLE workflow_status"))
        assert admin.ready()["queue"].startswith("unavailable")


def test_status_as_text(app: Flask, sandbox: Sandbox) -> None:
    """The text has counts, the oldest queued call, and the last error with a masked contact."""
    sandbox.drill("500")
    app.test_client().post(MUG, data=SIGN_UP)

    result = app.test_cli_runner().invoke(args=["notify-me", "status"])

    assert result.exit_code == 0
    assert "queued        1\n" in result.output
    assert "oldest queued: " in result.output
    assert "(a•••@e•••.org): " in result.output
    assert "ada@" not in result.output


@pytest.mark.process
def test_queuing_leaves_the_shops_log_levels_as_they_are(tmp_path: Path) -> None:
    """A shop may use DBOS itself. The test needs a new process, since only the first import of the
    kit could change log levels.
    """
    script = (
        "import logging, dbos; logging.getLogger('dbos').setLevel(logging.DEBUG)\n"
        "from notify_me.database import Database; from notify_me.delivery.queue import Queue\n"
        f"import sqlalchemy; engine = sqlalchemy.create_engine('sqlite:///{tmp_path}/queue.db')\n"
        "Database(engine).upgrade(); Queue(lambda: engine).prepare()\n"
        "print(logging.getLogger('dbos').level)"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert done.stdout.splitlines()[-1:] == [str(logging.DEBUG)], done.stderr


def test_a_call_without_an_outcome_is_unknown_after_a_minute(app: Flask) -> None:
    """The process may have been killed before it recorded the outcome."""
    with app.app_context():
        session = Session(engine_of(app))
        for name, age in (("old", timedelta(minutes=2)), ("new", timedelta(0))):
            row = SignUpRow(
                id=name, created_at=datetime.now(UTC) - age, mode="server", channels=["EMAIL"]
            )
            row.calls = [CallRow(position=0, state="started", operation="x", variant="v")]
            session.add(row)
        session.commit()
        session.close()

        counts = admin.status().counts

    assert (counts["unknown"], counts["started"]) == (1, 1)


def test_purge_keeps_undelivered_sign_ups(app: Flask, sandbox: Sandbox, log_file: LogFile) -> None:
    """Undelivered sign-ups are kept however old they are."""
    sandbox.drill("500")
    for _ in range(2):
        app.test_client().post(MUG, data=SIGN_UP)
    assert log_file.states() == ["queued", "accepted"]
    with app.app_context(), engine_of(app).begin() as connection:
        connection.execute(
            sa.text("UPDATE notify_me_sign_up SET created_at = '2020-01-01 00:00:00.000000'")
        )
    result = app.test_cli_runner().invoke(args=["notify-me", "purge"])

    assert result.output == ("deleted sign-ups: 1, consents: 0, dead-lettered calls: 0\n")
    assert log_file.states() == ["queued"]


def test_commands_report_a_database_error_without_the_statement(app: Flask) -> None:
    """The output is one sentence that names the command to run."""
    with app.app_context(), engine_of(app).begin() as connection:
        connection.execute(sa.text("DROP TABLE notify_me_pause"))

    result = app.test_cli_runner().invoke(args=["notify-me", "status"])

    assert result.exit_code == 1
    assert "flask notify-me upgrade" in result.output
    assert "SELECT" not in result.output
