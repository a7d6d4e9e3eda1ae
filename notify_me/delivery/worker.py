"""Sends queued calls to Klaviyo: in a worker process, or in a thread of a web process.

The engine is DBOS, with one queue for each operation. It uses 6% of a core even when nothing is
queued, so it runs only while calls are queued.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from dbos import DBOS, DBOSConfig, WorkflowSerializationFormat
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from ..klaviyo.calls import Operation
from ..settings import SettingsError
from . import pauses
from .deliverer import Deliverer, DeliveryContext, longest_delay
from .locks import claim_executor_id
from .queue import (
    APPLICATION_NAME,
    IDLE_CHECK_INTERVAL,
    JOB_VERSION,
    SCHEMA,
    WORKFLOW_NAME,
    Job,
    engine_url,
)

logger = logging.getLogger(__package__)

# all in seconds; `make run` kills a process five seconds after SIGTERM
DRAIN_TIMEOUT = 3
EXIT_TIMEOUT = 4.0
POLL_INTERVAL = 0.25
MAINTENANCE_INTERVAL = 0.5
IDLE_TIMEOUT = 10.0
"""How long the engine keeps running while nothing is queued."""
REQUEUE_INTERVAL = 10.0
CLEANUP_INTERVAL = 30.0
WARNING_INTERVAL = 60.0


def run(context: DeliveryContext | None, stop: threading.Event) -> None:
    """Deliver until `stop` is set, then finish the calls in progress and exit the process.

    Run this in the main thread of a worker process. Calls that are still in progress
    `DRAIN_TIMEOUT` seconds after the engine begins to stop, or `EXIT_TIMEOUT` seconds after `stop`
    is set, are abandoned, since they would keep the interpreter from exiting. `context` is None
    without a private key; in that case, this only waits for `stop`.
    """
    if context is None:
        logger.info("KLAVIYO_PRIVATE_KEY is not set, so queued calls can't be delivered")
        while not stop.is_set():
            _sleep(POLL_INTERVAL, stop)
        return
    executor_id, lock = claim_executor_id(context.folder)
    logger.info("delivering queued calls as worker %s", executor_id)
    if context.engine.dialect.name == "sqlite":
        event.listen(context.engine, "connect", _skip_sync)
        context.engine.dispose()  # closes the connections that were opened before
    context.start_flow_check()
    threading.Thread(target=_exit_eventually, args=(stop,), daemon=True).start()
    deliver_until(stop, context, executor_id)
    logger.info("worker stopped")
    lock.release()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(0)


def deliver_until(stop: threading.Event, context: DeliveryContext, executor_id: str) -> None:
    """Start the engine whenever calls are queued, until `stop` is set.

    Raises `SettingsError` if the queue has no tables.
    """
    engine = _Engine(context, executor_id, stop)
    next_requeue = next_cleanup = last_queued = 0.0
    requeue_interval = min(REQUEUE_INTERVAL, context.settings.sweep_after)
    max_delay = longest_delay(context.settings)
    cleanup_interval = min(CLEANUP_INTERVAL, max(context.settings.keep_finished, 0.5))
    while not stop.is_set():
        try:
            now = time.monotonic()
            if context.queue.has_jobs():
                last_queued = now
                engine.start()
            elif engine.is_running and now > last_queued + IDLE_TIMEOUT:
                engine.stop()
            engine.apply_pauses()
            if now > next_requeue:
                next_requeue = now + requeue_interval
                if count := context.queue.requeue_abandoned(context.settings.sweep_after):
                    logger.warning("requeued %d calls that a worker never finished", count)
                if engine.is_running:
                    # a delay can be longer than that only if the clock has been set back
                    for operation in Operation:
                        context.queue.end_delays(operation, longer_than=max_delay)
            if now > next_cleanup:
                next_cleanup = now + cleanup_interval
                context.queue.remove_finished(context.settings.keep_finished)
        except SQLAlchemyError as error:
            if "no such table" in str(error) or "does not exist" in str(error):
                engine.stop()
                raise SettingsError(
                    "the queue has no tables: run flask notify-me upgrade"
                ) from None
            logger.warning("the database is unavailable: %s", type(error).__name__)
        except Exception as error:
            # if this loop ended, no more calls would be delivered
            logger.warning("queue maintenance failed: %s", type(error).__name__)
        _sleep(MAINTENANCE_INTERVAL if engine.is_running else IDLE_CHECK_INTERVAL, stop)
    engine.stop()


def _exit_eventually(stop: threading.Event) -> None:
    """Exit the process `EXIT_TIMEOUT` seconds after `stop` is set, since the main thread may be
    waiting for the database.
    """
    stop.wait()
    time.sleep(EXIT_TIMEOUT)
    os._exit(0)


def _sleep(seconds: float, stop: threading.Event) -> None:
    """Sleep for some seconds, or until `stop` is set.

    `stop.wait()` could miss a signal that arrives just before it blocks. Also, if a signal handler
    interrupted `stop.wait()` while that held the event's lock, setting the event would deadlock.
    """
    end = time.monotonic() + seconds
    while not stop.is_set() and (remaining := end - time.monotonic()) > 0:
        time.sleep(min(POLL_INTERVAL, remaining))


def _skip_sync(connection: sqlite3.Connection, _record: object = None) -> None:
    """Let SQLite commit without waiting for the disk, so that web processes wait less for the file.

    A power failure loses no sign-up, since web processes do wait for the disk. It may only cause
    the last calls to be sent again.
    """
    connection.execute("PRAGMA synchronous = NORMAL")


class _UnsyncedConnection(sqlite3.Connection):
    """A connection that doesn't wait for the disk. Only DBOS's engine uses it, and that
    engine writes nothing to the database but the progress of jobs.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        _skip_sync(self)


