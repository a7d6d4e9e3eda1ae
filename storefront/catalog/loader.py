"""Writes a catalog file to the database. Existing rows are updated and keep their IDs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from notify_me import InventoryPolicy

from ..base.models import Import, OptionValue, Product, ProductOption, ProductVariant
from .browsing import build_search_text
from .json_file import CatalogFile, ProductEntry
from .translations import all_translations

POLICIES = {"deny": InventoryPolicy.DENY, "continue": InventoryPolicy.CONTINUE}
COPIED_FIELDS = (
    *("title", "gloss", "category", "summary", "description", "details", "tags"),
    *("drawing", "colour"),
)


@dataclass
class LoadResult:
    """How many products and variants a file has, and how many of the products are new."""

    products: int = 0
    variants: int = 0
    new_products: int = 0


def clear(session: Session) -> None:
    """Delete all products and the record of their import; orders are kept. Doesn't commit."""
    for table in (ProductVariant, ProductOption, Product, Import):
        session.execute(sa.delete(table), execution_options={"synchronize_session": False})
    session.expunge_all()


def load(session: Session, catalog: CatalogFile, *, stock: bool = False) -> LoadResult:
    """Store `catalog` in one transaction.

    Existing variants keep their stock unless `stock` is set, even if they belong to another product
    now. Variants that a product in the file no longer lists are deleted. Products that aren't in
    the file stay unchanged, unless all their variants belong to other products now: these are
    deleted.
    """
    statement = sa.select(Product).options(
        selectinload(Product.options), selectinload(Product.variants)
    )
    existing = {product.handle: product for product in session.scalars(statement)}
    variants = {
        variant.sku: variant for product in existing.values() for variant in product.variants
    }
    had_variants = [product for product in existing.values() if product.variants]
    result = LoadResult()
    for position, entry in enumerate(catalog.products):
        product = existing.get(entry.handle)
        if product is None:
            product = Product(handle=entry.handle, options=[], variants=[])
            session.add(product)
            result.new_products += 1
        _update(product, entry, position, variants, stock=stock)
        result.products += 1
        result.variants += len(entry.variants)
    for product in had_variants:
        if not product.variants:
            session.delete(product)
    session.commit()
    return result


def _update(
    product: Product,
    entry: ProductEntry,
    position: int,
    variants_by_sku: Mapping[str, ProductVariant],
    *,
    stock: bool,
) -> None:
    product.position = position
    for name in COPIED_FIELDS:
        setattr(product, name, getattr(entry, name))
    product.search_text = build_search_text(
        text
        for source in (entry.title, entry.summary, *entry.tags, *entry.description)
        for text in (source, *all_translations(source))
    )
    options_by_name = {option.name: option for option in product.options}
    product.options = [
        options_by_name.get(option.name) or ProductOption(name=option.name)
        for option in entry.options
    ]
    for index, (option, option_entry) in enumerate(
        zip(product.options, entry.options, strict=True)
    ):
        option.position = index
        option.values = [OptionValue(name=v.name, swatch=v.swatch) for v in option_entry.values]
    product.variants = [
        variants_by_sku.get(variant.sku)
        or ProductVariant(sku=variant.sku, quantity=variant.quantity)
        for variant in entry.variants
    ]
    for index, (variant, variant_entry) in enumerate(
        zip(product.variants, entry.variants, strict=True)
    ):
        variant.external_id = variant_entry.sku
        variant.position = index
        variant.values = variant_entry.options
        variant.price = variant_entry.price
        variant.policy = POLICIES[variant_entry.policy]
        if stock:
            variant.quantity = variant_entry.quantity
