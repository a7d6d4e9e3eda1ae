"""The door: what the environment makes of the whole app."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import requests
from flask.testing import FlaskClient

from app import create_app
from notify_me import SettingsError
from tests.support import TIMEOUT, Sandbox, serve

FORM = "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3AHAAR-OIL-M"


def shop(folder: Path, sandbox: Sandbox, **environ: str) -> FlaskClient:
    """The demo shop, filled, with this added to its environment."""
    app = create_app(
        {
            "DEMO": "1",
            "SECRET_KEY": "s" * 32,
            "NOTIFY_ME_LOG_KEY": "l" * 32,
            "DATABASE_URL": f"sqlite:///{folder}/shop.db",
            **sandbox.environ(),
            **environ,
        }
    )
    with app.app_context():
        app.extensions["alembic"].upgrade()
        app.cli.commands["storefront"].main(["load"], standalone_mode=False)
        app.extensions["sqlalchemy"].engine.dispose()
    return app.test_client()


def statuses(client: FlaskClient, addresses: list[str]) -> set[int]:
    """The statuses of bad sign-ups that a proxy forwards for these addresses."""
    return {
        client.post(FORM, data={"channels": "EMAIL"}, headers={"X-Forwarded-For": each}).status_code
        for each in addresses
    }


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({"TRUSTED_PROXIES": "1"}, {422}),
        ({}, {422, 429}),
        ({"RATELIMIT_ENABLED": "0"}, {422}),
    ],
    ids=["behind a proxy", "no proxy known", "limits off"],
)
def test_shoppers_behind_a_proxy(
    tmp_path: Path, sandbox: Sandbox, environ: dict[str, str], found: set[int]
) -> None:
    """With the proxies counted, each shopper has a limit of their own; else all share one."""
    addresses = [f"192.0.2.{number}" for number in range(40)]

    assert statuses(shop(tmp_path, sandbox, **environ), addresses) == found


@pytest.mark.parametrize("name", ["RATELIMIT_ENABLED", "TRUSTED_PROXIES", "DEMO"])
def test_odd_values_are_named(tmp_path: Path, sandbox: Sandbox, name: str) -> None:
    """A variable that is neither a number nor a switch stops the start."""
    with pytest.raises(SettingsError, match=f"{name} is 'some'"):
        shop(tmp_path, sandbox, **{name: "some"})


def test_an_edited_file_is_never_served_from_an_older_copy(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    """A compressed file that is older than its original is left out, and left alone."""
    folder = Path(__file__).parents[1] / "notify_me" / "static"
    script = folder / "notify-me.js"
    compressed = folder / "notify-me.js.br"
    before = (compressed.read_bytes(), compressed.stat()) if compressed.exists() else None
    compressed.write_bytes(b"old")
    os.utime(compressed, (1, 1))
    try:
        client = shop(tmp_path, sandbox)
        url = "/notify-me/static/notify-me.js"
        with client.get(url, headers={"Accept-Encoding": "br"}) as reply:
            assert reply.data == script.read_bytes()
        assert compressed.read_bytes() == b"old"
    finally:
        compressed.unlink()
        if before is not None:
            compressed.write_bytes(before[0])
            os.utime(compressed, ns=(before[1].st_atime_ns, before[1].st_mtime_ns))


def asked(url: str, path: str, within: float = TIMEOUT) -> requests.Response:
    """What a load balancer gets; never a stack trace, the name of a file, or a copy of before."""
    reply = requests.get(url + path, timeout=within)
    assert not any(word in reply.text for word in ("Traceback", "sqlite3", "SELECT", ".db", ".py"))
    if path == "/readyz":
        assert reply.headers["Content-Type"] == "application/json"
        assert reply.headers["Cache-Control"] == "no-store"
    return reply


def close(client: FlaskClient) -> None:
    """Give up the shop's connections to its database."""
    with client.application.app_context():
        client.application.extensions["sqlalchemy"].engine.dispose()


def test_ready_after_the_migrations(tmp_path: Path, sandbox: Sandbox) -> None:
    """Database and queue answer, and the process lives."""
    client = shop(tmp_path, sandbox)
    with serve(client.application) as url:
        ready, alive = asked(url, "/readyz"), asked(url, "/healthz")

    assert (ready.status_code, ready.json()) == (200, {"database": "ok", "queue": "ok"})
    assert (alive.status_code, alive.text) == (200, "ok\n")
    close(client)


def test_not_ready_without_the_queues_tables(tmp_path: Path, sandbox: Sandbox) -> None:
    """Nobody has run the migrations since the queue came: the log is there, its tables are not."""
    client = shop(tmp_path, sandbox)
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database:
        database.execute("PRAGMA foreign_keys = OFF")
        database.execute("DROP TABLE workflow_status")
        database.commit()

    with serve(client.application) as url:
        ready, alive = asked(url, "/readyz"), asked(url, "/healthz")

    assert (ready.status_code, alive.status_code) == (503, 200)
    assert ready.json() == {"database": "ok", "queue": "unavailable (OperationalError)"}
    close(client)


@pytest.mark.parametrize("how", ["gone", "no folder", "no database", "locked"])
def test_not_ready_without_the_database(tmp_path: Path, sandbox: Sandbox, how: str) -> None:
    """Said within the time that a shopper would wait for a write; the process lives all the same,
    and is ready again by itself when the database is back.
    """
    folder = tmp_path / "data"
    folder.mkdir()
    file = folder / "shop.db"
    client = shop(folder, sandbox)
    whole = file.read_bytes()
    with serve(client.application) as url, closing(sqlite3.connect(":memory:")) as nothing:
        other = nothing
        if how == "gone":
            file.unlink()
        elif how == "no folder":
            folder.rename(tmp_path / "elsewhere")
        elif how == "no database":
            file.write_bytes(b"no database at all, but rather a text" * 100)
        else:
            other = sqlite3.connect(file, isolation_level=None)
            other.execute("PRAGMA locking_mode = EXCLUSIVE")
            other.execute("BEGIN EXCLUSIVE")
        # sooner than whoever asks gives up
        ready = asked(url, "/readyz", within=5)
        alive = asked(url, "/healthz")
        if how == "locked":
            other.close()
        else:
            close(client)
            folder.mkdir(exist_ok=True)
            file.write_bytes(whole)
        back = asked(url, "/readyz")

    assert (ready.status_code, alive.status_code) == (503, 200)
    found = ready.json()
    assert set(found) == {"database", "queue"}
    assert found["database"].startswith("unavailable (")
    assert found["queue"] == found["database"]
    assert (back.status_code, back.json()) == (200, {"database": "ok", "queue": "ok"})
    close(client)
