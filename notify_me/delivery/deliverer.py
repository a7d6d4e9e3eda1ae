"""What a worker does with one job: one call to Klaviyo, and one commit of what came of it."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ..klaviyo.calls import Call, Operation
from ..klaviyo.client import Deadline
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
from ..klaviyo.stock import StockUpdater
from ..settings import Delivery
from ..store.sign_up_log import SignUpLog
from ..store.tables import CallState
from ..variants import CompositeID
from . import pauses
from .queue import Job, Queue
from .send_now import Sender, log_outcome

logger = logging.getLogger(__package__)

T = TypeVar("T")

_FINAL = {Accepted: CallState.ACCEPTED, Refused: CallState.REFUSED}
_OUTAGE = 5
"""Failures in a row that are an outage, not one call's bad luck."""
_PATIENCE = 1.0
"""Seconds between two attempts to write to a database that is away."""


class Deliverer:
    """Delivers jobs. Each method is safe to repeat: a copy whose attempt isn't the log's does
    nothing, so that only a crash between Klaviyo's answer and our commit repeats a call.
    """

    def __init__(
        self,
        log: SignUpLog,
        queue: Queue,
        klaviyo: Sender,
        settings: Delivery,
        *,
        update_stock: StockUpdater,
        ended: threading.Event,
    ) -> None:
        self._log = log
        self._queue = queue
        self._klaviyo = klaviyo
        self._settings = settings
        self._update_stock = update_stock
        self._ended = ended
        self._streaks: Counter[Operation] = Counter()
        self.back: set[Operation] = set()
        """Operations that Klaviyo answers again after an outage; the steward takes them out."""

    def deliver(self, job: Job) -> None:
        """Make the call, unless it is stale or its operation is held. Never raises."""
        try:
            if job.operation is Operation.UPDATE_VARIANT:
                self._deliver_stock(job)
            else:
                self._deliver(job)
        except Exception as error:
            # ours to mend; the class alone, since its text may hold what the job holds
            problem = f"the worker couldn't handle it ({type(error).__name__})"
            logger.error("%s: %s", job.name, problem)
            self._patiently(lambda: self._unhandled(job, problem))

    def _unhandled(self, job: Job, problem: str) -> None:
        if job.operation is Operation.UPDATE_VARIANT:
            # no log row could tell of it once it is set aside: it comes back, ever more seldom
            self._settle_stock(
                job, Temporary(KlaviyoResponse(None, problem=problem), UNAVAILABLE, problem)
            )
        else:
            self._settle(job, DeadLetter(KlaviyoResponse(None), UNAVAILABLE, problem))

    def _deliver(self, job: Job) -> None:
        call = self._patiently(lambda: self._call_of(job))
        if call is None:
            return
        outcome = self._klaviyo.send(call, deadline=Deadline(self._settings.call_timeout))
        self._watch(outcome, job.operation)
        if not isinstance(outcome, Misconfigured):
            log_outcome(call, outcome, job.sign_up_id)
        self._patiently(lambda: self._settle(job, outcome))

    def _deliver_stock(self, job: Job) -> None:
        """Tell of a variant's stock. No log row is behind it: to repeat it does no harm."""
        if not self._patiently(lambda: self._stock_may_go(job)):
            return
        composite_id = CompositeID.parse(str(job.body["variant"]))
        root, patience = str(job.body["root"]), self._settings.call_timeout
        # it reads the shop's database too, and to tell it twice does no harm
        outcome = self._patiently(
            lambda: self._update_stock(composite_id, root, Deadline(patience))
        )
        self._watch(outcome, job.operation)
        if not isinstance(outcome, Misconfigured):
            log_outcome(Call(job.operation, {}, composite_id), outcome, None)
        self._patiently(lambda: self._settle_stock(job, outcome))

    def _stock_may_go(self, job: Job) -> bool:
        with self._log.writing() as session:
            held = pauses.active_pauses(session).get(job.operation)
            if held is None or self._may_pass(session, held):
                return True
            self._queue.enqueue(session, [job.again()], delay=_until(held.until))
            return False

    def _settle_stock(self, job: Job, outcome: Outcome) -> None:
        """Put it back, or be done with it: of what is refused for good, the log tells."""
        new_hold = False
        with self._log.writing() as session:
            if isinstance(outcome, Temporary | Misconfigured):
                new_hold = self._later(session, job, outcome)
            else:
                self._mended(session, job)
        if new_hold:
            self._tell_hold(job, outcome)

    def _watch(self, outcome: Outcome, operation: Operation) -> None:
        """Notice the end of an outage, for which the others would sit out their back-off."""
        if isinstance(outcome, Temporary):
            self._streaks[operation] += outcome.response.status != 429
            return
        if self._streaks.pop(operation, 0) >= _OUTAGE:
            self.back.add(operation)

    def _patiently(self, work: Callable[[], T]) -> T:
        """The result of `work`, a transaction, as soon as the database takes it."""
        while True:
            try:
                return work()
            except SQLAlchemyError as error:
                logger.warning("the database is unavailable: %s", type(error).__name__)
                if self._ended.wait(_PATIENCE):
                    # this process is about to end: to return would settle the job in the queue
                    threading.Event().wait()

    def _call_of(self, job: Job) -> Call | None:
        """The call to make now; None where there is none."""
        with self._log.writing() as session:
            row = self._log.call(session, job.sign_up_id, job.position)
            if row is None or row.attempt != job.attempt or row.state != CallState.QUEUED:
                return None
            held = pauses.active_pauses(session).get(job.operation)
            if held is not None and not self._may_pass(session, held):
                self._back(session, job, held.until)
                return None
            variant = CompositeID.parse(row.variant) if row.variant else None
            return Call(job.operation, job.body, variant)

    def _may_pass(self, session: Session, held: pauses.Pause) -> bool:
        """Whether a call goes in spite of a hold: its time is over, and this is the one probe."""
        if not held.over:
            return False
        if held.kind == "throttled":
            pauses.resume(session, held.operation, held.kind)
            return True
        return pauses.claim_probe(session, held, self._settings.probe_every)

    def _back(self, session: Session, job: Job, until: float) -> None:
        """Give the place back until a moment (seconds since 1970), and a little more."""
        if self._log.advance(session, job.key, CallState.QUEUED, again=True):
            self._queue.enqueue(session, [job.again()], delay=_until(until))

    def _settle(self, job: Job, outcome: Outcome) -> None:
        """Commit what came of the call, and its next attempt if there is one."""
        new_hold = False
        with self._log.writing() as session:
            state = _FINAL.get(type(outcome))
            if state is not None:
                self._log.advance(session, job.key, state, outcome)
            elif isinstance(outcome, DeadLetter):
                if self._log.advance(
                    session, job.key, CallState.DEAD_LETTERED, outcome, again=True
                ):
                    self._queue.dead_letter(session, job.again())
            elif self._log.advance(session, job.key, CallState.QUEUED, outcome, again=True):
                new_hold = self._later(session, job, outcome)
            if state is not None or isinstance(outcome, DeadLetter):
                self._mended(session, job)
        if new_hold:
            self._tell_hold(job, outcome)

    def _tell_hold(self, job: Job, outcome: Outcome) -> None:
        logger.error(
            "%s is paused until this is fixed: %s. Queued calls are kept; one call every %d s "
            "checks (status %s, code %s, error %s)",
            job.operation.value,
            outcome.remedy,
            self._settings.probe_every,
            outcome.response.status or "none",
            outcome.response.code or "none",
            outcome.response.error_id or "none",
        )

    def _later(self, session: Session, job: Job, outcome: Outcome) -> bool:
        """Put a call back that met Temporary or Misconfigured; True for a new misconfiguration."""
        settings, wait = self._settings, outcome.response.retry_after
        if isinstance(outcome, Misconfigured):
            # its place in the line stays; the hold keeps the line from moving
            self._queue.enqueue(session, [job.again()], delay=random.uniform(0.5, 1.5))  # noqa: S311
            return pauses.pause(
                session, job.operation, "misconfigured", settings.probe_every, outcome.remedy
            )
        if outcome.response.status == 429 and wait is not None:
            pauses.pause(session, job.operation, "throttled", wait, outcome.remedy)
            delay = wait + random.uniform(0.0, 1.0)  # noqa: S311
        else:
            most = min(settings.first_retry * 2 ** min(job.failures, 30), settings.longest_retry)
            delay = max(random.uniform(most / 2, most), wait or 0.0)  # noqa: S311
        self._queue.enqueue(session, [job.again(failed=True)], delay=delay)
        return False

    def _mended(self, session: Session, job: Job) -> None:
        if pauses.resume(session, job.operation, "misconfigured"):
            logger.warning("%s resumed: Klaviyo accepts its calls again", job.operation.value)


def _until(moment: float) -> float:
    """Seconds until a moment (seconds since 1970), and a little more."""
    return max(moment - time.time(), 0.0) + random.uniform(0.1, 1.0)  # noqa: S311
