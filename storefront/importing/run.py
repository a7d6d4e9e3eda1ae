"""Runs an import: reads the file into a temporary database, then stores the products in one
transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.orm import Session

from notify_me.settings import KlaviyoCatalog

from ..base.models import Import
from ..catalog.loader import clear
from . import storing
from .categories import Categories
from .files import Progress
from .numbers import DecimalSeparator, NumberFormat
from .other_files import naming, read_ids, read_stock
from .problems import Problems, Unreadable
from .products import (
    Counts,
    ParsedProduct,
    Products,
    StockRules,
    StockUnknown,
    is_listed,
    product_type,
    skip_reason,
    title_key,
)
from .rows import Source, open_rows
from .spool import Spool


@dataclass(frozen=True, slots=True)
class Choices:
    """The merchant's choices for an import."""

    ids: Sequence[Path] = ()
    """Files with the variants' IDs on the platform: pages of `products.json`, or CSV."""
    stock: Path | None = None
    """The platform's inventory export."""
    stock_unknown: StockUnknown | None = None
    sell_out: float = 0.0
    """The share of the variants to show as sold out."""
    columns: Mapping[str, str] | None = None
    decimal_separator: DecimalSeparator | None = None
    encoding: str | None = None
    currency: str | None = None
    """An ISO 4217 code; None: the currency in the file, or else the one in `shop.toml`."""
    shop_name: str | None = None
    """None: the vendor of more than half of the products, if there is such a vendor."""
    link_pictures: bool = False
    """Whether pages load the pictures from their original servers, instead of from the shop."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """The result of an import or a dry run."""

    platform: str
    encoding: str
    categories: list[str]
    counts: Counts
    choices: Choices
    currency: str | None
    shared_symbol: str
    """A symbol in the prices that several currencies share; empty if `currency` is set."""
    shop_name: str | None
    first: list[ParsedProduct] = field(default_factory=list)
    """The first products, for a preview."""


PREVIEW_SIZE = 12
"""The number of products in a preview."""


def run(
    session: Session,
    path: Path,
    catalog: KlaviyoCatalog,
    choices: Choices,
    *,
    name: str = "",
    dry_run: bool = False,
    progress: Progress = lambda count: None,
) -> ImportResult:
    """Replace the shop's products with those of a file, in one transaction.

    `name` is the file's name, if it differs from that of `path`. `progress` is called with the
    number of bytes processed since the last call; in total, that is twice the size of the file.
    Raises `InvalidFile`, which lists all problems, `Unreadable` for another file of the import, or
    `OSError` if a file can't be opened. In all cases, nothing is changed.
    """
    problems = Problems()
    with closing(Spool()) as spool:
        try:
            source = open_rows(
                path, progress, problems, columns=choices.columns, encoding=choices.encoding
            )
            numbers = NumberFormat(choices.decimal_separator)
            categories = _read(source, spool, numbers)
        except Unreadable as error:
            problems.add(error.line, str(error))
            problems.raise_if_any()
            raise
        for ids in choices.ids:
            with naming(ids):
                read_ids(ids, spool)
        if choices.stock:
            with naming(choices.stock):
                read_stock(choices.stock, spool)
        numbers.decide(problems)
        problems.raise_if_any()
        products = Products(
            spool,
            catalog,
            source.fields,
            numbers,
            StockRules(choices.stock_unknown, bool(choices.stock), choices.sell_out),
            problems,
            has_ids_file=bool(choices.ids),
        )
        first: list[ParsedProduct] = []
        valid = _valid_products(products, problems, spool.row_count, path.stat().st_size, progress)
        if dry_run:
            first = [product for number, product in enumerate(valid) if number < PREVIEW_SIZE]
        else:
            copies = {} if choices.link_pictures else storing.pictures_with_copies(session)
            clear(session)
            storing.store(session, valid, categories.category_of, copies)
        if not products.counts.products and not problems:
            problems.add(None, _nothing_to_import(products.counts))
        if problems:
            session.rollback()
            problems.raise_if_any()
        currency = choices.currency or source.currency or numbers.currency
        shop_name = choices.shop_name or categories.main_vendor
        if not dry_run:
            session.add(
                Import(
                    id=1,
                    file=(name or path.name)[:255],
                    categories=categories.items,
                    currency=currency,
                    shop_name=shop_name,
                )
            )
            session.commit()
    return ImportResult(
        platform=source.platform.name,
        encoding=source.encoding,
        categories=[name for _, name in categories.items],
        counts=products.counts,
        choices=choices,
        currency=currency,
        shared_symbol="" if currency else numbers.shared_symbol,
        shop_name=shop_name,
        first=first,
    )


def _read(source: Source, spool: Spool, numbers: NumberFormat) -> Categories:
    """Read the whole file into the spool, note its number format, and count the products' types."""
    categories = Categories()
    key = ""
    for row in source.rows:
        # a row with neither a handle nor a title belongs to the product above it
        key = row["key"] or row["handle"].casefold() or title_key(row["title"]) or key
        spool.add_row(key, row)
        numbers.learn_from(row["price"], row.line)
        numbers.learn_from(row["surcharge"], row.line)
        # some files repeat the title in the rows of all variants
        has_title = row["title"] and row["kind"] != "variation"
        if not has_title or spool.record_value("title", key, row.line):
            continue
        if skip_reason(row):
            spool.leave_out(key)
        else:
            categories.count(product_type(row), row["vendor"], is_listed=is_listed(row))
    return categories


def _valid_products(
    products: Products, problems: Problems, rows: int, size: int, progress: Progress
) -> Iterator[ParsedProduct]:
    """Yield products until the first problem. The products after that are only checked."""
    reported = 0
    for product in products:
        if not problems:
            yield product
        done = size * min(products.counts.variants / max(rows, 1), 1)
        if done - reported > size / 200:
            progress(int(done) - reported)
            reported = int(done)
    progress(size - reported)


def _nothing_to_import(counts: Counts) -> str:
    kinds = [f"{count:,} {kind}" for kind, count in counts.skipped.items()]
    kinds += [
        f"{count:,} with the unknown status {status!r}"
        for status, (count, _) in counts.unknown_statuses.items()
    ]
    return "there are no products to import" + (f" ({', '.join(kinds)})" if kinds else "")
