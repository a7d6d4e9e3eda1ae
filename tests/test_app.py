"""The whole app: environment variables, static files, and the health checks."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa
from flask.testing import FlaskClient

from app import create_app
from notify_me import SettingsError
from tests.storefront.conftest import close
from tests.support import SAMPLE_SHOP, TIMEOUT, Sandbox, serve

READY = {"database": "ok", "queue": "ok", "disk": "ok", "deliverer": "none"}
FORM = "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3AHAAR-OIL-M"


def demo_environ(database: Path, sandbox: Sandbox) -> dict[str, str]:
    """Return the environment of a demo shop with this database file and the sandbox."""
    return {
        **SAMPLE_SHOP,
        "DEMO": "1",
        "SECRET_KEY": "s" * 32,
        "NOTIFY_ME_LOG_KEY": "l" * 32,
        "NOTIFY_ME_DELIVERY__IN_WEB_PROCESS": "false",
        "DATABASE_URL": f"sqlite:///{database}",
        **sandbox.environ(),
    }


@pytest.fixture
def database(tmp_path: Path, catalog_db: Path) -> Path:
    """The shop's database file, in a separate folder."""
    (tmp_path / "data").mkdir()
    return Path(shutil.copy(catalog_db, tmp_path / "data" / "shop.db"))


def invalid_sign_ups(client: FlaskClient, addresses: list[str]) -> set[int]:
    """Post invalid sign-ups from these addresses through a proxy, and return the statuses."""
    return {
        client.post(
            FORM, data={"channels": "EMAIL"}, headers={"X-Forwarded-For": address}
        ).status_code
        for address in addresses
    }


@pytest.mark.parametrize(
    ("environ", "forwarded", "statuses"),
    [
        ({"TRUSTED_PROXIES": "1"}, "192.0.2.{}", {422}),
        ({"TRUSTED_PROXIES": "1"}, "192.0.2.{}, 198.51.100.1", {422, 429}),
        ({}, "192.0.2.{}", {422, 429}),
        ({"RATELIMIT_ENABLED": "0"}, "192.0.2.{}", {422}),
    ],
    ids=["trusted proxy", "forged address", "no trusted proxy", "no rate limit"],
)
def test_rate_limit_behind_a_proxy(
    database: Path,
    sandbox: Sandbox,
    environ: dict[str, str],
    forwarded: str,
    statuses: set[int],
) -> None:
    """With a trusted proxy, each shopper has their own limit, based on the address that the proxy
    added last. Otherwise, all shoppers share a limit.
    """
    limit = {"NOTIFY_ME_LIMITS__INVALID_POSTS": "3"}
    app = create_app({**demo_environ(database, sandbox), **limit, **environ})

    addresses = [forwarded.format(number) for number in range(5)]
    assert invalid_sign_ups(app.test_client(), addresses) == statuses
    close(app)


