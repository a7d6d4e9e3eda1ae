"""The catalog's database queries, and `ShopCatalog`, through which the kit reads the catalog.

Each function loads everything that its page reads, so that no page runs a query for each row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from urllib.parse import quote_plus

import sqlalchemy as sa
from flask import url_for
from sqlalchemy.orm import Session, joinedload, selectinload

from notify_me import CompositeID, Variant, current_catalog

from ..base.current_shop import shop
from ..base.database import db
from ..base.models import Product, ProductOption, ProductVariant, Visibility
from .browsing import ListingQuery
from .pictures import variant_image_url
from .stock import AVAILABLE, IN_STOCK
from .translations import translated

_PRODUCT, _OPTION, _VARIANT = (
    model.metadata.tables[model.__tablename__] for model in (Product, ProductOption, ProductVariant)
)
PAGE_SIZE = 12
"""Products on a page of the listing."""
IN_LISTING = Product.visibility.in_([Visibility.VISIBLE, Visibility.CATALOG])
IN_SEARCH_RESULTS = Product.visibility.in_([Visibility.VISIBLE, Visibility.SEARCH])
# Each sign-up form needs the next two queries. They select columns, because reading rows is five
# times faster than creating model objects.
PRODUCT_OF_VARIANT = (
    sa.select(_PRODUCT.c.id, _PRODUCT.c.handle, _PRODUCT.c.title, _PRODUCT.c.tags, _OPTION.c.name)
    .join_from(_VARIANT, _PRODUCT)
    .outerjoin(_OPTION)
    .where(_VARIANT.c.external_id == sa.bindparam("external_id"))
    .order_by(_OPTION.c.position)
)
"""The product of a variant: one row for each of the product's options, with the option's name."""
VARIANTS_OF_PRODUCT = (
    sa.select(
        *(_VARIANT.c[name] for name in ("external_id", "sku", "values")),
        *(_VARIANT.c[name] for name in ("quantity", "policy", "price")),
    )
    .where(_VARIANT.c.product_id == sa.bindparam("id"))
    .order_by(_VARIANT.c.position)
)
MAX_SITEMAP_PRODUCTS = 45_000
"""A sitemap may have 50,000 URLs, including those of the home page and the categories."""


def count_products(query: ListingQuery) -> int:
    """Return the number of products on all pages of a listing."""
    statement = sa.select(sa.func.count(Product.id)).where(*_conditions(query))
    return db.session.scalars(statement).one()


def products_on_page(query: ListingQuery) -> Sequence[Product]:
    """Return the products on one page of a listing."""
    statement = (
        _select_products()
        .where(*_conditions(query))
        .order_by(*_sort_columns(query.sort))
        .limit(PAGE_SIZE)
        .offset((query.page - 1) * PAGE_SIZE)
    )
    return db.session.scalars(statement).all()


def find_product(handle: str) -> Product | None:
    """Return the product with this handle, or None."""
    return db.session.scalars(_select_products().where(Product.handle == handle)).one_or_none()


def product_handles() -> Sequence[str]:
    """Return the handles of the products in the sitemap."""
    statement = sa.select(Product.handle).where(IN_LISTING).order_by(Product.position, Product.id)
    return db.session.scalars(statement.limit(MAX_SITEMAP_PRODUCTS)).all()


def related_available(handle: str, limit: int) -> Sequence[Product]:
    """Return up to `limit` available products to suggest next to the one with this handle."""
    product = db.session.scalar(sa.select(Product).where(Product.handle == handle))
    return related_products(product, limit, only_available=True) if product else ()


def related_products(
    product: Product, limit: int = 4, *, only_available: bool = False
) -> Sequence[Product]:
    """Return other products to suggest next to `product`, beginning with those of its category.

    With `only_available`, only products that can be bought or pre-ordered are returned. In that
    case, just the first eight products of the category, and the first eight of all other
    categories, are considered.
    """
    # both subqueries use an index to read only a few rows, however many products there are
    max_candidates = 8 if only_available else limit
    halves = [
        sa.select(Product.id, sa.literal(rank).label("rank"))
        .where(condition, IN_LISTING, Product.id != product.id)
        .order_by(Product.position, Product.id)
        .limit(max_candidates)
        .subquery()
        for rank, condition in enumerate(
            (Product.category == product.category, Product.category != product.category)
        )
    ]
    candidates = sa.union_all(*(sa.select(half) for half in halves)).subquery()
    statement = (
        _select_products()
        .join(candidates, candidates.c.id == Product.id)
        .where(Product.variants.any(AVAILABLE) if only_available else sa.true())
        .order_by(candidates.c.rank, Product.position, Product.id)
        .limit(limit)
    )
    return db.session.scalars(statement).all()


def find_variant(sku: str) -> ProductVariant | None:
    """Return the variant with this SKU, with its product and options, or None."""
    return variants_by_sku([sku]).get(sku)


def variants_by_sku(skus: Collection[str]) -> dict[str, ProductVariant]:
    """Return the variants with these SKUs, each with its product and options."""
    return {variant.sku: variant for variant in _variants_where(ProductVariant.sku, skus)}


def variants_by_composite_id(composite_ids: Iterable[str]) -> dict[str, ProductVariant]:
    """Return the variants with these composite IDs, each with its product and options."""
    catalog = current_catalog()
    external_ids = {
        parsed.external_id
        for parsed in map(CompositeID.parse, composite_ids)
        if catalog.contains(parsed)
    }
    variants = _variants_where(ProductVariant.external_id, external_ids)
    return {str(composite_id(variant)): variant for variant in variants}


@dataclass(frozen=True, slots=True)
class Offer:
    """What a variant costs, and whether it can be bought or pre-ordered now."""

    composite_id: CompositeID
    price: Decimal
    available: bool


def offers(composite_ids: Iterable[str]) -> dict[str, Offer]:
    """Return the offers of the shop's variants with these composite IDs."""
    catalog = current_catalog()
    external_ids = [
        composite_id.external_id
        for composite_id in map(CompositeID.parse, composite_ids)
        if catalog.contains(composite_id)
    ]
    offers_by_id: dict[str, Offer] = {}
    # databases limit the number of parameters of a statement
    for start in range(0, len(external_ids), 1000):
        statement = sa.select(ProductVariant.external_id, ProductVariant.price, AVAILABLE).where(
            ProductVariant.external_id.in_(external_ids[start : start + 1000])
        )
        for external_id, price, available in db.session.execute(statement):
            composite_id = catalog.composite_id(external_id)
            offers_by_id[str(composite_id)] = Offer(composite_id, price, bool(available))
    return offers_by_id


