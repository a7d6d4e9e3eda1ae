"""Sends queued calls to Klaviyo: in a worker process, or in a thread of a web process.

The engine is DBOS, with one queue for each operation. It costs 6 % of a core even when nothing is
queued, so it runs only while something is.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from dbos import DBOS, DBOSConfig, WorkflowSerializationFormat
from sqlalchemy.exc import SQLAlchemyError

from ..klaviyo.calls import Operation
from ..klaviyo.client import Klaviyo
from ..settings import SettingsError
from . import pauses
from .deliverer import Deliverer, Parts
from .locks import claim_executor_id
from .queue import IDLE_CHECK_INTERVAL, NAME, SCHEMA, VERSION, WORKFLOW, Job, url_of

logger = logging.getLogger(__package__)

# all in seconds; the launcher kills a process five seconds after SIGTERM
DRAIN_TIMEOUT = 3
EXIT_TIMEOUT = 4.0
POLL_INTERVAL = 0.25
MAINTENANCE_INTERVAL = 0.5
IDLE_TIMEOUT = 10.0
"""How long the engine goes on when nothing is queued."""
REQUEUE_INTERVAL = 10.0
CLEANUP_INTERVAL = 30.0


def run(parts: Parts, stop: threading.Event) -> None:
    """Deliver until `stop` is set, then finish the calls under way. Without a private key: idle.

    For a worker process, whose main thread this is. It ends the process if calls are still under
    way after `DRAIN_TIMEOUT`, since they would keep the interpreter from exiting.
    """
    if parts.klaviyo is None:
        logger.info("KLAVIYO_PRIVATE_KEY is not set: there is nothing to deliver; the worker idles")
        while not stop.is_set():
            _sleep(POLL_INTERVAL, stop)
        return
    executor_id, lock = claim_executor_id(parts.folder)
    logger.info("delivering as %s", executor_id)
    deliver_until(stop, parts, parts.klaviyo, executor_id)
    logger.info("worker stopped")
    lock.release()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(0)


def deliver_until(stop: threading.Event, parts: Parts, klaviyo: Klaviyo, executor_id: str) -> None:
    """Start the engine whenever calls are queued, until `stop` is set.

    Raises `SettingsError` if the queue has no tables.
    """
    engine = _Engine(parts, klaviyo, executor_id, stop)
    next_requeue = next_cleanup = last_queued = 0.0
    requeue_interval = min(REQUEUE_INTERVAL, parts.settings.sweep_after)
    cleanup_interval = min(CLEANUP_INTERVAL, max(parts.settings.keep_finished, 0.5))
    while not stop.is_set():
        try:
            now = time.monotonic()
            if parts.queue.has_jobs():
                last_queued = now
                engine.start()
            elif engine.is_running and now > last_queued + IDLE_TIMEOUT:
                engine.stop()
            engine.apply_pauses()
            if now > next_requeue:
                next_requeue = now + requeue_interval
                if count := parts.queue.requeue_abandoned(parts.settings.sweep_after):
                    logger.warning("requeued %d calls that a worker never finished", count)
            if now > next_cleanup:
                next_cleanup = now + cleanup_interval
                parts.queue.remove_finished(parts.settings.keep_finished)
        except SQLAlchemyError as error:
            if "no such table" in str(error) or "does not exist" in str(error):
                raise SettingsError(
                    "the queue has no tables: run flask notify-me upgrade"
                ) from None
            logger.warning("the database is unavailable: %s", type(error).__name__)
        except Exception as error:
            # without this loop nothing would be delivered any more
            logger.warning("queue maintenance failed: %s", type(error).__name__)
        _sleep(MAINTENANCE_INTERVAL if engine.is_running else IDLE_CHECK_INTERVAL, stop)
    watchdog = threading.Timer(EXIT_TIMEOUT, os._exit, [0])
    watchdog.daemon = True
    watchdog.start()
    engine.stop()
    watchdog.cancel()


def _sleep(seconds: float, stop: threading.Event) -> None:
    """Sleep until `stop` is set.

    `stop.wait()` could miss a signal that arrives just before it blocks, and a handler that
    interrupts it while it holds the event's lock would wait for that lock forever.
    """
    end = time.monotonic() + seconds
    while not stop.is_set() and (remaining := end - time.monotonic()) > 0:
        time.sleep(min(POLL_INTERVAL, remaining))


class _Engine:
    """DBOS, which there can be only once in a process."""

    def __init__(
        self, parts: Parts, klaviyo: Klaviyo, executor_id: str, stop: threading.Event
    ) -> None:
        self._parts = parts
        self._executor_id = executor_id
        self.is_running = False
        deliverer = Deliverer(parts, klaviyo, stopping=stop)

        # one call is one workflow; a further attempt is another workflow
        @DBOS.workflow(
            name=WORKFLOW,
            max_recovery_attempts=None,
            serialization_type=WorkflowSerializationFormat.PORTABLE,
        )
        def deliver(*arguments: Any) -> None:
            deliverer.deliver(Job.from_arguments(arguments))

    def start(self) -> None:
        """Start taking calls from the queues, unless it does so already."""
        if self.is_running:
            return
        config: DBOSConfig = {
            "name": NAME,
            "system_database_url": url_of(self._parts.engine),
            "dbos_system_schema": SCHEMA,
            "application_version": VERSION,
            "executor_id": self._executor_id,
            "run_migrations": False,
            "db_engine_kwargs": {"hide_parameters": True},
            "log_level": "WARNING",
        }
        try:
            self._launch(config)
        except Exception:
            self.stop()
            raise
        self.is_running = True

    def _launch(self, config: DBOSConfig) -> None:
        DBOS(config=config)
        # not the queues of a shop that uses DBOS itself, nor the dead letters
        DBOS.listen_queues([operation.value for operation in Operation])
        DBOS.launch()
        settings = self._parts.settings
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

    def stop(self) -> None:
        """Finish the calls under way, for `DRAIN_TIMEOUT` at most."""
        self.is_running = False
        with suppress(Exception):
            DBOS.destroy(workflow_completion_timeout_sec=DRAIN_TIMEOUT)

    def apply_pauses(self) -> None:
        """Stop the queues of paused operations, but for one call at a time when a probe is due."""
        if not self.is_running:
            return
        with self._parts.log.reading() as session:
            paused = pauses.active_pauses(session)
        for operation in Operation:
            pause = paused.get(operation)
            calls = self._parts.settings.worker_in_flight if pause is None else int(pause.probe_due)
            self._parts.queue.set_concurrency(operation, calls)
