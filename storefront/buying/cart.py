"""The cart: SKUs and quantities in a signed cookie of its own, checked against the stock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from flask import current_app, request
from itsdangerous import BadData, URLSafeSerializer
from werkzeug.wrappers import Response

from ..base.models import ProductVariant
from ..catalog import queries
from ..catalog.stock import limit

COOKIE = "shop_cart"
MAX_AGE = 30 * 24 * 3600
MOST_LINES = 40
"""A cookie holds 4 kB."""
MOST_PIECES = 99
"""Of one variant, where the stock sets no limit."""


@dataclass(frozen=True)
class CartLine:
    """A variant in the cart."""

    variant: ProductVariant
    quantity: int

    @property
    def title(self) -> str:
        """The product and the chosen values: `Haar Parka, Kelp / M`."""
        return ", ".join(filter(None, (self.variant.product.title, self.variant.title)))

    @property
    def total(self) -> Decimal:
        """The price of all pieces of this line."""
        return self.variant.price * self.quantity

    @property
    def most(self) -> int:
        """The most pieces that the shopper can have."""
        return most(self.variant)

    @property
    def short(self) -> bool:
        """Whether there are fewer pieces than the cart holds."""
        return self.quantity > self.most


def most(variant: ProductVariant) -> int:
    """The most pieces of `variant` that a cart may hold."""
    stock = limit(variant)
    return MOST_PIECES if stock is None else min(stock, MOST_PIECES)


def read() -> dict[str, int]:
    """The cart of this request, SKU to quantity; empty if there is none, or it isn't ours."""
    try:
        items = _serializer().loads(request.cookies.get(COOKIE, ""))
    except BadData:
        return {}
    return {str(sku): int(quantity) for sku, quantity in items.items()}


def count() -> int:
    """How many pieces are in the cart, for the page's header; no query."""
    return sum(read().values())


def lines(items: dict[str, int]) -> list[CartLine]:
    """The cart's lines; a variant that the shop no longer has is left out."""
    found = queries.variants(items.keys())
    return [CartLine(found[sku], quantity) for sku, quantity in items.items() if sku in found]


def subtotal(of: Sequence[CartLine]) -> Decimal:
    """What the lines cost together."""
    return sum((line.total for line in of), Decimal())


def write(response: Response, items: dict[str, int]) -> None:
    """Keep `items` in the shopper's browser; an empty cart takes its cookie away."""
    if not items:
        response.delete_cookie(COOKIE, httponly=True, samesite="Lax")
        return
    response.set_cookie(
        COOKIE,
        _serializer().dumps(items),
        max_age=MAX_AGE,
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="storefront.buying.cart")
