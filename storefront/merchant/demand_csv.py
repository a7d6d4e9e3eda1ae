"""The demand as a file for a spreadsheet, made line by line."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from notify_me import Channel, admin

from ..base.models import ProductVariant

AT_ONCE = 500
"""Rows whose names are looked up together."""
BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel takes UTF-8 for something else."""
HEAD = ("day", "variant_id", "product", "variant", "requests", "people")
CHANNELS = [channel.value for channel in Channel]
STATES = ("accepted", "queued", "dead_lettered", "refused", "failed", "started", "unknown")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

Names = Callable[[Iterable[str]], dict[str, ProductVariant]]


def lines(rows: Iterable[admin.DayDemand], names: Names) -> Iterator[str]:
    """The file, in pieces. `names` finds the shop's variants; one that is gone has its ID alone.

    The first rows are read before the first piece is given.
    """
    rows = iter(rows)
    head = (*HEAD, *(name.lower() for name in CHANNELS), *STATES)
    before = BYTE_ORDER_MARK + _line(head)
    while some := list(islice(rows, AT_ONCE)):
        known = names({row.variant for row in some})
        yield before + "".join(_line(_cells(row, known.get(row.variant))) for row in some)
        before = ""
    if before:
        yield before


def _cells(row: admin.DayDemand, variant: ProductVariant | None) -> Sequence[object]:
    figures = row.figures
    return (
        row.day.isoformat(),
        row.variant,
        variant.product.title if variant else "",
        variant.title if variant else "",
        figures.requests,
        figures.people,
        *(figures.channels[name] for name in CHANNELS),
        *(figures.states[name] for name in STATES),
    )


def _line(cells: Iterable[object]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(map(_safe, cells))
    return line.getvalue()


def _safe(cell: object) -> object:
    """A text that a spreadsheet would run as a formula, as a text that it shows."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
