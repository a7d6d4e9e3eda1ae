"""Parses products from rows, and continues after a problem, so that all problems are reported."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby, islice
from typing import TypeVar

from notify_me import InventoryPolicy
from notify_me.settings import KlaviyoCatalog

from . import cells
from .columns import OPTIONS, Row, missing_id_hint
from .plain_text import PlainText, plain_text, shorten
from .problems import Problems, Unreadable

T = TypeVar("T")

MAX_ROWS = 5000
"""Rows of one product: Shopify allows 2,048 variants and 250 pictures."""
MAX_ID = 200
MAX_SKU = 64
MAX_TITLE = 120
MAX_HANDLE = 80
MAX_OPTION = 40
DEFAULT_VALUE = "Default Title"
"""Shopify's option value for a product without options."""
_VARIANT_COLUMNS = (
    "variant_id",
    "sku",
    "price",
    "quantity",
    *(f"option{i}_value" for i in OPTIONS),
)


@dataclass(frozen=True, slots=True)
class ParsedVariant:
    """A variant in the file."""

    external_id: str
    sku: str
    values: list[str]
    price: Decimal
    quantity: int | None
    policy: InventoryPolicy


@dataclass(frozen=True, slots=True)
class ParsedProduct:
    """A product in the file."""

    handle: str
    title: str
    vendor: str
    type: str
    tags: list[str]
    text: PlainText
    options: list[str]
    variants: list[ParsedVariant]


