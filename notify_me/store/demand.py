"""What shoppers asked for, counted in SQL from the sign-up log; no contact detail leaves it.

A request is one sign-up's call for one variant. Days are UTC's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Engine, String, case, cast, func, select
from sqlalchemy.orm import Session

from ..channels import Channel
from ..klaviyo.calls import Operation
from .tables import UNDELIVERED, UNKNOWN, UNKNOWN_AFTER, CallRow, CallState, SignUpRow

STATES = (*(state.value for state in CallState), UNKNOWN)
"""What a request may be: a call's states, and `unknown` for one that nobody reported on."""
CHANNELS = tuple(channel.value for channel in Channel)
ROWS = 1000
"""Rows fetched at once for a download."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How many requests, by how many people, by which channels, and how they ended."""

    requests: int
    people: int
    """Distinct contacts: somebody who asks by email and by phone, one at a time, counts twice."""
    channels: Mapping[str, int]
    """Requests by channel; one that asks for two channels counts in both."""
    states: Mapping[str, int]
    """Requests by current state: one of `STATES`."""


@dataclass(frozen=True, slots=True)
class VariantDemand:
    """The demand for one variant."""

    variant: str
    """Its composite ID."""
    figures: Figures
    days: tuple[int, ...]
    """Requests of each day of the period."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why requests wait or weren't taken."""

    state: str
    problem: str
    """In a few words, for the merchant; empty where none was recorded."""
    requests: int


@dataclass(frozen=True, slots=True)
class Demand:
    """The demand of a period."""

    since: date
    until: date
    figures: Figures
    days: tuple[int, ...]
    """Requests of each day, from `since` to `until`."""
    variants: tuple[VariantDemand, ...]
    """Those asked for most, at the top the most."""
    variant_count: int
    """How many variants were asked for, also those that `variants` leaves out."""
    reasons: tuple[Reason, ...]
    """The most frequent first."""


@dataclass(frozen=True, slots=True)
class DayDemand:
    """The demand for one variant on one day."""

    day: date
    variant: str
    figures: Figures


def demand(
    engine: Engine, since: date, until: date, *, most_variants: int = 50, most_reasons: int = 20
) -> Demand:
    """The demand from `since` to `until`, both days included.

    Raises `ValueError` when `until` is before `since`, and `sqlalchemy.exc.SQLAlchemyError` when
    the database can't be used.
    """
    with Session(engine) as session:
        where = _asked(since, until)
        whole = session.execute(
            _select(func.count(CallRow.variant.distinct()), *_figures()).where(*where)
        ).one()
        top = session.execute(
            _select(CallRow.variant, *_figures())
            .where(*where)
            .group_by(CallRow.variant)
            .order_by(func.count().desc(), CallRow.variant)
            .limit(most_variants)
        ).all()
        names = [row[0] for row in top]
        by_day = _by_day(session, since, until, *where, CallRow.variant.in_(names))
        return Demand(
            since=since,
            until=until,
            figures=_figures_of(whole[1:]),
            days=_all_days(session, since, until, *where),
            variants=tuple(
                VariantDemand(row[0], _figures_of(row[1:]), by_day[row[0]]) for row in top
            ),
            variant_count=whole[0],
            reasons=_reasons(session, most_reasons, *where),
        )


def demand_by_day(engine: Engine, since: date, until: date) -> Iterator[DayDemand]:
    """The demand of each day for each variant, oldest first; days without any are left out.

    Rows are fetched as they are asked for. Raises as `demand` does.
    """
    with Session(engine) as session:
        day = _day(session)
        found = session.execute(
            _select(day, CallRow.variant, *_figures())
            .where(*_asked(since, until))
            .group_by(day, CallRow.variant)
            .order_by(day, CallRow.variant),
            execution_options={"yield_per": ROWS},
        )
        for row in found:
            yield DayDemand(date.fromisoformat(row[0]), row[1], _figures_of(row[2:]))


def _select(*columns: Any) -> Any:
    return select(*columns).select_from(CallRow).join(SignUpRow, SignUpRow.id == CallRow.sign_up_id)


def _asked(since: date, until: date) -> list[ColumnElement[bool]]:
    if until < since:
        raise ValueError(f"the period ends before it begins: {since} to {until}")
    return [
        CallRow.operation == Operation.BACK_IN_STOCK,
        SignUpRow.created_at >= midnight(since),
        SignUpRow.created_at < midnight(until + timedelta(days=1)),
    ]


def midnight(day: date) -> datetime:
    """The moment when a day begins, in UTC."""
    return datetime.combine(day, time(), UTC)


def person() -> ColumnElement[str | None]:
    """What tells one shopper from another: the HMAC of their address, or of their number."""
    return func.coalesce(SignUpRow.email_hmac, SignUpRow.phone_hmac)


def _figures() -> list[ColumnElement[int]]:
    """The columns that `_figures_of` reads."""
    # a JSON list of names in either database
    channels = cast(SignUpRow.channels, String)
    lost = (CallRow.state == CallState.STARTED) & (
        SignUpRow.created_at < datetime.now(UTC) - UNKNOWN_AFTER
    )
    state = case((lost, UNKNOWN), else_=CallRow.state)
    return [
        func.count(),
        func.count(person().distinct()),
        *(func.count().filter(channels.contains(f'"{name}"')) for name in CHANNELS),
        *(func.count().filter(state == name) for name in STATES),
    ]


def _figures_of(row: Sequence[Any]) -> Figures:
    counts = iter(row)
    return Figures(
        requests=next(counts),
        people=next(counts),
        channels={name: next(counts) for name in CHANNELS},
        states={name: next(counts) for name in STATES},
    )


def _day(session: Session) -> ColumnElement[str]:
    """The day of a sign-up in UTC, such as 2026-07-15."""
    if session.get_bind().dialect.name == "postgresql":
        return func.to_char(func.timezone("UTC", SignUpRow.created_at), "YYYY-MM-DD")
    return func.date(SignUpRow.created_at)


def _all_days(
    session: Session, since: date, until: date, *where: ColumnElement[bool]
) -> tuple[int, ...]:
    day = _day(session)
    rows = session.execute(_select(day, func.count()).where(*where).group_by(day))
    return _in_line({row[0]: row[1] for row in rows}, since, until)


def _by_day(
    session: Session, since: date, until: date, *where: ColumnElement[bool]
) -> dict[str, tuple[int, ...]]:
    day = _day(session)
    rows = session.execute(
        _select(CallRow.variant, day, func.count()).where(*where).group_by(CallRow.variant, day)
    )
    found: dict[str, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row[0], {})[row[1]] = row[2]
    return {variant: _in_line(counts, since, until) for variant, counts in found.items()}


def _in_line(counts: Mapping[str, int], since: date, until: date) -> tuple[int, ...]:
    """The counts of all days, also of those that have none."""
    days = range((until - since).days + 1)
    return tuple(counts.get((since + timedelta(days=day)).isoformat(), 0) for day in days)


def _reasons(session: Session, most: int, *where: ColumnElement[bool]) -> tuple[Reason, ...]:
    # how long Klaviyo asked to wait differs from answer to answer
    problem = case((CallRow.status == 429, "throttled"), else_=CallRow.problem)
    rows = session.execute(
        _select(CallRow.state, problem, func.count())
        .where(*where, CallRow.state.in_((*UNDELIVERED, CallState.REFUSED, CallState.FAILED)))
        .group_by(CallRow.state, problem)
        .order_by(func.count().desc(), CallRow.state, problem)
        .limit(most)
    )
    return tuple(Reason(state, why, count) for state, why, count in rows)
