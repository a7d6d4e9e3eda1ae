"""Runs an import. The whole file is checked before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from notify_me.settings import KlaviyoCatalog

from ..base.models import Import
from ..catalog.loader import clear
from . import storing
from .categories import Categories
from .problems import Problems, Unreadable
from .products import ParsedProduct, Products
from .rows import Progress, rows


@dataclass(slots=True)
class Imported:
    """The result of an import or a dry run."""

    products: int
    variants: int
    categories: list[str]
    skipped: dict[str, int]
    """Products that the platform hides: `draft`, `archived`, `unpublished`."""
    without_sku: int
    """Variants that use their ID as SKU, because theirs is missing, too long or a duplicate."""


def run(
    session: Session,
    path: Path,
    catalog: KlaviyoCatalog,
    *,
    dry_run: bool = False,
    progress: Progress = lambda count: None,
) -> Imported:
    """Replace the shop's products with those of a file, in one transaction.

    `progress` is called with the number of bytes read; the file is read twice, or once with
    `dry_run`. Raises `InvalidFile` with all problems, without changing anything, and `OSError` if
    the file can't be opened.
    """
    categories, products, variants = Categories(), 0, 0
    with closing(_Reading(path, catalog, progress)) as reading:
        for product in reading:
            categories.count(product.type)
            products += 1
            variants += len(product.variants)
        skipped = dict(reading.products.skipped)
        if not products and not reading.problems.count:
            kinds = ", ".join(f"{count:,} {kind}" for kind, count in skipped.items())
            reason = f": {kinds}, hidden on your platform" if kinds else ""
            reading.problems.add(1, f"there are no products to import{reason}")
        reading.problems.raise_if_any()
    if not dry_run:
        with closing(_Reading(path, catalog, progress)) as second_reading:
            clear(session)
            storing.store(session, second_reading, categories.category_of)
            # the file may have changed since the first reading
            second_reading.problems.raise_if_any()
        session.add(Import(id=1, file=path.name[:255], categories=categories.items))
        session.commit()
    return Imported(
        products=products,
        variants=variants,
        categories=[name for _, name in categories.items],
        skipped=skipped,
        without_sku=reading.products.without_sku,
    )


class _Reading:
    """One reading of the file, with the problems found so far."""

    def __init__(self, path: Path, catalog: KlaviyoCatalog, progress: Progress) -> None:
        self.problems = Problems()
        self.products = Products(catalog, self.problems)
        platform = None if catalog.integration == "$custom" else catalog.integration
        self._rows = rows(path, progress, platform=platform)

    def __iter__(self) -> Iterator[ParsedProduct]:
        try:
            yield from self.products.parse(self._rows)
        except Unreadable as error:
            self.problems.add(error.line, str(error))

    def close(self) -> None:
        """Close temporary storage."""
        self.products.close()
