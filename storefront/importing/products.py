"""Products out of rows, each looked at: what is wrong with one doesn't hide what is wrong with the
next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby, islice

from notify_me import InventoryPolicy
from notify_me.settings import KlaviyoCatalog

from . import cells
from .cells import Read, T
from .columns import OPTIONS, Row, lacking_id
from .plain_text import PlainText, plain_text, short
from .problems import Problems, Unreadable
from .seen import Seen

MOST_ROWS = 5000
"""Rows of one product: Shopify has 2,048 variants and 250 pictures at most."""
LONGEST_ID = 200
LONGEST_SKU = 64
LONGEST_TITLE = 120
LONGEST_HANDLE = 80
LONGEST_OPTION = 40
DEFAULT = "Default Title"
"""What Shopify writes where a product has no options."""


@dataclass(frozen=True, slots=True)
class GivenVariant:
    """A variant as the file has it."""

    external_id: str
    sku: str
    values: list[str]
    price: Decimal
    quantity: int | None
    policy: InventoryPolicy


@dataclass(frozen=True, slots=True)
class GivenProduct:
    """A product as the file has it."""

    handle: str
    title: str
    vendor: str
    type: str
    tags: list[str]
    text: PlainText
    options: list[str]
    variants: list[GivenVariant]


class Products:
    """Reads products out of rows once. `problems` has what is wrong, `left_out` what was left out:
    `draft`, `archived` or `unpublished` products.
    """

    def __init__(self, catalog: KlaviyoCatalog, problems: Problems, seen: Seen) -> None:
        self._catalog = catalog
        self._problems = problems
        self._seen = seen
        self.left_out: Counter[str] = Counter()
        self.renumbered = 0
        """Variants whose item number is their ID: their SKU is empty, long or another's too."""

    def of(self, rows: Iterable[Row]) -> Iterator[GivenProduct]:
        """The products, one at a time; those with a problem are told of, and left out."""
        for handle, group in groupby(rows, key=lambda row: row["handle"]):
            if not handle:
                for row in group:
                    self._problems.add(row.line, "has no Handle, which says whose variant it is")
                continue
            some = list(islice(group, MOST_ROWS + 1))
            if len(some) > MOST_ROWS:
                raise Unreadable(
                    some[-1].line,
                    f"{handle!r} has more than {MOST_ROWS:,} lines, as no product has",
                )
            if product := self._product(handle, some):
                yield product

    def _product(self, handle: str, rows: list[Row]) -> GivenProduct | None:
        first, so_far = rows[0], self._problems.count
        if reason := _hidden(first):
            self.left_out[reason] += 1
            return None
        if before := self._seen.before("handle", handle, first.line):
            self._problems.add(
                first.line,
                f"{handle!r} stands at line {before} already: keep the lines of a product together",
            )
        if len(handle) > LONGEST_HANDLE or "/" in handle or not handle.isprintable():
            self._problems.add(
                first.line,
                f"the handle has a slash, a line's end or more than {LONGEST_HANDLE} characters: "
                "it is the product's address, so shorten it",
            )
        if not first["title"]:
            self._problems.add(first.line, "has no Title, and it is the first line of its product")
        names = self._option_names(first)
        variants = self._variants(rows, names)
        if self._problems.count > so_far:
            return None
        return GivenProduct(
            handle=handle,
            title=short(first["title"], LONGEST_TITLE),
            vendor=first["vendor"],
            type=first["type"],
            tags=cells.tags(first["tags"]),
            text=plain_text(first["description"]),
            options=list(names.values()),
            variants=variants,
        )

    def _option_names(self, row: Row) -> dict[int, str]:
        """The options' names by their number; none for what Shopify calls Default Title."""
        names = {i: name for i in OPTIONS if (name := row[f"option{i}_name"])}
        if list(names.values()) == ["Title"] and row["option1_value"] == DEFAULT:
            return {}
        if len(set(names.values())) < len(names):
            self._problems.add(row.line, "two of its options have the same name")
        if any(len(name) > LONGEST_OPTION for name in names.values()):
            self._problems.add(
                row.line, f"an option's name has more than {LONGEST_OPTION} characters: shorten it"
            )
        return names

    def _variants(self, rows: list[Row], names: dict[int, str]) -> list[GivenVariant]:
        lines: dict[str, int] = {}
        combinations: dict[tuple[str, ...], int] = {}
        found = []
        for row in rows:
            if row is not rows[0] and not _is_variant(row):
                continue
            values = self._values(row, names)
            if (before := combinations.setdefault(tuple(values), row.line)) != row.line:
                which = f"{' / '.join(values)!r}" if values else "the product without options"
                self._problems.add(row.line, f"{which} stands at line {before} already")
            if variant := self._variant(row, values, lines):
                found.append(variant)
        return found

    def _values(self, row: Row, names: dict[int, str]) -> list[str]:
        for i in OPTIONS:
            value = row[f"option{i}_value"]
            if i in names and not value:
                self._problems.add(row.line, f"has no value for {names[i]}")
            elif value and i not in names and value != DEFAULT:
                self._problems.add(
                    row.line,
                    f"has {value!r} for option {i}, which the first line of its product doesn't "
                    "name",
                )
        return [short(row[f"option{i}_value"], LONGEST_OPTION) for i in names]

    def _variant(self, row: Row, values: list[str], lines: dict[str, int]) -> GivenVariant | None:
        external_id = self._external_id(row, lines)
        price, quantity, policy = (
            self._cell(row, cells.price),
            self._cell(row, cells.quantity),
            self._cell(row, cells.policy),
        )
        if external_id is None or price is None or policy is None:
            return None
        return GivenVariant(
            external_id, self._sku(row, external_id), values, price, quantity, policy
        )

    def _cell(self, row: Row, read: Read[T]) -> T | None:
        try:
            return read(row)
        except ValueError as error:
            self._problems.add(row.line, str(error))
            return None

    def _external_id(self, row: Row, lines: dict[str, int]) -> str | None:
        """The variant's ID at the platform; the SKU where this shop fills Klaviyo's catalog."""
        given = row["variant_id"]
        ours = self._catalog.integration == "$custom"
        external_id = given or (row["sku"] if ours else "")
        name = "variant ID" if given else "SKU"
        problem = None
        if not external_id:
            problem = (
                "has neither a SKU nor a Variant ID, and Klaviyo knows a variant by one of them"
                if ours
                else f"has no Variant ID. {lacking_id(self._catalog.integration)}"
            )
        elif given and given == row["product_id"]:
            problem = f"the variant ID {given!r} is the product's: each variant has one of its own"
        elif wrong := self._catalog.id_problem(external_id):
            problem = f"the {name} {external_id[:60]!r} can't be right: {wrong}"
        elif len(external_id) > LONGEST_ID:
            problem = f"its {name} has more than {LONGEST_ID} characters"
        elif external_id in lines:
            problem = (
                f"the {name} {external_id!r} stands at line {lines[external_id]} already, for the "
                "same product: "
            ) + ("is it the product's? Each variant has one of its own" if given else "mend one")
        elif before := self._seen.before("variant", external_id, row.line):
            problem = f"the {name} {external_id!r} stands at line {before} already"
        if problem:
            self._problems.add(row.line, problem)
            return None
        lines[external_id] = row.line
        return external_id

    def _sku(self, row: Row, external_id: str) -> str:
        """The shop's item number: the SKU, or the variant's ID where that can't be one."""
        sku = row["sku"]
        if (
            0 < len(sku) <= LONGEST_SKU
            and sku.isprintable()
            and self._seen.before("sku", sku, row.line) is None
        ):
            return sku
        if len(external_id) > LONGEST_SKU:
            self._problems.add(
                row.line,
                f"needs a SKU of its own, of {LONGEST_SKU} characters at most: its ID is too long "
                "to be an item number",
            )
        elif before := self._seen.before("sku", external_id, row.line):
            self._problems.add(
                row.line, f"its ID {external_id!r} is the SKU at line {before}: give it a SKU"
            )
        self.renumbered += 1
        return external_id


def _hidden(row: Row) -> str | None:
    """Why the platform doesn't show a product, if it doesn't."""
    if (status := row["status"].lower()) in ("draft", "archived"):
        return status
    return "unpublished" if row["published"].lower() == "false" else None


def _is_variant(row: Row) -> bool:
    """Whether a row is a variant: a product's further pictures have rows too."""
    told = ("variant_id", "sku", "price", "quantity", *(f"option{i}_value" for i in OPTIONS))
    return any(row[name] for name in told)
