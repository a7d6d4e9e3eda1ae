"""Delivery by a thread of the web process, for shops that run no worker."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from ..klaviyo.client import Klaviyo
from .deliverer import Parts
from .locks import claim_first_executor_id
from .queue import IDLE_CHECK_INTERVAL

logger = logging.getLogger(__package__)

LOCK_RETRY_INTERVAL = 30.0
"""How often, in seconds, a process checks whether the one that delivers has ended."""

_one_in_this_process = threading.Lock()


class BackgroundDelivery:
    """Starts a thread that delivers queued calls, at most one on this machine.

    It shares its lock with the workers of `flask notify-me deliver`: where one of them runs, the
    thread waits. `create_parts` is called in an app context.
    """

    def __init__(self, create_parts: Callable[[], Parts]) -> None:
        self._create_parts = create_parts
        self._started = False

    def ensure_running(self) -> None:
        """Start the thread, unless it was started before. Takes no time."""
        if self._started:
            return
        self._started = True
        parts = self._create_parts()
        if parts.klaviyo is not None:
            threading.Thread(
                target=_run, args=(parts, parts.klaviyo), name="notify-me-delivery", daemon=True
            ).start()


def _run(parts: Parts, klaviyo: Klaviyo) -> None:
    never = threading.Event()
    while True:
        try:
            if not parts.queue.has_jobs():
                never.wait(IDLE_CHECK_INTERVAL)
                continue
            # imports the engine, which takes half a second
            from .worker import deliver_until

            with _one_in_this_process:
                if claimed := claim_first_executor_id(parts.folder, "web process"):
                    executor_id, _lock = claimed
                    logger.info("delivering queued calls in this web process")
                    deliver_until(never, parts, klaviyo, executor_id)
        except SQLAlchemyError as error:
            logger.warning("the database is unavailable: %s", type(error).__name__)
        except Exception as error:
            logger.error("this web process can't deliver queued calls: %s", error)
        never.wait(LOCK_RETRY_INTERVAL)
