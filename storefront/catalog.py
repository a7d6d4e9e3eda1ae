"""The shop's catalog: its queries, and the view of it that the kit asks for.

Every function loads all that its page reads, in a fixed number of queries.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from flask import current_app, url_for
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from notify_me import CompositeID, Variant

from .database import db
from .models import Product, ProductVariant


class Category(NamedTuple):
    """A department of the shop."""

    name: str
    line: str


CATEGORIES = {
    "wear": Category("Wear", "Layers for a day that can’t make up its mind."),
    "carry": Category("Carry", "For what must stay dry, hot, or over your head."),
    "camp": Category("Camp", "A roof, a light and something warm to hold."),
    "home": Category("Home", "For the right side of the window."),
}
"""By slug, in the order of the menu."""


def listing(category: str | None = None) -> Sequence[Product]:
    """All products, or those of one category, in the shop's order."""
    query = _products().order_by(Product.position, Product.id)
    if category is not None:
        query = query.where(Product.category == category)
    return db.session.scalars(query).all()


def product(handle: str) -> Product | None:
    """The product under this handle."""
    return db.session.scalars(_products().where(Product.handle == handle)).one_or_none()


def related(of: Product, count: int = 4) -> Sequence[Product]:
    """Other products to show beside `of`: its own category first."""
    query = (
        _products()
        .where(Product.id != of.id)
        .order_by(sa.case((Product.category == of.category, 0), else_=1), Product.position)
        .limit(count)
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


def kit_variant(variant: ProductVariant) -> Variant:
    """`variant` as the kit knows it; needs its product and options loaded."""
    of = variant.product
    names = [option.name for option in of.options]
    return Variant(
        composite_id=CompositeID(
            current_app.config["CATALOG_INTEGRATION"], current_app.config["CATALOG_ID"], variant.sku
        ),
        product_id=of.handle,
        product_title=of.title,
        url=url_for("shop.product", handle=of.handle, variant=variant.sku),
        options=dict(zip(names, variant.values, strict=True)),
        quantity=variant.quantity,
        inventory_policy=variant.policy,
        tags=frozenset(of.tags),
        price=variant.price,
    )


class ShopCatalog:
    """The shop's variants for the kit: implements `notify_me.Catalog`."""

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


def _products() -> sa.Select[Product]:
    return sa.select(Product).options(
        selectinload(Product.options),
        selectinload(Product.variants).joinedload(ProductVariant.product),
    )


def _ours(composite_id: CompositeID) -> bool:
    config = current_app.config
    return (composite_id.integration_type, composite_id.catalog_id) == (
        config["CATALOG_INTEGRATION"],
        config["CATALOG_ID"],
    )
