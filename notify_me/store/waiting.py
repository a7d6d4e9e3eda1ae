"""Who waits for an alert: counts and times from the sign-up log, without contact details.

A shopper waits for a variant from an accepted or queued sign-up until the variant is back in stock.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from .demand import person_hash, select_calls
from .tables import WAITS, CallRow, SignUpRow, in_utc


@dataclass(frozen=True, slots=True)
class Waiting:
    """The people who wait for an alert now."""

    people: int
    """Distinct contacts: someone who waits for two variants counts once."""
    median: timedelta | None
    """How long half of the sign-ups have waited, or longer; None if nobody waits."""
    longest: timedelta | None


def waiting(engine: Engine, without: Collection[str] = ()) -> Waiting:
    """Return who waits, leaving out the variants with the composite IDs `without`."""
    conditions = (*WAITS, CallRow.variant.not_in(without)) if without else WAITS
    with Session(engine) as session:
        count, people, oldest = session.execute(
            select_calls(
                func.count(), func.count(person_hash().distinct()), func.min(SignUpRow.created_at)
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
    engine: Engine, variants: Collection[str] | None = None, *, at_least: int = 1
) -> Mapping[str, int]:
    """Return the number of people who wait for each variant, by composite ID, most people first.

    `variants` limits it to these, and `at_least` to variants for which so many people wait.
    """
    conditions = WAITS if variants is None else (*WAITS, CallRow.variant.in_(variants))
    people = func.count(person_hash().distinct()).label("people")
    query = (
        select_calls(CallRow.variant, people)
        .where(*conditions)
        .group_by(CallRow.variant)
        .having(people >= at_least)
        .order_by(people.desc(), CallRow.variant)
    )
    with Session(engine) as session:
        return {row.variant: row.people for row in session.execute(query)}


def exactly_waiting(engine: Engine, variant: str, people: int) -> bool:
    """Return whether so many people wait for a variant. Counts no further than `people`."""
    found = select_calls(person_hash().label("person")).where(*WAITS, CallRow.variant == variant)
    limited = found.distinct().limit(people + 1).subquery()
    with Session(engine) as session:
        return session.scalar(select(func.count()).select_from(limited)) == people
