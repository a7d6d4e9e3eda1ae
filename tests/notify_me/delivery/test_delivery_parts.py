"""The parts of the delivery: what is kept, the breaker, the table names, what is deleted when."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from notify_me import CompositeID, SettingsError, admin, include_name
from notify_me.database import Database
from notify_me.delivery import Job, calls_to_queue
from notify_me.delivery.queue import check_sqlite
from notify_me.delivery.worker import claim_executor_id
from notify_me.klaviyo.calls import Call, Operation
from notify_me.klaviyo.circuit_breaker import CircuitBreaker
from notify_me.klaviyo.client import NO_FREE_SLOT, Deadline, Klaviyo
from notify_me.klaviyo.outcomes import (
    Accepted,
    DeadLetter,
    KlaviyoResponse,
    Misconfigured,
    Outcome,
    Refused,
    Temporary,
)
from notify_me.store.tables import CallRow, SignUpRow
from tests.notify_me.conftest import LogFile
from tests.notify_me.small_shop import engine_of
from tests.support import Sandbox

ACCEPTED = Accepted(KlaviyoResponse(202))
REFUSED = Refused(KlaviyoResponse(400))
TEMPORARY = Temporary(KlaviyoResponse(503))
MISCONFIGURED = Misconfigured(KlaviyoResponse(401))
PARKED = DeadLetter(KlaviyoResponse(418))
MUG = "/notify-me/$custom:::$default:::MUG"
SIGN_UP = {"channels": "EMAIL", "email": "ada@example.org"}

CASES: dict[str, tuple[list[Outcome | None], list[int]]] = {
    "all accepted": ([ACCEPTED, ACCEPTED], []),
    "a failure, and what was not tried": ([TEMPORARY, None], [0, 1]),
    "a failure among acceptances": ([ACCEPTED, TEMPORARY, ACCEPTED], [1]),
    "misconfigured first": ([MISCONFIGURED, None], []),
    "misconfigured after a failure": ([TEMPORARY, MISCONFIGURED, None], []),
    "misconfigured after an acceptance": ([ACCEPTED, MISCONFIGURED, None], [1, 2]),
    "all refused, and a consent that was not sent": ([REFUSED, REFUSED, None], []),
    "refused and failed": ([REFUSED, TEMPORARY], [1]),
    "dead_lettered": ([PARKED, None], []),
    "parked and failed": ([PARKED, TEMPORARY, ACCEPTED], [1]),
}


@pytest.mark.parametrize(("outcomes", "kept"), CASES.values(), ids=CASES)
def test_what_is_kept(outcomes: list[Outcome | None], kept: list[int]) -> None:
    """The design's table."""
    assert calls_to_queue(outcomes) == kept


