"""Whether a variant can be bought, and the label for its stock."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import sqlalchemy as sa
from flask_babel import gettext, ngettext

from notify_me import InventoryPolicy

from ..base.models import ProductVariant

LOW_STOCK = 3
"""At this quantity and below, the label says how many are left."""

# The same rules as in the functions below, as conditions for queries.
IN_STOCK = sa.or_(ProductVariant.quantity.is_(None), ProductVariant.quantity > 0)
AVAILABLE = sa.or_(IN_STOCK, ProductVariant.policy == InventoryPolicy.CONTINUE)


class Status(StrEnum):
    """The stock status of a variant or product; the values are also CSS class suffixes."""

    IN_STOCK = "in-stock"
    LOW = "low"
    PRE_ORDER = "pre-order"
    SOLD_OUT = "sold-out"


class Stock(NamedTuple):
    """A status, and its translated label."""

    status: Status
    label: str


def stock_of(variant: ProductVariant) -> Stock:
    """Return the stock of one variant."""
    return _labeled(_status(variant), variant.quantity or 0)


def stock_of_product(variants: Sequence[ProductVariant]) -> Stock:
    """Return the stock of a product: the best status of these variants.

    If several of them are low, their units are added up. Low stock counts as in stock if another
    variant can be pre-ordered.
    """
    statuses = {_status(variant) for variant in variants}
    if statuses == {Status.SOLD_OUT}:
        return _labeled(Status.SOLD_OUT)
    if not {Status.IN_STOCK, Status.LOW} & statuses:
        return _labeled(Status.PRE_ORDER)
    left = sum(max(variant.quantity or 0, 0) for variant in variants)
    if {Status.IN_STOCK, Status.PRE_ORDER} & statuses or left > LOW_STOCK:
        return _labeled(Status.IN_STOCK)
    return _labeled(Status.LOW, left)


def is_available(variant: ProductVariant) -> bool:
    """Whether a shopper can buy or pre-order this variant."""
    return _status(variant) is not Status.SOLD_OUT


def max_quantity(variant: ProductVariant) -> int | None:
    """Return how many of this variant can be bought, or None for no limit."""
    if variant.quantity is None or variant.policy is InventoryPolicy.CONTINUE:
        return None
    return max(variant.quantity, 0)


def _status(variant: ProductVariant) -> Status:
    if variant.quantity is None or variant.quantity > LOW_STOCK:
        return Status.IN_STOCK
    if variant.quantity > 0:
        return Status.LOW
    return Status.PRE_ORDER if variant.policy is InventoryPolicy.CONTINUE else Status.SOLD_OUT


def _labeled(status: Status, left: int = 0) -> Stock:
    match status:
        case Status.IN_STOCK:
            return Stock(status, gettext("In stock"))
        case Status.LOW:
            return Stock(status, ngettext("Last one", "%(num)d left", left))
        case Status.PRE_ORDER:
            return Stock(status, gettext("Pre-order"))
        case Status.SOLD_OUT:
            return Stock(status, gettext("Sold out"))
