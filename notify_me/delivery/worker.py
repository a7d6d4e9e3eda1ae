"""The worker's process: DBOS with one queue an operation, and a steward that minds the queues."""

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
from functools import partial
from pathlib import Path
from typing import IO, Any

from dbos import DBOS, DBOSConfig, WorkflowSerializationFormat
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ..klaviyo.calls import Operation
from ..klaviyo.client import Klaviyo
from ..klaviyo.outcomes import UNAVAILABLE, DeadLetter, KlaviyoResponse
from ..klaviyo.stock import LoadVariant, update_stock
from ..settings import Delivery, SettingsError
from ..store.sign_up_log import SignUpLog
from ..store.tables import CallState
from . import pauses
from .deliverer import Deliverer
from .queue import NAME, SCHEMA, VERSION, WORKFLOW, Job, Queue, url_of

logger = logging.getLogger(__package__)

DRAIN = 3
"""Seconds for calls under way at the end: the launcher kills after five."""
_LAST = 4.0
"""Seconds after which the process ends whatever is still under way; that is taken up again."""
_POLL = 0.25
"""Seconds between two looks into a queue."""
_TICK = 0.5
"""Seconds between two looks at the holds."""
_SWEEP, _CLEAN = 10.0, 30.0
"""Seconds between two sweeps, and between two removals of what is finished."""

_deliverer: Deliverer | None = None


@DBOS.workflow(
    name=WORKFLOW,
    max_recovery_attempts=None,
    serialization_type=WorkflowSerializationFormat.PORTABLE,
)
def _workflow(*arguments: Any) -> None:
    """One call, one workflow: what fails comes back as another one."""
    if _deliverer is not None:
        _deliverer.deliver(Job.of(arguments))


@dataclass(frozen=True, slots=True)
class Parts:
    """What a worker works with."""

    engine: Engine
    log: SignUpLog
    queue: Queue
    klaviyo: Klaviyo | None
    settings: Delivery
    find: LoadVariant
    """Reads a variant of the shop's, in whatever thread."""
    folder: Path
    """Where the worker's number is kept: one folder a machine."""

    def limits(self) -> dict[Operation, int]:
        """Calls a second of each operation, for all workers together."""
        consent = self.settings.consent_per_second
        return {
            each: self.settings.back_in_stock_per_second
            if each is Operation.BACK_IN_STOCK
            else consent
            for each in Operation
        }


def executor_id(folder: Path) -> tuple[str, IO[str]]:
    """A stable ID for this worker, and the lock that it holds on it.

    The first number on this machine that no living worker has: after a crash the next worker
    gets the same and goes on with what was under way. Raises `SettingsError`.
    """
    for number in range(1, 1000):
        path = folder / f"notify-me-worker-{number}.lock"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = path.open("w")
        except OSError as error:
            raise SettingsError(
                f"{path} can't be written ({error.strerror}): the worker keeps its number there"
            ) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            continue
        return f"{socket.gethostname()}-{number}", file
    raise SettingsError(f"{folder} has no free number for another worker")


def run(parts: Parts, stop: threading.Event) -> None:
    """Deliver until `stop` is set, then drain. Without a private key: idle until then.

    Never returns once it has worked: calls still under way after `DRAIN` seconds would hold the
    interpreter's end up, so the process ends itself.
    """
    if parts.klaviyo is None:
        logger.info(
            "KLAVIYO_PRIVATE_KEY is not set: there is nothing to deliver, so the worker idles"
        )
        _wait_for(stop)
        return
    name, lock = executor_id(parts.folder)
    if not _launch(parts, parts.klaviyo, name, stop):
        return
    steward = threading.Thread(target=_tend, args=(parts, stop), daemon=True)
    steward.start()
    logger.info("delivering as %s", name)
    _wait_for(stop)
    watchdog = threading.Timer(_LAST, _end)
    watchdog.daemon = True
    watchdog.start()
    with suppress(Exception):
        DBOS.destroy(workflow_completion_timeout_sec=DRAIN)
    logger.info("worker stopped")
    lock.close()
    _end()


def _wait_for(stop: threading.Event) -> None:
    """Wait in the main thread, where the signal's handler runs that sets `stop`.

    `stop.wait()` would sleep on when the signal comes as it begins, since the handler is run by a
    thread that is awake; and a handler that comes while it holds the event's lock would wait for
    that lock for ever.
    """
    while not stop.is_set():
        time.sleep(_POLL)


