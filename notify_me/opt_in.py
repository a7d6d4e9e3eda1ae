"""Whether the list asks new subscribers to confirm, so that the done view can say so."""

from __future__ import annotations

import threading
import time

from .delivery import Guarded
from .klaviyo import Deadline

KNOWN_FOR = 600.0
"""Seconds for which an answer is believed: a merchant may change the list meanwhile."""
UNKNOWN_FOR = 60.0
"""Seconds until an unanswered question is asked again."""
PATIENCE = 1.0
"""Seconds that a shopper waits for it, once in a while."""


class OptIn:
    """The list's `opt_in_process`, asked of Klaviyo (Get List) and remembered in this process."""

    def __init__(self, klaviyo: Guarded | None, list_id: str) -> None:
        self._klaviyo = klaviyo
        self._list_id = list_id
        self._lock = threading.Lock()
        self._double: bool | None = None
        self._until = 0.0

    def double(self) -> bool | None:
        """Whether subscribers must confirm; None when it can't be known, such as in client mode
        without a private key. Asks at most once at a time, and waits a second at most.
        """
        if self._klaviyo is None or not self._list_id:
            return None
        if time.monotonic() >= self._until and self._lock.acquire(blocking=False):
            try:
                self._ask(self._klaviyo)
            finally:
                self._lock.release()
        return self._double

    def _ask(self, klaviyo: Guarded) -> None:
        found = klaviyo.get_list(self._list_id, deadline=Deadline(PATIENCE))
        process = found.get("opt_in_process") if found else None
        self._double = {"double_opt_in": True, "single_opt_in": False}.get(str(process))
        known = self._double is not None
        self._until = time.monotonic() + (KNOWN_FOR if known else UNKNOWN_FOR)
