"""The guided tour: from a sign-up for one sold-out variant to its sale.

The current step is derived from what has happened since the tour began.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from flask import current_app, request
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy.orm import selectinload
from werkzeug.wrappers import Response

from notify_me import admin, current_catalog
from storefront.base.database import db
from storefront.base.models import Order, OrderLine, Product, ProductVariant
from storefront.catalog import queries, restocking
from storefront.catalog.stock import AVAILABLE, is_available

from .sandbox import Row, Sandbox, SandboxUnavailable

COOKIE = "shop_tour"
COOKIE_MAX_AGE = 86400  # seconds
WELCOME_COOKIE = "shop_demo_seen"
WELCOME_MAX_AGE = 30 * 86400  # seconds
STEPS = ("Sign up", "Restock", "The alert", "The sale")
RESTOCK_QUANTITY = 5
"""The stock after the tour's restock."""
_SUBSCRIPTION_PATHS = (
    "/api/back-in-stock-subscriptions",
    "/client/back-in-stock-subscriptions",
)


@dataclass(frozen=True, slots=True)
class Tour:
    """A visitor's tour, with the IDs of the last records before it began."""

    sku: str
    shows_api_calls: bool = False
    opened: bool = False
    """Whether the visitor has followed the link in the message."""
    last_request_id: int = 0
    """The ID of the sandbox's last request before the tour began."""
    last_message_id: int = 0
    """The ID of the sandbox's last message before the tour began."""
    last_order_id: int = 0
    """The ID of the shop's last order before the tour began."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What has happened since the tour began."""

    variant: ProductVariant
    composite_id: str
    opened: bool = False
    sandbox_unavailable: bool = False
    subscriptions: tuple[Row, ...] = ()
    """The requests for a back-in-stock subscription, oldest first."""
    waiting: tuple[Row, ...] = ()
    restock: Row | None = None
    """The latest successful request that changed the variant's stock."""
    messages: tuple[Row, ...] = ()
    """The messages that were sent, oldest first."""
    orders: tuple[Order, ...] = ()
    """The orders with the variant, oldest first."""

    @property
    def step(self) -> int:
        """The current step, counted from 1; after the last step, the number of steps plus one."""
        if self.orders:
            return 5
        if not self.sign_ups:
            return 1
        if not self.available:
            return 2
        return 4 if self.opened and self.message else 3

    @property
    def available(self) -> bool:
        """Whether the variant can be bought or pre-ordered."""
        return is_available(self.variant)

    @property
    def subscription(self) -> Row | None:
        """The latest request for a subscription."""
        return self.subscriptions[-1] if self.subscriptions else None

    @property
    def sign_ups(self) -> int:
        """The number of sign-ups that Klaviyo accepted."""
        return sum(call["status"] == 202 for call in self.subscriptions)

    @property
    def message(self) -> Row | None:
        """The message to show: the latest text message or, if there is none, the latest email."""
        return max(
            self.messages,
            key=lambda message: (message["subject"] is None, message["id"]),
            default=None,
        )

    @property
    def time_to_message(self) -> str:
        """The time from the restock to the message; empty if one of them is missing."""
        if self.restock is None or self.message is None:
            return ""
        sent, restocked = self.message["sent_at"], self.restock["at"]
        elapsed = datetime.fromisoformat(sent) - datetime.fromisoformat(restocked)
        seconds = elapsed.total_seconds()
        return f"{seconds:.1f} seconds" if seconds >= 1 else "less than a second"

    @property
    def revenue(self) -> Decimal:
        """The revenue from the variant."""
        lines = (line for order in self.orders for line in order.lines)
        amounts = (line.price * line.quantity for line in lines if line.sku == self.variant.sku)
        return sum(amounts, Decimal(0))

    @property
    def sent_by_browser(self) -> bool:
        """Whether the subscription was requested by the shopper's browser."""
        return bool(self.subscription and self.subscription["path"].startswith("/client/"))

    @property
    def contact(self) -> str:
        """The email address or phone number that signed up; empty before the sign-up."""
        body = self.subscription["body"] if self.subscription else None
        for key in ("data", "attributes", "profile", "data", "attributes"):
            body = body.get(key) if isinstance(body, Mapping) else None
        return str((body or {}).get("email") or (body or {}).get("phone_number") or "")


