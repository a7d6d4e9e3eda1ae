"""The shop's catalog: its queries, and the view of it that the kit asks for.

Every function loads all that its page reads, in a fixed number of queries.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask import current_app, url_for
from flask_babel import lazy_gettext as N_
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from notify_me import CompositeID, Variant

from .browsing import Browse
from .database import db
from .drawings import drawing_url
from .models import Product, ProductVariant
from .stock import BUYABLE, IN_STOCK


class Category(NamedTuple):
    """A department of the shop."""

    name: str
    line: str


CATEGORIES = {
    "wear": Category(N_("Wear"), N_("Layers for a day that can’t make up its mind.")),
    "carry": Category(N_("Carry"), N_("For what must stay dry, hot, or over your head.")),
    "camp": Category(N_("Camp"), N_("A roof, a light and something warm to hold.")),
    "home": Category(N_("Home"), N_("For the right side of the window.")),
}
"""By slug, in the order of the menu."""


PAGE_SIZE = 12
"""Products on a page of the listing."""


def count(view: Browse) -> int:
    """How many products a view of the listing has, on all its pages."""
    query = sa.select(sa.func.count(Product.id)).where(*_conditions(view))
    return db.session.scalars(query).one()


def listing(view: Browse) -> Sequence[Product]:
    """The products on one page of the listing."""
    query = (
        _products()
        .where(*_conditions(view))
        .order_by(*_order(view.sort))
        .limit(PAGE_SIZE)
        .offset((view.page - 1) * PAGE_SIZE)
    )
    return db.session.scalars(query).all()


def product(handle: str) -> Product | None:
    """The product under this handle."""
    return db.session.scalars(_products().where(Product.handle == handle)).one_or_none()


def handles() -> Sequence[str]:
    """The handles of all products, for the sitemap, which holds 50,000 addresses at most."""
    query = sa.select(Product.handle).order_by(Product.position, Product.id).limit(45_000)
    return db.session.scalars(query).all()


def related(of: Product, number: int = 4) -> Sequence[Product]:
    """Other products to show beside `of`: its own category first."""
    # each half stops after a few steps along an index, however many products there are
    halves = [
        sa.select(Product.id, sa.literal(rank).label("rank"))
        .where(where, Product.id != of.id)
        .order_by(Product.position, Product.id)
        .limit(number)
        .subquery()
        for rank, where in enumerate(
            (Product.category == of.category, Product.category != of.category)
        )
    ]
    near = sa.union_all(*(sa.select(half) for half in halves)).subquery()
    query = (
        _products()
        .join(near, near.c.id == Product.id)
        .order_by(near.c.rank, Product.position, Product.id)
        .limit(number)
    )
    return db.session.scalars(query).all()


def variants(skus: Collection[str]) -> dict[str, ProductVariant]:
    """The variants with these SKUs, each with its product and options, by SKU."""
    if not skus:
        return {}
    query = (
        sa.select(ProductVariant)
        .where(ProductVariant.sku.in_(skus))
        .options(joinedload(ProductVariant.product).selectinload(Product.options))
    )
    return {variant.sku: variant for variant in db.session.scalars(query)}


def all_products(batch: int = 200) -> Iterator[list[Variant]]:
    """Every product as its variants, oldest first, so many products at a time: what is done with is
    let go. A product without variants is left out.
    """
    last = 0
    while found := db.session.scalars(
        _products().where(Product.id > last).order_by(Product.id).limit(batch)
    ).all():
        last = found[-1].id
        read = [[kit_variant(each) for each in product.variants] for product in found]
        # whoever asks may wait for Klaviyo between two of them: no transaction stays open for that,
        # and the next batch is read as it is then
        db.session.rollback()
        db.session.expunge_all()
        yield from filter(None, read)


def size() -> int:
    """How many products and variants there are, together."""
    counts = (sa.select(sa.func.count()).select_from(each) for each in (Product, ProductVariant))
    return sum(db.session.scalar(count) or 0 for count in counts)


def every_sku() -> list[str]:
    """All SKUs of the shop."""
    return list(db.session.scalars(sa.select(ProductVariant.sku)))


def composite_id(sku: str) -> CompositeID:
    """What Klaviyo knows a variant by."""
    config = current_app.config
    return CompositeID(config["CATALOG_INTEGRATION"], config["CATALOG_ID"], sku)


def kit_variant(variant: ProductVariant) -> Variant:
    """`variant` as the kit knows it; needs its product and options loaded."""
    of = variant.product
    names = [option.name for option in of.options]
    return Variant(
        composite_id=composite_id(variant.sku),
        product_id=of.handle,
        product_title=of.title,
        url=url_for("shop.product", handle=of.handle, variant=variant.sku),
        options=dict(zip(names, variant.values, strict=True)),
        quantity=variant.quantity,
        inventory_policy=variant.policy,
        tags=frozenset(of.tags),
        price=variant.price,
        sku=variant.sku,
        description=of.summary,
        image_url=drawing_url(of.drawing, variant.colour),
    )


class ShopCatalog:
    """The shop's variants for the kit: implements `notify_me.ListedCatalog`."""

    def variant(self, composite_id: CompositeID) -> Variant | None:
        """The variant under this ID, or None if the shop has none."""
        if not _ours(composite_id):
            return None
        found = variants([composite_id.external_id]).get(composite_id.external_id)
        return kit_variant(found) if found else None

    def siblings(self, composite_id: CompositeID) -> Sequence[Variant]:
        """All variants of the same product, this one included; empty if there is no such one."""
        if not _ours(composite_id):
            return []
        same = sa.select(ProductVariant.product_id).where(
            ProductVariant.sku == composite_id.external_id
        )
        query = (
            sa.select(ProductVariant)
            .join(ProductVariant.product)
            .where(ProductVariant.product_id == same.scalar_subquery())
            .order_by(ProductVariant.position)
            .options(contains_eager(ProductVariant.product).selectinload(Product.options))
        )
        return [kit_variant(variant) for variant in db.session.scalars(query)]

    def composite_ids(self) -> Iterator[CompositeID]:
        """The composite ID of every variant, a few hundred at a time."""
        query = sa.select(ProductVariant.sku).order_by(ProductVariant.id)
        for sku in db.session.scalars(query.execution_options(yield_per=500)):
            yield composite_id(sku)


