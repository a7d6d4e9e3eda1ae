"""Demand for variants, counted in SQL from the sign-up log, without contact details.

A sign-up for several variants counts once for each. Days are in UTC.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from ..channels import Channel
from ..context import current_state
from ..klaviyo.calls import Operation
from ..store.tables import (
    PERSON,
    UNDELIVERED,
    UNKNOWN,
    WAITING_CALLS,
    CallRow,
    CallState,
    SignUpRow,
    midnight,
    select_calls,
    unknown_before,
)

STATES = (*(state.value for state in CallState), UNKNOWN)
CHANNELS = tuple(channel.value for channel in Channel)
MAX_REASONS = 20
FETCH_SIZE = 1000
"""The number of rows that `demand_by_day` fetches at a time."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of sign-ups and people."""

    requests: int
    """Sign-ups. One for several variants counts once for each."""
    people: int
    """Distinct contacts: one person who signs up once by email and once by phone counts twice."""
    channels: Mapping[str, int]
    """Sign-ups by channel. One for two channels counts in both."""
    states: Mapping[str, int]
    """Sign-ups by current state: one of `STATES`."""


@dataclass(frozen=True, slots=True)
class VariantDemand:
    """The demand for one variant."""

    variant: str
    """Its composite ID."""
    figures: Figures
    days: tuple[int, ...]
    """Sign-ups on each day of the period."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why sign-ups are undelivered or were not accepted."""

    state: str
    problem: str
    """A short description for the merchant; empty if none was recorded."""
    requests: int
    """The number of sign-ups."""


@dataclass(frozen=True, slots=True)
class Demand:
    """The demand in a period."""

    since: date
    until: date
    figures: Figures
    days: tuple[int, ...]
    """Sign-ups on each day, from `since` to `until`."""
    variants: tuple[VariantDemand, ...]
    """The variants with the most sign-ups, most first."""
    variant_count: int
    """How many variants have sign-ups, including those that `variants` leaves out."""
    reasons: tuple[Reason, ...]
    """Most frequent first."""
    alerted: int
    """People for whom a variant has come back since they signed up for it."""


@dataclass(frozen=True, slots=True)
class DayDemand:
    """The demand for one variant on one day."""

    day: date
    variant: str
    figures: Figures
    waiting: int
    """People who are still waiting for an alert."""
    alerted: int
    """People for whom the variant has come back since they signed up for it."""


def demand(since: date, until: date, *, max_variants: int = 50) -> Demand:
    """Return the demand from `since` to `until`, both days included, with figures for at most
    `max_variants` variants.

    Raises `ValueError` if `until` is before `since`.
    """
    where = _period(since, until)
    with Session(current_state().database.engine()) as session:
        variants: dict[str, Figures] = {}
        # by variant; None for all variants together
        daily_sign_ups: dict[str | None, Counter[str]] = defaultdict(Counter)
        for variant, day, *columns, alerted, variant_count in session.execute(
            _totals(session, where, max_variants)
        ):
            if variant is not None:
                variants[variant] = _figures(columns)
            elif day is not None:
                daily_sign_ups[None][day] = columns[0]
            else:
                total = _figures(columns), alerted, variant_count
        day = _day(session)
        for variant, day_text, count in session.execute(
            select_calls(CallRow.variant, day, func.count())
            .where(*where, CallRow.variant.in_(variants))
            .group_by(CallRow.variant, day)
        ):
            daily_sign_ups[variant][day_text] = count
        # recorded throttling problems include the Retry-After, so they are grouped by status
        problem = case(
            (CallRow.status == 429, "Klaviyo is rate-limiting requests"), else_=CallRow.problem
        )
        reasons = session.execute(
            select_calls(CallRow.state, problem, func.count())
            .where(*where)
            .where(CallRow.state.in_((*UNDELIVERED, CallState.REFUSED, CallState.FAILED)))
            .group_by(CallRow.state, problem)
            .order_by(func.count().desc(), CallRow.state, problem)
            .limit(MAX_REASONS)
        ).all()

    dates = [since + timedelta(days=number) for number in range((until - since).days + 1)]

    def per_day(variant: str | None) -> tuple[int, ...]:
        return tuple(daily_sign_ups[variant][day.isoformat()] for day in dates)

    figures, alerted, variant_count = total
    return Demand(
        since=since,
        until=until,
        figures=figures,
        days=per_day(None),
        variants=tuple(
            VariantDemand(composite_id, variants[composite_id], per_day(composite_id))
            for composite_id in sorted(variants, key=lambda key: (-variants[key].requests, key))
        ),
        variant_count=variant_count,
        reasons=tuple(Reason(*row) for row in reasons),
        alerted=alerted,
    )


