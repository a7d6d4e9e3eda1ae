"""Places and reads orders."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import selectinload

from notify_me import CompositeID, InventoryPolicy, admin

from ..base.current_shop import shop
from ..base.database import db
from ..base.models import Order, OrderLine, ProductVariant
from ..catalog.queries import composite_id
from ..catalog.restocking import shop_url
from .cart import CartLine, subtotal

logger = logging.getLogger(__name__)


class OutOfStock(Exception):
    """There isn't enough stock for one of the lines."""


def place(
    reference: str, lines: Sequence[CartLine], *, name: str, email: str, address: str
) -> None:
    """Deduct the lines from stock, store the order, and queue stock updates for Klaviyo.

    All of this happens in one transaction. A form that is submitted twice creates one order: if
    there is an order with this `reference`, nothing changes. Raises `OutOfStock`, and changes
    nothing, if there isn't enough stock for a line.
    """
    signed_up_at = _sign_ups(email, lines)
    order = Order(
        reference=reference,
        name=name,
        email=email,
        address=address,
        total=subtotal(lines),
        currency=shop().currency,
        lines=[
            OrderLine(
                sku=line.variant.sku,
                title=line.variant.full_title,
                price=line.variant.price,
                quantity=line.quantity,
                signed_up_at=signed_up_at.get(composite_id(line.variant)),
                is_pre_order=line.is_pre_order,
            )
            for line in lines
        ],
    )
    # sorted, since two checkouts that lock the same rows in a different sequence could deadlock
    quantities = sorted((line.variant.sku, line.quantity) for line in lines)
    tracked = [composite_id(line.variant) for line in lines if line.variant.quantity is not None]
    session = db.session
    # the cart was read in an earlier transaction; this one must see the current stock
    session.rollback()
    session.add(order)
    try:
        session.flush()
    except IntegrityError:
        session.rollback()
        return
    if not all(_deduct(sku, quantity) for sku, quantity in quantities):
        session.rollback()
        raise OutOfStock
    admin.queue_stock_updates(tracked, shop_url(), connection=session)
    session.commit()


def _sign_ups(email: str, lines: Sequence[CartLine]) -> dict[CompositeID, datetime]:
    """Return when the shopper signed up for alerts for these variants, for the demand report."""
    try:
        return admin.latest_sign_ups(email, [composite_id(line.variant) for line in lines])
    except (ValueError, SQLAlchemyError) as error:
        # the order matters more than the report
        logger.warning("could not match an order with sign-ups: %s", type(error).__name__)
        return {}


def _deduct(sku: str, quantity: int) -> bool:
    """Deduct a quantity from stock if there is enough; a single statement prevents overselling."""
    update = (
        sa.update(ProductVariant)
        .where(
            ProductVariant.sku == sku,
            sa.or_(
                ProductVariant.quantity >= quantity,
                ProductVariant.quantity.is_(None),
                ProductVariant.policy == InventoryPolicy.CONTINUE,
            ),
        )
        # NULL, for stock that isn't tracked, stays NULL
        .values(quantity=ProductVariant.quantity - quantity)
        .execution_options(synchronize_session=False)
    )
    return db.session.execute(update).rowcount == 1  # type: ignore[attr-defined, no-any-return]


def find(reference: str) -> Order | None:
    """Return the order with this reference and its lines, or None."""
    statement = sa.select(Order).where(Order.reference == reference)
    return db.session.scalars(statement.options(selectinload(Order.lines))).one_or_none()


def erase_contact(contact: str) -> str:
    """Remove the name, email and delivery address from a contact's orders; return a summary.

    The orders themselves stay, for accounting.
    """
    mailbox, _, _ = contact.rpartition("@")
    candidates = sa.select(Order.id, Order.email).where(Order.email != "")
    # SQLite's lower() changes only ASCII letters
    if mailbox.isascii():
        candidates = candidates.where(
            sa.func.lower(Order.email).startswith(f"{mailbox.lower()}@", autoescape=True)
        )
    erased = [
        order_id
        for order_id, email in db.session.execute(candidates)
        if _is_same_contact(email, contact)
    ]
    db.session.execute(
        sa.update(Order), [{"id": i, "name": "", "email": "", "address": ""} for i in erased]
    )
    db.session.commit()
    orders = "1 order" if len(erased) == 1 else f"{len(erased)} orders"
    return f"removed name, email and address from {orders}"


def _is_same_contact(email: str, contact: str) -> bool:
    """Return whether an email address typed at checkout belongs to a contact. Differences in case
    and in the form of the domain (`münchen.de` or `xn--mnchen-3ya.de`) are ignored.
    """
    try:
        return admin.contact_hash(email) == admin.contact_hash(contact)
    except ValueError:
        return False


def latest(limit: int) -> Sequence[Order]:
    """Return the newest orders with their lines, newest first."""
    statement = sa.select(Order).order_by(Order.placed_at.desc(), Order.id.desc()).limit(limit)
    return db.session.scalars(statement.options(selectinload(Order.lines))).all()
