"""The durable queue of calls to Klaviyo, without the engine that processes it (`worker.py`).

Its tables are in the same database as the sign-up log, so that a call and its state in the log are
committed together. On PostgreSQL they are in a separate schema; on SQLite they are next to the
other tables.
"""

from __future__ import annotations

import logging
import secrets
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import sqlalchemy as sa
from sqlalchemy.orm import Session, scoped_session

from ..klaviyo.calls import Call, Operation
from ..settings import SettingsError
from ..variants import CompositeID

if TYPE_CHECKING:
    from dbos import DBOSClient, EnqueueOptions, WorkflowStatus
    from sqlalchemy import Engine

APPLICATION_NAME = "notify-me"
"""The application name for DBOS, which separates these jobs from those of a shop that uses DBOS."""
SCHEMA = "notify_me_queue"
WORKFLOW_NAME = "notify_me_deliver"
JOB_VERSION = "1"
"""Version of a job's arguments; jobs of another version are never dequeued."""
DEAD_LETTERS = "notify_me_dead_letters"
"""A queue that no worker processes. `flask notify-me retry` queues its jobs again."""
IDLE_CHECK_INTERVAL = 1.0
"""Seconds between checks for jobs while DBOS's engine isn't running."""
BATCH_SIZE = 500
"""The maximum number of jobs to list or delete at once."""
TABLES = frozenset(
    {
        "application_versions",
        "dbos_migrations",
        "notifications",
        "operation_outputs",
        "queues",
        "streams",
        "workflow_events",
        "workflow_events_history",
        "workflow_input",
        "workflow_output",
        "workflow_schedules",
        "workflow_status",
    }
)
"""DBOS's tables. A shop on SQLite can't have its own tables with these names."""


def check_sqlite() -> None:
    """Raise `SettingsError` if DBOS can't run on this Python's SQLite.

    On Python 3.12 and newer, DBOS uses a date format that SQLite has supported since 3.42.
    """
    if sys.version_info >= (3, 12) and sqlite3.sqlite_version_info < (3, 42):
        raise SettingsError(
            f"SQLite {sqlite3.sqlite_version} is too old for the delivery queue on Python "
            f"{sys.version_info[0]}.{sys.version_info[1]}: use Python 3.11, or a Python with "
            "SQLite 3.42 or newer, or PostgreSQL"
        )


@contextmanager
def suppress_info_lines(*loggers: str) -> Iterator[None]:
    """Drop records below WARNING that these loggers get from this thread.

    DBOS and Alembic log each step of a migration. The levels of the loggers don't change, since the
    shop may also use these loggers.
    """
    thread = threading.get_ident()

    def is_shown(record: logging.LogRecord) -> bool:
        return record.thread != thread or record.levelno >= logging.WARNING

    for name in loggers:
        logging.getLogger(name).addFilter(is_shown)
    try:
        yield
    finally:
        for name in loggers:
            logging.getLogger(name).removeFilter(is_shown)


def upgrade(engine: Engine) -> None:
    """Create or update the queue's tables. `flask notify-me upgrade` runs this last.

    Raises `SettingsError` if SQLite is too old, or if, on SQLite, the shop has a table with the
    same name as one of the queue's.
    """
    if engine.dialect.name == "sqlite":
        check_sqlite()
        with engine.connect() as connection:
            # WAL mode, which is stored in the file: readers don't wait for a writer, and writes
            # take half the time
            connection.execute(sa.text("PRAGMA journal_mode = WAL"))
            tables = set(sa.inspect(connection).get_table_names())
        if "dbos_migrations" not in tables and (conflicts := sorted(tables & TABLES)):
            raise SettingsError(
                f"The delivery queue needs a table named {conflicts[0]}, and the shop already has "
                "one: rename the shop's table, or use PostgreSQL, where the queue has its own "
                "schema"
            )
    from dbos import DBOS

    DBOS.migrate(engine_url(engine), schema=SCHEMA)


