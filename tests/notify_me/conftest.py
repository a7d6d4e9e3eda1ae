"""Fixtures: the small shop, its sign-up log, its processes, and captured log lines."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.notify_me.offers import settings_file, toml
from tests.notify_me.running_shop import Postgres, Shop
from tests.notify_me.small_shop import DATABASE, DictCatalog, engine_of, small_catalog, small_shop
from tests.support import TIMEOUT, Sandbox

T = TypeVar("T")


@pytest.fixture
def catalog() -> DictCatalog:
    """A parka in three variants (M / Moss and L / Moss sold out), and a mug without options."""
    return small_catalog()


@pytest.fixture
def make_app(
    tmp_path: Path, sandbox: Sandbox, catalog: DictCatalog
) -> Iterator[Callable[..., Flask]]:
    """Return a function that creates the small shop; its keyword arguments override the config."""
    made: list[Flask] = []

    def make(**config: Any) -> Flask:
        made.append(small_shop(tmp_path, catalog, **{**sandbox.environ(), **config}))
        return made[-1]

    yield make
    for app in made:
        engine_of(app).dispose()


@pytest.fixture
def offering(make_app: Callable[..., Flask], tmp_path: Path) -> Callable[..., Flask]:
    """Return a function that creates the small shop with these channels and consent settings."""

    def make(
        *channels: str, region: str = "US", consent: dict[str, object] | None = None, **config: Any
    ) -> Flask:
        text = toml(channels, region, **(consent or {}))
        return make_app(NOTIFY_ME_CONFIG=settings_file(tmp_path, text), **config)

    return make


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """The small shop, in server mode."""
    return make_app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A test client of the small shop."""
    return app.test_client()


class LogFile:
    """The sign-up log, read directly from the database file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def _rows(self, query: str) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(self.path)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query)]

    def sign_ups(self) -> list[dict[str, Any]]:
        """Return the sign-ups, oldest first."""
        return self._rows("SELECT * FROM notify_me_sign_up ORDER BY created_at")

    def calls(self) -> list[dict[str, Any]]:
        """Return the calls, oldest first, in the order in which they are sent."""
        return self._rows(
            "SELECT c.* FROM notify_me_call c JOIN notify_me_sign_up s ON s.id = c.sign_up_id"
            " ORDER BY s.created_at, c.position"
        )

    def consents(self) -> list[dict[str, Any]]:
        """Return the consents, oldest first."""
        return self._rows("SELECT * FROM notify_me_consent ORDER BY id")

    def queued(self) -> list[dict[str, Any]]:
        """Return the jobs of the delivery queue, oldest first."""
        return self._rows("SELECT * FROM workflow_status ORDER BY created_at")

    def states(self) -> list[str]:
        """Return the state of each call."""
        return [str(call["state"]) for call in self.calls()]


@pytest.fixture
def log_file(tmp_path: Path) -> LogFile:
    """The small shop's sign-up log."""
    return LogFile(tmp_path / DATABASE)


@pytest.fixture
def make_shop(tmp_path: Path, sandbox: Sandbox) -> Iterator[Callable[..., Shop]]:
    """Return a function that creates a `Shop`, with its keyword arguments."""
    made: list[Shop] = []

    def make(**more: Any) -> Shop:
        made.append(Shop(tmp_path, sandbox, **more))
        return made[-1]

    yield make
    # ends calls that a simulated failure delays
    sandbox.reset()
    for shop in made:
        shop.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def db_shop(request: pytest.FixtureRequest, make_shop: Callable[..., Shop]) -> Shop:
    """The shop on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return make_shop()
    cluster: Postgres = request.getfixturevalue("postgres")
    return make_shop(url=cluster.database(f"shop{os.urandom(4).hex()}"))


class Lines(logging.Handler):
    """Collects log lines, formatted as in a log file."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Add one record."""
        self.lines.append(self.format(record))


def _listen(logger: logging.Logger, level: int) -> Iterator[list[str]]:
    handler, before = Lines(), logger.level
    # most test shops have no layout, which the kit warns about
    handler.addFilter(lambda record: "there is no template base.html" not in record.getMessage())
    logger.addHandler(handler)
    logger.setLevel(level)
    yield handler.lines
    logger.removeHandler(handler)
    logger.setLevel(before)


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """Log lines of the kit, at INFO and above."""
    yield from _listen(logging.getLogger("notify_me"), logging.INFO)


@pytest.fixture
def all_lines() -> Iterator[list[str]]:
    """Log lines of all packages, at every level."""
    # Klaviyo's SDK, which a contract test imports, turns urllib3's debug lines off
    logging.getLogger("urllib3").setLevel(logging.DEBUG)
    yield from _listen(logging.getLogger(), logging.DEBUG)


@pytest.fixture
def short_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let shoppers wait for Klaviyo for one second instead of four."""
    for module in ("submission", "client_mode"):
        monkeypatch.setattr(f"notify_me.web.{module}.SHOPPER_TIMEOUT", 1.0)


def side_by_side(sandbox: Sandbox, *jobs: Callable[[], T]) -> list[T]:
    """Run jobs in parallel, since each takes the whole deadline; return their results.

    If a job hangs because of a simulated failure, the failure is ended and the test fails.
    """
    with ThreadPoolExecutor(len(jobs)) as threads:
        futures = [threads.submit(job) for job in jobs]
        try:
            return [future.result(TIMEOUT) for future in futures]
        except TimeoutError:
            sandbox.reset()
            raise
