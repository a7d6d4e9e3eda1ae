"""Pauses of an operation's queue: for Klaviyo's Retry-After, or until the merchant fixes a problem.

A pause is a database row, so it applies to all workers. A job whose operation is paused is queued
again instead of sent, except for one probe at a time, whose outcome ends or prolongs the pause.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from ..klaviyo.calls import Operation
from ..store.tables import DETAIL_LENGTH, PauseRow

Kind = Literal["throttled", "misconfigured"]


@dataclass(frozen=True, slots=True)
class Pause:
    """Why an operation is paused. `until` and `since` are seconds since 1970."""

    operation: Operation
    kind: Kind
    until: float
    """When one call may probe whether Klaviyo accepts calls again."""
    since: float
    remedy: str

    @property
    def probe_due(self) -> bool:
        """Whether one call may be sent in spite of the pause."""
        return self.until <= time.time()


def active_pauses(session: Session) -> dict[Operation, Pause]:
    """Return the pauses in force."""
    return {
        Operation(row.operation): Pause(
            Operation(row.operation),
            "misconfigured" if row.kind == "misconfigured" else "throttled",
            row.until,
            row.since,
            row.remedy,
        )
        for row in session.scalars(select(PauseRow))
    }


def pause(
    session: Session,
    operation: Operation,
    kind: Kind,
    seconds: float,
    remedy: str,
    *,
    after_probe: bool = False,
) -> bool:
    """Pause an operation until a probe after `seconds`; return True unless it was already paused
    for this reason.

    A throttle doesn't replace a misconfiguration. It shortens another throttle only if it is the
    outcome of that one's probe.
    """
    now = time.time()
    since, until = now, now + seconds
    current = active_pauses(session).get(operation)
    if current is not None:
        if current.kind == kind:
            since = current.since
        elif kind == "throttled":
            return False
        if kind == "throttled" and not after_probe:
            until = max(until, current.until)
    session.merge(
        PauseRow(
            operation=operation.value,
            kind=kind,
            until=until,
            since=since,
            remedy=remedy[:DETAIL_LENGTH],
        )
    )
    return current is None or current.kind != kind


def claim_probe(session: Session, pause: Pause, seconds: float) -> bool:
    """Claim the probe that is due; return False if another worker has claimed it.

    The next one is due in `seconds`, in case this one gets no response.
    """
    claimed = session.execute(
        update(PauseRow)
        .where(PauseRow.operation == pause.operation.value, PauseRow.until == pause.until)
        .values(until=time.time() + seconds)
        .returning(PauseRow.operation)
    )
    return claimed.first() is not None


def resume(session: Session, operation: Operation, *kinds: Kind) -> bool:
    """End an operation's pause, or only a pause of these kinds; return whether there was one."""
    query = delete(PauseRow).where(PauseRow.operation == operation.value)
    if kinds:
        query = query.where(PauseRow.kind.in_(kinds))
    return session.execute(query.returning(PauseRow.operation)).first() is not None
