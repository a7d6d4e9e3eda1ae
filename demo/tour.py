"""The guided tour: seven steps with one sold-out variant, showing what has actually happened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace

import sqlalchemy as sa
from flask import current_app, request
from itsdangerous import BadData, URLSafeSerializer
from werkzeug.wrappers import Response

from notify_me import admin, current_catalog
from storefront.base.database import db
from storefront.base.models import Order, OrderLine, Product, ProductVariant
from storefront.catalog import queries, restocking
from storefront.catalog.stock import AVAILABLE, is_available

from .sandbox import Row, Sandbox, SandboxUnavailable

COOKIE = "shop_tour"
COOKIE_MAX_AGE = 86400
"""Seconds."""
STEPS = (
    "Sold out",
    "Sign up",
    "Sent to Klaviyo",
    "Waiting list",
    "Restock",
    "The alert",
    "The sale",
)
_SUBSCRIPTION_PATHS = (
    "/api/back-in-stock-subscriptions",
    "/client/back-in-stock-subscriptions",
)


@dataclass(frozen=True, slots=True)
class Tour:
    """A visitor's step, and the latest records from before the tour began."""

    sku: str
    step: int = 1
    """From 1 to 7."""
    request: int = 0
    """The ID of the sandbox's last request."""
    message: int = 0
    """The ID of the sandbox's last message."""
    order: int = 0
    """The ID of the shop's last order."""

    def at(self, step: int) -> Tour:
        """Return the same tour at another step."""
        return replace(self, step=min(max(step, 1), len(STEPS)))


@dataclass(frozen=True, slots=True)
class Progress:
    """What has happened since the tour began."""

    variant: ProductVariant
    composite_id: str
    sandbox_unavailable: bool = False
    subscription: Row | None = None
    """The latest request for a back-in-stock subscription."""
    waiting: tuple[Row, ...] = ()
    restock: Row | None = None
    """The latest successful request that changed the variant's stock."""
    message: Row | None = None
    order: Order | None = None

    def is_done(self, step: int) -> bool:
        """Whether the visitor can go on to the next step."""
        match step:
            case 2:
                return self.subscription is not None and self.subscription["status"] == 202
            case 5:
                return is_available(self.variant) and self.restock is not None
            case 6:
                return self.message is not None
            case 7:
                return self.order is not None
        return True

    @property
    def sent_by_browser(self) -> bool:
        """Whether the subscription was requested by the shopper's browser."""
        return bool(self.subscription and self.subscription["path"].startswith("/client/"))


def begin(sandbox: Sandbox) -> Tour | None:
    """Start a tour; None if nothing is sold out.

    Prefers a product that is sold out completely to one with other variants in stock. The sandbox
    gets the product, which may have been imported after the shop started.
    """
    in_stock = sa.select(ProductVariant.product_id).where(AVAILABLE).correlate(None)
    found = db.session.execute(
        sa.select(ProductVariant.sku, Product.id)
        .join(ProductVariant.product)
        .where(~AVAILABLE)
        .order_by(Product.id.in_(in_stock), Product.position, Product.id, ProductVariant.position)
        .limit(1)
    ).first()
    if found is None:
        return None
    sku, product_id = found
    if current_catalog().writable:
        only = (product_id, product_id)
        try:
            admin.push_catalog(lambda: queries.all_products(ids=only), restocking.shop_url())
        except admin.PushError as error:
            raise SandboxUnavailable from error
    return Tour(
        sku,
        request=_last_id(sandbox.requests()),
        message=_last_id(sandbox.messages()),
        order=db.session.scalar(sa.select(sa.func.max(Order.id))) or 0,
    )


def _last_id(rows: list[Row]) -> int:
    return max((int(row["id"]) for row in rows), default=0)


def find_variant(tour: Tour) -> ProductVariant | None:
    """The tour's variant; None if the shop no longer has it."""
    return queries.find_variant(tour.sku)


def progress(tour: Tour, sandbox: Sandbox) -> Progress | None:
    """What has happened since the tour began; None if the shop no longer has its variant."""
    variant = find_variant(tour)
    if variant is None:
        return None
    composite_id = str(queries.composite_id(variant))
    order = db.session.scalar(
        sa.select(Order)
        .where(Order.id > tour.order)
        .where(sa.exists().where(OrderLine.order_id == Order.id, OrderLine.sku == tour.sku))
        .order_by(Order.id.desc())
        .limit(1)
    )
    try:
        calls = _since(tour.request, sandbox.requests)
        messages = _since(tour.message, sandbox.messages)
        waiting = sandbox.waiting()
    except SandboxUnavailable:
        return Progress(variant, composite_id, sandbox_unavailable=True, order=order)
    return Progress(
        variant,
        composite_id,
        subscription=_latest(call for call in calls if _subscribes_to(call, composite_id)),
        waiting=tuple(entry for entry in waiting if entry["variant"] == composite_id),
        restock=_latest(call for call in calls if _sets_stock_of(call, composite_id)),
        message=_latest(
            message
            for message in messages
            if message["variant"] == composite_id and message["status"] == "sent"
        ),
        order=order,
    )


def _since(last_id: int, read: Callable[..., list[Row]]) -> list[Row]:
    """The rows with an ID above `last_id`.

    A sandbox that was restarted no longer has that row and counts from 1 again, so all its rows are
    newer.
    """
    rows = read(after=max(last_id - 1, 0))
    if last_id and not any(row["id"] == last_id for row in rows):
        return read()
    return [row for row in rows if row["id"] > last_id]


def _latest(rows: Iterable[Row]) -> Row | None:
    return next(reversed([*rows]), None)


def _subscribes_to(call: Row, composite_id: str) -> bool:
    if call["method"] != "POST" or call["path"] not in _SUBSCRIPTION_PATHS:
        return False
    value = call["body"]
    for key in ("data", "relationships", "variant", "data", "id"):
        value = value.get(key) if isinstance(value, Mapping) else None
    return bool(value == composite_id)


def _sets_stock_of(call: Row, composite_id: str) -> bool:
    """Whether a call changed the variant in the catalog, and Klaviyo accepted it."""
    return (
        call["method"] in ("PATCH", "POST")
        and "/catalog-variant" in call["path"]
        and call["status"] is not None
        and 200 <= call["status"] < 300
        and composite_id in f"{call['path']} {call['body']} {call['reply']}"
    )


def read() -> Tour | None:
    """The tour of this request's visitor, if they are on one."""
    try:
        return Tour(**_serializer().loads(request.cookies.get(COOKIE, "")))
    except (BadData, TypeError):
        return None


def write(response: Response, tour: Tour | None) -> None:
    """Save the tour in the visitor's browser; None ends it."""
    if tour is None:
        response.delete_cookie(COOKIE, httponly=True, samesite="Lax")
        return
    response.set_cookie(
        COOKIE,
        _serializer().dumps(asdict(tour)),
        httponly=True,
        samesite="Lax",
        max_age=COOKIE_MAX_AGE,
    )


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="storefront.tour")