_next_warnings: dict[tuple[str, int], float] = {}
"""When a warning of DBOS may be logged again, by its place in DBOS's code, in monotonic seconds."""


def _is_shown(record: logging.LogRecord) -> bool:
    """Return whether to log a record of DBOS: each warning at most once a minute. While the
    database is unavailable, DBOS repeats a few warnings, with tracebacks, 60 times a second.
    """
    if record.levelno != logging.WARNING:
        return True
    place, now = (record.pathname, record.lineno), time.monotonic()
    if now < _next_warnings.get(place, now):
        return False
    _next_warnings[place] = now + WARNING_INTERVAL
    return True


_current: Deliverer
"""The deliverer that this process's engine uses; set by `_Engine.start`."""


# registered once per process; each attempt at a call is a separate workflow
@DBOS.workflow(
    name=WORKFLOW_NAME,
    max_recovery_attempts=None,
    serialization_type=WorkflowSerializationFormat.PORTABLE,
)
def _deliver(*arguments: Any) -> None:
    try:
        job = Job.from_arguments(arguments)
    except (TypeError, ValueError) as error:
        _current.give_up(arguments, error)
    else:
        _current.deliver(job)


_engine_lock = threading.Lock()
"""Held by the app whose engine is running. The other apps in this process wait until it is idle."""


class _Engine:
    """The DBOS engine. A process can have only one at a time."""

    def __init__(self, context: DeliveryContext, executor_id: str, stop: threading.Event) -> None:
        self._context = context
        self._executor_id = executor_id
        self.is_running = False
        self._deliverer = Deliverer(context, stopping=stop)

    def start(self) -> None:
        """Start processing the queues, unless an engine is running already in this process."""
        global _current
        if self.is_running or not _engine_lock.acquire(blocking=False):
            return
        self.is_running = True
        _current = self._deliverer
        engine_options: dict[str, Any] = {"hide_parameters": True}
        if self._context.engine.dialect.name == "sqlite":
            engine_options["connect_args"] = {"factory": _UnsyncedConnection}
        config: DBOSConfig = {
            "name": APPLICATION_NAME,
            "system_database_url": engine_url(self._context.engine),
            "dbos_system_schema": SCHEMA,
            "application_version": JOB_VERSION,
            "executor_id": self._executor_id,
            "run_migrations": False,
            "db_engine_kwargs": engine_options,
            "log_level": "WARNING",
        }
        try:
            self._launch(config)
        except Exception:
            self.stop()
            raise

    def _launch(self, config: DBOSConfig) -> None:
        logging.getLogger("dbos").addFilter(_is_shown)
        DBOS(config=config)
        # only these: not the queues of a shop that uses DBOS itself, and not the dead letters
        DBOS.listen_queues([operation.value for operation in Operation])
        DBOS.launch()
        settings = self._context.settings
        for operation in Operation:
            # stock updates have the same limit, counted separately
            limit = settings.consent_per_second
            if operation is Operation.BACK_IN_STOCK:
                limit = settings.back_in_stock_per_second
            DBOS.register_queue(
                operation.value,
                limiter={"limit": limit, "period": 1.0},
                worker_concurrency=settings.worker_in_flight,
                polling_interval_sec=POLL_INTERVAL,
                on_conflict="always_update",
            )

    def stop(self) -> None:
        """Stop the engine, after waiting up to `DRAIN_TIMEOUT` for the calls in progress."""
        if not self.is_running:
            return
        self.is_running = False
        with suppress(Exception):
            DBOS.destroy(workflow_completion_timeout_sec=DRAIN_TIMEOUT)
        _engine_lock.release()

    def apply_pauses(self) -> None:
        """Stop the queues of paused operations; when a probe is due, let one call through."""
        if not self.is_running:
            return
        with self._context.log.reading() as session:
            paused = pauses.active_pauses(session)
        for operation in Operation:
            pause = paused.get(operation)
            calls = (
                self._context.settings.worker_in_flight if pause is None else int(pause.probe_due)
            )
            self._context.queue.set_concurrency(operation, calls)
