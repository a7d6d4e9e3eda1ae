"""`/merchant/demand`: what shoppers asked for, from the kit's own log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import chain

from flask import Blueprint, Response, render_template, request, stream_with_context
from sqlalchemy.exc import SQLAlchemyError

from notify_me import Channel, admin

from ..base.models import ProductVariant
from ..catalog import queries
from . import access, charts, demand_csv, inventory
from .deliveries import STATES

blueprint = Blueprint("demand", __name__, url_prefix="/merchant")
access.keep(blueprint)
blueprint.register_error_handler(SQLAlchemyError, inventory.away)

PERIODS = (7, 30, 90)
"""Days that can be looked at, today among them."""
USUAL = 30
MOST, WHOLE = 20, 200
"""Variants that are shown, those asked for most: at first, and by `?all=1`."""
CHANNELS = {channel.value: channel.info.short_name for channel in Channel}
ENDS = ("accepted", "queued", "dead_lettered", "refused", "failed", "started", "unknown")
"""The states in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class Row:
    """A variant on the board."""

    composite_id: str
    variant: ProductVariant | None
    """None: the shop doesn't have it any more."""
    figures: admin.Figures
    bar: tuple[charts.Segment, ...]
    days: charts.Columns
    by_day: Mapping[date, int]
    """The days on which somebody asked."""


@dataclass(frozen=True, slots=True)
class Board:
    """What the page shows."""

    days: int
    whole: bool
    """Whether as many variants are shown as the page takes."""
    now: datetime
    found: admin.Demand
    chart: charts.Columns
    by_day: Mapping[date, int]
    """Every day of the period."""
    rows: tuple[Row, ...]

    @property
    def busiest(self) -> date:
        """The day with the most requests."""
        return max(self.by_day, key=lambda day: self.by_day[day])

    @property
    def rest(self) -> int:
        """How many variants aren't shown."""
        return self.found.variant_count - len(self.rows)

    def share(self, count: int) -> tuple[charts.Segment, ...]:
        """A bar for some of all requests."""
        return charts.bar({"all": count}, self.found.figures.requests)


@blueprint.get("/demand")
def show() -> str:
    """The demand of the last `?days=`: 7, 30 or 90; `?all=1` for more variants."""
    return render_template(
        "merchant/demand.html",
        board=board(_days(), whole="all" in request.args),
        whole=WHOLE,
        periods=PERIODS,
        channels=CHANNELS,
        ends={state: STATES[state][0] for state in ENDS},
    )


@blueprint.get("/demand.csv")
def download() -> Response:
    """The same as a file: a line for each variant on each day, however many there are."""
    since, until = period(_days())
    lines = demand_csv.lines(admin.demand_by_day(since, until), queries.by_composite_id)
    # what the database refuses is told before a file has begun
    first = next(lines)

    def pieces() -> Iterator[str]:
        yield first
        yield from lines

    name = f"demand-{since.isoformat()}-to-{until.isoformat()}.csv"
    return Response(
        stream_with_context(pieces()),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def board(days: int, *, whole: bool = False) -> Board:
    """The demand of the last days, with the shop's names.

    Raises `sqlalchemy.exc.SQLAlchemyError` when the database can't be used.
    """
    since, until = period(days)
    found = admin.demand(since, until, most_variants=WHOLE if whole else MOST)
    known = queries.by_composite_id(each.variant for each in found.variants)
    longest = max((each.figures.requests for each in found.variants), default=0)
    # one scale for all, or their days couldn't be compared
    highest = max(chain.from_iterable(each.days for each in found.variants), default=0)
    return Board(
        days=days,
        whole=whole,
        now=datetime.now(UTC),
        found=found,
        chart=charts.columns(found.days),
        by_day=_dated(since, found.days),
        rows=tuple(
            Row(
                composite_id=each.variant,
                variant=known.get(each.variant),
                figures=each.figures,
                bar=charts.bar({state: each.figures.states[state] for state in ENDS}, longest),
                days=charts.columns(each.days, highest),
                by_day={day: count for day, count in _dated(since, each.days).items() if count},
            )
            for each in found.variants
        ),
    )


def period(days: int) -> tuple[date, date]:
    """The first and the last day, in UTC."""
    today = datetime.now(UTC).date()
    return today - timedelta(days=days - 1), today


def _dated(since: date, counts: Iterable[int]) -> dict[date, int]:
    return {since + timedelta(days=place): count for place, count in enumerate(counts)}


def _days() -> int:
    days = request.args.get("days", USUAL, type=int)
    return days if days in PERIODS else USUAL
