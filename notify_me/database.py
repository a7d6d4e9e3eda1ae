"""The database with the kit's tables: the shop's own, the one at `NOTIFY_ME_DATABASE_URI` or, by
default, a SQLite file.

To share the shop's database, the kit needs only its SQLAlchemy engine. The names of the kit's
tables begin with `notify_me_`. Their Alembic revision is in `notify_me_version`, separate from the
revision of the shop's own tables. DBOS creates the tables of the delivery queue.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import sqlalchemy as sa
from filelock import FileLock
from flask import current_app, has_app_context
from sqlalchemy.exc import SQLAlchemyError

from .delivery import queue
from .settings import SettingsError
from .store import rate_limits
from .store.tables import LATEST_MIGRATION, current_revision

logger = logging.getLogger(__name__)

MIGRATION_LOGGERS = ("alembic.runtime.migration", "alembic.runtime.plugins", "dbos")
SQLITE_BUSY_TIMEOUT = 2.0
"""Seconds that a SQLite connection waits for another process's transaction."""
WRITE_CHECK_INTERVAL = 10.0
"""Minimum number of seconds between checks that data can be written."""
FREE_BYTES = 128 * 1024
"""Bytes that must be free on the disk with the SQLite file: enough for a few sign-ups."""
POSTGRESQL_OPTIONS: dict[str, Any] = {
    "pool_pre_ping": True,  # the server may have closed idle connections
    # the timeouts are short, because a shopper is waiting
    "pool_timeout": 2.0,  # seconds
    "connect_args": {
        "connect_timeout": 2,  # seconds
        "tcp_user_timeout": 2500,  # milliseconds
        "options": "-c lock_timeout=2000",  # milliseconds
    },
}


def create_engine(url: str) -> sa.Engine:
    """Return an engine for `NOTIFY_ME_DATABASE_URI`, without opening a connection.

    Raises `SettingsError` if the URL is invalid, its driver isn't installed, or the kit can't use
    the database. The message doesn't contain the URL, which may include a password.
    """
    try:
        parsed = sa.make_url(url)
        check_supported(parsed)
        engine = sa.create_engine(parsed, hide_parameters=True, **engine_options(parsed))
    except sa.exc.ArgumentError:
        raise SettingsError(
            "NOTIFY_ME_DATABASE_URI is not a database URL: use one such as "
            "sqlite:////srv/notify_me.db or postgresql+psycopg://user:password@host/shop"
        ) from None
    except ImportError as error:
        raise SettingsError(
            f"NOTIFY_ME_DATABASE_URI needs the Python package {error.name}: install it"
        ) from None
    prepare_sqlite(engine)
    return engine


def check_supported(url: sa.URL) -> None:
    """Raise `SettingsError` if the kit can't use this database."""
    backend = url.get_backend_name()
    in_memory = backend == "sqlite" and (
        ":memory:" in (url.database or ":memory:") or url.query.get("mode") == "memory"
    )
    if in_memory or backend not in ("sqlite", "postgresql"):
        name = "an in-memory SQLite database" if in_memory else backend
        raise SettingsError(
            f"The kit can't use {name}: use a SQLite file or PostgreSQL. Without "
            "NOTIFY_ME_DATABASE_URI and engine=, the kit creates a SQLite file of its own"
        )


def engine_options(url: sa.URL) -> dict[str, Any]:
    """Return options for `sqlalchemy.create_engine`. With these, a shopper waits about two seconds
    at most for a locked or unavailable database.
    """
    if url.get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": SQLITE_BUSY_TIMEOUT}}
    return POSTGRESQL_OPTIONS


def prepare_sqlite(engine: sa.Engine) -> None:
    """Prepare an engine for SQLite; an engine for another database is left as it is.

    Only the operating system user of this process can read the database files that the engine
    creates. Readers don't wait for writers, a committed transaction survives a power failure, and
    foreign keys are enforced.
    """
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "do_connect", _create_private_file)
        sa.event.listen(engine, "connect", _set_pragmas)


