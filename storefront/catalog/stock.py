"""Stock in words: whether a variant can be bought, and what the shopper reads about it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import sqlalchemy as sa
from flask_babel import gettext, ngettext

from notify_me import InventoryPolicy

from ..base.models import ProductVariant

LOW = 3
"""From this many pieces down, the shopper is told how many are left."""

# The same rules as in the functions below, for queries.
IN_STOCK = sa.or_(ProductVariant.quantity.is_(None), ProductVariant.quantity > 0)
BUYABLE = sa.or_(IN_STOCK, ProductVariant.policy == InventoryPolicy.CONTINUE)


class Status(StrEnum):
    """What a shopper can do about a variant; the values are the page's class names."""

    IN_STOCK = "in-stock"
    LOW = "low"
    PRE_ORDER = "pre-order"
    SOLD_OUT = "sold-out"


class Stock(NamedTuple):
    """A status, and its words."""

    status: Status
    words: str


def stock_of(variant: ProductVariant) -> Stock:
    """The stock of one variant."""
    return _told(_status(variant), variant.quantity or 0)


def stock_of_product(variants: Sequence[ProductVariant]) -> Stock:
    """The stock of a whole product, for its card: the best that any variant offers."""
    stocks = {_status(variant) for variant in variants}
    if stocks == {Status.SOLD_OUT}:
        return _told(Status.SOLD_OUT)
    if not {Status.IN_STOCK, Status.LOW} & stocks:
        return _told(Status.PRE_ORDER)
    pieces_left = sum(max(variant.quantity or 0, 0) for variant in variants)
    if {Status.IN_STOCK, Status.PRE_ORDER} & stocks or pieces_left > LOW:
        return _told(Status.IN_STOCK)
    return _told(Status.LOW, pieces_left)


def available(variant: ProductVariant) -> bool:
    """Whether the shop sells this variant now."""
    return _status(variant) is not Status.SOLD_OUT


def limit(variant: ProductVariant) -> int | None:
    """The most pieces of this variant that can be bought; None: no limit."""
    if variant.quantity is None or variant.policy is InventoryPolicy.CONTINUE:
        return None
    return max(variant.quantity, 0)


def pieces(count: int) -> str:
    """`1 piece`, `2 pieces`."""
    return f"{count} piece" if count == 1 else f"{count} pieces"


def _status(variant: ProductVariant) -> Status:
    if variant.quantity is None or variant.quantity > LOW:
        return Status.IN_STOCK
    if variant.quantity > 0:
        return Status.LOW
    return Status.PRE_ORDER if variant.policy is InventoryPolicy.CONTINUE else Status.SOLD_OUT


def _told(status: Status, pieces_left: int = 0) -> Stock:
    match status:
        case Status.IN_STOCK:
            return Stock(status, gettext("In stock"))
        case Status.LOW:
            return Stock(status, ngettext("Last one", "%(num)d left", pieces_left))
        case Status.PRE_ORDER:
            return Stock(status, gettext("Pre-order"))
        case Status.SOLD_OUT:
            return Stock(status, gettext("Sold out"))
