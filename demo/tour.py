"""The tour: one variant's story in seven steps, told from what really happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import sqlalchemy as sa
from flask import current_app, request
from itsdangerous import BadData, URLSafeSerializer
from werkzeug.wrappers import Response

from storefront.base.database import db
from storefront.base.models import Order, OrderLine, Product, ProductVariant
from storefront.catalog import queries
from storefront.catalog.stock import BUYABLE, available

from .sandbox import Row, Sandbox, SandboxAway

COOKIE = "shop_tour"
STEPS = (
    "Sold out",
    "Notify me",
    "The request",
    "The waiting list",
    "Restock",
    "The message",
    "Buy it",
)
_SUBSCRIPTIONS = ("/api/back-in-stock-subscriptions", "/client/back-in-stock-subscriptions")


@dataclass(frozen=True, slots=True)
class Tour:
    """Where a visitor is, and what was there before they began."""

    sku: str
    step: int = 1
    """From 1 to 7."""
    request: int = 0
    """The last request that Klaviyo's stand-in had seen."""
    message: int = 0
    """The last message that it had made."""
    order: int = 0
    """The last order of the shop's."""

    def at(self, step: int) -> Tour:
        """The same tour, at another step."""
        return replace(self, step=min(max(step, 1), len(STEPS)))


@dataclass(frozen=True, slots=True)
class Facts:
    """What has happened since the tour began."""

    variant: ProductVariant
    composite_id: str
    away: bool = False
    """Whether the stand-in for Klaviyo doesn't answer."""
    subscription: Row | None = None
    """The last request for a back-in-stock subscription."""
    waiting: tuple[Row, ...] = ()
    restock: Row | None = None
    """The last request that changed the stock."""
    message: Row | None = None
    order: Order | None = None

    def done(self, step: int) -> bool:
        """Whether what a step is about has happened."""
        accepted = self.subscription is not None and self.subscription["status"] == 202
        return {
            2: accepted,
            5: available(self.variant) and self.restock is not None,
            6: self.message is not None,
            7: self.order is not None,
        }.get(step, True)

    @property
    def by_browser(self) -> bool:
        """Whether the subscription was asked for by the shopper's browser."""
        return bool(self.subscription and self.subscription["path"].startswith("/client/"))


def begin(sandbox: Sandbox) -> Tour | None:
    """A tour of the first variant that is sold out; None where nothing is."""
    variant = _sold_out()
    if variant is None:
        return None
    return Tour(
        variant.sku,
        request=_last(sandbox.requests()),
        message=_last(sandbox.messages()),
        order=db.session.scalar(sa.select(sa.func.max(Order.id))) or 0,
    )


def _sold_out() -> ProductVariant | None:
    """The first product of which nothing is left: its first variant."""
    buyable = sa.select(ProductVariant.product_id).where(BUYABLE).correlate(None)
    query = (
        sa.select(ProductVariant.sku)
        .join(ProductVariant.product)
        .where(~BUYABLE)
        .order_by(Product.id.in_(buyable), Product.position, Product.id, ProductVariant.position)
        .limit(1)
    )
    sku = db.session.scalar(query)
    return queries.variants([sku]).get(sku) if sku else None


def _last(rows: list[Row]) -> int:
    return max((int(row["id"]) for row in rows), default=0)


def variant_of(tour: Tour) -> ProductVariant | None:
    """The variant whose story it is; None where the shop no longer has it."""
    return queries.variants([tour.sku]).get(tour.sku)


def facts(tour: Tour, sandbox: Sandbox) -> Facts | None:
    """What has happened; None where the shop no longer has the variant."""
    variant = variant_of(tour)
    if variant is None:
        return None
    composite_id = str(queries.composite_id(variant))
    try:
        seen = _seen(tour, sandbox, composite_id)
    except SandboxAway:
        seen = {"away": True}
    return Facts(variant, composite_id, order=_order(tour), **seen)


def _seen(tour: Tour, sandbox: Sandbox, composite_id: str) -> dict[str, Any]:
    calls = _after(tour.request, sandbox.requests)
    subscriptions = [
        each
        for each in calls
        if each["method"] == "POST"
        and each["path"] in _SUBSCRIPTIONS
        and _named(each["body"]) == composite_id
    ]
    restocks = [each for each in calls if _restocks(each, composite_id)]
    messages = [
        each
        for each in _after(tour.message, sandbox.messages)
        if each["variant"] == composite_id and each["status"] == "sent"
    ]
    return {
        "subscription": _newest(subscriptions),
        "waiting": tuple(each for each in sandbox.waiting() if each["variant"] == composite_id),
        "restock": _newest(restocks),
        "message": _newest(messages),
    }


def _after(last: int, read: Callable[..., list[Row]]) -> list[Row]:
    """What came after the last one before the tour. A stand-in that has forgotten that one counts
    anew from 1: all that it has is of today.
    """
    found = read(after=max(last - 1, 0))
    if last and not any(each["id"] == last for each in found):
        return read()
    return [each for each in found if each["id"] > last]


def _newest(rows: list[Row]) -> Row | None:
    return rows[-1] if rows else None


def _named(body: object) -> str | None:
    """The variant that a subscription's body names."""
    for key in ("data", "relationships", "variant", "data", "id"):
        body = body.get(key) if isinstance(body, Mapping) else None
    return body if isinstance(body, str) else None


def _restocks(call: Row, composite_id: str) -> bool:
    """Whether a call set the variant's stock, and Klaviyo took it."""
    written = call["method"] in ("PATCH", "POST") and "/catalog-variant" in call["path"]
    taken = call["status"] is not None and 200 <= call["status"] < 300
    return written and taken and composite_id in f"{call['path']} {call['body']} {call['reply']}"


def _order(tour: Tour) -> Order | None:
    query = (
        sa.select(Order)
        .where(Order.id > tour.order)
        .where(sa.exists().where(OrderLine.order_id == Order.id, OrderLine.sku == tour.sku))
        .order_by(Order.id.desc())
        .limit(1)
    )
    return db.session.scalar(query)


def read() -> Tour | None:
    """The tour of this request's visitor, if they are on one."""
    try:
        return Tour(**_serializer().loads(request.cookies.get(COOKIE, "")))
    except (BadData, TypeError):
        return None


def write(response: Response, tour: Tour | None) -> None:
    """Keep the tour in the visitor's browser; None ends it."""
    if tour is None:
        response.delete_cookie(COOKIE, httponly=True, samesite="Lax")
        return
    response.set_cookie(
        COOKIE, _serializer().dumps(asdict(tour)), httponly=True, samesite="Lax", max_age=86400
    )


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="storefront.tour")
