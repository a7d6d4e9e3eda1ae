"""Which database the kit uses, and how its tables get there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask, Response
from sqlalchemy.orm import Session

from notify_me import NotifyMe, SettingsError, Variant, admin
from tests.notify_me.running_shop import MUG, Postgres
from tests.notify_me.small_shop import engine_of, small_catalog
from tests.support import Sandbox, read_in_another_process

SIGN_UP = {"channels": "EMAIL", "email": "ada@example.org"}


def host_shop(folder: Path, sandbox: Sandbox, **config: str) -> Flask:
    """Return a shop without its own database."""
    app = Flask("host", root_path=str(folder), instance_path=str(folder / "instance"))
    app.config.from_mapping({"SECRET_KEY": "s" * 32, **sandbox.environ(), **config})
    return app


def test_without_a_database_the_kit_creates_its_own_file(
    tmp_path: Path, sandbox: Sandbox, all_lines: list[str]
) -> None:
    """The file doesn't exist until the first sign-up, and no command has to be run before that
    sign-up. The migrations' own lines don't fill the shop's log.
    """
    app = host_shop(tmp_path, sandbox)
    NotifyMe(app, catalog=small_catalog())
    assert not (tmp_path / "instance").exists()

    reply = app.test_client().post(MUG, data=SIGN_UP)

    assert reply.status_code == 303
    with engine_of(app).connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM notify_me_sign_up")) == 1
        # 2 is FULL: a commit is on the disk before a sign-up is confirmed
        assert connection.scalar(sa.text("PRAGMA synchronous")) == 2
    modes = {
        file.name: file.stat().st_mode & 0o777
        for file in (tmp_path / "instance").glob("notify_me.db*")
    }
    assert modes.keys() >= {"notify_me.db", "notify_me.db-wal"}
    assert {*modes.values()} == {0o600}
    engine_of(app).dispose()
    assert not re.findall("Running upgrade|schema migration|Initializing DBOS", "".join(all_lines))


@pytest.mark.process
def test_another_connection_does_not_release_the_locks(tmp_path: Path, sandbox: Sandbox) -> None:
    """Without locks, another process that closes the file would delete the write-ahead log."""
    app = host_shop(tmp_path, sandbox)
    NotifyMe(app, catalog=small_catalog())
    app.test_client().post(MUG, data=SIGN_UP)
    with engine_of(app).connect() as connection, engine_of(app).connect():
        read_in_another_process(tmp_path / "instance" / "notify_me.db")

        assert (tmp_path / "instance" / "notify_me.db-wal").exists()
        assert connection.scalar(sa.text("SELECT count(*) FROM notify_me_sign_up")) == 1
    engine_of(app).dispose()


def test_arguments_are_remembered_for_init_app(tmp_path: Path, sandbox: Sandbox) -> None:
    """An app factory calls `init_app` later. The catalog is a function that finds a product's
    variants.
    """
    catalog = small_catalog()

    def find_variants(composite_id: object) -> list[Variant]:
        return list(catalog.siblings(composite_id))  # type: ignore[arg-type]

    engine = sa.create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    extension = NotifyMe(catalog=find_variants, engine=lambda: engine, url_prefix="/alerts")
    app = host_shop(tmp_path, sandbox)
    extension.init_app(app)
    assert app.test_cli_runner().invoke(args=["notify-me", "upgrade"]).exit_code == 0

    reply = app.test_client().post(MUG.replace("/notify-me/", "/alerts/"), data=SIGN_UP)

    assert reply.status_code == 303
    assert sandbox.waiting()
    assert sa.inspect(engine).has_table("notify_me_sign_up")
    engine.dispose()


def test_a_shops_database_without_the_tables_is_refused_with_the_remedy(
    tmp_path: Path, sandbox: Sandbox, lines: list[str]
) -> None:
    """The kit creates no tables in a shop's database by itself. The log names the command, and the
    shopper is asked to try again.
    """
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    app = host_shop(tmp_path, sandbox)
    NotifyMe(app, catalog=small_catalog(), engine=engine)

    reply = app.test_client().post(MUG, data=SIGN_UP)

    assert reply.status_code == 503
    assert sa.inspect(engine).get_table_names() == []
    assert any("run flask notify-me upgrade" in line for line in lines)
    engine.dispose()


@pytest.mark.parametrize("own_file", [True, False], ids=["the kit's own file", "shop's database"])
def test_tables_from_a_later_version_are_refused_with_the_remedy(
    tmp_path: Path, sandbox: Sandbox, lines: list[str], own_file: bool
) -> None:
    """The tables may be newer than the kit after a rollback without restoring the backup. `upgrade`
    can't help.
    """
    engine = None if own_file else sa.create_engine(f"sqlite:///{tmp_path / 'shop.db'}")

    def make_app() -> Flask:
        app = host_shop(tmp_path, sandbox)
        NotifyMe(app, catalog=small_catalog(), engine=engine)
        return app

    later = make_app()
    with later.app_context():
        admin.upgrade()
    with engine_of(later).begin() as connection:
        connection.execute(sa.text("UPDATE notify_me_version SET version_num = 'notify_me_9999'"))
    engine_of(later).dispose()
    app = make_app()

    reply = app.test_client().post(MUG, data=SIGN_UP)

    assert reply.status_code == 503
    remedy = "install the later version of the kit, or restore the backup"
    assert any(remedy in line for line in lines)
    for command in ("upgrade", "status"):
        result = app.test_cli_runner().invoke(args=["notify-me", command])
        assert result.exit_code == 1
        assert remedy in result.output
        assert "run flask notify-me upgrade" not in result.output
        assert "flask notify-me upgrade has been run" not in result.output
    engine_of(app).dispose()


def test_upgrade_says_which_privileges_its_user_needs(
    tmp_path: Path, sandbox: Sandbox, postgres: Postgres
) -> None:
    """Since PostgreSQL 15, only a database's owner may create tables in it."""
    url = postgres.database("owned_by_postgres")
    owner = sa.create_engine(url)
    with owner.begin() as connection:
        connection.execute(sa.text("CREATE ROLE shop LOGIN"))
    owner.dispose()
    app = host_shop(tmp_path, sandbox, NOTIFY_ME_DATABASE_URI=url.replace("//postgres@", "//shop@"))
    NotifyMe(app, catalog=small_catalog())

    result = app.test_cli_runner().invoke(args=["notify-me", "upgrade"])

    assert result.exit_code == 1
    assert "InsufficientPrivilege" in result.output
    assert "its user may create tables and, on PostgreSQL, a schema" in result.output
    engine_of(app).dispose()


