"""Stock in words: whether a variant can be bought, and what the shopper reads about it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import sqlalchemy as sa
from flask_babel import gettext, ngettext

from notify_me import InventoryPolicy

from .models import ProductVariant

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
    if variant.quantity is None:
        return Stock(Status.IN_STOCK, gettext("In stock"))
    if variant.quantity > 0:
        return _in_stock(variant.quantity)
    if variant.policy is InventoryPolicy.CONTINUE:
        return Stock(Status.PRE_ORDER, gettext("Pre-order"))
    return Stock(Status.SOLD_OUT, gettext("Sold out"))


def stock_of_product(variants: Sequence[ProductVariant]) -> Stock:
    """The stock of a whole product, for its card: the best that any variant offers."""
    stocks = [stock_of(variant).status for variant in variants]
    if all(status is Status.SOLD_OUT for status in stocks):
        return Stock(Status.SOLD_OUT, gettext("Sold out"))
    if not {Status.IN_STOCK, Status.LOW} & set(stocks):
        return Stock(Status.PRE_ORDER, gettext("Pre-order"))
    if Status.IN_STOCK in stocks or Status.PRE_ORDER in stocks:
        return Stock(Status.IN_STOCK, gettext("In stock"))
    return _in_stock(sum(max(variant.quantity or 0, 0) for variant in variants))


def available(variant: ProductVariant) -> bool:
    """Whether the shop sells this variant now."""
    return stock_of(variant).status is not Status.SOLD_OUT


def limit(variant: ProductVariant) -> int | None:
    """The most pieces of this variant that can be bought; None: no limit."""
    if variant.quantity is None or variant.policy is InventoryPolicy.CONTINUE:
        return None
    return max(variant.quantity, 0)


def pieces(count: int) -> str:
    """`1 piece`, `2 pieces`."""
    return f"{count} piece" if count == 1 else f"{count} pieces"


def _in_stock(quantity: int) -> Stock:
    if quantity > LOW:
        return Stock(Status.IN_STOCK, gettext("In stock"))
    return Stock(Status.LOW, ngettext("Last one", "%(num)d left", quantity))
