"""The people waiting for alerts: counts and times from the sign-up log, without contact details.

A shopper is waiting for a variant if Klaviyo has accepted the sign-up or still has to receive it
(queued or dead-lettered). The wait ends when `record_restock` is called for the variant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, update
from sqlalchemy.orm import Session

from .. import signals
from ..context import current_state
from ..store.tables import (
    PERSON,
    WAITING_CALLS,
    CallRow,
    SignUpRow,
    in_utc,
    select_calls,
)
from ..variants import CompositeID


@dataclass(frozen=True, slots=True)
class Waiting:
    """The people who are waiting for an alert."""

    people: int
    """Distinct contacts: someone who is waiting for two variants counts once."""
    median: timedelta | None
    """How long ago the sign-ups were made (the median); None if nobody is waiting."""
    longest: timedelta | None
    """How long ago the oldest of them was made."""


def waiting(*, without: Collection[str] = ()) -> Waiting:
    """Return how many people are waiting for an alert, and for how long.

    `without` contains the composite IDs of variants to leave out, such as variants that are in
    stock although `record_restock` was never called for them.
    """
    conditions = (*WAITING_CALLS, CallRow.variant.not_in(without)) if without else WAITING_CALLS
    with Session(current_state().database.engine()) as session:
        count, people, oldest = session.execute(
            select_calls(
                func.count(), func.count(PERSON.distinct()), func.min(SignUpRow.created_at)
            ).where(*conditions)
        ).one()
        if not count:
            return Waiting(0, None, None)
        middle = session.scalars(
            select_calls(SignUpRow.created_at)
            .where(*conditions)
            .order_by(SignUpRow.created_at)
            .offset((count - 1) // 2)
            .limit(1)
        ).one()
    now = datetime.now(UTC)
    return Waiting(people, now - in_utc(middle), now - in_utc(oldest))


def people_waiting(
    variants: Collection[str] | None = None, *, at_least: int = 1
) -> Mapping[str, int]:
    """Return how many people are waiting for each variant, by composite ID, most people first.

    `variants` limits the result to these variants, `at_least` to variants with at least that many
    people.
    """
    conditions = (
        WAITING_CALLS if variants is None else (*WAITING_CALLS, CallRow.variant.in_(variants))
    )
    people = func.count(PERSON.distinct()).label("people")
    query = (
        select_calls(CallRow.variant, people)
        .where(*conditions)
        .group_by(CallRow.variant)
        .having(people >= at_least)
        .order_by(people.desc(), CallRow.variant)
    )
    with Session(current_state().database.engine()) as session:
        return {row.variant: row.people for row in session.execute(query)}


def record_restock(variants: Iterable[CompositeID]) -> int:
    """Record that these variants are back in stock, so that the shoppers who were waiting for them
    no longer count as waiting. Return the number of sign-ups that were waiting; a sign-up for
    two of these variants counts twice.

    Sends the `restocked` signal for each variant that somebody was waiting for. Klaviyo isn't
    called: to make it send the alerts, see `stock_changed` and `push_catalog`.
    """
    by_id = {str(variant): variant for variant in variants}
    if not by_id:
        return 0
    with current_state().log.writing() as session:
        updated = session.scalars(
            update(CallRow)
            .where(CallRow.variant.in_(by_id), *WAITING_CALLS)
            .values(alerted_at=datetime.now(UTC))
            .returning(CallRow.variant),
            execution_options={"synchronize_session": False},
        )
        alerted = Counter(variant for variant in updated if variant)
    for composite_id, sign_ups in alerted.items():
        event = signals.RestockEvent(by_id[composite_id], sign_ups)
        signals.send(signals.restocked, event)
    return alerted.total()
