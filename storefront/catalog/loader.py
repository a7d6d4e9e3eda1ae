"""Put a catalog file into the database: what is there is updated and keeps its ID."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from notify_me import InventoryPolicy

from ..base.models import Import, OptionValue, Product, ProductOption, ProductVariant
from .browsing import searchable
from .json_file import CatalogFile, ProductEntry, VariantEntry

POLICIES = {"deny": InventoryPolicy.DENY, "continue": InventoryPolicy.CONTINUE}
WORDS = ("title", "gloss", "category", "summary", "description", "details", "tags")
LOOKS = ("drawing", "colour")


@dataclass
class Loaded:
    """What a load did."""

    products: int = 0
    variants: int = 0
    new: int = 0
    """Products that weren't there before."""


def clear(session: Session) -> None:
    """Take every product out of the shop; orders stay. Nothing is committed."""
    for table in (ProductVariant, ProductOption, Product, Import):
        session.execute(sa.delete(table), execution_options={"synchronize_session": False})
    session.expunge_all()


def load(session: Session, catalog: CatalogFile, *, stock: bool = False) -> Loaded:
    """Store `catalog` in one transaction.

    A variant that is there keeps its stock unless `stock` is set; one that its product no
    longer lists goes. Products that the file doesn't name stay as they are.
    """
    present = _present(session)
    loaded = Loaded(products=len(catalog.products))
    for position, entry in enumerate(catalog.products):
        product = present.get(entry.handle)
        if product is None:
            product = Product(handle=entry.handle, options=[], variants=[])
            session.add(product)
            loaded.new += 1
        _update(product, entry, position, stock=stock)
        loaded.variants += len(entry.variants)
    session.commit()
    return loaded


def _present(session: Session) -> dict[str, Product]:
    query = sa.select(Product).options(
        selectinload(Product.options), selectinload(Product.variants)
    )
    return {product.handle: product for product in session.scalars(query)}


def _update(product: Product, entry: ProductEntry, position: int, *, stock: bool) -> None:
    product.position = position
    for name in (*WORDS, *LOOKS):
        setattr(product, name, getattr(entry, name))
    product.search_text = searchable([entry.title, entry.summary, *entry.tags, *entry.description])
    _update_options(product, entry)
    by_sku = {variant.sku: variant for variant in product.variants}
    product.variants = [
        _variant(by_sku.get(one.sku), one, index, stock=stock)
        for index, one in enumerate(entry.variants)
    ]


def _update_options(product: Product, entry: ProductEntry) -> None:
    by_name = {option.name: option for option in product.options}
    options = []
    for position, one in enumerate(entry.options):
        option = by_name.get(one.name) or ProductOption(name=one.name)
        option.position = position
        option.values = [OptionValue(name=v.name, swatch=v.swatch) for v in one.values]
        options.append(option)
    product.options = options


def _variant(
    present: ProductVariant | None, entry: VariantEntry, position: int, *, stock: bool
) -> ProductVariant:
    variant = present or ProductVariant(sku=entry.sku)
    variant.external_id = entry.sku
    variant.position = position
    variant.values = entry.options
    variant.price = entry.price
    variant.policy = POLICIES[entry.policy]
    if present is None or stock:
        variant.quantity = entry.quantity
    return variant
