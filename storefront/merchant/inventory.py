"""`/merchant`: stock and orders. `/merchant/deliveries`: deliveries to Klaviyo."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, abort, make_response, redirect, render_template, request
from flask import url_for as url
from sqlalchemy.exc import DataError, SQLAlchemyError
from sqlalchemy.orm import contains_eager
from werkzeug.wrappers import Response as BaseResponse

from notify_me import admin

from ..base.database import db
from ..base.errors import invalid_value_page, log_database_error
from ..base.models import Product, ProductVariant
from ..buying import orders
from ..catalog import queries, restocking
from ..catalog.browsing import fold
from . import access, deliveries, health, waiting

logger = logging.getLogger(__name__)
blueprint = Blueprint("merchant", __name__, url_prefix="/merchant")
access.protect(blueprint)

blueprint.register_error_handler(DataError, invalid_value_page)

MAX_ORDERS = 50
"""The number of orders shown, newest first."""
PAGE_SIZE = 100
"""The number of variants on a page; an imported catalog may have many thousands."""
MAX_SEARCH_LENGTH = 80
# below zero: units owed to pre-orders
WHOLE_NUMBER = re.compile(r"-?[0-9]{1,6}")


@blueprint.errorhandler(SQLAlchemyError)
def database_unavailable(error: SQLAlchemyError) -> Response:
    """Log the error, and show an error page with status 503."""
    log_database_error(error)
    db.session.rollback()
    return make_response(render_template("merchant/unavailable.html"), 503)


@dataclass(frozen=True)
class StockQuery:
    """The variants to list: all, those of a product, or those that match a search."""

    product: str | None = None
    """The product's handle."""
    search: str = ""
    page: int = 1

    @classmethod
    def parse(cls, arguments: Mapping[str, str]) -> StockQuery:
        """Read the fields of a URL or a form. An invalid page number counts as 1."""
        page = arguments.get("page", "")
        return cls(
            arguments.get("product") or None,
            " ".join(arguments.get("q", "").replace("\0", " ").split())[:MAX_SEARCH_LENGTH],
            int(page) if re.fullmatch(r"[1-9][0-9]{0,5}", page) else 1,
        )

    @property
    def fields(self) -> dict[str, Any]:
        """The fields for a URL or a form, without those that have their default values."""
        page = self.page if self.page > 1 else None
        fields = {"product": self.product, "q": self.search, "page": page}
        return {name: value for name, value in fields.items() if value}

    @property
    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """The conditions on products and variants. Each word of the search must be in the product's
        search text or the SKU.
        """
        conditions = [Product.handle == self.product] if self.product else []
        return conditions + [
            Product.search_text.contains(fold(word), autoescape=True)
            # not folded, since the database doesn't remove the accents of SKUs; in both cases,
            # since SQLite's lower() changes only ASCII letters
            | sa.or_(
                *(
                    ProductVariant.sku.icontains(form, autoescape=True)
                    for form in {word, word.lower(), word.upper()}
                )
            )
            for word in self.search.split()
        ]


@blueprint.get("")
def show() -> Response:
    """Show variants with their stock. `product`, `q` and `page` select the variants.

    :raise 404: there is no such page.
    """
    sku = request.args.get("set")
    changed = queries.find_variant(sku) if sku else None
    klaviyo_update = restocking.STOCK_MESSAGES.get(request.args.get("klaviyo", ""), "")
    query = StockQuery.parse(request.args)
    return _stock_page(query, changed=changed, klaviyo_update=klaviyo_update)


@blueprint.post("")
def set_stock() -> BaseResponse:
    """Set the stock of `sku` to `quantity`, or stop tracking it (`unmanaged`); 422 if `quantity`
    isn't a whole number.

    :raise 404: the shop has no such variant.
    """
    sku = request.form.get("sku", "")
    variant = queries.find_variant(sku)
    if variant is None:
        abort(404)
    query = StockQuery.parse(request.form)
    quantity = request.form.get("quantity", "").strip()
    unmanaged = "unmanaged" in request.form
    if not unmanaged and not WHOLE_NUMBER.fullmatch(quantity):
        response = _stock_page(query, invalid_sku=sku, invalid_quantity=quantity)
        response.status_code = 422
        return response
    result = restocking.set_stock(variant, None if unmanaged else int(quantity))
    return redirect(url("merchant.show", **query.fields, set=sku, klaviyo=result.state), code=303)


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
        logger.error("the database failed during a retry (%s): try again", type(error).__name__)
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
        honeypot_days=admin.HONEYPOT_DAYS,
        states=deliveries.STATES,
        retry_period=deliveries.retry_period(),
        operations=deliveries.OPERATIONS,
        health=[(health.NAMES.get(row.check, row.check), row) for row in health.rows()],
        verdicts=health.VERDICTS,
    )
    return make_response(html, 200 if current and not interrupted else 503)


def _stock_page(
    query: StockQuery,
    *,
    changed: ProductVariant | None = None,
    klaviyo_update: str = "",
    invalid_sku: str | None = None,
    invalid_quantity: str = "",
) -> Response:
    variants = sa.select(ProductVariant).join(ProductVariant.product).where(*query.conditions)
    total = db.session.scalar(sa.select(sa.func.count()).select_from(variants.subquery())) or 0
    last_page = max(1, -(-total // PAGE_SIZE))
    if query.page > last_page:
        abort(404)
    variants = (
        variants.order_by(Product.position, Product.id, ProductVariant.position)
        .options(contains_eager(ProductVariant.product).selectinload(Product.options))
        .limit(PAGE_SIZE)
        .offset((query.page - 1) * PAGE_SIZE)
    )
    on_page = db.session.scalars(variants).all()
    return make_response(
        render_template(
            "merchant/stock.html",
            variants=on_page,
            waiting=waiting.people_by_sku(on_page),
            query=query,
            total=total,
            last_page=last_page,
            changed=changed,
            klaviyo_update=klaviyo_update,
            invalid_sku=invalid_sku,
            invalid_quantity=invalid_quantity,
            deliveries=deliveries.load(),
            orders=orders.latest(MAX_ORDERS),
            max_orders=MAX_ORDERS,
        )
    )