def available(composite_ids: Iterable[str]) -> list[CompositeID]:
    """Return which of these composite IDs belong to variants that can be bought or pre-ordered."""
    return [offer.composite_id for offer in offers(composite_ids).values() if offer.available]


def _variants_where(
    column: sa.orm.InstrumentedAttribute[str], values: Collection[str]
) -> Iterable[ProductVariant]:
    if not values:
        return []
    statement = (
        sa.select(ProductVariant)
        .where(column.in_(values))
        .options(joinedload(ProductVariant.product).selectinload(Product.options))
    )
    return db.session.scalars(statement)


def all_products(
    batch: int = 200, *, id_range: tuple[int, int] | None = None
) -> Iterator[list[Variant]]:
    """Yield the list of variants of each product, oldest product first. Products that have no
    variants are left out.

    `batch` products are read at a time. `id_range` limits them to those between two IDs, inclusive.
    """
    statement = _select_products().order_by(Product.id).limit(batch)
    if id_range:
        statement = statement.where(Product.id.between(*id_range))
    last_id = 0
    while products := db.session.scalars(statement.where(Product.id > last_id)).all():
        last_id = products[-1].id
        variants = [[catalog_variant(variant) for variant in p.variants] for p in products]
        # the caller may wait for Klaviyo between two products: no transaction should be open during
        # that time, and the next batch should include recent changes
        db.session.rollback()
        db.session.expunge_all()
        yield from filter(None, variants)


def divide_products(max_variants: int) -> list[tuple[int, int]]:
    """Divide the products into parts of at most `max_variants` variants. A product with more
    variants is a part of its own.

    Return the first and the last product ID of each part, for `all_products`.
    """
    counts = (
        sa.select(ProductVariant.product_id, sa.func.count())
        .group_by(ProductVariant.product_id)
        .order_by(ProductVariant.product_id)
    )
    parts: list[tuple[int, int]] = []
    size = 0
    for product_id, count in db.session.execute(counts):
        size += count
        if parts and size <= max_variants:
            parts[-1] = (parts[-1][0], product_id)
        else:
            parts.append((product_id, product_id))
            size = count
    return parts


def count_catalog() -> int:
    """Return the number of products plus the number of variants."""
    counts = (sa.select(sa.func.count()).select_from(table) for table in (Product, ProductVariant))
    return sum(db.session.scalar(count) or 0 for count in counts)


def all_skus() -> list[str]:
    """Return the SKU of every variant."""
    return list(db.session.scalars(sa.select(ProductVariant.sku)))


def composite_id(variant: ProductVariant) -> CompositeID:
    """Return a variant's ID in Klaviyo."""
    return current_catalog().composite_id(variant.external_id)


def variant_url(product_url: str, sku: str) -> str:
    """Return the URL of a variant, given the URL of its product's page."""
    return f"{product_url}{'&' if '?' in product_url else '?'}variant={quote_plus(sku)}"


def kit_variant(variant: ProductVariant) -> Variant:
    """Return the kit's `Variant` for a variant of the shop, for forms and buttons. The product's
    options must be loaded.
    """
    product = variant.product
    return _kit_variants(product, [variant], [option.name for option in product.options])[0]


def kit_variants(product: Product) -> list[Variant]:
    """Return `kit_variant` of each of the product's variants, which must be loaded."""
    return _kit_variants(product, product.variants, [option.name for option in product.options])