@pytest.mark.parametrize("obstacle", ["", "notify_me.lock"], ids=["folder", "lock file"])
def test_file_that_cannot_be_created_is_an_unavailable_database(
    tmp_path: Path, sandbox: Sandbox, lines: list[str], obstacle: str
) -> None:
    """On a read-only disk, for example, the reply is 503, and the form keeps what was typed."""
    app = host_shop(tmp_path, sandbox)
    NotifyMe(app, catalog=small_catalog())
    instance = tmp_path / "instance"
    if obstacle:
        (instance / obstacle).mkdir(parents=True)
    else:
        instance.write_text("This is not a folder.")

    reply = app.test_client().post(MUG, data=SIGN_UP)
    command = app.test_cli_runner().invoke(args=["notify-me", "status"])

    assert reply.status_code == 503
    assert 'value="ada@example.org"' in reply.text
    assert any("can't be created" in line and "NOTIFY_ME_DATABASE_URI" in line for line in lines)
    assert command.output.startswith("Error: The database is unavailable")
    engine_of(app).dispose()


def test_the_shops_pending_writes_survive_a_sign_up(tmp_path: Path, sandbox: Sandbox) -> None:
    """A shop that adds rows before a request, and commits after it, keeps the rows."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE visits (path TEXT)"))
    session = Session(engine)
    app = host_shop(tmp_path, sandbox)

    @app.before_request
    def note_visit() -> None:
        session.execute(sa.text("INSERT INTO visits VALUES ('/')"))

    @app.after_request
    def commit(response: Response) -> Response:
        session.commit()
        return response

    NotifyMe(app, catalog=small_catalog())
    assert app.test_client().post(MUG, data=SIGN_UP).status_code == 303
    assert session.scalar(sa.text("SELECT count(*) FROM visits")) == 1
    session.close()
    engine.dispose()
    engine_of(app).dispose()


def test_a_lock_that_the_shops_own_request_holds_is_explained(
    tmp_path: Path, sandbox: Sandbox, lines: list[str]
) -> None:
    """On SQLite, the shop's uncommitted write keeps the kit from writing to the same file."""
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    engine = sa.create_engine(url, connect_args={"timeout": 0.1})
    app = host_shop(tmp_path, sandbox)
    NotifyMe(app, catalog=small_catalog(), engine=engine)
    with app.app_context():
        admin.upgrade()

    with Session(engine) as session:
        session.execute(sa.text("CREATE TABLE visits (path TEXT)"))
        session.execute(sa.text("INSERT INTO visits VALUES ('/')"))
        assert app.test_client().post(MUG, data=SIGN_UP).status_code == 503

    assert any("commit that first" in line for line in lines)
    engine.dispose()


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("not a url", "is not a database URL"),
        ("postgresql+nosuchdriver://me:hidden@host/shop", "is not a database URL"),
        ("postgresql+pg8000://me:hidden@host/shop", "needs the Python package pg8000"),
        ("mysql://me:hidden@host/shop", "can't use mysql: use a SQLite file or PostgreSQL"),
        ("sqlite:///:memory:", "can't use an in-memory SQLite database"),
        ("sqlite:///file:x?mode=memory&uri=true", "can't use an in-memory SQLite database"),
    ],
)
def test_a_wrong_database_url_is_refused(
    tmp_path: Path, sandbox: Sandbox, url: str, part: str
) -> None:
    """The error is one sentence, which never shows a password."""
    app = host_shop(tmp_path, sandbox, NOTIFY_ME_DATABASE_URI=url)
    with pytest.raises(SettingsError, match=part) as refused:
        NotifyMe(app, catalog=small_catalog())
    assert "hidden" not in str(refused.value)


def test_engine_in_memory_is_refused(tmp_path: Path, sandbox: Sandbox) -> None:
    app = host_shop(tmp_path, sandbox)
    NotifyMe(app, catalog=small_catalog(), engine=sa.create_engine("sqlite://"))

    run = app.test_cli_runner().invoke(args=["notify-me", "upgrade"])

    assert "The kit can't use an in-memory SQLite database: use a SQLite file" in run.output


def test_engine_and_url_together_are_refused(tmp_path: Path, sandbox: Sandbox) -> None:
    app = host_shop(tmp_path, sandbox, NOTIFY_ME_DATABASE_URI="sqlite://")
    with pytest.raises(SettingsError, match="remove one"):
        NotifyMe(app, catalog=small_catalog(), engine=sa.create_engine("sqlite://"))
