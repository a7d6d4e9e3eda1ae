"""`/merchant`: stock and orders. `/merchant/deliveries`: deliveries to Klaviyo."""

from __future__ import annotations

import logging
import re

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
access.protect(blueprint)

MAX_ORDERS = 50
"""The number of orders shown, newest first."""
MAX_VARIANTS = 200
"""Variants shown if no product is chosen; an imported catalog may have many thousands."""
# below zero: units owed to pre-orders
WHOLE_NUMBER = re.compile(r"-?[0-9]{1,6}")


@blueprint.errorhandler(SQLAlchemyError)
def database_unavailable(error: SQLAlchemyError) -> Response:
    """Log the error, and show an error page with status 503."""
    logger.error(
        "the database is unavailable (%s): check DATABASE_URL, and run flask db upgrade",
        type(error).__name__,
        exc_info=error,
    )
    return make_response(render_template("merchant/unavailable.html"), 503)


@blueprint.get("")
def show() -> Response:
    """Show the first variants with their stock, or those of one product (`?product=`)."""
    sku = request.args.get("set")
    changed = queries.find_variant(sku) if sku else None
    klaviyo_update = restocking.STOCK_MESSAGES.get(request.args.get("klaviyo", ""), "")
    return _stock_page(request.args.get("product"), changed=changed, klaviyo_update=klaviyo_update)


@blueprint.post("")
def set_stock() -> BaseResponse:
    """Set the stock of `sku` to `quantity`, or stop tracking it (`unmanaged`).

    :raise 404: the shop has no such variant.
    """
    sku = request.form.get("sku", "")
    variant = queries.find_variant(sku)
    if variant is None:
        abort(404)
    handle = request.form.get("product") or None
    quantity = request.form.get("quantity", "").strip()
    unmanaged = "unmanaged" in request.form
    if not unmanaged and not WHOLE_NUMBER.fullmatch(quantity):
        response = _stock_page(handle, invalid_sku=sku, invalid_quantity=quantity)
        response.status_code = 422
        return response
    result = restocking.set_stock(variant, None if unmanaged else int(quantity))
    return redirect(url("merchant.show", product=handle, set=sku, klaviyo=result.state), code=303)


@blueprint.get("/deliveries")
def show_deliveries() -> Response:
    """Show what is queued for Klaviyo, what failed, and what to do about it."""
    return _deliveries_page(retried=request.args.get("retried", type=int))


@blueprint.post("/deliveries")
def retry() -> BaseResponse:
    """Retry the deliveries that need review."""
    try:
        retried = admin.retry()
    except SQLAlchemyError as error:
        logger.error("the database failed during a retry (%s): retry again", type(error).__name__)
        return _deliveries_page(interrupted=True)
    return redirect(url("merchant.show_deliveries", retried=retried), code=303)


def _deliveries_page(*, retried: int | None = None, interrupted: bool = False) -> Response:
    """Render the deliveries page; `interrupted`: a retry stopped because of an error."""
    current = deliveries.load()
    html = render_template(
        "merchant/deliveries.html" if current else "merchant/unavailable.html",
        deliveries=current,
        retried=retried,
        interrupted=interrupted,
        dropped_days=admin.DROPPED_DAYS,
        states=deliveries.STATES,
        operations=deliveries.OPERATIONS,
    )
    return make_response(html, 200 if current and not interrupted else 503)


def _stock_page(
    handle: str | None,
    *,
    changed: ProductVariant | None = None,
    klaviyo_update: str = "",
    invalid_sku: str | None = None,
    invalid_quantity: str = "",
) -> Response:
    variants = (
        sa.select(ProductVariant)
        .join(ProductVariant.product)
        .order_by(Product.position, Product.id, ProductVariant.position)
        .options(contains_eager(ProductVariant.product).selectinload(Product.options))
    )
    variants = variants.where(Product.handle == handle) if handle else variants.limit(MAX_VARIANTS)
    products = sa.select(Product.handle, Product.title).order_by(Product.position, Product.id)
    return make_response(
        render_template(
            "merchant/stock.html",
            variants=db.session.scalars(variants).all(),
            products=db.session.execute(products).all(),
            handle=handle,
            changed=changed,
            klaviyo_update=klaviyo_update,
            invalid_sku=invalid_sku,
            invalid_quantity=invalid_quantity,
            deliveries=deliveries.load(),
            orders=orders.latest(MAX_ORDERS),
            max_orders=MAX_ORDERS,
            max_variants=MAX_VARIANTS,
        )
    )
