"""`/merchant`: the back room: stock, orders, deliveries."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

import sqlalchemy as sa
from flask import Blueprint, Response, abort, make_response, redirect, render_template, request
from flask import url_for as url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import contains_eager
from werkzeug.wrappers import Response as BaseResponse

from notify_me import admin

from ..base.database import db
from ..base.models import Product, ProductVariant
from ..buying import orders
from ..catalog import queries, restocking
from . import access, deliveries

logger = logging.getLogger(__name__)
blueprint = Blueprint("merchant", __name__, url_prefix="/merchant")

MOST_ORDERS = 50
"""Orders that are shown: the newest."""
MOST_VARIANTS = 200
"""Variants that are shown where no product is chosen: an imported catalog may have many thousands.
"""

# below zero: pieces owed to pre-orders
WHOLE_NUMBER = re.compile(r"-?[0-9]{1,6}")


access.keep(blueprint)


@blueprint.errorhandler(SQLAlchemyError)
def away(error: SQLAlchemyError) -> Response:
    """Say that the database doesn't answer; 503."""
    logger.error("the database doesn't answer: %s", type(error).__name__, exc_info=error)
    return make_response(render_template("merchant/away.html"), 503)


@blueprint.get("")
def show() -> Response:
    """The first variants with their stock, or those of one product (`?product=`)."""
    sku = request.args.get("set")
    changed = queries.variants([sku]).get(sku) if sku else None
    told = restocking.WORDS.get(request.args.get("told", ""), "")
    return _page(request.args.get("product"), changed=changed, told=told)


@blueprint.post("")
def set_stock() -> BaseResponse:
    """Set the stock of `sku` to `quantity`, or to not managed (`unmanaged`).

    :raise 404: the shop has no such variant.
    """
    sku = request.form.get("sku", "")
    variant = queries.variants([sku]).get(sku)
    if variant is None:
        abort(404)
    handle = request.form.get("product") or None
    text = request.form.get("quantity", "").strip()
    unmanaged = "unmanaged" in request.form
    if not unmanaged and not WHOLE_NUMBER.fullmatch(text):
        response = _page(handle, wrong=sku, typed=text)
        response.status_code = 422
        return response
    told = restocking.set_stock(variant, None if unmanaged else int(text))
    place = url("merchant.show", product=handle, set=sku, told=told.state)
    return redirect(place, code=303)


@blueprint.get("/deliveries")
def show_deliveries() -> Response:
    """What waits for Klaviyo, what failed, and what to do about it."""
    return _deliveries(again=request.args.get("again", type=int))


@blueprint.post("/deliveries")
def try_again() -> BaseResponse:
    """Send out again what was set aside."""
    try:
        again = admin.retry()
    except SQLAlchemyError as error:
        logger.error("trying again stopped: %s", type(error).__name__)
        return _deliveries(stopped=True)
    return redirect(url("merchant.show_deliveries", again=again), code=303)


def _deliveries(*, again: int | None = None, stopped: bool = False) -> Response:
    """The page of deliveries. `stopped`: trying again ended on an error."""
    found = deliveries.look()
    template = "merchant/deliveries.html" if found else "merchant/away.html"
    text = render_template(
        template, deliveries=found, again=again, stopped=stopped, operations=deliveries.OPERATIONS
    )
    return make_response(text, 200 if found and not stopped else 503)


def _page(
    handle: str | None,
    *,
    changed: ProductVariant | None = None,
    told: str = "",
    wrong: str | None = None,
    typed: str = "",
) -> Response:
    return make_response(
        render_template(
            "merchant/stock.html",
            variants=_variants(handle),
            products=_products(),
            handle=handle,
            changed=changed,
            told=told,
            wrong=wrong,
            typed=typed,
            deliveries=deliveries.look(),
            orders=orders.latest(db.session, MOST_ORDERS),
            most_orders=MOST_ORDERS,
            most_variants=MOST_VARIANTS,
        )
    )


def _variants(handle: str | None) -> Sequence[ProductVariant]:
    query = (
        sa.select(ProductVariant)
        .join(ProductVariant.product)
        .order_by(Product.position, Product.id, ProductVariant.position)
        .options(contains_eager(ProductVariant.product).selectinload(Product.options))
    )
    query = query.where(Product.handle == handle) if handle else query.limit(MOST_VARIANTS)
    return db.session.scalars(query).all()


def _products() -> Sequence[sa.Row[str, str]]:
    query = sa.select(Product.handle, Product.title).order_by(Product.position, Product.id)
    return db.session.execute(query).all()
