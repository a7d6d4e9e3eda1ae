"""`/cart`: see it, add to it, change it. Every post is answered by a redirect back to it."""

from __future__ import annotations

from typing import NamedTuple

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request
from flask import url_for as url
from werkzeug.wrappers import Response as BaseResponse

from ..base.models import ProductVariant
from ..catalog import queries
from ..catalog.stock import available, limit
from . import cart

blueprint = Blueprint("cart", __name__)

KINDS = ("added", "changed", "removed", "short", "most", "gone", "full")
"""What a post can come to."""


class Notice(NamedTuple):
    """What the last post came to. The address names it; the words come from the stock."""

    kind: str
    variant: ProductVariant
    left: int


@blueprint.get("/cart")
def show() -> Response:
    """The cart with its lines."""
    lines = cart.lines(cart.read())
    notice = _notice()
    response = make_response(
        render_template(
            "cart/cart.html",
            lines=lines,
            subtotal=cart.subtotal(lines),
            short=any(line.short for line in lines),
            notice=notice,
            most_lines=cart.MOST_LINES,
            notice_kit=queries.kit_variant(notice.variant) if notice else None,
        )
    )
    response.cache_control.private = True
    response.cache_control.no_store = True
    return response


@blueprint.post("/cart")
def change() -> BaseResponse:
    """Add pieces of a variant (`sku`, `quantity`), or set them (`set=1`); 0 removes it.

    :raise 404: the shop has no such variant.
    :raise 400: the quantity isn't a whole number.
    """
    sku = request.form.get("sku", "")
    variant = queries.variants([sku]).get(sku)
    if variant is None:
        abort(404)
    items = cart.read()
    wanted = _quantity() if "set" in request.form else items.get(sku, 0) + _quantity()
    kept = min(wanted, cart.most(variant))
    kind = _outcome(variant, wanted, kept)
    if sku not in items and len(items) >= cart.MOST_LINES:
        kind = "full"
    elif kept > 0:
        items[sku] = kept
    else:
        items.pop(sku, None)
    response = redirect(url("cart.show", _external=False, **{kind: sku}), code=303)
    cart.write(response, items)
    return response


def _outcome(variant: ProductVariant, wanted: int, kept: int) -> str:
    if wanted <= 0:
        return "removed"
    if not available(variant):
        return "gone"
    if kept < wanted:
        return "short" if kept == limit(variant) else "most"
    return "changed" if "set" in request.form else "added"


def _notice() -> Notice | None:
    for kind in KINDS:
        if sku := request.args.get(kind):
            variant = queries.variants([sku]).get(sku)
            return Notice(kind, variant, cart.most(variant)) if variant else None
    return None


def _quantity() -> int:
    text = request.form.get("quantity", "1").strip()
    if not (text.isascii() and text.isdigit()) or len(text) > 6:
        abort(400)
    return int(text)