class Told(Klaviyo):
    """A Klaviyo that answers as it is told."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.sent = 0

    def send(self, call: Call, *, deadline: Deadline) -> Outcome:
        """The next outcome, or an acceptance."""
        self.sent += 1
        return self.outcomes.pop(0) if self.outcomes else ACCEPTED


CALL = Call(Operation.BACK_IN_STOCK, {}, CompositeID("$custom", "$default", "MUG"))


def send(breaker: CircuitBreaker) -> Outcome:
    """Send the call, with time enough."""
    return breaker.send(CALL, deadline=Deadline(60))


def test_the_breaker_opens_after_failures_in_a_row() -> None:
    """An acceptance in between starts the count anew; what is not tried is Temporary."""
    klaviyo = Told(TEMPORARY, ACCEPTED, TEMPORARY, TEMPORARY)
    breaker = CircuitBreaker(klaviyo, failures=2, pause=600)

    assert [type(send(breaker)) for _ in range(5)] == [
        Temporary,
        Accepted,
        Temporary,
        Temporary,
        Temporary,
    ]
    assert klaviyo.sent == 4


def test_the_breaker_closes_with_the_first_answer() -> None:
    """After the pause one call finds out."""
    klaviyo = Told(TEMPORARY, TEMPORARY, TEMPORARY)
    breaker = CircuitBreaker(klaviyo, failures=2, pause=0.000001)

    assert [type(send(breaker)) for _ in range(4)] == [Temporary, Temporary, Temporary, Accepted]
    assert isinstance(send(breaker), Accepted)


@pytest.mark.parametrize(
    "outcome",
    [
        MISCONFIGURED,
        REFUSED,
        PARKED,
        Temporary(KlaviyoResponse(429)),
        Temporary(KlaviyoResponse(None, problem=NO_FREE_SLOT)),
    ],
)
def test_an_answer_is_no_outage(outcome: Outcome) -> None:
    """Nor is a call that found no place: nothing of it opens the breaker."""
    klaviyo = Told(*[outcome] * 5)
    breaker = CircuitBreaker(klaviyo, failures=2, pause=600)

    assert [send(breaker) for _ in range(5)] == [outcome] * 5
    assert klaviyo.sent == 5


def test_retry_after_is_kept_to() -> None:
    """Until then nothing is tried, and what is kept waits as long."""
    klaviyo = Told(Temporary(KlaviyoResponse(429, {"Retry-After": "600"})))
    breaker = CircuitBreaker(klaviyo, failures=2, pause=600)

    send(breaker)
    second = send(breaker)

    assert klaviyo.sent == 1
    assert isinstance(second, Temporary)
    assert second.response.retry_after in (599, 600)


def test_without_time_nothing_is_tried() -> None:
    """A deadline that has passed is no failure of Klaviyo's."""
    klaviyo = Told()
    breaker = CircuitBreaker(klaviyo, failures=1, pause=600)

    assert isinstance(breaker.send(CALL, deadline=Deadline(0)), Temporary)
    assert isinstance(send(breaker), Accepted)
    assert klaviyo.sent == 1


def test_a_job_survives_json() -> None:
    """What goes into the queue comes out the same."""
    job = Job("id", 3, 2, Operation.BACK_IN_STOCK, {"data": {"type": "x"}}, 4)

    assert Job.of(json.loads(json.dumps(job.as_arguments()))) == job
    assert (job.again(failed=True).attempt, job.again(failed=True).failures) == (3, 5)


@pytest.mark.parametrize(
    ("python", "sqlite", "usable"),
    [((3, 11, 9), "3.40.1", True), ((3, 12, 1), "3.42.0", True), ((3, 12, 1), "3.40.1", False)],
)
def test_an_old_sqlite_is_refused_on_python_3_12(
    monkeypatch: pytest.MonkeyPatch, python: tuple[int, ...], sqlite: str, usable: bool
) -> None:
    """DBOS doesn't start there; the message says what to do instead."""
    monkeypatch.setattr("sys.version_info", python)
    monkeypatch.setattr("sqlite3.sqlite_version", sqlite)
    monkeypatch.setattr("sqlite3.sqlite_version_info", tuple(map(int, sqlite.split("."))))
    if usable:
        check_sqlite()
    else:
        with pytest.raises(SettingsError, match=r"SQLite 3\.40\.1 is too old.*3\.12") as error:
            check_sqlite()
        assert error.value.exit_code == 2


def test_a_shops_table_in_the_queues_place_is_named(tmp_path: Path) -> None:
    """SQLite has no schemas, so the name is taken."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE notifications (id INTEGER)"))
    with pytest.raises(SettingsError, match="a table named notifications"):
        Database(engine).upgrade()
    engine.dispose()


def test_autogenerate_leaves_the_kits_tables_alone(app: Flask) -> None:
    """With the filter, a shop that shares its database sees none of the kit's tables."""
    tables = sa.inspect(engine_of(app)).get_table_names()

    assert "notify_me_sign_up" in tables
    assert "workflow_status" in tables
    assert [name for name in tables if include_name(name, "table", {})] == []
    assert include_name("products", "table", {})


def test_each_worker_has_a_number_of_its_own(tmp_path: Path) -> None:
    """And the next one gets the number of one that is gone."""
    (one, lock), (two, other) = claim_executor_id(tmp_path), claim_executor_id(tmp_path)
    lock.close()
    three, third = claim_executor_id(tmp_path)

    assert one == three != two
    other.close()
    third.close()


