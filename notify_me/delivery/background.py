"""Delivery by a thread of the web process, for shops that run no worker."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from .deliverer import DeliveryContext
from .locks import claim_first_executor_id
from .queue import IDLE_CHECK_INTERVAL

logger = logging.getLogger(__package__)

LOCK_RETRY_INTERVAL = 30.0
"""Seconds between a process's attempts to take over from another one that delivers."""

_process_lock = threading.Lock()


class BackgroundDelivery:
    """Starts a thread that delivers queued calls, at most one on this machine.

    The thread uses the same lock file as `flask notify-me deliver`, and waits while such a worker
    runs. `create_context` is called in an app context, and returns None without a private key.
    """

    def __init__(self, create_context: Callable[[], DeliveryContext | None]) -> None:
        self._create_context = create_context
        self._started = False

    def ensure_running(self) -> None:
        """Start the thread if it wasn't started before; return without waiting for it."""
        if self._started:
            return
        context = self._create_context()
        self._started = True
        if context is None:
            return
        try:
            context.start_flow_check()
            threading.Thread(
                target=_run, args=(context,), name="notify-me-delivery", daemon=True
            ).start()
        except RuntimeError as error:
            logger.warning("queued calls aren't delivered by this process yet: %s", error)
            self._started = False


def _run(context: DeliveryContext) -> None:
    stop = threading.Event()  # never set: the thread ends with the process
    while True:
        try:
            if not context.queue.has_jobs():
                stop.wait(IDLE_CHECK_INTERVAL)
                continue
            # imports DBOS, which takes half a second
            from .worker import deliver_until

            with _process_lock:
                if claimed := claim_first_executor_id(context.folder, "web process"):
                    executor_id, lock = claimed
                    logger.info("delivering queued calls in this web process")
                    try:
                        deliver_until(stop, context, executor_id)
                    finally:
                        lock.release()
        except SQLAlchemyError as error:
            logger.warning("the database is unavailable: %s", type(error).__name__)
        except Exception as error:
            logger.error("this web process can't deliver queued calls: %s", error)
        stop.wait(LOCK_RETRY_INTERVAL)
