"""The small shop, a browser in front of it, and views of its log file and its log lines."""

from __future__ import annotations

import logging
import os
import shutil
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
from tests.notify_me.running_shop import Postgres, Shop, postgres_binaries
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
    """Makes the small shop; keyword arguments are Flask config that overrides the defaults."""
    made: list[Flask] = []

    def make(**config: Any) -> Flask:
        made.append(small_shop(tmp_path, catalog, **{**sandbox.environ(), **config}))
        return made[-1]

    yield make
    # ends what a drill has left hanging, for whose threads the interpreter would wait
    sandbox.reset()
    for app in made:
        engine_of(app).dispose()


@pytest.fixture
def offering(make_app: Callable[..., Flask], tmp_path: Path) -> Callable[..., Flask]:
    """Makes the small shop with these channels; `consent` holds more settings of that group."""

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
    """A browser in front of the small shop."""
    return app.test_client()


class LogFile:
    """The sign-up log as it stands in the database file, read from outside."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def _rows(self, query: str) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(self.path)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query)]

    def sign_ups(self) -> list[dict[str, Any]]:
        """The sign-ups, oldest first."""
        return self._rows("SELECT * FROM notify_me_sign_up ORDER BY created_at")

    def calls(self) -> list[dict[str, Any]]:
        """The calls, in the order in which they go."""
        return self._rows(
            "SELECT c.* FROM notify_me_call c JOIN notify_me_sign_up s ON s.id = c.sign_up_id"
            " ORDER BY s.created_at, c.position"
        )

    def consents(self) -> list[dict[str, Any]]:
        """The consent that was given, oldest first."""
        return self._rows("SELECT * FROM notify_me_consent ORDER BY id")

    def queued(self) -> list[dict[str, Any]]:
        """The jobs of the delivery queue, oldest first."""
        return self._rows("SELECT * FROM workflow_status ORDER BY created_at")

    def states(self) -> list[str]:
        """The state of each call."""
        return [str(call["state"]) for call in self.calls()]


@pytest.fixture
def log_file(tmp_path: Path) -> LogFile:
    """The small shop's sign-up log."""
    return LogFile(tmp_path / DATABASE)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A cluster for the whole run. Where none can be had the tests that need it are skipped, but
    not in CI.
    """
    binaries = postgres_binaries()
    if binaries is None:
        if os.environ.get("CI") == "true":
            pytest.fail("PostgreSQL is missing, and CI must have it: apt-get install postgresql")
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    # pytest's own folders are closed to the user that PostgreSQL runs as
    folder = Path("/tmp") / f"notify-me-postgres-{os.getpid()}"
    folder.mkdir(mode=0o755)
    cluster = Postgres(binaries, folder)
    yield cluster
    cluster.stop()
    shutil.rmtree(folder)


@pytest.fixture
def make_shop(tmp_path: Path, sandbox: Sandbox) -> Iterator[Callable[..., Shop]]:
    """Makes the shop: `settings` replaces the quick ones, `url` the SQLite file."""
    made: list[Shop] = []

    def make(**more: Any) -> Shop:
        made.append(Shop(tmp_path, sandbox, **more))
        return made[-1]

    yield make
    # ends what a drill has left hanging
    sandbox.reset()
    for shop in made:
        shop.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, make_shop: Callable[..., Shop]) -> Shop:
    """The shop, on each database."""
    if request.param == "sqlite":
        return make_shop()
    cluster: Postgres = request.getfixturevalue("postgres")
    return make_shop(url=cluster.database(f"shop{os.urandom(4).hex()}"))


class Lines(logging.Handler):
    """Keeps what is logged, as a log file would show it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record."""
        self.lines.append(self.format(record))


def _listen(logger: logging.Logger, level: int) -> Iterator[list[str]]:
    handler, before = Lines(), logger.level
    logger.addHandler(handler)
    logger.setLevel(level)
    yield handler.lines
    logger.removeHandler(handler)
    logger.setLevel(before)


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """What the kit logs during the test, at INFO and above."""
    yield from _listen(logging.getLogger("notify_me"), logging.INFO)


@pytest.fixture
def all_lines() -> Iterator[list[str]]:
    """What anybody logs during the test, at every level."""
    # Klaviyo's SDK, which a contract test imports, quietens urllib3 for the whole process
    logging.getLogger("urllib3").setLevel(logging.DEBUG)
    yield from _listen(logging.getLogger(), logging.DEBUG)


@pytest.fixture
def short_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shopper waits one second for Klaviyo instead of four."""
    monkeypatch.setattr("notify_me.web.submission.DEADLINE", 1.0)


def side_by_side(sandbox: Sandbox, *jobs: Callable[[], T]) -> list[T]:
    """What the jobs return, done at once, since each of them takes the whole deadline.

    Should one of them hang on what a drill holds back, a reset sets it free, and the test fails.
    """
    with ThreadPoolExecutor(len(jobs)) as threads:
        under_way = [threads.submit(job) for job in jobs]
        try:
            return [each.result(TIMEOUT) for each in under_way]
        except TimeoutError:
            sandbox.reset()
            raise