def engine_url(engine: Engine) -> str:
    """Return the engine's URL, including the password, for DBOS."""
    url = engine.url
    if str(url.database).startswith("file:") and (file := sqlite_file(engine)).exists():
        # DBOS looks for the file, and doesn't understand URIs
        url = sa.URL.create(url.drivername, database=str(file))
    return url.render_as_string(hide_password=False)


def sqlite_file(engine: Engine) -> Path:
    """Return the file of an SQLite engine, whose URL may contain a path or a `file:` URI."""
    database = str(engine.url.database)
    return Path(unquote(urlsplit(database).path) if database.startswith("file:") else database)


@dataclass(frozen=True, slots=True)
class Job:
    """One queued call."""

    sign_up_id: str
    position: int
    """The index of the call among the calls of its sign-up; 0 for a stock update."""
    attempt: int
    """How many times the call was queued before. Only the job whose `attempt` matches the log may
    send the call.
    """
    operation: Operation
    body: Mapping[str, Any]
    failures: int = 0
    """How many attempts failed temporarily, which determines the back-off."""
    base_url: str = ""
    """The shop's base URL, to create a variant that is new to Klaviyo; empty if unknown."""
    unknown_since: float = 0.0
    """When Klaviyo first reported that it doesn't have the variant, as a Unix timestamp; 0 if it
    hasn't.
    """

    @property
    def id(self) -> str:
        """The workflow's ID."""
        return f"{self.sign_up_id}-{self.position}-{self.attempt}"

    @property
    def is_stock_update(self) -> bool:
        """Whether it updates a variant's stock. Such a job has no sign-up and no row in the log."""
        return self.operation is Operation.UPDATE_VARIANT

    @property
    def variant(self) -> str:
        """The composite ID of the call's variant; empty for a consent call."""
        if self.is_stock_update:
            return str(self.body["variant"])
        if self.operation is Operation.BACK_IN_STOCK:
            return str(self.body["data"]["relationships"]["variant"]["data"]["id"])
        return ""

    @property
    def name(self) -> str:
        """A name for log lines."""
        if self.is_stock_update:
            return f"the stock update for {self.body.get('variant')}"
        return f"sign-up {self.sign_up_id}"

    @property
    def key(self) -> tuple[str, int, int]:
        """Identifies the job by the sign-up's ID, the position and the attempt."""
        return self.sign_up_id, self.position, self.attempt

    def as_arguments(self) -> tuple[Any, ...]:
        """Return the workflow's arguments, which can be written as JSON."""
        return (
            *self.key,
            self.operation.value,
            dict(self.body),
            self.failures,
            self.base_url,
            self.unknown_since,
        )

    @classmethod
    def from_arguments(cls, arguments: Sequence[Any]) -> Job:
        """Return the job that these arguments describe. They come from `as_arguments`, possibly in
        an earlier version of the kit, which wrote fewer. Raises `ValueError` or `TypeError` if
        they are invalid.
        """
        sign_up_id, position, attempt, operation, body, *others = arguments
        return cls(sign_up_id, position, attempt, Operation(operation), body, *others)

    @staticmethod
    def key_of(job_id: str) -> tuple[str, int, int]:
        """Return the `key` of the job with this `id`."""
        sign_up_id, position, attempt = job_id.rsplit("-", 2)
        return sign_up_id, int(position), int(attempt)

    def next_attempt(self, *, failed: bool = False) -> Job:
        """Return the job for the next attempt."""
        return replace(self, attempt=self.attempt + 1, failures=self.failures + failed)


def stock_job(composite_id: CompositeID, base_url: str) -> Job:
    """Return a job that sends a variant's stock; the quantity is read when the job runs.

    `base_url` is the shop's base URL, such as `https://shop.example/`.
    """
    body = {"variant": str(composite_id), "root": base_url}
    return Job(f"stock-{secrets.token_urlsafe(12)}", 0, 0, Operation.UPDATE_VARIANT, body)


def jobs(
    sign_up_id: str, calls: Sequence[Call], positions: Collection[int], base_url: str = ""
) -> list[Job]:
    """Return the jobs for the first attempts of the calls at these positions."""
    return [
        Job(
            sign_up_id,
            position,
            0,
            calls[position].operation,
            calls[position].body,
            base_url=base_url,
        )
        for position in positions
    ]