def _create_private_file(
    _dialect: Any, _record: Any, arguments: Sequence[Any], _options: Any
) -> None:
    """Let only this process's user read a new SQLite file, since it will contain contact details.
    Its write-ahead log gets the same permissions. An existing file keeps its permissions.
    """
    if arguments and not str(arguments[0]).startswith((":", "file:")):
        # O_EXCL, because closing a descriptor of an existing file would release the POSIX locks of
        # this process's other connections. A missing folder is left to SQLite, whose message is
        # better.
        with suppress(OSError):
            os.close(os.open(arguments[0], os.O_RDONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _set_pragmas(connection: Any, _record: object) -> None:
    """Let SQLite serve readers during a write, and enforce foreign keys. With `FULL`, a confirmed
    sign-up survives a power failure.
    """
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def include_name(name: str | None, type_: str, parents: Mapping[str, str | None]) -> bool:
    """Exclude the kit's tables from the shop's autogenerated migrations.

    A shop that shares its database with the kit passes this function as Alembic's option
    `include_name`, or to Flask-Migrate: `Migrate(app, db, include_name=notify_me.include_name)`.
    """
    if type_ == "table":
        if name in queue.TABLES and parents.get("schema_name") is None:
            return not _queue_shares_schema()
        return not str(name).startswith("notify_me_")
    return type_ != "schema" or name != queue.SCHEMA


def _queue_shares_schema() -> bool:
    """Return whether the queue's tables are in the shop's schema, as on SQLite. On other databases,
    a table in that schema with the name of a queue table belongs to the shop. Without an app
    context, assume SQLite.
    """
    if not has_app_context() or "notify_me" not in current_app.extensions:
        return True
    database: Database = current_app.extensions["notify_me"].database
    return database.get_engine().dialect.name == "sqlite"


class TablesOutdated(sa.exc.SQLAlchemyError):
    """The kit's tables are missing, or belong to a different version of the kit. Unless they belong
    to a later version, `flask notify-me upgrade` creates or updates them.
    """


class FileUnavailable(sa.exc.SQLAlchemyError):
    """The kit's own database file can't be created, for example in a folder that is read-only."""


class Database:
    """The kit's engine. Before first use, it checks that the tables are up to date.

    `source` is a SQLAlchemy engine, or a callable that returns one: Flask-SQLAlchemy binds its
    engines to the app context, so a callable is called on each use. `file` is the kit's own SQLite
    file, which is created and upgraded on first use. Nothing is opened before first use.
    """

    def __init__(
        self, source: sa.Engine | Callable[[], sa.Engine], file: Path | None = None
    ) -> None:
        self.get_engine = source if callable(source) else lambda: source
        """Returns the engine without the check that `engine()` makes."""
        self._file = file
        self._is_current = False
        self._next_write_check = 0.0
        self._write_error: Exception | None = None
        self._lock = threading.Lock()

    @classmethod
    def in_file(cls, file: Path) -> Database:
        """Return the kit's own database, in a SQLite file that need not exist yet."""
        return cls(create_engine(f"sqlite:///{file}"), file)

    def engine(self) -> sa.Engine:
        """Return the engine, after a check that the kit's tables are up to date.

        Raises `TablesOutdated` if the database needs `flask notify-me upgrade`, and
        another `sqlalchemy.exc.SQLAlchemyError` if the database is unavailable.
        """
        if not self._is_current:
            with self._lock:
                if not self._is_current:
                    self._prepare()
                    self._is_current = True
        return self.get_engine()

    def check_writable(self) -> None:
        """Raise `SQLAlchemyError` or `OSError` if nothing can be stored, as on a full disk.

        This writes at most every `WRITE_CHECK_INTERVAL` seconds; in between, the error of the last
        attempt is raised again, if there was one.
        """
        with self._lock:
            if time.monotonic() >= self._next_write_check:
                self._next_write_check = time.monotonic() + WRITE_CHECK_INTERVAL
                self._write_error = None
                try:
                    self._write()
                except (SQLAlchemyError, OSError) as error:
                    self._write_error = error
            if self._write_error is not None:
                raise self._write_error

    def _write(self) -> None:
        engine = self.get_engine()
        rate_limits.add(engine, "write check", WRITE_CHECK_INTERVAL)
        if engine.dialect.name == "sqlite" and engine.url.database:
            # a full disk may still have room for one row in SQLite's write-ahead log
            with TemporaryFile(dir=queue.sqlite_file(engine).parent) as file:
                file.write(bytes(FREE_BYTES))
                file.flush()

    def _prepare(self) -> None:
        if self._file:
            with self._file_errors():
                self._file.parent.mkdir(parents=True, exist_ok=True)
        revision = self._revision()
        if revision == LATEST_MIGRATION:
            return
        if self._file and not _is_later(revision):
            self.upgrade()
            return
        raise _outdated(revision)

    def _revision(self) -> str | None:
        with self.get_engine().connect() as connection:
            return current_revision(connection)

    @contextmanager
    def _file_errors(self) -> Iterator[None]:
        """Raise `FileUnavailable`, a database error, in place of a file system error."""
        try:
            yield
        except OSError as error:
            problem = f"the kit's database {self._file} can't be created ({error.strerror})"
            logger.error(
                "%s: make its folder writable, or set NOTIFY_ME_DATABASE_URI to another database",
                problem,
            )
            raise FileUnavailable(problem) from error

    def upgrade(self) -> None:
        """Create the kit's tables and the queue's, or bring them up to date.

        Raises `SettingsError` if the kit can't use the database, if the shop has a table with the
        name of one of the queue's tables, or if SQLite is too old for the queue, and
        `TablesOutdated` if the kit is older than its tables.
        """
        engine = self.get_engine()
        check_supported(engine.url)
        # several processes may create the kit's own file at the same time
        lock = FileLock(self._file.with_suffix(".lock")) if self._file else nullcontext()
        with self._file_errors(), lock, queue.suppress_info_lines(*MIGRATION_LOGGERS):
            if _is_later(revision := self._revision()):
                raise _outdated(revision)
            from .store.migrate import migrate  # Alembic takes a quarter of a second to import

            migrate(engine)
            queue.upgrade(engine)


def _is_later(revision: str | None) -> bool:
    return revision is not None and revision > LATEST_MIGRATION


def _outdated(revision: str | None) -> TablesOutdated:
    """Return the error for tables of this revision, and log it."""
    state = f"are at revision {revision}" if revision else "don't exist yet"
    remedy = "run flask notify-me upgrade"
    if _is_later(revision):
        remedy = (
            "install the later version of the kit, or restore the backup from before the upgrade"
        )
    problem = f"The kit's tables {state}: {remedy}"
    logger.error("%s", problem)
    return TablesOutdated(problem)