@pytest.mark.parametrize("name", ["RATELIMIT_ENABLED", "TRUSTED_PROXIES", "DEMO"])
def test_invalid_variable_is_named(database: Path, sandbox: Sandbox, name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is 'some'"):
        create_app({**demo_environ(database, sandbox), name: "some"})


def test_outdated_compressed_file_is_ignored(database: Path, sandbox: Sandbox) -> None:
    script = Path(__file__).parents[1] / "notify_me" / "static" / "notify-me.js"
    compressed = script.with_name("notify-me.js.br")
    before = (compressed.read_bytes(), compressed.stat()) if compressed.exists() else None
    compressed.write_bytes(b"old")
    os.utime(compressed, (1, 1))
    try:
        app = create_app(demo_environ(database, sandbox))
        headers = {"Accept-Encoding": "br"}
        with app.test_client().get("/notify-me/static/notify-me.js", headers=headers) as response:
            assert response.data == script.read_bytes()
        close(app)
    finally:
        compressed.unlink()
        if before is not None:
            compressed.write_bytes(before[0])
            os.utime(compressed, ns=(before[1].st_atime_ns, before[1].st_mtime_ns))


def get(url: str, path: str, timeout: float = TIMEOUT) -> requests.Response:
    """Request a health check; it must not reveal internals, and /readyz must not be cached."""
    response = requests.get(url + path, timeout=timeout)
    internals = ("Traceback", "sqlite3", "SELECT", ".db", ".py")
    assert not any(word in response.text for word in internals)
    if path == "/readyz":
        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["Cache-Control"] == "no-store"
    return response


def test_ready(database: Path, sandbox: Sandbox) -> None:
    app = create_app(demo_environ(database, sandbox))
    with serve(app) as url:
        ready, alive = get(url, "/readyz"), get(url, "/healthz")

    assert (ready.status_code, ready.json()) == (200, READY)
    assert (alive.status_code, alive.text) == (200, "ok\n")
    close(app)


def test_not_ready_without_the_queue_tables(database: Path, sandbox: Sandbox) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("DROP TABLE workflow_status")
        connection.commit()

    app = create_app(demo_environ(database, sandbox))
    with serve(app) as url:
        ready, alive = get(url, "/readyz"), get(url, "/healthz")

    assert (ready.status_code, alive.status_code) == (503, 200)
    assert ready.json() == {**READY, "queue": "unavailable (OperationalError)"}
    close(app)


@pytest.mark.parametrize("problem", ["deleted", "no folder", "not a database", "locked"])
def test_not_ready_without_the_database(database: Path, sandbox: Sandbox, problem: str) -> None:
    """/readyz returns 503 within 5 seconds, and 200 when the database is back."""
    app = create_app(demo_environ(database, sandbox))
    content = database.read_bytes()
    with serve(app) as url, closing(sqlite3.connect(":memory:")) as unused:
        lock = unused
        if problem == "deleted":
            database.unlink()
        elif problem == "no folder":
            database.parent.rename(database.parent.with_name("renamed"))
        elif problem == "not a database":
            database.write_bytes(b"some text that isn't a database" * 100)
        else:
            lock = sqlite3.connect(database, isolation_level=None)
            lock.execute("PRAGMA locking_mode = EXCLUSIVE")
            lock.execute("BEGIN EXCLUSIVE")
        ready = get(url, "/readyz", timeout=5)
        alive = get(url, "/healthz")
        if problem == "locked":
            lock.close()
        else:
            close(app)
            database.parent.mkdir(exist_ok=True)
            database.write_bytes(content)
        ready_again = get(url, "/readyz")

    assert (ready.status_code, alive.status_code) == (503, 200)
    states = ready.json()
    assert set(states) == set(READY)
    assert states["database"].startswith("unavailable (")
    assert states["queue"] == states["disk"] == states["database"]
    assert (ready_again.status_code, ready_again.json()) == (200, READY)
    close(app)


def test_not_ready_on_a_read_only_disk(
    database: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """/readyz tries to write at most every ten seconds."""
    now = time.monotonic()
    monkeypatch.setattr("notify_me.database.time.monotonic", lambda: now)
    app = create_app(demo_environ(database, sandbox))
    read_only = sa.create_engine(f"sqlite:///file:{database}?mode=ro&uri=true")
    client = app.test_client()
    assert client.get("/readyz").status_code == 200
    monkeypatch.setattr(app.extensions["notify_me"].database, "get_engine", lambda: read_only)
    assert client.get("/readyz").status_code == 200

    now += 11
    ready = client.get("/readyz")

    assert ready.status_code == 503
    assert ready.json == {**READY, "disk": "unavailable (OperationalError)"}
    read_only.dispose()
    close(app)


def test_not_ready_on_a_full_disk(
    database: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk may have room for a row in SQLite's log, but not for a sign-up."""

    def no_space(**_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("notify_me.database.TemporaryFile", no_space)
    app = create_app(demo_environ(database, sandbox))

    ready = app.test_client().get("/readyz")

    assert (ready.status_code, ready.json) == (503, {**READY, "disk": "unavailable (OSError)"})
    close(app)


def test_database_in_a_missing_folder_is_reported_in_one_sentence(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    file = tmp_path / "missing" / "shop.db"

    with pytest.raises(SettingsError, match=r"^DATABASE_URL points to a file in .*/missing, which"):
        create_app(demo_environ(file, sandbox))