SessionOrConnection = sa.Connection | Session | scoped_session[Session]
"""The caller's session or connection. Jobs are queued in its transaction."""


class Queue:
    """The queue of calls to Klaviyo.

    `engine` returns the engine of its database, and is called on each use. `on_enqueue` is called
    whenever jobs are added.

    Methods raise `sqlalchemy.exc.SQLAlchemyError` if the database is unavailable.
    """

    def __init__(
        self, engine: Callable[[], Engine], on_enqueue: Callable[[], None] | None = None
    ) -> None:
        self._engine = engine
        self._on_enqueue = on_enqueue
        self._client: DBOSClient | None = None
        self._client_lock = threading.Lock()

    @property
    def client(self) -> DBOSClient:
        """The DBOS client, created on first use. If it were created before a fork, the processes
        would share its sockets.
        """
        from dbos import DBOSClient  # takes half a second, and most sign-ups don't need it

        with self._client_lock:
            if self._client is None:
                with suppress_info_lines("dbos"):
                    self._client = DBOSClient(
                        system_database_engine=self._engine(),
                        dbos_system_schema=SCHEMA,
                        application_name=APPLICATION_NAME,
                        lazy=True,
                        retry_connection_errors=False,
                    )
            return self._client

    def prepare(self) -> None:
        """Import DBOS before a transaction starts, so that the import doesn't extend it."""
        _ = self.client

    def enqueue(
        self, connection: SessionOrConnection, jobs: Collection[Job], *, delay: float = 0.0
    ) -> None:
        """Put jobs into the queues of their operations, in the caller's transaction.

        They are sent after `delay` seconds at the earliest.
        """
        for job in jobs:
            self._enqueue(connection, job, job.operation.value, delay)
        if self._on_enqueue:
            self._on_enqueue()

    def dead_letter(self, connection: SessionOrConnection, job: Job) -> None:
        """Set a job aside until `flask notify-me retry` is run. Uses the caller's transaction."""
        self._enqueue(connection, job, DEAD_LETTERS, 0.0)

    def _enqueue(
        self, connection: SessionOrConnection, job: Job, queue_name: str, delay: float
    ) -> None:
        from dbos import WorkflowSerializationFormat

        options: EnqueueOptions = {
            "workflow_name": WORKFLOW_NAME,
            "queue_name": queue_name,
            "workflow_id": job.id,
            "app_version": JOB_VERSION,
            "serialization_type": WorkflowSerializationFormat.PORTABLE,
        }
        if delay > 0:
            options["delay_seconds"] = delay
        if not isinstance(connection, sa.Connection):
            connection = connection.connection()
        self.client.enqueue_in_transaction(connection, options, *job.as_arguments())

    def count(self, operation: Operation) -> int:
        """Return how many jobs of an operation are queued or being sent, at most 1,000."""
        return len(
            self._list(
                queue_name=operation.value,
                status=["ENQUEUED", "DELAYED", "PENDING"],
                limit=1000,
            )
        )

    def has_jobs(self) -> bool:
        """Return whether any call is queued or being sent."""
        engine = self._engine()
        if engine.dialect.name == "sqlite" and not sqlite_file(engine).exists():
            return False
        # plain SQL, since this runs once a second and must not import DBOS
        jobs = _jobs_table(engine)
        query = sa.select(sa.literal(1)).where(
            jobs.c.queue_name.in_([operation.value for operation in Operation]),
            jobs.c.status.in_(["ENQUEUED", "DELAYED", "PENDING"]),
        )
        try:
            with engine.connect() as connection:
                return connection.scalar(query.limit(1)) is not None
        except (sa.exc.OperationalError, sa.exc.ProgrammingError):
            # before the first sign-up there may be no tables yet
            if sa.inspect(engine).has_table(jobs.name, schema=jobs.schema):
                raise
            return False

    def dead_letters(self, min_age: timedelta | None = None) -> Iterator[dict[str, Job | None]]:
        """Yield the current dead letters by ID, the oldest first, in batches of `BATCH_SIZE`. With
        `min_age`, yield only those that are at least that old. A job that can't be read, because a
        later version of the kit queued it, is None.
        """
        end_time = _ago(min_age.total_seconds()) if min_age else None
        workflows = self._list(queue_name=DEAD_LETTERS, end_time=end_time)
        ids = [workflow.workflow_id for workflow in workflows]
        for start in range(0, len(ids), BATCH_SIZE):
            batch = self.client.list_workflows(
                workflow_ids=ids[start : start + BATCH_SIZE], load_output=False
            )
            yield {workflow.workflow_id: _readable_job(workflow) for workflow in batch}

    def remove(self, ids: Collection[str]) -> None:
        """Delete the jobs with these IDs, in any state."""
        if ids:
            self.client.delete_workflows(list(ids))

    def remove_for_sign_ups(self, sign_up_ids: Collection[str]) -> int:
        """Delete the jobs of these sign-ups, in any state; return how many."""
        count = 0
        for sign_up_id in sign_up_ids:
            workflows = self._list(workflow_id_prefix=f"{sign_up_id}-")
            self.remove([workflow.workflow_id for workflow in workflows])
            count += len(workflows)
        return count

    def remove_everything(self) -> None:
        """Delete all jobs, in any state."""
        self._remove_all()

    def remove_finished(self, age: float) -> None:
        """Delete jobs that finished at least `age` seconds ago: they contain contact details."""
        self._remove_all(status="SUCCESS", completed_before=_ago(age))

    def _remove_all(self, **filters: Any) -> None:
        while workflows := self._list(limit=BATCH_SIZE, **filters):
            self.remove([workflow.workflow_id for workflow in workflows])

    def requeue_abandoned(self, age: float) -> int:
        """Requeue jobs that a worker dequeued at least `age` seconds ago and never finished, since
        its machine may be gone for good. Return the number of jobs.
        """
        workflows = self._list(status="PENDING", dequeued_before=_ago(age))
        for workflow in workflows:
            self.client.resume_workflow(workflow.workflow_id, queue_name=workflow.queue_name)
        return len(workflows)

    def end_delays(self, operation: Operation, *, longer_than: float = 0.0) -> None:
        """End the delays of an operation's jobs that have more than this many seconds left, in one
        statement, as there may be thousands.
        """
        engine = self._engine()
        jobs = _jobs_table(engine)
        now = time.time()
        statement = (
            sa.update(jobs)
            .where(jobs.c.queue_name == operation.value, jobs.c.status == "DELAYED")
            .where(jobs.c.delay_until_epoch_ms > int((now + longer_than) * 1000))
            .values(delay_until_epoch_ms=int(now * 1000))
        )
        with engine.begin() as connection:
            connection.execute(statement)

    def end_delay(self, job: Job) -> None:
        """End the delay of one job."""
        self.client.set_workflow_delay(job.id, delay_seconds=0.0)

    def set_concurrency(self, operation: Operation, calls: int) -> None:
        """Set how many of an operation's calls each worker makes at once; 0 stops its queue."""
        queue = self.client.retrieve_queue(operation.value)
        if queue is not None and queue.worker_concurrency != calls:
            queue.set_worker_concurrency(calls)

    def check(self) -> None:
        """Raise if the queue's tables can't be read."""
        self._list(limit=1)

    def _list(self, **filters: Any) -> list[WorkflowStatus]:
        return self.client.list_workflows(
            name=WORKFLOW_NAME, load_input=False, load_output=False, **filters
        )


def _readable_job(workflow: WorkflowStatus) -> Job | None:
    if workflow.input:
        with suppress(TypeError, ValueError):
            return Job.from_arguments(workflow.input["args"])
    return None


def _ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()


def _jobs_table(engine: Engine) -> sa.TableClause:
    """Return DBOS's table of jobs, with the columns that are read or written without DBOS."""
    return sa.table(
        "workflow_status",
        sa.column("queue_name"),
        sa.column("status"),
        sa.column("delay_until_epoch_ms"),
        schema=SCHEMA if engine.dialect.name == "postgresql" else None,
    )
