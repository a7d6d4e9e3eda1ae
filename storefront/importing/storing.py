"""Writes imported products to the database."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from itertools import count, islice

from sqlalchemy.orm import Session

from ..base.models import OptionValue, Product, ProductOption, ProductVariant
from ..catalog.browsing import build_search_text
from .plain_text import shorten
from .products import ParsedProduct

BATCH = 50
"""Products written at a time."""
DRAWING = "parcel"
COLOURS = ("#3f6f73", "#b4532a", "#5b6b3f", "#7a5a86", "#c08a2d", "#3f5f8f")
MAX_SUMMARY = 160


def store(
    session: Session, products: Iterable[ParsedProduct], category_of: Callable[[str], str]
) -> None:
    """Write the products in batches, without a commit. `category_of` maps a product's type."""
    positions = count()
    products = iter(products)
    while batch := list(islice(products, BATCH)):
        session.add_all(
            _product(product, next(positions), category_of(product.type)) for product in batch
        )
        session.flush()
        session.expunge_all()


def _product(parsed: ParsedProduct, position: int, category: str) -> Product:
    text = parsed.text
    summary = shorten(" ".join(text.paragraphs or text.details) or parsed.title, MAX_SUMMARY)
    return Product(
        handle=parsed.handle,
        title=parsed.title,
        gloss=shorten(f"By {parsed.vendor}", MAX_SUMMARY) if parsed.vendor else "",
        category=category,
        summary=summary,
        description=text.paragraphs,
        details=text.details,
        tags=parsed.tags,
        drawing=DRAWING,
        # derived from the handle, so that a product has the same colour after every import
        colour=COLOURS[zlib.crc32(parsed.handle.encode()) % len(COLOURS)],
        position=position,
        search_text=build_search_text(
            [
                parsed.title,
                parsed.vendor,
                parsed.type,
                *parsed.tags,
                *text.paragraphs,
                *text.details,
            ]
        ),
        options=[
            ProductOption(name=name, position=index, values=_values(parsed, index))
            for index, name in enumerate(parsed.options)
        ],
        variants=[
            ProductVariant(
                sku=variant.sku,
                external_id=variant.external_id,
                position=index,
                values=variant.values,
                price=variant.price,
                quantity=variant.quantity,
                policy=variant.policy,
            )
            for index, variant in enumerate(parsed.variants)
        ],
    )


def _values(parsed: ParsedProduct, index: int) -> list[OptionValue]:
    names = dict.fromkeys(variant.values[index] for variant in parsed.variants)
    return [OptionValue(name=name, swatch=None) for name in names]
