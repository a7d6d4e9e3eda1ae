"""The durable queue as the web process and the commands use it: put in, look, take out.

Its tables live in the shop's own database, so that a call and its log state are one commit.
On PostgreSQL they have a schema of their own; SQLite has none, so there they stand beside the
shop's tables.
"""

from __future__ import annotations

import logging
import secrets
import sqlite3
import sys
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, EnqueueOptions, WorkflowSerializationFormat
from sqlalchemy.orm import Session

from ..klaviyo.calls import Call, Operation
from ..settings import SettingsError
from ..variants import CompositeID

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

NAME = "notify-me"
"""Sets our rows apart from those of a shop that uses DBOS itself."""
SCHEMA = "notify_me_queue"
WORKFLOW = "notify_me_deliver"
VERSION = "1"
"""Of the job's shape, not of the source: rows of another version stay where they are."""
DEAD_LETTERS = "notify_me_dead_letters"
"""A queue that no worker listens to: what is in it stays until `retry`."""
_OLDEST_SQLITE = (3, 42)
_TABLES = frozenset(
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
"""DBOS's names, under which a shop on SQLite can have no tables of its own."""


# its lines tell of every start; what goes wrong comes as warnings
logging.getLogger("dbos").setLevel(logging.WARNING)


def check_sqlite(
    python: tuple[int, ...] = sys.version_info[:3],
    sqlite: tuple[int, ...] = sqlite3.sqlite_version_info,
) -> None:
    """Raises `SettingsError` where DBOS can't use this Python's SQLite: it asks SQLite for
    milliseconds on Python 3.12 and newer, and SQLite has them since 3.42.
    """
    if python >= (3, 12) and sqlite < _OLDEST_SQLITE:
        raise SettingsError(
            f"SQLite {'.'.join(map(str, sqlite))} is too old for the delivery queue on Python "
            f"{python[0]}.{python[1]}: use Python 3.11, or a Python with SQLite 3.42 or newer, "
            "or PostgreSQL by DATABASE_URL"
        )


def include_name(name: str | None, type_: str, parents: Mapping[str, str | None]) -> bool:
    """For Alembic's `include_name`: autogenerate leaves the queue's tables alone."""
    if type_ == "table":
        return name not in _TABLES
    return type_ != "schema" or name != SCHEMA


def upgrade(engine: Engine) -> None:
    """Make the queue's tables, or bring them up to date; `flask db upgrade` does it last.

    Raises `SettingsError` where a shop's own table on SQLite has the name of one of them.
    """
    if engine.dialect.name == "sqlite":
        check_sqlite()
        with engine.connect() as connection:
            # a property of the file: readers and a writer side by side, and twice the speed
            connection.execute(sa.text("PRAGMA journal_mode = WAL"))
            tables = set(sa.inspect(connection).get_table_names())
        if "dbos_migrations" not in tables and (taken := sorted(tables & _TABLES)):
            raise SettingsError(
                f"The table {taken[0]} stands where the delivery queue needs its own: rename it, "
                "or use PostgreSQL, where the queue has a schema of its own"
            )
    DBOS.migrate(url_of(engine), schema=SCHEMA)


def url_of(engine: Engine) -> str:
    """The engine's URL, password and all, as DBOS takes it."""
    return engine.url.render_as_string(hide_password=False)


@dataclass(frozen=True, slots=True)
class Job:
    """One call that waits. `attempt` numbers its places in the queue: of several copies only the
    one whose number is the log's own is good. `failures` counts passing troubles, for back-off.
    """

    sign_up_id: str
    position: int
    attempt: int
    operation: Operation
    body: Mapping[str, Any]
    failures: int = 0

    @property
    def id(self) -> str:
        """The workflow's ID."""
        return f"{self.sign_up_id}-{self.position}-{self.attempt}"

    @property
    def name(self) -> str:
        """What it is about, for the log."""
        if self.operation is Operation.UPDATE_VARIANT:
            return f"the stock of {self.body.get('variant')}"
        return f"sign-up {self.sign_up_id}"

    @property
    def key(self) -> tuple[str, int, int]:
        """Sign-up, position and attempt: which copy of which call this is."""
        return self.sign_up_id, self.position, self.attempt

    def as_arguments(self) -> tuple[Any, ...]:
        """What goes into the queue, as JSON."""
        return (
            self.sign_up_id,
            self.position,
            self.attempt,
            self.operation.value,
            dict(self.body),
            self.failures,
        )

    @classmethod
    def of(cls, arguments: Sequence[Any]) -> Job:
        """Read back what `as_arguments` gave; raises `ValueError` for anything else."""
        sign_up_id, position, attempt, operation, body, failures = arguments
        return cls(sign_up_id, position, attempt, Operation(operation), body, failures)

    def again(self, *, failed: bool = False) -> Job:
        """The same call as a new attempt."""
        return replace(self, attempt=self.attempt + 1, failures=self.failures + failed)


def stock_job(composite_id: CompositeID, root: str) -> Job:
    """A job that tells of a variant's stock, as it will be then. `root`: the shop's address."""
    body = {"variant": str(composite_id), "root": root}
    return Job(f"stock-{secrets.token_urlsafe(12)}", 0, 0, Operation.UPDATE_VARIANT, body)


def jobs(sign_up_id: str, calls: Sequence[Call], positions: Collection[int]) -> list[Job]:
    """The first attempts of the calls at these positions."""
    return [
        Job(sign_up_id, position, 0, calls[position].operation, calls[position].body)
        for position in positions
    ]


class Queue:
    """The queue in the database of `engine`, which is asked for at each use.

    Methods raise `sqlalchemy.exc.SQLAlchemyError` when the database can't be used.
    """

    def __init__(self, engine: Callable[[], Engine]) -> None:
        self._engine = engine
        self._made: DBOSClient | None = None
        self._making = threading.Lock()

    @property
    def client(self) -> DBOSClient:
        """DBOS's client, made at first use: one made before a fork would share its sockets."""
        with self._making:
            if self._made is None:
                self._made = DBOSClient(
                    system_database_engine=self._engine(),
                    dbos_system_schema=SCHEMA,
                    application_name=NAME,
                    lazy=True,
                    retry_connection_errors=False,
                )
            return self._made

    def enqueue(
        self, within: Connection | Session, jobs: Collection[Job], *, delay: float = 0.0
    ) -> None:
        """Put the jobs into their operations' queues, within a transaction of the caller's.

        `delay` in seconds: none of them goes out before.
        """
        for job in jobs:
            self._put(within, job, job.operation.value, delay)

    def dead_letter(self, within: Connection | Session, job: Job) -> None:
        """Put a job aside, within a transaction of the caller's."""
        self._put(within, job, DEAD_LETTERS, 0.0)

    def _put(self, within: Connection | Session, job: Job, queue: str, delay: float) -> None:
        options: EnqueueOptions = {
            "workflow_name": WORKFLOW,
            "queue_name": queue,
            "workflow_id": job.id,
            "app_version": VERSION,
            "serialization_type": WorkflowSerializationFormat.PORTABLE,
        }
        if delay > 0:
            options["delay_seconds"] = delay
        # the session's own way to execute takes longer, and gives nothing here
        connection = within.connection() if isinstance(within, Session) else within
        self.client.enqueue_in_transaction(connection, options, *job.as_arguments())

    def count_waiting(self, operation: Operation, *, most: int = 1000) -> int:
        """How many jobs of an operation wait or are under way; `most` is as far as it counts."""
        found = self.client.list_workflows(
            queue_name=operation.value,
            status=["ENQUEUED", "DELAYED", "PENDING"],
            limit=most,
            load_input=False,
            load_output=False,
        )
        return len(found)

    def dead_letters(self, limit: int) -> list[Job]:
        """What stands aside, oldest first."""
        found = self.client.list_workflows(queue_name=DEAD_LETTERS, load_output=False, limit=limit)
        return [Job.of(each.input["args"]) for each in found if each.input]

    def failed_jobs(self) -> list[Job]:
        """What the engine gave up, which only an error of ours can bring about."""
        found = self.client.list_workflows(
            name=WORKFLOW, status=["ERROR", "CANCELLED"], load_output=False, limit=500
        )
        return [Job.of(each.input["args"]) for each in found if each.input]

    def remove(self, ids: Collection[str]) -> None:
        """Delete jobs, whatever their state."""
        if ids:
            self.client.delete_workflows(list(ids))

    def remove_everything(self, *, batch: int = 500) -> None:
        """Delete every job, whatever its state."""
        while found := self.client.list_workflows(
            name=WORKFLOW, limit=batch, load_input=False, load_output=False
        ):
            self.remove([each.workflow_id for each in found])

    def remove_finished(self, age: float, *, batch: int = 500) -> int:
        """Delete what was finished `age` seconds ago or earlier, since it holds addresses.

        Returns how many.
        """
        before = (datetime.now(UTC) - timedelta(seconds=age)).isoformat()
        removed = 0
        while True:
            found = self.client.list_workflows(
                name=WORKFLOW,
                status="SUCCESS",
                completed_before=before,
                limit=batch,
                load_input=False,
                load_output=False,
            )
            self.remove([each.workflow_id for each in found])
            removed += len(found)
            if len(found) < batch:
                return removed

    def requeue_abandoned(self, age: float) -> int:
        """Give back what was taken up `age` seconds ago or earlier and never finished: its
        machine is gone for good. Returns how many.
        """
        before = (datetime.now(UTC) - timedelta(seconds=age)).isoformat()
        swept = 0
        for operation in Operation:
            found = self.client.list_workflows(
                name=WORKFLOW,
                status="PENDING",
                queue_name=operation.value,
                dequeued_before=before,
                load_input=False,
                load_output=False,
            )
            ids = [each.workflow_id for each in found]
            if ids:
                self.client.resume_workflows(ids, queue_name=operation.value)
            swept += len(ids)
        return swept

    def send_all_soon(self, operation: Operation) -> int:
        """Let what waits for its back-off go as soon as the limit allows; returns how many."""
        found = self.client.list_workflows(
            name=WORKFLOW,
            status="DELAYED",
            queue_name=operation.value,
            load_input=False,
            load_output=False,
        )
        for each in found:
            self.client.set_workflow_delay(each.workflow_id, delay_seconds=0.0)
        return len(found)

    def send_soon(self, job: Job) -> None:
        """Let a job that was kept for later go as soon as the limit allows."""
        self.client.set_workflow_delay(job.id, delay_seconds=0.0)

    def set_concurrency(self, operation: Operation, places: int) -> None:
        """How many of an operation's calls each worker makes at once; 0 holds the queue."""
        queue = self.client.retrieve_queue(operation.value)
        if queue is not None and queue.worker_concurrency != places:
            queue.set_worker_concurrency(places)

    def check(self) -> None:
        """Raises when the queue's tables don't answer."""
        self.client.list_workflows(limit=1, load_input=False, load_output=False)
