"""A circuit breaker around Klaviyo: during an outage, only the first shoppers wait."""

from __future__ import annotations

import math
import random
import threading
import time
from collections import deque

from .calls import Call, Operation
from .client import NO_FREE_SLOT, Deadline, Klaviyo
from .outcomes import TRY_AGAIN, Accepted, KlaviyoResponse, Outcome, Temporary, outcome_of

CIRCUIT_OPEN = "Klaviyo isn't responding; the call was not made"


class CircuitBreaker:
    """Sends calls while Klaviyo responds; otherwise returns Temporary immediately.

    A call fails if it ends without a response, with a 5xx, or with a response that isn't Klaviyo's.
    After `failures` such calls in a row, the circuit opens: nothing is sent for `pause` seconds,
    then one trial call. If it fails, another pause begins. A 429 counts as a response. It pauses
    only the rate-limited operation, for as long as Retry-After says, up to `longest_pause` seconds.
    """

    def __init__(
        self, klaviyo: Klaviyo, *, failures: int, pause: float, longest_pause: float = 600.0
    ) -> None:
        self._klaviyo = klaviyo
        self._max_failures = failures
        self._pause = pause
        self._longest_pause = longest_pause
        self._failures = 0
        self._opened_at: float | None = None
        """Monotonic seconds; None while the circuit is closed and calls are sent."""
        self._lock = threading.Lock()
        self._trial_lock = threading.Lock()
        self._throttled_until: dict[Operation, float] = {}
        self._consent_durations: deque[float] = deque(maxlen=50)
        """How many seconds the latest consent calls took; cleared when one isn't accepted."""

    def send(self, call: Call, *, deadline: Deadline) -> Outcome:
        """Send a call, or return Temporary immediately if its operation is throttled or the circuit
        is open.
        """
        wait = self._throttled_until.get(call.operation, 0.0) - time.monotonic()
        if wait > 0:
            throttled = KlaviyoResponse(429, {"Retry-After": str(math.ceil(wait))})
            return outcome_of(throttled, call.operation)
        if not deadline.remaining():
            return _not_sent("the deadline passed before the call was made")
        opened_at = self._opened_at
        if opened_at is None:
            return self._send(call, deadline, opened_at)
        paused = time.monotonic() < opened_at + self._pause
        if paused or not self._trial_lock.acquire(blocking=False):
            return _not_sent(CIRCUIT_OPEN)
        try:
            return self._send(call, deadline, opened_at)
        finally:
            self._trial_lock.release()

    def simulate_consent_delay(self, deadline: Deadline) -> bool:
        """Wait as long as one of the latest consent calls took, instead of sending one. Return
        False, without waiting, if Klaviyo might not accept a consent call now.
        """
        with self._lock:
            durations = [*self._consent_durations]
        throttled = self._throttled_until.get(Operation.SUBSCRIBE, 0.0) > time.monotonic()
        if not durations or throttled or self._opened_at is not None:
            return False
        time.sleep(min(random.choice(durations), deadline.remaining()))  # noqa: S311
        return True

    def if_closed(self) -> Klaviyo | None:
        """Return the client for calls that don't affect the circuit; None while it is open."""
        return self._klaviyo if self._opened_at is None else None

    def _send(self, call: Call, deadline: Deadline, opened_at: float | None) -> Outcome:
        started_at = time.monotonic()
        outcome = self._klaviyo.send(call, deadline=deadline)
        duration = time.monotonic() - started_at
        response = outcome.response
        if response.problem == NO_FREE_SLOT:
            return outcome
        if response.status == 429 and response.retry_after:
            wait = min(response.retry_after, self._longest_pause)
            self._throttled_until[call.operation] = time.monotonic() + wait
        failed = isinstance(outcome, Temporary) and response.status != 429
        with self._lock:
            if call.operation is Operation.SUBSCRIBE:
                if isinstance(outcome, Accepted):
                    self._consent_durations.append(duration)
                else:
                    self._consent_durations.clear()
            # ignore the outcome of a call that began while the circuit was in a different state
            if self._opened_at == opened_at:
                self._failures = self._failures + 1 if failed else 0
                is_open = self._failures >= self._max_failures
                self._opened_at = time.monotonic() if is_open else None
        return outcome


def _not_sent(problem: str) -> Outcome:
    return Temporary(KlaviyoResponse(None, problem=problem), TRY_AGAIN, problem)