def _products() -> sa.Select[Product]:
    return sa.select(Product).options(
        selectinload(Product.options),
        selectinload(Product.variants).joinedload(ProductVariant.product),
    )


def _conditions(view: Browse) -> list[sa.ColumnElement[bool]]:
    found = [Product.search_text.contains(word, autoescape=True) for word in view.words]
    if view.category is not None:
        found.append(Product.category == view.category)
    if view.in_stock:
        found.append(_variants_of_product(IN_STOCK).exists())
    return found


def _order(sort: str) -> list[sa.ColumnElement[Any] | sa.orm.InstrumentedAttribute[Any]]:
    """Ties are settled, or a product could be on two pages."""
    if sort == "name":
        return [Product.title, Product.id]
    if sort == "newest":
        return [Product.id.desc()]
    if sort == "featured":
        return [Product.position, Product.id]
    # as on the card: of what can be bought, if anything can
    cheapest = sa.func.coalesce(
        _variants_of_product(BUYABLE)
        .with_only_columns(sa.func.min(ProductVariant.price))
        .scalar_subquery(),
        _variants_of_product(sa.true())
        .with_only_columns(sa.func.min(ProductVariant.price))
        .scalar_subquery(),
    )
    return [cheapest if sort == "price-up" else cheapest.desc(), Product.position, Product.id]


def _variants_of_product(where: sa.ColumnElement[bool]) -> sa.Select[ProductVariant]:
    """The variants of the outer query's product."""
    return (
        sa.select(ProductVariant)
        .where(ProductVariant.product_id == Product.id, where)
        .correlate(Product)
    )


def _ours(composite_id: CompositeID) -> bool:
    config = current_app.config
    return (composite_id.integration_type, composite_id.catalog_id) == (
        config["CATALOG_INTEGRATION"],
        config["CATALOG_ID"],
    )
