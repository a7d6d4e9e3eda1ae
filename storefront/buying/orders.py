"""Place an order: pieces leave the stock and the order is kept, both or neither."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from notify_me import InventoryPolicy

from ..base.models import Order, OrderLine, ProductVariant
from .cart import CartLine, subtotal


@dataclass(frozen=True)
class Delivery:
    """Who gets the order, and where."""

    name: str
    email: str
    address: str


class OutOfStock(Exception):
    """Somebody else was quicker: `skus` can't be had in the wanted number any more."""

    def __init__(self, skus: list[str]) -> None:
        super().__init__(", ".join(skus))
        self.skus = skus


def place(
    session: Session,
    reference: str,
    lines: Sequence[CartLine],
    delivery: Delivery,
    within: Callable[[Session], None],
) -> None:
    """Take the lines' pieces off the stock and keep the order, in one transaction, of which what
    `within` does is a part.

    The same `reference` again does nothing: a form that was sent twice makes one order.
    Raises `OutOfStock`, with nothing changed, when a line can't be had in full.
    """
    order = _order(reference, lines, delivery)
    # always in the same order, so that two orders can't wait for each other's rows
    wanted = sorted((line.variant.sku, line.quantity) for line in lines)
    session.rollback()
    session.add(order)
    try:
        session.flush()
    except IntegrityError:
        session.rollback()
        return
    short = [sku for sku, quantity in wanted if not _take(session, sku, quantity)]
    if short:
        session.rollback()
        raise OutOfStock(short)
    within(session)
    session.commit()


def find(session: Session, reference: str) -> Order | None:
    """The order with this reference, with its lines."""
    query = sa.select(Order).where(Order.reference == reference)
    return session.scalars(query.options(selectinload(Order.lines))).one_or_none()


def latest(session: Session, number: int) -> Sequence[Order]:
    """The newest orders with their lines, newest first."""
    query = sa.select(Order).order_by(Order.placed_at.desc(), Order.id.desc()).limit(number)
    return session.scalars(query.options(selectinload(Order.lines))).all()


def _order(reference: str, lines: Sequence[CartLine], delivery: Delivery) -> Order:
    return Order(
        reference=reference,
        name=delivery.name,
        email=delivery.email,
        address=delivery.address,
        total=subtotal(lines),
        lines=[
            OrderLine(
                sku=line.variant.sku,
                title=line.title,
                price=line.variant.price,
                quantity=line.quantity,
            )
            for line in lines
        ],
    )


def _take(session: Session, sku: str, quantity: int) -> bool:
    """Take pieces off the stock if there are enough: one statement, so nobody comes between."""
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
        # null stays null: not managed
        .values(quantity=ProductVariant.quantity - quantity)
        .execution_options(synchronize_session=False)
    )
    return session.execute(update).rowcount == 1  # type: ignore[attr-defined, no-any-return]
