"""Put products in the place of those that are there."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from itertools import count, islice

from sqlalchemy.orm import Session

from ..base.models import OptionValue, Product, ProductOption, ProductVariant
from ..catalog.browsing import build_search_text
from .plain_text import short
from .products import GivenProduct

BATCH = 50
"""Products that are written together."""
DRAWING = "parcel"
COLOURS = ("#3f6f73", "#b4532a", "#5b6b3f", "#7a5a86", "#c08a2d", "#3f5f8f")
LONGEST_SUMMARY = 160


def store(
    session: Session, products: Iterable[GivenProduct], department: Callable[[str], str]
) -> None:
    """Write the products, a batch at a time. Nothing is committed."""
    positions = count()
    products = iter(products)
    while batch := list(islice(products, BATCH)):
        session.add_all(_product(each, next(positions), department(each.type)) for each in batch)
        session.flush()
        session.expunge_all()


def _product(given: GivenProduct, position: int, department: str) -> Product:
    text = given.text
    summary = short(" ".join(text.paragraphs or text.facts) or given.title, LONGEST_SUMMARY)
    return Product(
        handle=given.handle,
        title=given.title,
        gloss=short(f"By {given.vendor}", LONGEST_SUMMARY) if given.vendor else "",
        category=department,
        summary=summary,
        description=text.paragraphs,
        details=text.facts,
        tags=given.tags,
        drawing=DRAWING,
        # the same at each import
        colour=COLOURS[zlib.crc32(given.handle.encode()) % len(COLOURS)],
        position=position,
        search_text=build_search_text(
            [given.title, given.vendor, given.type, *given.tags, *text.paragraphs, *text.facts]
        ),
        options=[
            ProductOption(name=name, position=place, values=_values(given, place))
            for place, name in enumerate(given.options)
        ],
        variants=[
            ProductVariant(
                sku=each.sku,
                external_id=each.external_id,
                position=place,
                values=each.values,
                price=each.price,
                quantity=each.quantity,
                policy=each.policy,
            )
            for place, each in enumerate(given.variants)
        ],
    )


def _values(given: GivenProduct, place: int) -> list[OptionValue]:
    names = dict.fromkeys(variant.values[place] for variant in given.variants)
    return [OptionValue(name=name, swatch=None) for name in names]