def begin(sandbox: Sandbox) -> Tour | None:
    """Return a new tour; None if nothing is sold out.

    A product that is completely sold out is preferred to one with other variants in stock. The
    product is pushed to the sandbox, since it may have been imported after the shop started. Raises
    `SandboxUnavailable`.
    """
    available = sa.select(ProductVariant.product_id).where(AVAILABLE).correlate(None)
    product_row = db.session.execute(
        sa.select(ProductVariant.sku, Product.id)
        .join(ProductVariant.product)
        .where(~AVAILABLE)
        .order_by(Product.id.in_(available), Product.position, Product.id, ProductVariant.position)
        .limit(1)
    ).first()
    if product_row is None:
        return None
    sku, product_id = product_row
    # the push would retry for a while; this reports an unavailable sandbox immediately
    last_message_id = _last_id(sandbox.messages())
    if current_catalog().writable:
        id_range = (product_id, product_id)
        try:
            admin.push_catalog(
                lambda: queries.all_products(id_range=id_range), restocking.shop_url()
            )
        except admin.PushError as error:
            raise SandboxUnavailable from error
    return Tour(
        sku,
        last_request_id=_last_id(sandbox.requests()),
        last_message_id=last_message_id,
        last_order_id=db.session.scalar(sa.select(sa.func.max(Order.id))) or 0,
    )


def _last_id(rows: list[Row]) -> int:
    return max((int(row["id"]) for row in rows), default=0)


def find_variant(tour: Tour) -> ProductVariant | None:
    """Return the tour's variant; None if the shop no longer has it."""
    return queries.find_variant(tour.sku)


def progress(tour: Tour, sandbox: Sandbox) -> Progress | None:
    """Return what has happened since the tour began; None if the shop no longer has its variant."""
    variant = find_variant(tour)
    if variant is None:
        return None
    composite_id = str(queries.composite_id(variant))
    orders = tuple(
        db.session.scalars(
            sa.select(Order)
            .where(Order.id > tour.last_order_id)
            .where(sa.exists().where(OrderLine.order_id == Order.id, OrderLine.sku == tour.sku))
            .order_by(Order.id)
            .options(selectinload(Order.lines))
        )
    )
    try:
        calls = _since(tour.last_request_id, sandbox.requests)
        messages = _since(tour.last_message_id, sandbox.messages)
        waiting = sandbox.waiting()
    except SandboxUnavailable:
        return Progress(variant, composite_id, sandbox_unavailable=True, orders=orders)
    return Progress(
        variant,
        composite_id,
        opened=tour.opened,
        subscriptions=tuple(call for call in calls if _subscribes_to(call, composite_id)),
        waiting=tuple(entry for entry in waiting if entry["variant"] == composite_id),
        restock=_latest(call for call in calls if _sets_stock_of(call, composite_id)),
        messages=tuple(
            message
            for message in messages
            if message["variant"] == composite_id and message["status"] == "sent"
        ),
        orders=orders,
    )


def _since(last_id: int, read: Callable[..., list[Row]]) -> list[Row]:
    """Return the rows with an ID above `last_id`.

    If the sandbox has no row with this ID, it has lost its data and counts from 1 again, so
    all of its rows are newer.
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
    """Whether a call successfully changed the variant in Klaviyo's catalog."""
    return (
        call["method"] in ("PATCH", "POST")
        and "/catalog-variant" in call["path"]
        and call["status"] is not None
        and 200 <= call["status"] < 300
        # the lookahead excludes longer IDs that begin with this one
        and re.search(
            rf"{re.escape(composite_id)}(?![\w.-])",
            f"{call['path']} {call['body']} {call['reply']}",
        )
        is not None
    )


def read() -> Tour | None:
    """Return the tour of this request's visitor; None if they aren't on one."""
    try:
        return Tour(**_serializer().loads(request.cookies.get(COOKIE, "")))
    except (BadData, TypeError):
        return None


def shows_welcome() -> bool:
    """Whether to show the welcome card: until the visitor begins the tour or dismisses the card."""
    return WELCOME_COOKIE not in request.cookies and COOKIE not in request.cookies


def hide_welcome(response: Response) -> None:
    """Set the cookie that hides the welcome card."""
    response.set_cookie(WELCOME_COOKIE, "1", httponly=True, samesite="Lax", max_age=WELCOME_MAX_AGE)


def write(response: Response, tour: Tour | None) -> None:
    """Save the tour in the visitor's browser; None ends it."""
    hide_welcome(response)
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
