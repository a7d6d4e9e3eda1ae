"""Pauses of an operation's queue: for Klaviyo's Retry-After, or until the merchant fixes a problem.

A pause is a database row, so it applies to all workers. A job whose operation is paused is queued
again instead of sent, except for one probe at a time, whose outcome ends or extends the pause.
"""

from __future__ import annotations

import time
from typing import Literal

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from ..klaviyo.calls import Operation
from ..store.tables import DETAIL_LENGTH, PauseRow

Kind = Literal["throttled", "misconfigured"]


def active_pauses(session: Session) -> dict[Operation, PauseRow]:
    """Return the pauses in force."""
    return {Operation(row.operation): row for row in session.scalars(select(PauseRow))}


def pause(
    session: Session,
    operation: Operation,
    kind: Kind,
    seconds: float,
    remedy: str,
    *,
    after_probe: bool = False,
) -> bool:
    """Pause an operation; a probe is due in `seconds`. Return whether the pause is new, or of a
    different kind from the previous one.

    A throttled pause doesn't replace a misconfigured one. It can lengthen an earlier throttled
    pause. It shortens one only with `after_probe`, which means that it results from that pause's
    own probe.
    """
    now = time.time()
    until = now + seconds
    row = session.get(PauseRow, operation.value)
    if row is not None and kind == "throttled":
        if row.kind != kind:
            return False
        if not after_probe:
            until = max(until, row.until)
    is_new = row is None or row.kind != kind
    if row is None:
        row = PauseRow(operation=operation.value)
        session.add(row)
    if is_new:
        row.kind, row.since = kind, now
    row.until, row.remedy = until, remedy[:DETAIL_LENGTH]
    return is_new


def claim_probe(session: Session, pause: PauseRow, seconds: float) -> bool:
    """Claim the probe that is due; return False if another worker has claimed it.

    The next probe is due in `seconds`, in case this one gets no response.
    """
    claimed = session.execute(
        update(PauseRow)
        .where(PauseRow.operation == pause.operation, PauseRow.until == pause.until)
        .values(until=time.time() + seconds, since=min(pause.since, time.time()))
        .returning(PauseRow.operation)
    )
    return claimed.first() is not None


def resume(session: Session, operation: Operation, *kinds: Kind) -> bool:
    """End an operation's pause, or only a pause of these kinds; return whether there was one."""
    query = delete(PauseRow).where(PauseRow.operation == operation.value)
    if kinds:
        query = query.where(PauseRow.kind.in_(kinds))
    return session.execute(query.returning(PauseRow.operation)).first() is not None