def test_readiness(app: Flask) -> None:
    """Database and queue answer; without its tables, the queue doesn't."""
    with app.app_context():
        assert admin.ready() == {"database": "ok", "queue": "ok"}
        with engine_of(app).begin() as connection:
            connection.execute(sa.text("DROP TABLE workflow_status"))
        assert admin.ready()["queue"].startswith("unavailable")


def test_status_for_a_person(app: Flask, sandbox: Sandbox) -> None:
    """Counts, the oldest, and the last error; the contact is masked."""
    sandbox.drill("500")
    app.test_client().post(MUG, data=SIGN_UP)

    told = app.test_cli_runner().invoke(args=["notify-me", "status"])

    assert told.exit_code == 0
    assert "queued        1\n" in told.output
    assert "oldest queued: " in told.output
    assert "(a•••@e•••.org): Klaviyo answered 500" in told.output
    assert "ada@" not in told.output


def test_a_call_nobody_reported_is_unknown(app: Flask) -> None:
    """Its shop was killed before it could log what came of it."""
    with app.app_context():
        session = Session(engine_of(app))
        old = datetime.now(UTC) - timedelta(minutes=2)
        row = SignUpRow(id="x", created_at=old, mode="server", channels=["EMAIL"])
        call = {"operation": "create_back_in_stock_subscription", "variant": "v"}
        row.calls = [CallRow(position=0, state="started", **call)]
        session.add(row)
        session.commit()
        session.close()

        counts = admin.status().counts

    assert (counts["unknown"], counts["started"]) == (1, 0)


def test_purge_keeps_what_is_owed(
    make_app: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile
) -> None:
    """Old sign-ups go, but not one whose call still waits."""
    app = make_app()
    sandbox.drill("500")
    for _ in range(2):
        app.test_client().post(MUG, data=SIGN_UP)
    assert log_file.states() == ["queued", "accepted"]
    with app.app_context():
        with engine_of(app).begin() as connection:
            connection.execute(
                sa.text("UPDATE notify_me_sign_up SET created_at = '2020-01-01 00:00:00.000000'")
            )
        told = app.test_cli_runner().invoke(args=["notify-me", "purge"])

    assert told.output == "deleted 1 sign-ups and 0 consents\n"
    assert log_file.states() == ["queued"]


def test_commands_tell_when_the_database_is_away(tmp_path: Path, app: Flask) -> None:
    """In a sentence, and without the statement."""
    with app.app_context(), engine_of(app).begin() as connection:
        connection.execute(sa.text("DROP TABLE notify_me_pause"))

    told = app.test_cli_runner().invoke(args=["notify-me", "status"])

    assert told.exit_code == 1
    assert "flask notify-me upgrade" in told.output
    assert "SELECT" not in told.output


class Slow(Told):
    """A Klaviyo whose first call waits until it is let go."""

    def __init__(self, *outcomes: Outcome) -> None:
        super().__init__(*outcomes)
        self.asked, self.let_go = threading.Event(), threading.Event()

    def send(self, call: Call, *, deadline: Deadline) -> Outcome:
        """An acceptance for the first call, in the end; else as it is told."""
        if self.asked.is_set():
            return super().send(call, deadline=deadline)
        self.asked.set()
        self.let_go.wait(60)
        return ACCEPTED


def test_an_answer_from_before_the_outage_doesnt_end_the_pause() -> None:
    """A call that began while Klaviyo answered says nothing of now."""
    klaviyo = Slow(TEMPORARY, TEMPORARY)
    breaker = CircuitBreaker(klaviyo, failures=2, pause=600)
    with ThreadPoolExecutor(1) as threads:
        early = threads.submit(send, breaker)
        klaviyo.asked.wait(60)
        assert [type(send(breaker)) for _ in range(2)] == [Temporary, Temporary]
        klaviyo.let_go.set()
        assert isinstance(early.result(), Accepted)

    assert isinstance(send(breaker), Temporary)
    assert klaviyo.sent == 2
