"""Demand as a CSV file for a spreadsheet, generated piece by piece."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import islice

from babel.numbers import get_currency_precision

from notify_me import Channel, admin

from ..base.current_shop import shop
from ..base.models import ProductVariant
from ..catalog.stock import is_available
from .deliveries import STATES

BATCH = 500
"""The number of rows whose product names are looked up together."""
BYTE_ORDER_MARK = "\ufeff"
"""Tells Excel that the file is UTF-8."""
CHANNELS = [channel.value for channel in Channel]
STATE_ORDER = ("accepted", "queued", "dead_lettered", "refused", "failed", "started", "unknown")
HEADER = (
    "day",
    "variant_id",
    "product",
    "variant",
    "sign_ups",
    "shoppers",
    *(channel.lower() for channel in CHANNELS),
    *(STATES[state][0].lower().replace(" ", "_") for state in STATE_ORDER),
    "waiting",
    "alerted",
    "price",
    "currency",
    "potential_revenue",
)
_FORMULA_START = ("=", "+", "-", "−", "@")

FindVariants = Callable[[Iterable[str]], dict[str, ProductVariant]]


def generate(rows: Iterable[admin.DayDemand], find_variants: FindVariants) -> Iterator[str]:
    """Yield the file in pieces of `BATCH` rows; the first piece starts with the header.

    `find_variants` returns the shop's variants by composite ID. For a variant that the shop no
    longer has, the columns with its name and price are empty.
    """
    rows = iter(rows)
    prefix = BYTE_ORDER_MARK + _line(HEADER)
    while batch := list(islice(rows, BATCH)):
        variants = find_variants({row.variant for row in batch})
        yield prefix + "".join(_line(_cells(row, variants.get(row.variant))) for row in batch)
        prefix = ""
    if prefix:
        yield prefix


def _cells(row: admin.DayDemand, variant: ProductVariant | None) -> tuple[object, ...]:
    figures = row.figures
    waiting = 0 if variant and is_available(variant) else row.waiting
    return (
        row.day.isoformat(),
        row.variant,
        variant.product.title if variant else "",
        variant.title if variant else "",
        figures.requests,
        figures.people,
        *(figures.channels[channel] for channel in CHANNELS),
        *(figures.states[state] for state in STATE_ORDER),
        waiting,
        row.alerted,
        _amount(variant.price) if variant else "",
        shop().currency if variant else "",
        _amount(waiting * variant.price) if variant else "",
    )


def _amount(amount: Decimal) -> str:
    # spreadsheets in many languages read 248.000 as 248 thousand
    return f"{amount:.{get_currency_precision(shop().currency)}f}"


def _line(cells: Iterable[object]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(map(_without_formula, cells))
    return line.getvalue()


def _without_formula(cell: object) -> object:
    """Put an apostrophe before text that a spreadsheet might run as a formula.

    Spreadsheets ignore leading blanks, and read full-width characters like their ASCII forms.
    """
    if not isinstance(cell, str):
        return cell
    # without invisible characters, such as control characters and zero-width spaces
    visible = "".join(character for character in cell if character.isprintable())
    text = unicodedata.normalize("NFKC", visible).lstrip()
    starts_blank = cell[:1] in ("\t", "\r", "\n")
    return f"'{cell}" if starts_blank or text.startswith(_FORMULA_START) else cell
