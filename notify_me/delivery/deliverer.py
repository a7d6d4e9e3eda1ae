"""Delivery of one job by a worker: send its call to Klaviyo, and commit the outcome."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ..klaviyo.calls import Call, Operation
from ..klaviyo.client import Deadline, Klaviyo
from ..klaviyo.outcomes import (
    UNAVAILABLE,
    Accepted,
    DeadLetter,
    KlaviyoResponse,
    Misconfigured,
    Outcome,
    Refused,
    Temporary,
)
from ..klaviyo.stock import LoadVariant, update_stock
from ..settings import Delivery
from ..store.sign_up_log import SignUpLog
from ..store.tables import CallState
from ..variants import CompositeID
from . import pauses
from .queue import Job, Queue
from .send_now import log_outcome

logger = logging.getLogger(__package__)

T = TypeVar("T")

_FINAL_STATES = {
    Accepted: CallState.ACCEPTED,
    Refused: CallState.REFUSED,
    DeadLetter: CallState.DEAD_LETTERED,
}
_OUTAGE_FAILURES = 5
"""Failures in a row after which the next answer counts as the end of an outage."""
_DATABASE_RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class DeliveryContext:
    """The objects that a worker needs."""

    engine: Engine
    log: SignUpLog
    queue: Queue
    klaviyo: Klaviyo | None
    """None without a private key."""
    settings: Delivery
    load_variant: LoadVariant
    """Reads a variant from the shop's catalog, in any thread."""
    folder: Path
    """The folder for the lock files of the workers on this machine."""