class Products:
    """Parses the products of one reading of a file, and adds errors to `problems`."""

    def __init__(self, catalog: KlaviyoCatalog, problems: Problems) -> None:
        self._catalog = catalog
        self._problems = problems
        self._first_lines = _FirstLines()
        self.skipped: Counter[str] = Counter()
        """Products that the platform hides: `draft`, `archived`, `unpublished`."""
        self.without_sku = 0
        """Variants that use their ID as SKU, because theirs is missing, too long or a duplicate."""

    def close(self) -> None:
        """Close temporary storage."""
        self._first_lines.close()

    def parse(self, rows: Iterable[Row]) -> Iterator[ParsedProduct]:
        """Yield each product without problems."""
        for handle, group in groupby(rows, key=lambda row: row["handle"]):
            if not handle:
                for row in group:
                    self._problems.add(
                        row.line, "the Handle is missing; it assigns the variant to a product"
                    )
                continue
            product_rows = list(islice(group, MAX_ROWS + 1))
            if len(product_rows) > MAX_ROWS:
                raise Unreadable(
                    product_rows[-1].line, f"{handle!r} has more than {MAX_ROWS:,} lines"
                )
            if product := self._product(handle, product_rows):
                yield product

    def _product(self, handle: str, rows: list[Row]) -> ParsedProduct | None:
        first, problems_before = rows[0], self._problems.count
        if reason := _hidden_reason(first):
            self.skipped[reason] += 1
            return None
        if line := self._first_lines.find_or_add("handle", handle, first.line):
            self._problems.add(
                first.line,
                f"{handle!r} is already on line {line}: keep the lines of a product together",
            )
        if len(handle) > MAX_HANDLE or "/" in handle or not handle.isprintable():
            self._problems.add(
                first.line,
                f"the Handle is part of the product's address: use up to {MAX_HANDLE} characters, "
                "without slashes and line breaks",
            )
        if not first["title"]:
            self._problems.add(
                first.line, "the Title is missing; the first line of a product must have it"
            )
        names = self._option_names(first)
        variants = self._variants(rows, names)
        if self._problems.count > problems_before:
            return None
        return ParsedProduct(
            handle=handle,
            title=shorten(first["title"], MAX_TITLE),
            vendor=first["vendor"],
            type=first["type"],
            tags=cells.tags(first["tags"]),
            text=plain_text(first["description"]),
            options=list(names.values()),
            variants=variants,
        )

    def _option_names(self, row: Row) -> dict[int, str]:
        """The names of the options by their number."""
        names = {i: name for i in OPTIONS if (name := row[f"option{i}_name"])}
        if list(names.values()) == ["Title"] and row["option1_value"] == DEFAULT_VALUE:
            return {}
        if len(set(names.values())) < len(names):
            self._problems.add(row.line, "two options have the same name")
        if any(len(name) > MAX_OPTION for name in names.values()):
            self._problems.add(
                row.line, f"the name of an option is longer than {MAX_OPTION} characters"
            )
        return names

    def _variants(self, rows: list[Row], names: dict[int, str]) -> list[ParsedVariant]:
        lines_by_id: dict[str, int] = {}
        lines_by_values: dict[tuple[str, ...], int] = {}
        variants = []
        for row in rows:
            # the lines of additional pictures have none of the variant's columns
            if row is not rows[0] and not any(row[column] for column in _VARIANT_COLUMNS):
                continue
            values = self._option_values(row, names)
            if (line := lines_by_values.setdefault(tuple(values), row.line)) != row.line:
                variant_name = (
                    f"{' / '.join(values)!r}" if values else "the product without options"
                )
                self._problems.add(row.line, f"{variant_name} is already on line {line}")
            if variant := self._variant(row, values, lines_by_id):
                variants.append(variant)
        return variants

    def _option_values(self, row: Row, names: dict[int, str]) -> list[str]:
        for i in OPTIONS:
            value = row[f"option{i}_value"]
            if i in names and not value:
                self._problems.add(row.line, f"the value for {names[i]} is missing")
            elif value and i not in names and value != DEFAULT_VALUE:
                self._problems.add(
                    row.line,
                    f"{value!r} belongs to option {i}, which has no name on the product's first "
                    "line",
                )
        return [shorten(row[f"option{i}_value"], MAX_OPTION) for i in names]

    def _variant(
        self, row: Row, values: list[str], lines_by_id: dict[str, int]
    ) -> ParsedVariant | None:
        external_id = self._external_id(row, lines_by_id)
        price = self._cell(row, cells.price)
        quantity = self._cell(row, cells.quantity)
        policy = self._cell(row, cells.policy)
        if external_id is None or price is None or policy is None:
            return None
        sku = self._sku(row, external_id)
        return ParsedVariant(external_id, sku, values, price, quantity, policy)

    def _cell(self, row: Row, convert: Callable[[Row], T]) -> T | None:
        try:
            return convert(row)
        except ValueError as error:
            self._problems.add(row.line, str(error))
            return None

    def _external_id(self, row: Row, lines_by_id: dict[str, int]) -> str | None:
        """The variant's ID on the platform, or its SKU if this shop fills Klaviyo's catalog."""
        variant_id = row["variant_id"]
        is_custom = self._catalog.integration == "$custom"
        external_id = variant_id or (row["sku"] if is_custom else "")
        name = "variant ID" if variant_id else "SKU"
        problem = None
        if not external_id:
            problem = (
                "the SKU and the Variant ID are missing; Klaviyo needs one to identify the variant"
                if is_custom
                else f"the Variant ID is missing. {missing_id_hint(self._catalog.integration)}"
            )
        elif variant_id and variant_id == row["product_id"]:
            problem = f"the variant ID {variant_id!r} is the product's ID: use the variant's own"
        elif reason := self._catalog.id_problem(external_id):
            problem = f"invalid {name} {external_id[:60]!r}: {reason}"
        elif len(external_id) > MAX_ID:
            problem = f"the {name} is longer than {MAX_ID} characters"
        elif external_id in lines_by_id:
            hint = (
                "if it is the product's ID, use the variant's own"
                if variant_id
                else "change one of them"
            )
            line = lines_by_id[external_id]
            problem = f"the {name} {external_id!r} is already on line {line}, in the same product: "
            problem += hint
        elif first_line := self._first_lines.find_or_add("variant", external_id, row.line):
            problem = f"the {name} {external_id!r} is already on line {first_line}"
        if problem:
            self._problems.add(row.line, problem)
            return None
        lines_by_id[external_id] = row.line
        return external_id

    def _sku(self, row: Row, external_id: str) -> str:
        """The SKU, or the variant's ID if the SKU is missing, too long or a duplicate."""
        sku = row["sku"]
        if (
            0 < len(sku) <= MAX_SKU
            and sku.isprintable()
            and self._first_lines.find_or_add("sku", sku, row.line) is None
        ):
            return sku
        if len(external_id) > MAX_SKU:
            self._problems.add(
                row.line,
                f"a unique SKU of up to {MAX_SKU} characters is required, because the variant's ID "
                "is too long to be used instead",
            )
        elif line := self._first_lines.find_or_add("sku", external_id, row.line):
            self._problems.add(
                row.line,
                f"a unique SKU is required, because the variant's ID {external_id!r} is already "
                f"the SKU on line {line}",
            )
        self.without_sku += 1
        return external_id


class _FirstLines:
    """The lines on which values appear first, in a temporary file instead of in memory."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute(
            "CREATE TABLE first_line (kind TEXT, value TEXT, line INTEGER,"
            " PRIMARY KEY (kind, value)) WITHOUT ROWID"
        )
        self._connection.execute("BEGIN")

    def find_or_add(self, kind: str, value: str, line: int) -> int | None:
        """The line on which a value appeared first; adds it and returns None if it is new."""
        added = self._connection.execute(
            "INSERT OR IGNORE INTO first_line VALUES (?, ?, ?)", (kind, value, line)
        )
        if added.rowcount:
            return None
        row: tuple[int] = self._connection.execute(
            "SELECT line FROM first_line WHERE kind = ? AND value = ?", (kind, value)
        ).fetchone()
        return row[0]

    def close(self) -> None:
        """Delete the temporary file."""
        self._connection.close()


def _hidden_reason(row: Row) -> str | None:
    """Why the platform hides a product; None if it doesn't."""
    if (status := row["status"].lower()) in ("draft", "archived"):
        return status
    return "unpublished" if row["published"].lower() == "false" else None
