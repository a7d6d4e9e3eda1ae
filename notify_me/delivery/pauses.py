"""Holds: an operation whose calls wait, for Klaviyo's Retry-After or for the merchant."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from ..klaviyo.calls import Operation
from ..store.tables import PauseRow

Kind = Literal["throttled", "misconfigured"]


@dataclass(frozen=True, slots=True)
class Pause:
    """Why an operation waits. `until` and `since` in seconds since 1970; `until` is the end of a
    throttle, or when the next probe is due.
    """

    operation: Operation
    kind: Kind
    until: float
    since: float
    remedy: str

    @property
    def over(self) -> bool:
        """Whether its time has come."""
        return self.until <= time.time()


def active_pauses(session: Session) -> dict[Operation, Pause]:
    """What is held just now."""
    rows = session.scalars(select(PauseRow)).all()
    return {
        Operation(row.operation): Pause(
            Operation(row.operation),
            "misconfigured" if row.kind == "misconfigured" else "throttled",
            row.until,
            row.since,
            row.remedy,
        )
        for row in rows
    }


def pause(session: Session, operation: Operation, kind: Kind, seconds: float, remedy: str) -> bool:
    """Hold an operation for so many seconds from now; True when it wasn't held this way before.

    A throttle neither shortens another nor takes the place of a misconfiguration.
    """
    until = time.time() + seconds
    held = session.get(PauseRow, operation.value)
    if held is None:
        session.add(
            PauseRow(
                operation=operation.value,
                kind=kind,
                until=until,
                since=time.time(),
                remedy=remedy[:300],
            )
        )
        session.flush()
        return True
    if kind == "throttled":
        if held.kind == kind:
            held.until = max(held.until, until)
        return False
    new = held.kind != kind
    held.kind, held.until, held.remedy = kind, until, remedy[:300]
    return new


def claim_probe(session: Session, held: Pause, seconds: float) -> bool:
    """Whether the caller makes this round's one probe; the next is due after `seconds`."""
    claimed = session.execute(
        update(PauseRow)
        .where(PauseRow.operation == held.operation.value, PauseRow.until == held.until)
        .values(until=time.time() + seconds)
        .returning(PauseRow.operation)
    )
    return claimed.first() is not None


def resume(session: Session, operation: Operation, kind: Kind) -> bool:
    """End a hold; True when there was one."""
    ended = session.execute(
        delete(PauseRow)
        .where(PauseRow.operation == operation.value, PauseRow.kind == kind)
        .returning(PauseRow.operation)
    )
    return ended.first() is not None
