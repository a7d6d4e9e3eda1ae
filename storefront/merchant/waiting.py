"""The people waiting for alerts and the revenue they may bring in, for the demand page, the stock
page and the banner.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from flask import g
from sqlalchemy.exc import SQLAlchemyError

from notify_me import admin

from ..base.database import db
from ..base.errors import log_database_error
from ..base.models import ProductVariant
from ..catalog import queries


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """The people who are waiting for one variant."""

    composite_id: str
    variant: ProductVariant | None
    """The shop's variant; None if the shop no longer has it."""
    people: int

    @property
    def revenue(self) -> Decimal:
        """The revenue if every one of these people buys one; 0 if the variant is gone."""
        return self.people * self.variant.price if self.variant else Decimal(0)


@dataclass(frozen=True, slots=True)
class Report:
    """All people who are waiting for an alert."""

    people: int
    """Distinct people: someone waiting for two variants counts once here, but in both rows."""
    revenue: Decimal
    """The number of people times the price, summed over all variants."""
    median: timedelta | None
    longest: timedelta | None
    variant_count: int
    rows: Sequence[WaitingRow]
    """The variants with the most potential revenue, in descending order."""


def report(max_variants: int) -> Report:
    """Return the report, with the `max_variants` variants that have the most potential revenue.

    Raises `sqlalchemy.exc.SQLAlchemyError` if the database is unavailable.
    """
    by_variant = _people()
    offers = queries.offers(by_variant)
    # if stock was changed with plain SQL, a variant may be available without a recorded restock
    available = {variant for variant, offer in offers.items() if offer.available}
    waiting = admin.waiting(without=available)
    revenue = {
        variant: count * offers[variant].price if variant in offers else Decimal(0)
        for variant, count in by_variant.items()
        if variant not in available
    }
    # sorted() keeps the order of variants with equal revenue: those with more people first
    top = sorted(revenue, key=lambda variant: revenue[variant], reverse=True)[:max_variants]
    return Report(
        people=waiting.people,
        revenue=sum(revenue.values(), Decimal(0)),
        median=waiting.median,
        longest=waiting.longest,
        variant_count=len(revenue),
        rows=_rows({variant: by_variant[variant] for variant in top}),
    )


def people_by_sku(variants: Iterable[ProductVariant]) -> Mapping[str, int]:
    """Return how many people are waiting for each variant, by SKU; empty if the database fails."""
    try:
        people = _people()
    except SQLAlchemyError as error:
        log_database_error(error)
        return {}
    ids = {variant.sku: str(queries.composite_id(variant)) for variant in variants}
    return {sku: people[variant] for sku, variant in ids.items() if variant in people}


def many_waiting() -> Sequence[WaitingRow]:
    """Return the sold-out variants for which at least `[merchant] many_waiting` people are waiting,
    most people first; empty if the database fails.
    """
    at_least = admin.merchant_settings().many_waiting
    if not at_least:
        return []
    try:
        everyone = _people()
    except SQLAlchemyError:
        # no rollback: the sign-up log has its own connection, and the page still needs its objects
        return []
    people = {variant: count for variant, count in everyone.items() if count >= at_least}
    try:
        # without a savepoint, PostgreSQL would refuse the page's other queries after a failed one
        with db.session.begin_nested():
            available = {str(composite_id) for composite_id in queries.available(people)}
            return _rows({variant: n for variant, n in people.items() if variant not in available})
    except SQLAlchemyError:
        # the error page also shows this banner
        return []


def _people() -> Mapping[str, int]:
    """Return the number of people waiting for each variant, cached for the rest of the request."""
    if "people_waiting" not in g:
        g.people_waiting = admin.people_waiting()
    people: Mapping[str, int] = g.people_waiting
    return people


def _rows(people: Mapping[str, int]) -> list[WaitingRow]:
    variants = queries.variants_by_composite_id(people)
    return [
        WaitingRow(composite_id, variants.get(composite_id), count)
        for composite_id, count in people.items()
    ]
