"""Klaviyo behind a circuit breaker: an outage or a throttle costs the first shoppers, not all."""

from __future__ import annotations

import math
import threading
import time

from .calls import Call, Operation
from .client import NO_FREE_SLOT, Deadline, Klaviyo
from .outcomes import TRY_AGAIN, KlaviyoResponse, Outcome, Temporary, outcome_of

NOT_TRIED = "Klaviyo isn't answering; not tried"


class CircuitBreaker:
    """Sends calls while Klaviyo answers; else says Temporary at once.

    After `failures` calls in a row without an answer or with a 5xx, nothing is tried for `pause`
    seconds, then one call at a time until one is answered. A 429 is an answer: it only stops its
    own operation, until its Retry-After has passed.
    """

    def __init__(self, klaviyo: Klaviyo, *, failures: int, pause: float) -> None:
        self._klaviyo = klaviyo
        self._limit = failures
        self._pause = pause
        self._lock = threading.Lock()
        self._failed = 0
        self._opened_at: float | None = None
        """None while calls are sent."""
        self._trial = threading.Lock()
        self._throttled: dict[Operation, float] = {}

    def send(self, call: Call, *, deadline: Deadline) -> Outcome:
        """The outcome of one call, made or not."""
        wait = self._throttled.get(call.operation, 0.0) - time.monotonic()
        if wait > 0:
            return outcome_of(
                KlaviyoResponse(429, {"Retry-After": str(math.ceil(wait))}), call.operation
            )
        if not deadline.remaining():
            return _not_tried("the deadline passed before the call was made")
        opened_at = self._opened_at
        if opened_at is None:
            return self._send(call, deadline, opened_at)
        paused = time.monotonic() < opened_at + self._pause
        if paused or not self._trial.acquire(blocking=False):
            return _not_tried(NOT_TRIED)
        try:
            return self._send(call, deadline, opened_at)
        finally:
            self._trial.release()

    def get_list(self, list_id: str, *, deadline: Deadline) -> KlaviyoResponse:
        """As `Klaviyo.get_list`; no answer at once while Klaviyo isn't answering."""
        klaviyo = self.if_closed()
        if klaviyo is None:
            return KlaviyoResponse(None, problem=NOT_TRIED)
        return klaviyo.get_list(list_id, deadline=deadline)

    def if_closed(self) -> Klaviyo | None:
        """Klaviyo itself, for a call that isn't a shopper's and says nothing to the breaker; None
        while it isn't answering.
        """
        return self._klaviyo if self._opened_at is None else None

    def _send(self, call: Call, deadline: Deadline, opened_at: float | None) -> Outcome:
        outcome = self._klaviyo.send(call, deadline=deadline)
        answer = outcome.response
        if answer.problem == NO_FREE_SLOT:
            return outcome
        if answer.status == 429 and answer.retry_after:
            self._throttled[call.operation] = time.monotonic() + answer.retry_after
        with self._lock:
            # what began before the breaker opened or closed says nothing of now
            if self._opened_at == opened_at:
                self._count(isinstance(outcome, Temporary) and answer.status != 429)
        return outcome

    def _count(self, failed: bool) -> None:
        self._failed = self._failed + 1 if failed else 0
        self._opened_at = time.monotonic() if self._failed >= self._limit else None


def _not_tried(problem: str) -> Outcome:
    return Temporary(KlaviyoResponse(None, problem=problem), TRY_AGAIN, problem)
