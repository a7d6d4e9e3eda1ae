"""Delivery of one job by a worker: send its call to Klaviyo, and commit the outcome."""

from __future__ import annotations

import logging
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine, exc
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
    UnknownVariant,
)
from ..klaviyo.stock import create_variant, update_stock
from ..settings import Delivery
from ..store.sign_up_log import SignUpLog
from ..store.tables import CallState
from ..variants import CompositeID, Variant, writable
from . import pauses
from .outcome_log import log_outcome, log_unknown_variant
from .queue import Job, Queue

logger = logging.getLogger(__package__)

T = TypeVar("T")

_FINAL_STATES = {
    Accepted: CallState.ACCEPTED,
    Refused: CallState.REFUSED,
    DeadLetter: CallState.DEAD_LETTERED,
    UnknownVariant: CallState.DEAD_LETTERED,
}
_OUTAGE_FAILURES = 5
"""After this many temporary failures in a row, the next call with any other outcome marks the end
of an outage. Rate limits don't count as failures.
"""
_DATABASE_RETRY_SECONDS = 1.0
"""Seconds between attempts while the database is unavailable."""
_TEMPORARY_CODES = frozenset({"25006", "23505"})
"""PostgreSQL's error codes for a write to a standby server, as during a failover, and for a row
that another worker has inserted first. In the second case, the next attempt updates that row.
"""
_UNKNOWN_VARIANT_MAX_DELAY = 3600.0
"""Maximum seconds between attempts for a variant that Klaviyo doesn't have yet. It is this long
because Klaviyo reads a feed only every six hours, and thousands of sign-ups that wait for it must
not delay the others.
"""
FLOW_CHECK_DELAY = 30.0
"""Seconds that a delivering process waits before it reads the flow from Klaviyo. Klaviyo allows few
of these calls, so a process that keeps crashing at startup must not make any.
"""
_STOCK_UPDATE_RETRIES = 10
"""Maximum number of retries for a stock update that fails in the shop's own code."""


@dataclass(frozen=True, slots=True)
class DeliveryContext:
    """The objects that a worker needs."""

    engine: Engine
    log: SignUpLog
    queue: Queue
    klaviyo: Klaviyo
    settings: Delivery
    load_variant: Callable[[CompositeID, str], Variant | None]
    """Reads a variant from the shop's catalog, in any thread. The links that the catalog builds
    begin with the second argument, the shop's base URL.
    """
    folder: Path
    """The folder for the lock files of the workers on this machine."""
    log_flow: Callable[[], None]
    """Asks Klaviyo whether there is a live flow, and logs the result. This takes a few seconds at
    most.
    """

    def start_flow_check(self) -> None:
        """Call `log_flow` in a thread after `FLOW_CHECK_DELAY`."""
        timer = threading.Timer(FLOW_CHECK_DELAY, self.log_flow)
        timer.daemon = True
        timer.start()


def longest_delay(settings: Delivery) -> float:
    """Return the maximum number of seconds for which a job is delayed."""
    delays = (settings.longest_retry, settings.longest_pause, settings.probe_every)
    return max(*delays, _UNKNOWN_VARIANT_MAX_DELAY) + 2.0  # for the jitter


