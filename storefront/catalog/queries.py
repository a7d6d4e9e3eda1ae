"""The shop's catalog: its queries, and the view of it that the kit asks for.

Every function loads all that its page reads, in a fixed number of queries.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from flask import url_for
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from notify_me import CompositeID, Variant, current_catalog

from ..base.database import db
from ..base.models import Product, ProductVariant
from .browsing import Browse
from .drawings import drawing_url
from .stock import BUYABLE, IN_STOCK

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
    return {variant.sku: variant for variant in _variants(ProductVariant.sku, skus)}


def by_composite_id(composite_ids: Iterable[str]) -> dict[str, ProductVariant]:
    """The variants under these IDs at Klaviyo, each with its product and options, by that ID."""
    ours = current_catalog()
    ids = {
        each.external_id for each in map(CompositeID.parse, composite_ids) if ours.contains(each)
    }
    found = _variants(ProductVariant.external_id, ids)
    return {str(ours.composite_id(variant.external_id)): variant for variant in found}


def _variants(
    column: sa.orm.InstrumentedAttribute[str], values: Collection[str]
) -> Iterable[ProductVariant]:
    if not values:
        return []
    query = (
        sa.select(ProductVariant)
        .where(column.in_(values))
        .options(joinedload(ProductVariant.product).selectinload(Product.options))
    )
    return db.session.scalars(query)


def all_products(batch: int = 200) -> Iterator[list[Variant]]:
    """Every product as its variants, oldest first, so many products at a time: what is done with is
    let go. A product without variants is left out.
    """
    last = 0
    while found := db.session.scalars(
        _products().where(Product.id > last).order_by(Product.id).limit(batch)
    ).all():
        last = found[-1].id
        read = [[catalog_variant(each) for each in product.variants] for product in found]
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


def composite_id(variant: ProductVariant) -> CompositeID:
    """What Klaviyo knows a variant by."""
    return current_catalog().composite_id(variant.external_id)


def kit_variant(variant: ProductVariant) -> Variant:
    """`variant` as the kit knows it; needs its product and options loaded."""
    of = variant.product
    names = [option.name for option in of.options]
    return Variant(
        composite_id=composite_id(variant),
        product_id=of.handle,
        product_title=of.title,
        url=url_for("shop.product", handle=of.handle, variant=variant.sku),
        options=dict(zip(names, variant.values, strict=True)),
        quantity=variant.quantity,
        inventory_policy=variant.policy,
        tags=frozenset(of.tags),
        price=variant.price,
    )


def catalog_variant(variant: ProductVariant) -> Variant:
    """`variant` with what Klaviyo's catalog is told of it besides, which no page needs."""
    of = variant.product
    return replace(
        kit_variant(variant),
        sku=variant.sku,
        description=of.summary,
        image_url=drawing_url(of.drawing, variant.colour),
        categories=[*([of.category] if of.category else []), *of.tags],
    )


class ShopCatalog:
    """The shop's variants for the kit: implements `notify_me.ListedCatalog`."""

    def variant(self, composite_id: CompositeID) -> Variant | None:
        """The variant under this ID, or None if the shop has none."""
        found = by_composite_id([str(composite_id)])
        return next(map(catalog_variant, found.values()), None)

    def siblings(self, composite_id: CompositeID) -> Sequence[Variant]:
        """All variants of the same product, this one included; empty if there is no such one."""
        if not current_catalog().contains(composite_id):
            return []
        same = sa.select(ProductVariant.product_id).where(
            ProductVariant.external_id == composite_id.external_id
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
        ours = current_catalog()
        query = sa.select(ProductVariant.external_id).order_by(ProductVariant.id)
        for external_id in db.session.scalars(query.execution_options(yield_per=500)):
            yield ours.composite_id(external_id)


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