def _kit_variants(
    product: Any, variants: Sequence[Any], option_names: Sequence[str]
) -> list[Variant]:
    """Return the kit's variants. The product and its variants may be models, or rows of tables."""
    catalog, tags = current_catalog(), frozenset(product.tags)
    page = url_for("shop.product", handle=product.handle)
    title, names = translated(product.title), [*map(translated, option_names)]
    return [
        Variant(
            composite_id=catalog.composite_id(variant.external_id),
            product_id=product.handle,
            product_title=title,
            url=variant_url(page, variant.sku),
            options=dict(zip(names, map(translated, variant.values), strict=True)),
            quantity=variant.quantity,
            inventory_policy=variant.policy,
            tags=tags,
            price=variant.price,
        )
        for variant in variants
    ]


def catalog_variant(variant: ProductVariant) -> Variant:
    """Return `kit_variant` with the details that only Klaviyo's catalog needs."""
    product = variant.product
    return replace(
        kit_variant(variant),
        # not translated: Klaviyo's catalog has one language
        product_title=product.title,
        options=dict(zip((option.name for option in product.options), variant.values, strict=True)),
        sku=variant.sku,
        currency=shop().currency,
        description=product.summary,
        image_url=variant_image_url(variant),
        categories=[*filter(None, [product.category]), *product.tags],
    )


class ShopCatalog:
    """The shop's variants for the kit: implements `notify_me.ListedCatalog`.

    Each method opens its own connections, so that the stock is current. It closes them before it
    returns or yields, so that no connection stays open while the kit calls Klaviyo.
    """

    def variant(self, composite_id: CompositeID) -> Variant | None:
        """Return the variant with this ID, or None if the shop has no such variant."""
        if not current_catalog().contains(composite_id):
            return None
        statement = (
            sa.select(ProductVariant)
            .where(ProductVariant.external_id == composite_id.external_id)
            .options(joinedload(ProductVariant.product).selectinload(Product.options))
        )
        with Session(db.engine) as session:
            variant = session.scalar(statement)
            return catalog_variant(variant) if variant else None

    def siblings(self, composite_id: CompositeID) -> Sequence[Variant]:
        """Return all variants of the same product, including this one; empty for an unknown ID."""
        if not current_catalog().contains(composite_id):
            return []
        with db.engine.connect() as connection:
            rows = connection.execute(
                PRODUCT_OF_VARIANT, {"external_id": composite_id.external_id}
            ).all()
            if not rows:
                return []
            variants = connection.execute(VARIANTS_OF_PRODUCT, {"id": rows[0].id}).all()
        option_names = [row.name for row in rows if row.name is not None]
        return _kit_variants(rows[0], variants, option_names)

    def composite_ids(self) -> Iterator[CompositeID]:
        """Yield the composite ID of every variant. Rows are read in batches."""
        catalog = current_catalog()
        last_id = 0
        while True:
            statement = (
                sa.select(ProductVariant.id, ProductVariant.external_id)
                .where(ProductVariant.id > last_id)
                .order_by(ProductVariant.id)
                .limit(500)
            )
            with db.engine.connect() as connection:
                rows = connection.execute(statement).all()
            if not rows:
                return
            last_id = rows[-1].id
            yield from (catalog.composite_id(row.external_id) for row in rows)


def _select_products() -> sa.Select[Product]:
    return sa.select(Product).options(
        selectinload(Product.options),
        selectinload(Product.variants),
    )


def _conditions(query: ListingQuery) -> list[sa.ColumnElement[bool]]:
    conditions = [
        Product.search_text.contains(word, autoescape=True) for word in query.search_words
    ]
    conditions.append(IN_SEARCH_RESULTS if query.search_words else IN_LISTING)
    if query.category is not None:
        conditions.append(Product.category == query.category)
    if query.in_stock:
        conditions.append(_own_variants(IN_STOCK).exists())
    return conditions


def _sort_columns(sort: str) -> list[sa.ColumnElement[Any] | sa.orm.InstrumentedAttribute[Any]]:
    # ties are broken by ID; otherwise a product could appear on two pages
    if sort == "name":
        return [Product.title, Product.id]
    if sort == "newest":
        return [Product.id.desc()]
    if sort == "featured":
        return [Product.position, Product.id]
    # the price on the card: the lowest price of the available variants or, if none is available, of
    # all variants
    lowest = sa.func.min(ProductVariant.price)
    price = sa.func.coalesce(
        *(
            _own_variants(condition).with_only_columns(lowest).scalar_subquery()
            for condition in (AVAILABLE, sa.true())
        )
    )
    return [price if sort == "price-up" else price.desc(), Product.position, Product.id]


def _own_variants(condition: sa.ColumnElement[bool]) -> sa.Select[ProductVariant]:
    """Select those variants of the outer statement's product that meet `condition`."""
    return (
        sa.select(ProductVariant)
        .where(ProductVariant.product_id == Product.id, condition)
        .correlate(Product)
    )
