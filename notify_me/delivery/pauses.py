"""Pauses of an operation's queue: for Klaviyo's Retry-After, or until the merchant fixes a problem.

A pause is a database row, so it applies to all workers. A job whose operation is paused is queued
again instead of sent.
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
    """When a throttle ends, or when one call may probe whether a misconfiguration is fixed."""
    since: float
    remedy: str

    @property
    def probe_due(self) -> bool:
        """Whether one call may be sent in spite of the pause."""
        return self.until <= time.time()


def active_pauses(session: Session) -> dict[Operation, Pause]:
    """Return the pauses in force. Rows of expired throttles are ignored, and later overwritten."""
    now = time.time()
    return {
        Operation(row.operation): Pause(
            Operation(row.operation),
            "misconfigured" if row.kind == "misconfigured" else "throttled",
            row.until,
            row.since,
            row.remedy,
        )
        for row in session.scalars(select(PauseRow))
        if row.kind == "misconfigured" or row.until > now
    }


def pause(session: Session, operation: Operation, kind: Kind, seconds: float, remedy: str) -> bool:
    """Pause an operation for `seconds`; return True unless it was already paused for this reason.

    A throttle neither shortens another one nor replaces a misconfiguration.
    """
    now = time.time()
    since, until = now, now + seconds
    current = active_pauses(session).get(operation)
    if current is not None:
        if current.kind == kind:
            since = current.since
        elif kind == "throttled":
            return False
        if kind == "throttled":
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

    The next one is due in `seconds`.
    """
    claimed = session.execute(
        update(PauseRow)
        .where(PauseRow.operation == pause.operation.value, PauseRow.until == pause.until)
        .values(until=time.time() + seconds)
        .returning(PauseRow.operation)
    )
    return claimed.first() is not None


def resume(session: Session, operation: Operation) -> bool:
    """End the pause for a misconfiguration; return whether there was one."""
    ended = session.execute(
        delete(PauseRow)
        .where(PauseRow.operation == operation.value, PauseRow.kind == "misconfigured")
        .returning(PauseRow.operation)
    )
    return ended.first() is not None
