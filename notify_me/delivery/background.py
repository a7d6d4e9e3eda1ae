"""Delivery by a thread of the web process, for shops that run no worker."""

from __future__ import annotations

import _thread
import logging
import threading
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from .deliverer import DeliveryContext
from .locks import claim_first_executor_id
from .queue import IDLE_CHECK_INTERVAL

logger = logging.getLogger(__package__)

RETRY_INTERVAL = 30.0
"""Seconds until the next attempt, if another process is delivering or an error occurred."""


class BackgroundDelivery:
    """Starts a thread that delivers queued calls.

    All web processes on a machine and the worker (`flask notify-me deliver`) use the same lock
    file, so the thread waits while another process is delivering. `create_context` is called in an
    app context, and returns None without a private key.
    """

    def __init__(self, create_context: Callable[[], DeliveryContext | None]) -> None:
        self._create_context = create_context
        self._started = False

    def ensure_running(self) -> None:
        """Start the thread, unless it is running or there is no private key."""
        if self._started:
            return
        context = self._create_context()
        self._started = True
        if context is None:
            return
        try:
            context.start_flow_check()
            if _thread.start_new_thread.__module__.partition(".")[0] in ("gevent", "eventlet"):
                # DBOS would find its event loop running in every greenlet
                logger.warning(
                    "this process can't deliver queued calls, because it runs under gevent or "
                    "eventlet: run flask notify-me deliver"
                )
                return
            threading.Thread(
                target=_run, args=(context,), name="notify-me-delivery", daemon=True
            ).start()
        except RuntimeError as error:
            logger.warning("this process can't deliver queued calls yet: %s", error)
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
        stop.wait(RETRY_INTERVAL)
