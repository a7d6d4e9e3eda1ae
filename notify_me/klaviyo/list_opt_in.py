"""Whether the list asks new subscribers to confirm, so that the done view can say so."""

from __future__ import annotations

import logging
import threading
import time

from .circuit_breaker import CircuitBreaker
from .client import Deadline
from .outcomes import KlaviyoResponse

logger = logging.getLogger(__name__)

KNOWN_FOR = 600.0
"""Seconds for which an answer is believed: a merchant may change the list meanwhile."""
UNKNOWN_FOR = 60.0
"""Seconds until an unanswered question is asked again."""
PATIENCE = 1.0
"""Seconds that the first shopper waits for it; later ones get what was known last."""


class ListOptIn:
    """The list's `opt_in_process`, asked of Klaviyo (Get List) and remembered in this process."""

    def __init__(self, klaviyo: CircuitBreaker | None, list_id: str) -> None:
        self._klaviyo = klaviyo
        self._list_id = list_id
        self._asking = threading.Lock()
        self._double: bool | None = None
        self._until = 0.0
        self._told = ""

    def is_double(self) -> bool | None:
        """Whether subscribers must confirm; None when it can't be known, such as in client mode
        without a private key. Waits a second at most, and only while nothing is known.
        """
        if self._klaviyo is None or not self._list_id:
            return None
        if time.monotonic() >= self._until and self._asking.acquire(blocking=False):
            if self._double is None:
                self._ask(self._klaviyo)
            else:
                threading.Thread(target=self._ask, args=(self._klaviyo,), daemon=True).start()
        return self._double

    def _ask(self, klaviyo: CircuitBreaker) -> None:
        try:
            answer = klaviyo.get_list(self._list_id, deadline=Deadline(PATIENCE))
            process = _opt_in_process(answer)
            if process is None:
                self._tell(answer)
            else:
                self._double = process == "double_opt_in"
            self._until = time.monotonic() + (UNKNOWN_FOR if process is None else KNOWN_FOR)
        finally:
            self._asking.release()

    def _tell(self, answer: KlaviyoResponse) -> None:
        """Log once each why it can't be known: the shopper's words stay vague meanwhile."""
        why = f"status {answer.status}" if answer.status else answer.problem
        cure = {
            403: ": the private key lacks the scope lists:read",
            404: ": Klaviyo doesn't know the list, check KLAVIYO_LIST_ID",
        }.get(answer.status or 0, "")
        if why != self._told:
            self._told = why
            logger.warning("whether the list asks to confirm can't be read (%s)%s", why, cure)


def _opt_in_process(answer: KlaviyoResponse) -> str | None:
    data = answer.document.get("data") if answer.status == 200 else None
    attributes = data.get("attributes") if isinstance(data, dict) else None
    process = attributes.get("opt_in_process") if isinstance(attributes, dict) else None
    return process if process in ("single_opt_in", "double_opt_in") else None
