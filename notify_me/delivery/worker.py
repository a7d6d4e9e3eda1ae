"""The worker's process: DBOS with one queue for each operation, and a maintenance thread."""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from dbos import DBOS, DBOSConfig, WorkflowSerializationFormat
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from ..klaviyo.calls import Operation
from ..klaviyo.client import Klaviyo
from ..klaviyo.stock import LoadVariant
from ..settings import Delivery, SettingsError
from ..store.sign_up_log import SignUpLog
from . import pauses
from .deliverer import Deliverer
from .queue import NAME, SCHEMA, VERSION, WORKFLOW, Job, Queue, url_of

logger = logging.getLogger(__package__)

# all in seconds; the launcher kills a process five seconds after SIGTERM
DRAIN_TIMEOUT = 3
EXIT_TIMEOUT = 4.0
POLL_INTERVAL = 0.25
MAINTENANCE_INTERVAL = 0.5
REQUEUE_INTERVAL = 10.0
CLEANUP_INTERVAL = 30.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What a worker needs."""

    engine: Engine
    log: SignUpLog
    queue: Queue
    klaviyo: Klaviyo | None
    """None without a private key."""
    settings: Delivery
    load_variant: LoadVariant
    """Reads a variant from the shop's catalog, in any thread."""
    folder: Path
    """Where the workers of this machine keep their lock files."""


def run(parts: Parts, stop: threading.Event) -> None:
    """Deliver until `stop` is set, then finish the calls under way. Without a private key: idle.

    Never returns once it has delivered: it ends the process, since calls that are still under way
    after `DRAIN_TIMEOUT` would keep the interpreter from exiting.
    """
    if parts.klaviyo is None:
        logger.info("KLAVIYO_PRIVATE_KEY is not set: there is nothing to deliver; the worker idles")
        _wait_for(stop)
        return
    executor_id, lock = claim_executor_id(parts.folder)
    if not _wait_for_database(parts.queue, stop):
        return
    deliverer = Deliverer(
        parts.log,
        parts.queue,
        parts.klaviyo,
        parts.settings,
        parts.load_variant,
        stopping=stop,
    )
    _launch(parts, deliverer, executor_id)
    threading.Thread(target=_maintain, args=(parts, stop), daemon=True).start()
    logger.info("delivering as %s", executor_id)
    _wait_for(stop)
    watchdog = threading.Timer(EXIT_TIMEOUT, _exit)
    watchdog.daemon = True
    watchdog.start()
    with suppress(Exception):
        DBOS.destroy(workflow_completion_timeout_sec=DRAIN_TIMEOUT)
    logger.info("worker stopped")
    lock.close()
    _exit()


def claim_executor_id(folder: Path) -> tuple[str, IO[str]]:
    """Return an ID for this worker, and the lock file that reserves it.

    It has the first number on this machine that no running worker has. After a crash the next
    worker gets the same ID, and DBOS gives it the calls that were under way. Raises
    `SettingsError`.
    """
    for number in range(1, 1000):
        path = folder / f"notify-me-worker-{number}.lock"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = path.open("w")
        except OSError as error:
            raise SettingsError(
                f"{path} can't be written ({error.strerror}): a worker needs a lock file there"
            ) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            continue
        return f"{socket.gethostname()}-{number}", file
    raise SettingsError(f"{folder} has lock files of 999 running workers: stop some of them")


def _wait_for(stop: threading.Event) -> None:
    """Wait in the main thread, where the signal handler that sets `stop` runs.

    `stop.wait()` could miss a signal that arrives just before it blocks, and a handler that
    interrupts it while it holds the event's lock would wait for that lock forever.
    """
    while not stop.is_set():
        time.sleep(POLL_INTERVAL)


def _wait_for_database(queue: Queue, stop: threading.Event) -> bool:
    """Wait until the queue's tables can be read; return False if stopped before."""
    while not stop.is_set():
        try:
            queue.check()
            return True
        except SQLAlchemyError as error:
            if "no such table" in str(error) or "does not exist" in str(error):
                raise SettingsError(
                    "the queue has no tables: run flask notify-me upgrade"
                ) from None
            logger.warning("the database is unavailable: %s", type(error).__name__)
            time.sleep(1.0)
    return False


def _launch(parts: Parts, deliverer: Deliverer, executor_id: str) -> None:
    """Start DBOS. One call is one workflow; a further attempt is another workflow."""

    @DBOS.workflow(
        name=WORKFLOW,
        max_recovery_attempts=None,
        serialization_type=WorkflowSerializationFormat.PORTABLE,
    )
    def deliver(*arguments: Any) -> None:
        deliverer.deliver(Job.of(arguments))

    config: DBOSConfig = {
        "name": NAME,
        "system_database_url": url_of(parts.engine),
        "dbos_system_schema": SCHEMA,
        "application_version": VERSION,
        "executor_id": executor_id,
        "run_migrations": False,
        "db_engine_kwargs": {"hide_parameters": True},
        "log_level": "WARNING",
    }
    DBOS(config=config)
    # not the queues of a shop that uses DBOS itself, nor the dead letters
    DBOS.listen_queues([operation.value for operation in Operation])
    DBOS.launch()
    settings = parts.settings
    for operation in Operation:
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


def _maintain(parts: Parts, stop: threading.Event) -> None:
    """Stop and start queues, take over calls from dead machines, and delete finished jobs."""
    requeue_interval = min(REQUEUE_INTERVAL, parts.settings.sweep_after)
    cleanup_interval = min(CLEANUP_INTERVAL, max(parts.settings.keep_finished, 0.5))
    next_requeue = next_cleanup = 0.0
    while not stop.wait(MAINTENANCE_INTERVAL):
        try:
            _apply_pauses(parts)
            if time.monotonic() > next_requeue:
                next_requeue = time.monotonic() + requeue_interval
                if count := parts.queue.requeue_abandoned(parts.settings.sweep_after):
                    logger.warning("requeued %d calls that a worker never finished", count)
            if time.monotonic() > next_cleanup:
                next_cleanup = time.monotonic() + cleanup_interval
                parts.queue.remove_finished(parts.settings.keep_finished)
        except Exception as error:
            # without this thread no paused queue would ever start again
            if not stop.is_set():
                logger.warning("queue maintenance failed: %s", type(error).__name__)


def _apply_pauses(parts: Parts) -> None:
    """Stop the queues of paused operations, but for one call at a time when a probe is due."""
    with parts.log.reading() as session:
        paused = pauses.active_pauses(session)
    for operation in Operation:
        pause = paused.get(operation)
        calls = parts.settings.worker_in_flight if pause is None else int(pause.probe_due)
        parts.queue.set_concurrency(operation, calls)


def _exit() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(0)
