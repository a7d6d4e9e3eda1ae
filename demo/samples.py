"""The demo's sample data: sign-ups, restocks, alerts and orders from the last thirty days. Only the
dates differ from one demo to the next.

None of it is sent to Klaviyo. The data is for variants that are sold out while other variants of
the same product are in stock. The tour prefers a product that is completely sold out, so that
the numbers it shows come only from the visitor.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from random import Random

import click
import sqlalchemy as sa
from flask import render_template
from flask.cli import AppGroup
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import contains_eager

from notify_me import Channel, admin
from storefront.base.current_shop import shop
from storefront.base.database import db
from storefront.base.models import Order, OrderLine, Product, ProductVariant
from storefront.catalog import queries
from storefront.catalog.stock import AVAILABLE

from . import sandbox

SEED = 24
DAYS = 30
REFERENCE_PREFIX = "sample-"
"""The prefix of the references of sample orders."""
BUYER_SHARE = 0.4
"""The share of alerted shoppers with an email address who then buy the variant."""
CHANNELS = ((Channel.EMAIL,), (Channel.SMS,), (Channel.EMAIL, Channel.SMS))
CHANNEL_WEIGHTS = (60, 25, 15)

group = AppGroup("demo", help="Manage the demo's sample data.")


@dataclass(frozen=True, slots=True)
class Story:
    """What happened to one variant."""

    sign_ups: int
    sold_out: int
    """How many days ago it sold out."""
    restocked: int | None = None
    """How many days ago it was restocked. It sold out again within a day."""
    peak: float = 1.0
    """The number of sign-ups on the day it sold out, as a multiple of the number on other days."""


STORIES = (
    Story(62, sold_out=20, peak=18),
    Story(34, sold_out=28),
    Story(28, sold_out=28, restocked=9),
    Story(24, sold_out=26, restocked=12),
    Story(18, sold_out=28, restocked=15),
    Story(14, sold_out=22, restocked=11),
)
"""The variants' stories, in the catalog's order. The first looks like a product launch."""


def refresh() -> tuple[int, int]:
    """Replace the sample data with data for the last thirty days.

    Return the number of sign-ups and the number of orders. Raises
    `sqlalchemy.exc.SQLAlchemyError` if the database is unavailable.
    """
    admin.remove_past_sign_ups()
    sample_ids = sa.select(Order.id).where(Order.reference.startswith(REFERENCE_PREFIX))
    db.session.execute(sa.delete(OrderLine).where(OrderLine.order_id.in_(sample_ids)))
    db.session.execute(sa.delete(Order).where(Order.reference.startswith(REFERENCE_PREFIX)))
    db.session.commit()
    # seeded, so that the data is the same each time; nothing here is secret
    random, now = Random(SEED), datetime.now(UTC)  # noqa: S311
    sign_ups: list[admin.PastSignUp] = []
    orders: list[Order] = []
    for variant, story in zip(_variants(), STORIES, strict=False):
        for at, alerted_at in _times(story, random, now):
            sign_up = _sign_up(variant, at, alerted_at, random, number=len(sign_ups) + 1)
            sign_ups.append(sign_up)
            if alerted_at and sign_up.email and random.random() < BUYER_SHARE:
                placed_at = min(alerted_at + timedelta(hours=random.uniform(0.2, 20)), now)
                orders.append(_order(variant, sign_up, placed_at, number=len(orders) + 1))
    admin.import_sign_ups(sign_ups)
    orders.sort(key=attrgetter("placed_at"))
    db.session.add_all(orders)
    db.session.commit()
    return len(sign_ups), len(orders)


def prepare() -> None:
    """Add sample data if the demo has no sign-ups or orders yet, or refresh its sample data. A demo
    with only visitors' own sign-ups and orders is left unchanged.
    """
    is_empty = (
        not any(admin.status().counts.values()) and db.session.scalar(sa.select(Order.id)) is None
    )
    if is_empty or admin.past_sign_ups():
        refresh()


def note() -> Markup:
    """Return the note about sample data for the merchant's pages; empty without sample data."""
    try:
        sign_ups = admin.past_sign_ups()
        # without a savepoint, PostgreSQL would refuse the page's other queries after a failed one
        with db.session.begin_nested():
            orders = db.session.scalar(
                sa.select(sa.func.count()).where(Order.reference.startswith(REFERENCE_PREFIX))
            )
    except SQLAlchemyError:
        # the merchant's error page also has this note
        return Markup("")
    if not sign_ups:
        return Markup("")
    html = render_template(
        "demo/samples.html", sign_ups=sign_ups, orders=orders, sandbox=sandbox.current()
    )
    return Markup(html)  # noqa: S704 - Jinja's own output


@group.command("seed")
def seed() -> None:
    """Replace the demo's sample data; visitors' own sign-ups and orders are kept."""
    if sandbox.current() is None:
        raise click.ClickException(
            "this shop uses a Klaviyo account; sample data is only for a demo with the sandbox"
        )
    sign_ups, orders = refresh()
    click.echo(
        f"Added {sign_ups} sample sign-ups and {orders} sample orders from the last {DAYS} days."
    )


def _variants() -> Sequence[ProductVariant]:
    available = sa.select(ProductVariant.product_id).where(AVAILABLE).correlate(None)
    statement = (
        sa.select(ProductVariant)
        .join(ProductVariant.product)
        .where(~AVAILABLE, Product.id.in_(available))
        .order_by(Product.position, Product.id, ProductVariant.position)
        .options(contains_eager(ProductVariant.product))
        .limit(len(STORIES))
    )
    return db.session.scalars(statement).all()


def _times(
    story: Story, random: Random, now: datetime
) -> Iterator[tuple[datetime, datetime | None]]:
    """Yield the time of each sign-up, and of its alert if there was one, oldest first."""
    # no sign-ups on the day after the restock, when the variant was in stock
    days = [day for day in range(story.sold_out) if day + 1 != story.restocked]
    weights = [story.peak if day + 1 == story.sold_out else 1.0 for day in days]
    ages = random.choices(days, weights, k=story.sign_ups)
    restocked_at = now - timedelta(days=story.restocked) if story.restocked else None
    for at in sorted(now - timedelta(days=age + random.random()) for age in ages):
        yield at, restocked_at if restocked_at and at < restocked_at else None


def _sign_up(
    variant: ProductVariant,
    at: datetime,
    alerted_at: datetime | None,
    random: Random,
    *,
    number: int,
) -> admin.PastSignUp:
    [channels] = random.choices(CHANNELS, CHANNEL_WEIGHTS)
    # one sign-up in eight is by someone who has signed up before
    person = random.randint(1, number) if random.random() < 1 / 8 else number
    return admin.PastSignUp(
        at=at,
        variants=[queries.composite_id(variant)],
        channels=channels,
        email=f"sample-{person}@example.com" if Channel.EMAIL in channels else "",
        # numbers that are reserved for use in fiction
        phone_number=f"+447700900{person:03}" if Channel.SMS in channels else "",
        alerted_at=alerted_at,
    )


def _order(
    variant: ProductVariant, sign_up: admin.PastSignUp, placed_at: datetime, *, number: int
) -> Order:
    return Order(
        reference=f"{REFERENCE_PREFIX}{number}",
        placed_at=placed_at,
        name="Sample shopper",
        email=sign_up.email,
        address="Made up for the demo",
        total=variant.price,
        currency=shop().currency,
        lines=[
            OrderLine(
                sku=variant.sku,
                title=variant.full_title,
                price=variant.price,
                quantity=1,
                signed_up_at=sign_up.at,
            )
        ],
    )