def _totals(
    session: Session, where: Sequence[ColumnElement[bool]], max_variants: int
) -> CompoundSelect[Any]:
    """Return one query for the totals of `demand`, which reads each call only once.

    It returns one row for each of the variants with the most sign-ups, one for each day, and one
    for the whole period. A day's row has no variant, and no figure except the number of sign-ups;
    the period's row has neither variant nor day. The columns are the variant, the day, the
    `_figure_columns`, the number of people alerted and the number of variants.
    """
    calls = (
        select_calls(
            CallRow.variant,
            _day(session).label("day"),
            cast(SignUpRow.channels, String).label("channels"),
            _state().label("state"),
            PERSON.label("person"),
            CallRow.alerted_at.is_not(None).label("alerted"),
        )
        .where(*where)
        .cte("calls")
    )
    columns, zero = calls.c, literal(0)
    figures = _figure_columns(columns.channels, columns.state, columns.person)
    top = (
        select(columns.variant)
        .group_by(columns.variant)
        .order_by(func.count().desc(), columns.variant)
        .limit(max_variants)
    )
    other_figures = [zero for _ in figures[1:]]
    alerted = func.count(case((columns.alerted, columns.person)).distinct())
    return union_all(
        select(columns.variant, null(), *figures, zero, zero)
        .where(columns.variant.in_(select(top.subquery())))
        .group_by(columns.variant),
        select(null(), columns.day, func.count(), *other_figures, zero, zero).group_by(columns.day),
        select(null(), null(), *figures, alerted, func.count(columns.variant.distinct())),
    )


def demand_by_day(since: date, until: date) -> Iterator[DayDemand]:
    """Yield the demand for each variant on each day with sign-ups, oldest first.

    Rows are fetched in batches during the iteration. Raises the same exceptions as `demand`.
    """
    with Session(current_state().database.engine()) as session:
        day = _day(session)
        waiting, alerted = (
            _people_if(and_(*WAITING_CALLS)),
            _people_if(CallRow.alerted_at.is_not(None)),
        )
        figures = _figure_columns(cast(SignUpRow.channels, String), _state(), PERSON)
        rows = session.execute(
            select_calls(day, CallRow.variant, waiting, alerted, *figures)
            .where(*_period(since, until))
            .group_by(day, CallRow.variant)
            .order_by(day, CallRow.variant),
            execution_options={"yield_per": FETCH_SIZE},
        )
        for day_text, variant, people_waiting, people_alerted, *columns in rows:
            yield DayDemand(
                date.fromisoformat(day_text),
                variant,
                _figures(columns),
                waiting=people_waiting,
                alerted=people_alerted,
            )


def _period(since: date, until: date) -> list[ColumnElement[bool]]:
    if until < since:
        raise ValueError(f"the period ends before it begins: {since} to {until}")
    return [
        CallRow.operation == Operation.BACK_IN_STOCK,
        SignUpRow.created_at >= midnight(since),
        SignUpRow.created_at < midnight(until + timedelta(days=1)),
    ]


def _day(session: Session) -> ColumnElement[str]:
    """Return the column with a sign-up's day, such as 2026-07-15."""
    if session.get_bind().dialect.name == "postgresql":
        return func.to_char(func.timezone("UTC", SignUpRow.created_at), "YYYY-MM-DD")
    return func.date(SignUpRow.created_at)


def _state() -> ColumnElement[str]:
    """Return the column with a call's current state: one of `STATES`."""
    unknown = (CallRow.state == CallState.STARTED) & (SignUpRow.created_at < unknown_before())
    return case((unknown, UNKNOWN), else_=CallRow.state)


def _people_if(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """Return the column with the number of people whose calls meet `condition`."""
    return func.count(case((condition, PERSON)).distinct())


def _figure_columns(
    channels: ColumnElement[str], state: ColumnElement[str], person: ColumnElement[str]
) -> list[ColumnElement[int]]:
    """Return the columns that `_figures` reads, starting with the number of sign-ups. `channels` is
    a JSON list of names, as text.
    """
    return [
        func.count(),
        func.count(person.distinct()),
        *(func.count().filter(channels.contains(f'"{name}"')) for name in CHANNELS),
        *(func.count().filter(state == name) for name in STATES),
    ]


def _figures(columns: Sequence[int]) -> Figures:
    sign_ups, people, *counts = columns
    return Figures(
        requests=sign_ups,
        people=people,
        channels=dict(zip(CHANNELS, counts[: len(CHANNELS)], strict=True)),
        states=dict(zip(STATES, counts[len(CHANNELS) :], strict=True)),
    )
