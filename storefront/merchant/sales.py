"""Sales after an alert: orders from shoppers who had signed up for the variant they bought."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa

from notify_me import admin

from ..base.current_shop import shop
from ..base.database import db
from ..base.models import Order, OrderLine


@dataclass(frozen=True, slots=True)
class Sales:
    """The orders from shoppers who had signed up in a period."""

    days: int
    """How many days after a sign-up an order still counts: `[merchant] sale_days`."""
    shoppers: int
    revenue: Decimal
    """In the shop's currency: orders from before it changed aren't included."""


def after_alerts(since: datetime, until: datetime) -> Sales:
    """Return the sales to shoppers who signed up at `since` or later, but before `until`.

    When an order is placed, `orders.place` looks up sign-ups with the order's email address, and
    stores the time of the latest one in `signed_up_at`.
    """
    days = admin.merchant_settings().sale_days
    amount = sa.func.sum(OrderLine.price * OrderLine.quantity)
    lines = db.session.execute(
        # the email address is empty if the shopper had it erased
        sa.select(
            sa.func.coalesce(sa.func.nullif(sa.func.lower(Order.email), ""), Order.reference),
            OrderLine.signed_up_at,
            Order.placed_at,
            Order.currency,
            amount,
        )
        .join(Order, Order.id == OrderLine.order_id)
        .where(OrderLine.signed_up_at >= since, OrderLine.signed_up_at < until)
        .group_by(Order.id, OrderLine.signed_up_at)
    )
    bought = [
        (shopper, currency, revenue)
        for shopper, signed_up_at, placed_at, currency, revenue in lines
        if signed_up_at and placed_at - signed_up_at <= timedelta(days=days)
    ]
    # empty for orders from before the currency was stored
    currencies = ("", shop().currency)
    revenue = sum((Decimal(r) for _, currency, r in bought if currency in currencies), Decimal(0))
    return Sales(days, len({shopper for shopper, *_ in bought}), revenue)
