"""`/merchant/demand`: what shoppers signed up for, from the kit's sign-up log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain

from flask import Blueprint, Response, render_template, request, stream_with_context
from sqlalchemy.exc import SQLAlchemyError

from notify_me import Channel, admin

from ..base.models import ProductVariant
from ..catalog import queries
from . import access, charts, demand_csv, inventory, sales, waiting
from .deliveries import STATES, duration_text
from .demand_csv import STATE_ORDER

blueprint = Blueprint("demand", __name__, url_prefix="/merchant")
access.protect(blueprint)
blueprint.register_error_handler(SQLAlchemyError, inventory.database_unavailable)

PERIODS = (7, 30, 90)
"""The periods to choose from, in days including today."""
DEFAULT_PERIOD = 30
TOP_VARIANTS = 20
"""How many variants are shown at first: those with the most sign-ups."""
MAX_VARIANTS = 200
"""How many variants are shown with `?all=1`."""
CHANNEL_NAMES = {channel.value: channel.info.short_name for channel in Channel}


@dataclass(frozen=True, slots=True)
class VariantRow:
    """One variant in the table."""

    composite_id: str
    variant: ProductVariant | None
    """The shop's variant; None if the shop no longer has it."""
    figures: admin.Figures
    bar: tuple[charts.Segment, ...]
    chart: charts.ColumnChart
    by_day: Mapping[date, int]
    """Sign-ups by day, without days that have none."""


@dataclass(frozen=True, slots=True)
class Report:
    """The data on the demand page."""

    days: int
    shows_all: bool
    """Whether up to `MAX_VARIANTS` variants are shown, instead of `TOP_VARIANTS`."""
    now: datetime
    demand: admin.Demand
    chart: charts.ColumnChart
    by_day: Mapping[date, int]
    """Sign-ups by day, for every day of the period."""
    rows: tuple[VariantRow, ...]
    waiting_now: waiting.Report
    sales_after_alerts: sales.Sales

    @property
    def buyers(self) -> int:
        """The number of alerted shoppers who bought the variant. Orders are matched with sign-ups
        rather than alerts, so there may be more buyers than alerts; the excess isn't counted.
        """
        return min(self.sales_after_alerts.shoppers, self.demand.alerted)

    @property
    def sale_rate(self) -> float:
        """The share of the alerted shoppers who then bought the variant, from 0 to 1."""
        return self.buyers / self.demand.alerted if self.demand.alerted else 0.0

    def waiting_bar(self, row: waiting.WaitingRow) -> tuple[charts.Segment, ...]:
        """Return a bar for the revenue of a row, relative to the revenue of the first row."""
        most = self.waiting_now.rows[0].revenue
        # in hundredths, since a bar takes whole numbers
        return charts.bar({"all": int(row.revenue * 100)}, int(most * 100))

    @property
    def busiest_day(self) -> date:
        """The day with the most sign-ups."""
        return max(self.by_day, key=lambda day: self.by_day[day])

    @property
    def hidden_variants(self) -> int:
        """How many variants aren't shown."""
        return self.demand.variant_count - len(self.rows)

    def share_bar(self, count: int) -> tuple[charts.Segment, ...]:
        """Return a bar for `count` out of all sign-ups."""
        return charts.bar({"all": count}, self.demand.figures.requests)


@blueprint.get("/demand")
def show() -> str:
    """Show demand over the last `?days=` (7, 30 or 90); `?all=1` shows more variants."""
    return render_template(
        "merchant/demand.html",
        report=_report(_requested_days(), show_all="all" in request.args),
        max_variants=MAX_VARIANTS,
        periods=PERIODS,
        duration=duration_text,
        channels=CHANNEL_NAMES,
        states={state: STATES[state][0] for state in STATE_ORDER},
    )


@blueprint.get("/demand.csv")
def download() -> Response:
    """Download demand over the last `?days=` as CSV, with a line per variant and day."""
    since, until = _period(_requested_days())
    pieces = demand_csv.generate(
        admin.demand_by_day(since, until), queries.variants_by_composite_id
    )
    # read the first piece now: once the response has begun, an error can't change its status
    first = next(pieces)
    name = f"demand-{since.isoformat()}-to-{until.isoformat()}.csv"
    return Response(
        stream_with_context(chain([first], pieces)),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _report(days: int, *, show_all: bool) -> Report:
    since, until = _period(days)
    limit = MAX_VARIANTS if show_all else TOP_VARIANTS
    demand = admin.demand(since, until, max_variants=limit)
    variants = queries.variants_by_composite_id(row.variant for row in demand.variants)
    most_sign_ups = max((row.figures.requests for row in demand.variants), default=0)
    # one scale for all variants, so that their charts can be compared
    most_in_a_day = max(chain.from_iterable(row.days for row in demand.variants), default=0)
    return Report(
        days=days,
        shows_all=show_all,
        now=datetime.now(UTC),
        demand=demand,
        chart=charts.column_chart(demand.days),
        waiting_now=waiting.report(limit),
        sales_after_alerts=sales.after_alerts(
            _midnight(since), _midnight(until + timedelta(days=1))
        ),
        by_day=_by_date(since, demand.days),
        rows=tuple(
            VariantRow(
                composite_id=row.variant,
                variant=variants.get(row.variant),
                figures=row.figures,
                bar=charts.bar(
                    {state: row.figures.states[state] for state in STATE_ORDER}, most_sign_ups
                ),
                chart=charts.column_chart(row.days, most_in_a_day),
                by_day={day: count for day, count in _by_date(since, row.days).items() if count},
            )
            for row in demand.variants
        ),
    )


def _period(days: int) -> tuple[date, date]:
    """Return the first and the last day of a period that ends today, in UTC."""
    today = datetime.now(UTC).date()
    return today - timedelta(days=days - 1), today


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _by_date(since: date, counts: Iterable[int]) -> dict[date, int]:
    return {since + timedelta(days=index): count for index, count in enumerate(counts)}


def _requested_days() -> int:
    days = request.args.get("days", DEFAULT_PERIOD, type=int)
    return days if days in PERIODS else DEFAULT_PERIOD
