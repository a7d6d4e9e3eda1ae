"""The cart: SKUs and quantities in a signed cookie, and the page `/cart`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from itsdangerous import BadData, URLSafeSerializer
from werkzeug.wrappers import Response as BaseResponse

from ..base.current_shop import refresh_if_possible
from ..base.models import ProductVariant
from ..catalog import queries
from ..catalog.stock import is_available, max_quantity

COOKIE = "shop_cart"
COOKIE_MAX_AGE = 30 * 24 * 3600  # seconds
MAX_LINES = 40
"""More lines might not fit into a cookie, which is limited to 4 kB."""
MAX_QUANTITY = 99
"""The limit for one variant, even if more are in stock."""
NOTICES = ("added", "updated", "removed", "limited_stock", "limited_quantity", "sold_out", "full")
"""Outcomes of a change to the cart. The cart page explains the latest one to the shopper."""

_KEY = "storefront.cart"
"""The key of the cart in the WSGI environment, after variants have been removed from it. It isn't
in `g`, which the requests of a test may share.
"""

blueprint = Blueprint("cart", __name__)
# an import in another process may have changed the currency
blueprint.before_request(refresh_if_possible)


@dataclass(frozen=True)
class CartLine:
    """A variant in the cart."""

    variant: ProductVariant
    quantity: int

    @property
    def total(self) -> Decimal:
        """The price of the whole line."""
        return self.variant.price * self.quantity

    @property
    def limit(self) -> int:
        """How many of this variant the shopper can order."""
        return quantity_limit(self.variant)

    @property
    def exceeds_stock(self) -> bool:
        """Whether the quantity is more than the shopper can order."""
        return self.quantity > self.limit

    @property
    def is_pre_order(self) -> bool:
        """Whether some of the items aren't in stock yet, but can be ordered."""
        in_stock = self.variant.quantity
        return in_stock is not None and in_stock < self.quantity <= self.limit


def quantity_limit(variant: ProductVariant) -> int:
    """Return how many of `variant` a cart may contain."""
    in_stock = max_quantity(variant)
    return MAX_QUANTITY if in_stock is None else min(in_stock, MAX_QUANTITY)


def read() -> dict[str, int]:
    """Return the quantities in this request's cart by SKU; empty if the cookie isn't valid."""
    if _KEY in request.environ:
        return dict(request.environ[_KEY])
    try:
        items = _serializer().loads(request.cookies.get(COOKIE, ""))
    except BadData:
        return {}
    return {str(sku): int(quantity) for sku, quantity in items.items()}


def count() -> int:
    """Return the number of items in the cart, for the page header, without a query."""
    return sum(read().values())


def lines(items: dict[str, int]) -> list[CartLine]:
    """Return the lines of the cart; variants that the shop no longer has are left out."""
    variants = queries.variants_by_sku(items.keys())
    return [CartLine(variants[sku], items[sku]) for sku in items if sku in variants]


def subtotal(lines: Sequence[CartLine]) -> Decimal:
    """Return the price of all lines."""
    return sum((line.total for line in lines), Decimal())


def write(response: BaseResponse, items: dict[str, int]) -> None:
    """Set the cookie to these quantities by SKU, or delete it if the cart is empty."""
    if not items:
        response.delete_cookie(COOKIE, httponly=True, samesite="Lax")
        return
    response.set_cookie(
        COOKIE,
        _serializer().dumps(items),
        max_age=COOKIE_MAX_AGE,
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )


def _serializer() -> URLSafeSerializer:
    config = current_app.config
    # the last key signs
    keys = [*config["SECRET_KEY_FALLBACKS"], config["SECRET_KEY"]]
    return URLSafeSerializer(keys, salt="storefront.buying.cart")


@blueprint.get("/cart")
def show() -> Response:
    """Show the cart, with a notice about the change that redirected here. Variants that the shop no
    longer has are removed, because the page has no line with which to remove them.
    """
    items = read()
    cart_lines = lines(items)
    remaining = {line.variant.sku: line.quantity for line in cart_lines}
    request.environ[_KEY] = remaining  # the page's header counts it
    notice, variant = _notice()
    response = make_response(
        render_template(
            "cart/cart.html",
            lines=cart_lines,
            subtotal=subtotal(cart_lines),
            exceeds_stock=any(line.exceeds_stock for line in cart_lines),
            notice=notice,
            product=variant.full_title if variant else "",
            limit=quantity_limit(variant) if variant else 0,
            max_lines=MAX_LINES,
            kit_variant=queries.kit_variant(variant) if variant else None,
            kit_variants={
                line.variant.sku: queries.kit_variant(line.variant)
                for line in cart_lines
                if not line.limit
            },
        )
    )
    if remaining != items:
        write(response, remaining)
    response.cache_control.private = True
    response.cache_control.no_store = True
    return response


def _notice() -> tuple[str, ProductVariant] | tuple[None, None]:
    """Return the outcome of the last change (one of `NOTICES`) and the variant that was changed.
    Both are read from the redirect's URL.
    """
    for notice in NOTICES:
        sku = request.args.get(notice)
        if sku and (variant := queries.find_variant(sku)):
            return notice, variant
    return None, None


@blueprint.post("/cart")
def change() -> BaseResponse:
    """Add `quantity` of the variant `sku` to the cart. With `set=1`, replace the line's
    quantity instead; 0 removes the line.

    :raise 404: the shop has no such variant.
    :raise 400: the quantity isn't a whole number.
    """
    sku = request.form.get("sku", "")
    variant = queries.find_variant(sku)
    if variant is None:
        abort(404)
    number = request.form.get("quantity", "1").strip()
    if not (number.isascii() and number.isdigit()) or len(number) > 6:
        abort(400)
    items = read()
    adding = "set" not in request.form
    requested = int(number) + (items.get(sku, 0) if adding else 0)
    quantity = min(requested, quantity_limit(variant))
    if sku not in items and len(items) >= MAX_LINES:
        notice = "full"
    elif requested <= 0:
        notice = "removed"
    elif not is_available(variant):
        notice = "sold_out"
    elif quantity < requested:
        in_stock = max_quantity(variant)
        notice = "limited_stock" if quantity == in_stock else "limited_quantity"
    else:
        notice = "added" if adding else "updated"
    if quantity <= 0:
        items.pop(sku, None)
    elif notice != "full":
        items[sku] = quantity
    response = redirect(url_for("cart.show", _external=False, **{notice: sku}), code=303)
    write(response, items)
    return response