def _end() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(0)


def _launch(parts: Parts, klaviyo: Klaviyo, name: str, stop: threading.Event) -> bool:
    """Start DBOS, as soon as the database answers; False when stopped before."""
    global _deliverer
    _deliverer = Deliverer(
        parts.log,
        parts.queue,
        klaviyo,
        parts.settings,
        update_stock=partial(update_stock, klaviyo, parts.find),
        ended=stop,
    )
    while True:
        try:
            parts.queue.check()
            break
        except SQLAlchemyError as error:
            if "no such table" in str(error) or "does not exist" in str(error):
                raise SettingsError("the queue has no tables yet: run flask db upgrade") from None
            logger.warning("the database is unavailable: %s", type(error).__name__)
            time.sleep(1.0)
            if stop.is_set():
                return False
    config: DBOSConfig = {
        "name": NAME,
        "system_database_url": url_of(parts.engine),
        "dbos_system_schema": SCHEMA,
        "application_version": VERSION,
        "executor_id": name,
        "run_migrations": False,
        "db_engine_kwargs": {"hide_parameters": True},
        "log_level": "WARNING",
    }
    DBOS(config=config)
    # never those of a shop that uses DBOS itself, nor what is parked
    DBOS.listen_queues([each.value for each in Operation])
    DBOS.launch()
    for operation, limit in parts.limits().items():
        DBOS.register_queue(
            operation.value,
            limiter={"limit": limit, "period": 1.0},
            worker_concurrency=parts.settings.worker_in_flight,
            polling_interval_sec=_POLL,
            on_conflict="always_update",
        )
    return True


def _tend(parts: Parts, stop: threading.Event) -> None:
    """Hold and release queues, give back what dead machines had, remove what is finished."""
    swept = cleaned = float("-inf")
    while not stop.wait(_TICK):
        try:
            _gate(parts)
            while _deliverer is not None and _deliverer.back:
                parts.queue.send_all_soon(_deliverer.back.pop())
            if time.monotonic() > swept + min(_SWEEP, parts.settings.sweep_after):
                swept = time.monotonic()
                if count := parts.queue.requeue_abandoned(parts.settings.sweep_after):
                    logger.warning("requeued %d calls that a worker never finished", count)
                _set_aside(parts)
            if time.monotonic() > cleaned + min(_CLEAN, max(parts.settings.keep_finished, _TICK)):
                cleaned = time.monotonic()
                parts.queue.remove_finished(parts.settings.keep_finished)
        except Exception as error:
            # without a steward the queues would stay as they are: it goes on whatever happens
            if not stop.is_set():
                logger.warning("queue maintenance failed: %s", type(error).__name__)


def _set_aside(parts: Parts) -> None:
    """Park what the engine gave up: nothing in a queue is thrown away."""
    failed_jobs = parts.queue.failed_jobs()
    for job in failed_jobs:
        outcome = DeadLetter(KlaviyoResponse(None), UNAVAILABLE, "the worker couldn't handle it")
        with parts.log.writing() as session:
            if job.operation is Operation.UPDATE_VARIANT:
                parts.queue.enqueue(session, [job.again()], delay=parts.settings.longest_retry)
            elif parts.log.advance(session, job.key, CallState.DEAD_LETTERED, outcome, again=True):
                parts.queue.dead_letter(session, job.again())
        logger.error("%s: dead-lettered a call that couldn't be handled", job.name)
    parts.queue.remove([job.id for job in failed_jobs])


def _waits(parts: Parts, session: Session, operation: Operation) -> bool:
    if operation is Operation.UPDATE_VARIANT:
        # no part of a sign-up, so the log knows nothing of it
        return parts.queue.count_waiting(operation) > 0
    return bool(parts.log.waiting(session, operation.value, CallState.QUEUED))


def _gate(parts: Parts) -> None:
    """Open, close, or leave ajar the queue of each operation, as its hold says."""
    with parts.log.writing() as session:
        held = pauses.active_pauses(session)
        for each in list(held.values()):
            if each.over and (
                each.kind == "throttled"
                # nothing waits, so nothing would ever probe
                or not _waits(parts, session, each.operation)
            ):
                pauses.resume(session, each.operation, each.kind)
                del held[each.operation]
    for operation in Operation:
        pause = held.get(operation)
        places = parts.settings.worker_in_flight if pause is None else int(pause.over)
        parts.queue.set_concurrency(operation, places)
