"""Klaviyo behind a breaker: an outage or a throttle costs the first shoppers, not all of them."""

from __future__ import annotations

import math
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pybreaker

from .calls import Call, Operation
from .client import NO_PLACE, Deadline, Klaviyo
from .outcomes import TRY_AGAIN, Answer, Outcome, Temporary, outcome_of

NOT_TRIED = "Klaviyo isn't answering; not tried"


class _Outage(Exception):
    """Tells pybreaker of a failure."""


class Guarded:
    """Sends calls while Klaviyo answers; else says Temporary at once.

    After `failures` calls in a row without an answer or with a 5xx, nothing is tried for `pause`
    seconds, then one call at a time until one is answered. A 429 is an answer: it only stops its
    own operation, until its Retry-After has passed.
    """

    def __init__(self, klaviyo: Klaviyo, *, failures: int, pause: float) -> None:
        self._klaviyo = klaviyo
        self._pause = timedelta(seconds=pause)
        self._storage = pybreaker.CircuitMemoryStorage(pybreaker.STATE_CLOSED)
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=failures,
            reset_timeout=pause,
            state_storage=self._storage,
            throw_new_error_on_trip=False,
        )
        self._trial = threading.Lock()
        self._throttled: dict[Operation, float] = {}

    def send(self, call: Call, *, deadline: Deadline) -> Outcome:
        """The outcome of one call, made or not."""
        wait = self._throttled.get(call.operation, 0.0) - time.monotonic()
        if wait > 0:
            return outcome_of(Answer(429, {"Retry-After": str(math.ceil(wait))}), call.operation)
        if not deadline.remaining():
            return _not_tried("the deadline passed before the call was made")
        if self._storage.state == pybreaker.STATE_CLOSED:
            return self._tried(call, deadline)
        opened = self._storage.opened_at
        if opened is not None and datetime.now(UTC) < opened + self._pause:
            return _not_tried(NOT_TRIED)
        if not self._trial.acquire(blocking=False):
            return _not_tried(NOT_TRIED)
        try:
            return self._tried(call, deadline)
        finally:
            self._trial.release()

    def get_list(self, list_id: str, *, deadline: Deadline) -> Answer:
        """As `Klaviyo.get_list`; no answer at once while Klaviyo isn't answering."""
        klaviyo = self.if_answering()
        if klaviyo is None:
            return Answer(None, problem=NOT_TRIED)
        return klaviyo.get_list(list_id, deadline=deadline)

    def if_answering(self) -> Klaviyo | None:
        """Klaviyo itself, for a call that isn't a shopper's and says nothing to the breaker; None
        while it isn't answering.
        """
        return self._klaviyo if self._storage.state == pybreaker.STATE_CLOSED else None

    def _tried(self, call: Call, deadline: Deadline) -> Outcome:
        outcome = self._klaviyo.send(call, deadline=deadline)
        answer = outcome.answer
        if answer.problem == NO_PLACE:
            return outcome
        if answer.status == 429 and answer.retry_after:
            self._throttled[call.operation] = time.monotonic() + answer.retry_after
        # only told afterwards, since pybreaker holds its lock for as long as what it calls
        with suppress(_Outage, pybreaker.CircuitBreakerError):
            self._breaker.call(_tell, outcome)
        return outcome


def _tell(outcome: Outcome) -> None:
    if isinstance(outcome, Temporary) and outcome.answer.status != 429:
        raise _Outage


def _not_tried(problem: str) -> Outcome:
    return Temporary(Answer(None, problem=problem), TRY_AGAIN, problem)
