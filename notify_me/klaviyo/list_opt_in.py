"""Reads whether the list uses double opt-in, which the confirmation mentions."""

from __future__ import annotations

import logging
import threading
import time

from .circuit_breaker import CIRCUIT_OPEN, CircuitBreaker
from .client import Deadline
from .outcomes import KlaviyoResponse, attribute

logger = logging.getLogger(__name__)

KNOWN_TTL = 600.0
"""Seconds until a known setting is read again: a merchant may change it at any time."""
UNKNOWN_TTL = 60.0
"""Seconds until a failed read is repeated."""
READ_TIMEOUT = 1.0
"""Seconds that a shopper may wait while the setting is read."""
_REMEDIES = {
    403: ": the private key lacks the lists:read scope",
    404: ": Klaviyo has no list with this ID. Check KLAVIYO_LIST_ID",
}


class ListOptIn:
    """The list's `opt_in_process` (Get List), cached in this process."""

    def __init__(self, breaker: CircuitBreaker | None, list_id: str) -> None:
        self._breaker = breaker
        self._list_id = list_id
        self._read_lock = threading.Lock()
        self._is_double: bool | None = None
        self._expires_at = 0.0
        self._logged = ""

    def is_double(self) -> bool | None:
        """Return whether subscribers must confirm; None if that is unknown, for example without a
        private key.

        While the setting is unknown, one caller a minute waits for Klaviyo, for one second at most.
        Once it is known, it is refreshed in the background.
        """
        if self._breaker is None or not self._list_id:
            return None
        if time.monotonic() >= self._expires_at and self._read_lock.acquire(blocking=False):
            if self._is_double is None:
                self._refresh(self._breaker)
            else:
                self._refresh_in_background(self._breaker)
        return self._is_double

    def _refresh_in_background(self, breaker: CircuitBreaker) -> None:
        try:
            threading.Thread(
                target=self._refresh, args=(breaker,), name="klaviyo-list", daemon=True
            ).start()
        except RuntimeError:
            # the system can't start another thread; the next sign-up tries again
            self._read_lock.release()

    def _refresh(self, breaker: CircuitBreaker) -> None:
        try:
            response = KlaviyoResponse(None, problem=CIRCUIT_OPEN)
            if klaviyo := breaker.if_closed():
                response = klaviyo.get_list(self._list_id, deadline=Deadline(READ_TIMEOUT))
            processes = [attribute(resource, "opt_in_process") for resource in response.resources]
            if response.status == 200 and processes in (["single_opt_in"], ["double_opt_in"]):
                self._is_double = processes == ["double_opt_in"]
                self._expires_at = time.monotonic() + KNOWN_TTL
                self._logged = ""
            else:
                self._log_failure(response)
                self._expires_at = time.monotonic() + UNKNOWN_TTL
        finally:
            self._read_lock.release()

    def _log_failure(self, response: KlaviyoResponse) -> None:
        reason = f"status {response.status}" if response.status else response.problem
        if reason != self._logged:
            self._logged = reason
            remedy = _REMEDIES.get(response.status or 0, "")
            logger.warning("can't read the list's opt-in process (%s)%s", reason, remedy)