class Deliverer:
    """Sends the calls of queued jobs.

    Running a job twice is harmless: a sign-up's job is skipped unless its attempt number is the one
    in the log, and a stock update sends the current quantity. A sign-up's call that Klaviyo has
    accepted is sent again only if Klaviyo's response was lost, or the process crashed before the
    commit.
    """

    def __init__(self, context: DeliveryContext, *, stopping: threading.Event) -> None:
        self._log = context.log
        self._queue = context.queue
        self._klaviyo = context.klaviyo
        self._settings = context.settings
        self._load_variant = context.load_variant
        self._stopping = stopping
        self._failures: Counter[Operation] = Counter()

    def deliver(self, job: Job) -> None:
        """Send the job's call, unless another job has replaced this one or the operation is paused.

        Never raises: DBOS would mark the workflow as failed and never run it again.
        """
        try:
            started = self._with_database_retries(lambda: self._start(job))
            if started is None:
                return
            call, is_probe = started
            outcome = self._send(job, call)
            # a misconfiguration is logged once, when its pause begins
            if not isinstance(outcome, Misconfigured):
                log_outcome(call, outcome, None if job.is_stock_update else job.sign_up_id)
            self._with_database_retries(
                lambda: self._record_outcome(job, outcome, is_probe=is_probe)
            )
            self._watch_for_outage(job.operation, outcome)
        except Exception as error:
            self._set_aside(job, error)

    def _set_aside(self, job: Job, error: Exception) -> None:
        """Dead-letter a job after an error that waiting can't fix: a bug, or outdated tables.

        A stock update has no log row, so nobody would see it among the dead letters. It is retried
        a few times instead, in case the error in the shop's catalog is temporary, and then dropped.
        """
        # only the error's class is logged, since its text may contain contact details
        problem = f"internal error in the worker ({type(error).__name__})"
        if isinstance(error, SQLAlchemyError):
            problem = (
                f"the database rejected the worker's SQL ({type(error).__name__}): run "
                "flask notify-me upgrade"
            )
        logger.error("%s: %s", job.name, problem)
        try_again = job.is_stock_update and job.failures < _STOCK_UPDATE_RETRIES
        outcome_class = Temporary if try_again else DeadLetter
        failed = outcome_class(KlaviyoResponse(None, problem=problem), UNAVAILABLE, problem)
        while True:
            try:
                self._with_database_retries(
                    lambda: self._record_outcome(job, failed, is_probe=False)
                )
                return
            except Exception as second_error:
                logger.error(
                    "can't store the outcome of %s (%s): run flask notify-me upgrade. The next "
                    "attempt will be in %d s",
                    job.name,
                    type(second_error).__name__,
                    self._settings.probe_every,
                )
                self._wait(self._settings.probe_every)

    def give_up(self, arguments: Sequence[Any], error: Exception) -> None:
        """Record that a call failed because its queued job can't be read, for example because it
        was queued by a later version of the kit with the same `JOB_VERSION`. The call isn't
        dead-lettered, since a dead letter couldn't be read either.
        """
        problem = f"the queued job can't be read ({type(error).__name__})"
        logger.error("%s; its call is lost", problem)
        failed = DeadLetter(KlaviyoResponse(None, problem=problem), UNAVAILABLE, problem)

        def record() -> None:
            with self._log.writing() as session:
                self._log.advance(session, job_key, CallState.FAILED, failed)

        match arguments:
            case [str(sign_up_id), int(position), int(attempt), *_]:
                job_key = sign_up_id, position, attempt
                self._with_database_retries(record)

    def _start(self, job: Job) -> tuple[Call, bool] | None:
        """Return the job's call and whether it is a probe. Return None if there is nothing to send
        now: another job replaced this one, or its operation is paused and the next attempt was
        queued.
        """
        with self._log.reading() as session:
            if not job.is_stock_update and self._log.current_call(session, job.key) is None:
                return None
            pause = pauses.active_pauses(session).get(job.operation)
        variant = CompositeID.parse(job.variant) if job.variant else None
        call = Call(job.operation, job.body, variant)
        if pause is None:
            return call, False
        with self._log.writing() as session:
            if pause.probe_due and pauses.claim_probe(session, pause, self._settings.probe_every):
                return call, True
            delay = max(pause.until - time.time(), 0.0) + random.uniform(0.1, 1.0)  # noqa: S311
            self._enqueue_again(session, job, delay=delay)
        return None

    def _send(self, job: Job, call: Call) -> Outcome:
        deadline = Deadline(self._settings.call_timeout)
        variant = call.variant
        if variant is None or not job.is_stock_update:
            outcome = self._klaviyo.send(call, deadline=deadline)
            if variant and isinstance(outcome, UnknownVariant) and job.base_url:
                return self._send_after_creation(job, call, variant, outcome, deadline)
            return outcome
        base_url = str(job.body["root"])

        def load_variant(composite_id: CompositeID) -> Variant | None:
            return self._load_variant(composite_id, base_url)

        # `update_stock` also reads the shop's database
        return self._with_database_retries(
            lambda: update_stock(self._klaviyo, load_variant, variant, base_url, deadline)
        )

    def _send_after_creation(
        self,
        job: Job,
        call: Call,
        composite_id: CompositeID,
        outcome: UnknownVariant,
        deadline: Deadline,
    ) -> Outcome:
        """Create the call's variant in Klaviyo and send the call again, if Klaviyo's API can write
        to that catalog and the shop still has the variant. Otherwise, return `outcome`.
        """
        if not writable(composite_id):
            return outcome
        variant = self._with_database_retries(
            lambda: self._load_variant(composite_id, job.base_url)
        )
        if variant is None:
            return outcome
        created = create_variant(self._klaviyo, variant, job.base_url, deadline)
        if not isinstance(created, Accepted):
            explanation = f"{outcome.explanation}, and creating it failed: {created.explanation}"
            return UnknownVariant(outcome.response, outcome.message, explanation)
        logger.info("created %s in Klaviyo's catalog", composite_id)
        return self._klaviyo.send(call, deadline=deadline)

    def _record_outcome(self, job: Job, outcome: Outcome, *, is_probe: bool) -> None:
        """Commit the outcome of a call, and queue its next attempt if there is one."""
        newly_paused = newly_unknown = pause_ended = False
        with self._log.writing() as session:
            if isinstance(outcome, Misconfigured):
                # a short delay is enough, because the pause stops the whole queue
                if self._enqueue_again(session, job, outcome, delay=random.uniform(0.5, 1.5)):  # noqa: S311
                    newly_paused = pauses.pause(
                        session,
                        job.operation,
                        "misconfigured",
                        self._settings.probe_every,
                        outcome.explanation,
                    )
            elif isinstance(outcome, Temporary) and outcome.response.status == 429:
                self._pause_for_limit(session, job, outcome, is_probe=is_probe)
            elif isinstance(outcome, Temporary):
                # the probe wasn't throttled, but a misconfiguration may still exist
                if is_probe:
                    pauses.resume(session, job.operation, "throttled")
                self._back_off(session, job, outcome, self._settings.longest_retry)
            else:
                pause_ended = is_probe and pauses.resume(session, job.operation)
                if remaining := self._without_refused_channels(session, job, outcome):
                    self._enqueue_again(session, remaining, outcome, delay=0.0)
                elif isinstance(outcome, UnknownVariant) and not job.is_stock_update:
                    newly_unknown = self._retry_unknown_variant(session, job, outcome)
                else:
                    self._settle(session, job, outcome)
        if newly_paused:
            logger.error(
                "%s is paused until this is fixed: %s. Its calls stay queued, and one is sent as a "
                "test every %d s (status %s, code %s, error %s)",
                job.operation.value,
                outcome.explanation,
                self._settings.probe_every,
                outcome.response.status or "none",
                outcome.response.code or "none",
                outcome.response.error_id or "none",
            )
        if newly_unknown:
            log_unknown_variant(job.variant, outcome, self._settings.unknown_variant_hours)
        if pause_ended:
            logger.warning(
                "%s resumed: the problem that paused it is resolved", job.operation.value
            )

    def _without_refused_channels(self, session: Session, job: Job, outcome: Outcome) -> Job | None:
        """Record the channels that Klaviyo refused. If Klaviyo refused the call because of them,
        return the job without these channels. Return None if no channel remains, or nothing was
        refused.
        """
        refused = outcome.refused_channels
        if not refused:
            return None
        remaining = Call(job.operation, job.body).without(refused)
        is_refused = isinstance(outcome, Refused)
        # if a consent call was refused as a whole, its state says so
        if remaining or not is_refused or job.operation is Operation.BACK_IN_STOCK:
            self._log.record_refused_channels(session, job.sign_up_id, refused)
        return replace(job, body=remaining.body) if remaining and is_refused else None

    def _settle(self, session: Session, job: Job, outcome: Outcome) -> None:
        """Record a final outcome. A stock update isn't in the log."""
        state = _FINAL_STATES[type(outcome)]
        if job.is_stock_update or not self._log.advance(session, job.key, state, outcome):
            return
        if state is CallState.DEAD_LETTERED:
            self._queue.dead_letter(session, job.next_attempt())

    def _pause_for_limit(
        self, session: Session, job: Job, outcome: Outcome, *, is_probe: bool
    ) -> None:
        """Pause the operation after a 429, and queue the next attempt for when the pause ends."""
        settings = self._settings
        retry_after = outcome.response.retry_after
        wait = settings.first_retry if retry_after is None else retry_after
        pause = min(wait, settings.longest_pause)
        pauses.pause(
            session, job.operation, "throttled", pause, outcome.explanation, after_probe=is_probe
        )
        delay = pause + random.uniform(0.0, 1.0)  # noqa: S311
        self._enqueue_again(session, job, outcome, delay=delay, failed=True)

    def _retry_unknown_variant(self, session: Session, job: Job, outcome: Outcome) -> bool:
        """Queue the next attempt, or dead-letter the call after `unknown_variant_hours`.

        Return whether this is the first call to report that Klaviyo doesn't have the variant.
        """
        is_new = not self._log.is_unknown_variant(session, job.variant)
        job = replace(job, unknown_since=job.unknown_since or time.time())
        if time.time() - job.unknown_since >= self._settings.unknown_variant_hours * 3600:
            self._settle(session, job, outcome)
        else:
            self._back_off(session, job, outcome, _UNKNOWN_VARIANT_MAX_DELAY)
        return is_new

    def _back_off(self, session: Session, job: Job, outcome: Outcome, max_delay: float) -> None:
        """Queue the next attempt after a growing delay with jitter, or after Klaviyo's Retry-After
        if that is longer.
        """
        delay = min(self._settings.first_retry * 2 ** min(job.failures, 30), max_delay)
        retry_after = min(outcome.response.retry_after or 0.0, self._settings.longest_pause)
        delay = max(random.uniform(delay / 2, delay), retry_after)  # noqa: S311
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
        """Queue the next attempt, unless another job has replaced this one. Return whether it was
        queued.
        """
        if not job.is_stock_update and not self._log.advance(
            session, job.key, CallState.QUEUED, outcome
        ):
            return False
        self._queue.enqueue(session, [job.next_attempt(failed=failed)], delay=delay)
        return True

    def _watch_for_outage(self, operation: Operation, outcome: Outcome) -> None:
        """Send delayed calls immediately when an outage ends, instead of after their back-off."""
        if isinstance(outcome, Temporary):
            self._failures[operation] += outcome.response.status != 429
        elif self._failures.pop(operation, 0) >= _OUTAGE_FAILURES:
            self._with_database_retries(lambda: self._queue.end_delays(operation))

    def _with_database_retries(self, work: Callable[[], T]) -> T:
        """Run a transaction, and repeat it while the database is unavailable; return its result."""
        while True:
            try:
                return work()
            except SQLAlchemyError as error:
                if not _is_temporary(error):
                    raise
                logger.warning("the database is unavailable: %s", type(error).__name__)
                self._wait(_DATABASE_RETRY_SECONDS)

    def _wait(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            # block until the process exits: returning would mark the job as done
            threading.Event().wait()


def _is_temporary(error: SQLAlchemyError) -> bool:
    """Return whether the same statement may succeed later, as when the database is unreachable,
    locked or full. A missing table or column, or any error in a statement, isn't temporary.
    """
    if isinstance(error, exc.TimeoutError | exc.InterfaceError):
        return True
    if not isinstance(error, exc.DBAPIError):
        return False
    if error.connection_invalidated or getattr(error.orig, "sqlstate", None) in _TEMPORARY_CODES:
        return True
    # SQLite also reports errors in a statement as OperationalError
    is_invalid = getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
    return isinstance(error, exc.OperationalError) and not is_invalid
