"""Writes imported products to the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count, islice

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ..base.models import OptionValue, Picture, Product, ProductOption, ProductVariant
from ..catalog.browsing import build_search_text
from .descriptions import first_text, shorten
from .products import ParsedProduct

BATCH = 100
"""The number of products that are written at a time."""
DRAWING = "parcel"
DRAWING_COLOR = "#b39a7b"
MAX_SUMMARY = 160
MAX_SEARCH_TEXT = 5000
"""How many characters of a description can be searched."""


def pictures_with_copies(session: Session) -> dict[str, Picture]:
    """Return the current products' pictures that the shop has copies of, by URL."""
    lists = session.scalars(sa.select(Product.pictures).execution_options(yield_per=1000))
    return {
        picture["url"]: picture for pictures in lists for picture in pictures if "file" in picture
    }


def store(
    session: Session,
    products: Iterable[ParsedProduct],
    category_of: Callable[[str], str],
    copies: Mapping[str, Picture],
) -> None:
    """Write the products in batches, without committing.

    `category_of` maps a product's type to the slug of its category. `copies` maps URLs to pictures
    that the shop already has copies of; these are shown immediately.
    """
    positions = count()
    products = iter(products)
    while batch := list(islice(products, BATCH)):
        _store_batch(session, batch, positions, category_of, copies)


def _store_batch(
    session: Session,
    batch: Sequence[ParsedProduct],
    positions: Iterable[int],
    category_of: Callable[[str], str],
    copies: Mapping[str, Picture],
) -> None:
    values = [
        _product_values(parsed, position, category_of(parsed.type), copies)
        for parsed, position in zip(batch, positions, strict=False)
    ]
    # several times faster than adding objects
    insert = sa.insert(Product).returning(Product.id, sort_by_parameter_order=True)
    ids = session.scalars(insert, values).all()
    options = [
        {
            "product_id": product_id,
            "name": name,
            "position": index,
            "values": _option_values(parsed, index),
        }
        for product_id, parsed in zip(ids, batch, strict=True)
        for index, name in enumerate(parsed.options)
    ]
    variants = [
        {
            "product_id": product_id,
            "sku": variant.sku,
            "external_id": variant.external_id,
            "position": index,
            "values": variant.values,
            "picture": variant.picture,
            "price": variant.price,
            "quantity": variant.quantity,
            "policy": variant.policy,
        }
        for product_id, parsed in zip(ids, batch, strict=True)
        for index, variant in enumerate(parsed.variants)
    ]
    if options:
        session.execute(sa.insert(ProductOption), options)
    session.execute(sa.insert(ProductVariant), variants)


def _product_values(
    parsed: ParsedProduct, position: int, category: str, copies: Mapping[str, Picture]
) -> dict[str, object]:
    return {
        "handle": parsed.handle,
        "title": parsed.title,
        "vendor": parsed.vendor,
        "gloss": "",
        "category": category,
        "summary": shorten(first_text(parsed.description) or parsed.title, MAX_SUMMARY),
        "description": [],
        "description_html": parsed.description,
        "details": [],
        "tags": parsed.tags,
        "drawing": DRAWING,
        "colour": DRAWING_COLOR,
        "pictures": [copies.get(picture["url"], picture) | picture for picture in parsed.pictures],
        "visibility": parsed.visibility,
        "position": position,
        "search_text": build_search_text(
            [parsed.title, parsed.vendor, parsed.type, *parsed.tags, parsed.text[:MAX_SEARCH_TEXT]]
        ),
    }


def _option_values(parsed: ParsedProduct, index: int) -> list[OptionValue]:
    names = dict.fromkeys(variant.values[index] for variant in parsed.variants)
    return [OptionValue(name=name, swatch=None) for name in names]