class Deliverer:
    """Sends the calls of queued jobs.

    Running a job twice is harmless, since a job is skipped unless its attempt number is the one in
    the log. A call is repeated only after a crash between Klaviyo's response and the commit.
    """

    def __init__(
        self,
        context: DeliveryContext,
        klaviyo: Klaviyo,
        *,
        stopping: threading.Event,
    ) -> None:
        self._log = context.log
        self._queue = context.queue
        self._klaviyo = klaviyo
        self._settings = context.settings
        self._load_variant = context.load_variant
        self._stopping = stopping
        self._failures: Counter[Operation] = Counter()

    def deliver(self, job: Job) -> None:
        """Send the job's call, unless another job replaced this one or its operation is paused.

        Never raises: DBOS would mark the workflow as failed and never run it again.
        """
        try:
            call = self._with_database_retries(lambda: self._start(job))
            if call is None:
                return
            outcome = self._send(job, call)
            if not isinstance(outcome, Misconfigured):
                log_outcome(call, outcome, None if job.is_stock_update else job.sign_up_id)
            self._with_database_retries(lambda: self._record_outcome(job, outcome))
            self._watch_for_outage(job.operation, outcome)
        except Exception as error:
            # a bug in this code; only its class is logged, since its text may contain an address
            problem = f"internal error in the worker ({type(error).__name__})"
            logger.error("%s: %s", job.name, problem)
            # a stock update has no log row, so nobody would see it among the dead letters
            outcome_class = Temporary if job.is_stock_update else DeadLetter
            failed = outcome_class(KlaviyoResponse(None, problem=problem), UNAVAILABLE, problem)
            self._with_database_retries(lambda: self._record_outcome(job, failed))

    def _start(self, job: Job) -> Call | None:
        """Return the job's call, or None if there is nothing to send now: another job replaced this
        one, or its operation is paused, and the job was queued again.
        """
        with self._log.reading() as session:
            if job.is_stock_update:
                variant = str(job.body["variant"])
            else:
                row = self._log.current_call(session, job.key)
                if row is None:
                    return None
                variant = row.variant or ""
            pause = pauses.active_pauses(session).get(job.operation)
        call = Call(job.operation, job.body, CompositeID.parse(variant) if variant else None)
        if pause is None:
            return call
        with self._log.writing() as session:
            if pause.probe_due and pauses.claim_probe(session, pause, self._settings.probe_every):
                return call
            delay = max(pause.until - time.time(), 0.0) + random.uniform(0.1, 1.0)  # noqa: S311
            self._enqueue_again(session, job, delay=delay)
        return None

    def _send(self, job: Job, call: Call) -> Outcome:
        timeout = self._settings.call_timeout
        if call.variant is None or not job.is_stock_update:
            return self._klaviyo.send(call, deadline=Deadline(timeout))
        variant, base_url = call.variant, str(job.body["root"])
        # `update_stock` reads the shop's database too
        return self._with_database_retries(
            lambda: update_stock(
                self._klaviyo, self._load_variant, variant, base_url, Deadline(timeout)
            )
        )

    def _record_outcome(self, job: Job, outcome: Outcome) -> None:
        """Commit the outcome of a call, and queue its next attempt if there is one."""
        newly_paused = resumed = False
        with self._log.writing() as session:
            if isinstance(outcome, Misconfigured):
                # a short delay is enough, because the pause stops the whole queue
                if self._enqueue_again(session, job, outcome, delay=random.uniform(0.5, 1.5)):  # noqa: S311
                    newly_paused = pauses.pause(
                        session,
                        job.operation,
                        "misconfigured",
                        self._settings.probe_every,
                        outcome.remedy,
                    )
            elif isinstance(outcome, Temporary):
                self._back_off(session, job, outcome)
            else:
                state = _FINAL_STATES[type(outcome)]
                if (
                    not job.is_stock_update
                    and self._log.advance(session, job.key, state, outcome)
                    and state is CallState.DEAD_LETTERED
                ):
                    self._queue.dead_letter(session, job.next_attempt())
                resumed = pauses.resume(session, job.operation)
        if newly_paused:
            logger.error(
                "%s is paused until this is fixed: %s. Queued calls are kept, and one is tried "
                "every %d s (status %s, code %s, error %s)",
                job.operation.value,
                outcome.remedy,
                self._settings.probe_every,
                outcome.response.status or "none",
                outcome.response.code or "none",
                outcome.response.error_id or "none",
            )
        if resumed:
            logger.warning("%s resumed: Klaviyo accepts its calls again", job.operation.value)

    def _back_off(self, session: Session, job: Job, outcome: Outcome) -> None:
        """Queue the next attempt after Klaviyo's Retry-After or a growing delay, with jitter."""
        settings, retry_after = self._settings, outcome.response.retry_after
        if outcome.response.status == 429 and retry_after is not None:
            delay = retry_after + random.uniform(0.0, 1.0)  # noqa: S311
            pauses.pause(session, job.operation, "throttled", retry_after, outcome.remedy)
        else:
            back_off = settings.first_retry * 2 ** min(job.failures, 30)
            max_delay = min(back_off, settings.longest_retry)
            delay = max(random.uniform(max_delay / 2, max_delay), retry_after or 0.0)  # noqa: S311
        self._enqueue_again(session, job, outcome, delay=delay, failed=True)

    def _enqueue_again(
        self,
        session: Session,
        job: Job,
        outcome: Outcome | None = None,
        *,
        delay: float,
        failed: bool = False,
    ) -> bool:
        """Queue the next attempt, unless another job has replaced this one."""
        if not job.is_stock_update and not self._log.advance(
            session, job.key, CallState.QUEUED, outcome
        ):
            return False
        self._queue.enqueue(session, [job.next_attempt(failed=failed)], delay=delay)
        return True

    def _watch_for_outage(self, operation: Operation, outcome: Outcome) -> None:
        """Send delayed calls at once when an outage ends, instead of after their back-off."""
        if isinstance(outcome, Temporary):
            self._failures[operation] += outcome.response.status != 429
        elif self._failures.pop(operation, 0) >= _OUTAGE_FAILURES:
            self._with_database_retries(lambda: self._queue.end_delays(operation))

    def _with_database_retries(self, work: Callable[[], T]) -> T:
        """Run a transaction, repeatedly until the database is available; return its result."""
        while True:
            try:
                return work()
            except SQLAlchemyError as error:
                logger.warning("the database is unavailable: %s", type(error).__name__)
                if self._stopping.wait(_DATABASE_RETRY_SECONDS):
                    # block until the process exits: returning would mark the job as done
                    threading.Event().wait()
