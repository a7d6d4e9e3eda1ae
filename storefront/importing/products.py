"""Builds products from the rows of a file, and collects all problems, not only the first."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal
from urllib.parse import quote, urlsplit, urlunsplit

from notify_me import PLACEHOLDER_PREFIX, InventoryPolicy
from notify_me.settings import KlaviyoCatalog

from ..base.models import Picture, Visibility
from ..catalog.browsing import fold
from .descriptions import plain_text, safe_html, shorten
from .numbers import NumberFormat
from .other_files import DEFAULT_VALUE, join_keys
from .platforms import NUMBERS, OPTION_VALUES
from .problems import Problems
from .rows import Row
from .spool import Spool

StockUnknown = Literal["in-stock", "sold-out"]
"""How to show variants whose stock isn't known."""

MAX_TEXT = 255
"""The maximum length of a title, handle, SKU, vendor, or option name or value, as on Shopify."""
MAX_ID = 200
MAX_ROWS = 10_000
"""The maximum number of rows of a product. Shopify allows 2,048 variants and 250 pictures."""
MAX_TAGS = 250
MAX_PICTURES = 250
MAX_URL = 2048

SKIPPED_STATUSES = ("draft", "archived", "private", "grouped", "external")
VISIBILITY_BY_STATUS = {
    "": Visibility.VISIBLE,
    "active": Visibility.VISIBLE,
    # Shopify shows these only to people who have the link
    "unlisted": Visibility.HIDDEN,
}
# spreadsheet programs translate TRUE and FALSE: German, French, Spanish
_FALSE = ("false", "no", "n", "0", "falsch", "faux", "falso")  # codespell:ignore falso
_TRUE = ("true", "yes", "y", "1", "wahr", "vrai", "verdadero")
POLICIES = {
    **dict.fromkeys(("", "deny", *_FALSE), InventoryPolicy.DENY),
    **dict.fromkeys(("continue", *_TRUE), InventoryPolicy.CONTINUE),
}
OUT_OF_STOCK = ("out of stock", "out_of_stock", "outofstock", "sold out", "not stocked")
IN_STOCK = ("in stock", "in_stock", "instock", "available", "unlimited")
PREORDER = ("preorder", "pre-order", "pre_order", "backorder", "back order", "back_order")
"""Sold out, but can be ordered: two of the availabilities in product feeds for Google and Meta."""
UNKNOWN_QUANTITY = ("n/a", "-", "–")
NOT_A_QUANTITY = "this is not a quantity: use a number, “in stock” or “out of stock”"
_USUAL_URL = re.compile(r"https?://[a-z0-9.-]+/[\w./%?=&~+-]*", re.ASCII)
_VARIANT_FIELDS = ("variant_id", "sku", "price", "quantity", "surcharge", *OPTION_VALUES)
NO_QUANTITIES = (
    "the file contains no quantities: Shopify exports them only for a shop with one location. "
    "Add Shopify's inventory export (Products > Inventory > Export) with --stock FILE, or choose "
    "--stock-unknown in-stock or --stock-unknown sold-out"
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
    picture: str

    @property
    def is_sold_out(self) -> bool:
        """Whether this variant can't be bought."""
        return (
            self.quantity is not None and self.quantity <= 0 and self.policy is InventoryPolicy.DENY
        )


@dataclass(frozen=True, slots=True)
class ParsedProduct:
    """A product in the file."""

    handle: str
    title: str
    vendor: str
    type: str
    tags: list[str]
    description: str
    """Safe HTML."""
    text: str
    """The description as plain text."""
    options: list[str]
    variants: list[ParsedVariant]
    pictures: list[Picture]
    visibility: Visibility


@dataclass(slots=True)
class Counts:
    """The numbers for the summary of an import."""

    products: int = 0
    variants: int = 0
    sold_out: int = 0
    pictures: int = 0
    pictures_without_url: int = 0
    """Pictures for which the file contains something else, such as a file name."""
    skipped: Counter[str] = field(default_factory=Counter)
    """The number of products left out, by reason: a status, `unpublished` or `without variants`."""
    hidden_variants: int = 0
    unknown_statuses: dict[str, tuple[int, int]] = field(default_factory=dict)
    """For each status that the platform doesn't document: the number of products that have it, and
    the line of the first.
    """
    generated_ids: int = 0
    """Variants whose ID is generated from the handle and the options, because their SKU is missing,
    invalid or not unique.
    """
    placeholders: int = 0
    """Variants whose ID on the platform is unknown."""
    without_price: int = 0
    stock_unknown: int = 0


@dataclass(frozen=True, slots=True)
class StockRules:
    """The merchant's choices about stock."""

    unknown: StockUnknown | None = None
    """How to show a variant whose stock is tracked, but isn't in the file."""
    has_file: bool = False
    """Whether there is a separate file with the stock."""
    sell_out: float = 0.0
    """For a demo: the share of the variants to show as sold out, between 0 and 1."""


class Products:
    """Iterates over the products in the spool."""

    def __init__(
        self,
        spool: Spool,
        catalog: KlaviyoCatalog,
        fields: frozenset[str],
        numbers: NumberFormat,
        stock: StockRules,
        problems: Problems,
        *,
        has_ids_file: bool,
    ) -> None:
        self._spool = spool
        self._catalog = catalog
        self._fields = fields
        self._numbers = numbers
        self._stock = stock
        self._problems = problems
        self._has_ids_file = has_ids_file
        self._option_numbers = [i for i in NUMBERS if f"option{i}_value" in fields]
        self._shared_slugs: set[str] = set()
        self._id_counts: Counter[str] = Counter()
        """How many variants of the current product have the same generated ID, such as those with
        the options +1.5 and -1.5.
        """
        self.counts = Counts()

    def __iter__(self) -> Iterator[ParsedProduct]:
        """Yield each product that has no problems."""
        self._shared_slugs = self._spool.shared_keys(slug)
        for rows in self._spool.products():
            if product := self._product(rows):
                self.counts.products += 1
                self.counts.pictures += len(product.pictures)
                yield product

    def _product(self, rows: list[Row]) -> ParsedProduct | None:
        titled = [row for row in rows if row["title"]]
        first = next((row for row in titled if row["kind"] != "variation"), (titled or rows)[0])
        if not self._is_imported(first):
            return None
        problems_before = len(self._problems)
        if len(rows) > MAX_ROWS:
            self._problems.add(first.line, f"a product has more than {MAX_ROWS:,} rows")
            return None
        if not first["title"]:
            self._problems.add(first.line, "the product has no title", first["handle"])
        handle = self._handle(first)
        names, variant_rows = self._variant_rows(rows, first)
        variants = self._variants(handle, first, names, variant_rows)
        if len(self._problems) > problems_before:
            return None
        if not variants:
            self.counts.skipped["without variants"] += 1
            return None
        cells = {row[name] for row in rows for name in ("picture", "variant_picture")}
        self.counts.pictures_without_url += sum(bool(cell) and not _urls(cell) for cell in cells)
        description = safe_html(first["description"])
        return ParsedProduct(
            handle=handle,
            title=shorten(first["title"], MAX_TEXT),
            vendor=shorten(first["vendor"], MAX_TEXT),
            type=product_type(first),
            tags=_tags(first["tags"]),
            description=description,
            text=plain_text(description),
            options=[shorten(name, MAX_TEXT) for name in names],
            variants=variants,
            pictures=_pictures(rows),
            visibility=_visibility(first),
        )

    def _is_imported(self, first: Row) -> bool:
        """Whether the product's status allows its import; if not, count the product as skipped."""
        reason = skip_reason(first)
        if reason in (*SKIPPED_STATUSES, "unpublished"):
            self.counts.skipped[reason] += 1
        elif reason:
            count, line = self.counts.unknown_statuses.get(reason, (0, first.line))
            self.counts.unknown_statuses[reason] = count + 1, line
        return not reason

    def _handle(self, first: Row) -> str:
        """Return a unique handle, made from the title if the product has no usable handle."""
        handle = first["handle"]
        # browsers resolve . and .. as folders
        if handle in ("", ".", "..") or "/" in handle or not handle.isprintable():
            handle = slug(handle) or slug(first["title"]) or "product"
        if not first["handle"] and not first["key"] and slug(first["title"]) in self._shared_slugs:
            # with a number instead, two products could swap their handles in the next import
            handle = f"{handle[: MAX_TEXT - 9]}-{_digest(title_key(first['title']))}"
        if len(handle) > MAX_TEXT:
            handle = f"{handle[: MAX_TEXT - 9]}-{_digest(handle)}"
        candidate, number = handle, 1
        while self._spool.record_value("handle", candidate.casefold(), first.line):
            number += 1
            candidate = f"{handle[: MAX_TEXT - 8]}-{number}"
        return candidate

    def _variant_rows(
        self, rows: list[Row], first: Row
    ) -> tuple[list[str], list[tuple[Row, dict[str, str]]]]:
        """Return the names of the product's options, and each variant's row and option values."""
        shown = [row for row in rows if not row["hidden"]]
        self.counts.hidden_variants += len(rows) - len(shown)
        variant_rows = [
            row
            for row in shown
            if row["kind"] != "product" and any(row[name] for name in _VARIANT_FIELDS)
        ]
        if not variant_rows and len(shown) == len(rows) and (first["price"] or not first["kind"]):
            # such as a product without choices
            return [], [(first, {})]
        default_names = self._option_names(first, rows)
        names = dict.fromkeys(default_names.values(), False)
        variants = [(row, self._option_values(row, default_names)) for row in variant_rows]
        for _, values in variants:
            names.update((name, True) for name, value in values.items() if value != DEFAULT_VALUE)
        if any(names.values()):
            # some converters repeat the price on the rows of additional pictures
            variants = [
                (row, values)
                for row, values in variants
                if values or row["sku"] or row["variant_id"]
            ]
        return [name for name, has_values in names.items() if has_values], variants

    def _option_names(self, first: Row, rows: Sequence[Row]) -> dict[int, str]:
        """Return the names of the options by number. Usually only the first row has them."""
        names = {}
        for i in self._option_numbers:
            key = f"option{i}_name"
            name = first[key] or next((row[key] for row in rows if row[key]), "")
            names[i] = name or f"Option {i}"
        return names

    def _option_values(self, row: Row, names: Mapping[int, str]) -> dict[str, str]:
        """Return a variant's values by the names of the options, ignoring the names' case."""
        names_by_key = {name.casefold(): name for name in names.values()}
        values = {}
        for i, name in names.items():
            if value := row[f"option{i}_value"]:
                own_name = row[f"option{i}_name"] or name
                values[names_by_key.get(own_name.casefold(), own_name)] = value
        return values

    def _variants(
        self,
        handle: str,
        first: Row,
        names: Sequence[str],
        rows: Sequence[tuple[Row, Mapping[str, str]]],
    ) -> list[ParsedVariant]:
        rows_by_values: dict[tuple[str, ...], Row] = {}
        for row, values_by_name in rows:
            # in WooCommerce, a variation without a value matches any value
            values = tuple(shorten(values_by_name.get(name, "Any"), MAX_TEXT) for name in names)
            other = rows_by_values.setdefault(values, row)
            if other.fields != row.fields:
                self._problems.add(
                    row.line,
                    "the variant is in the file twice"
                    if values
                    else "the product has several rows, but no option that tells them apart",
                    f"{handle}, {' / '.join(values)} (also on line {other.line})"
                    if values
                    else handle,
                )
        self._id_counts = Counter(_generated_id(handle, values) for values in rows_by_values)
        variants = [
            self._variant(handle, first, row, list(values))
            for values, row in rows_by_values.items()
        ]
        return [variant for variant in variants if variant is not None]

    def _variant(
        self, handle: str, first: Row, row: Row, values: list[str]
    ) -> ParsedVariant | None:
        price = self._price(row, first)
        is_preorder = row["quantity"].casefold() in PREORDER
        policy = POLICIES.get("continue" if is_preorder else row["policy"].casefold())
        if policy is None:
            self._problems.add(
                row.line,
                "the policy must be deny or continue (to sell when out of stock)",
                repr(row["policy"][:40]),
            )
        quantity = self._quantity(handle, first, row, values)
        external_id = self._external_id(handle, row, values)
        if price is None or policy is None or external_id is None:
            return None
        number = self.counts.variants
        share = self._stock.sell_out
        if share and math.ceil((number + 1) * share) > math.ceil(number * share):
            quantity, policy = 0, InventoryPolicy.DENY
        self.counts.variants += 1
        variant = ParsedVariant(
            external_id=external_id,
            sku=self._sku(row["sku"], external_id),
            values=values,
            price=price,
            quantity=quantity,
            policy=policy,
            picture=next(iter(_urls(row["variant_picture"])), ""),
        )
        self.counts.sold_out += variant.is_sold_out
        return variant

    def _price(self, row: Row, first: Row) -> Decimal | None:
        """Return the price plus Wix's surcharge; 0 for a row without a price, as on Shopify.

        Return None, and add a problem, if the price is invalid.
        """
        text = row["price"] or (first["price"] if first["kind"] == "product" else "")
        self.counts.without_price += not text
        surcharge, total = row["surcharge"], Decimal(0)
        # negative if the variant costs less than the product
        sign = -1 if surcharge.startswith("-") else 1
        for factor, part in ((1, text), (sign, surcharge.removeprefix("-"))):
            try:
                total += factor * self._numbers.price(part) if part else 0
            except ValueError:
                self._problems.add(row.line, "this is not a price", repr(part[:40]))
                return None
        if total < 0:
            self._problems.add(row.line, "the surcharge is larger than the price", repr(surcharge))
            return None
        return total

    def _quantity(self, handle: str, first: Row, row: Row, values: list[str]) -> int | None:
        """Return the units in stock; None if stock isn't tracked, or if there is a problem."""
        if "tracker" in self._fields and not row["tracker"]:
            return None
        text = row["quantity"]
        if self._stock.has_file:
            keys = join_keys(handle, values, row["sku"], sku_first=False)
            text = self._spool.value_in_other_file("stock", keys)
        if text.casefold() == "parent":
            text = first["product_quantity"]
        if text.casefold() in (*OUT_OF_STOCK, *PREORDER):
            return 0
        if text.casefold() in IN_STOCK:
            return None
        if text and text.casefold() not in UNKNOWN_QUANTITY:
            try:
                return self._numbers.quantity(text)
            except ValueError:
                self._problems.add(row.line, NOT_A_QUANTITY, repr(text[:40]))
                return None
        if "tracker" not in self._fields and not self._stock.has_file:
            return None
        if not (self._stock.unknown or self._stock.has_file or "quantity" in self._fields):
            self._problems.add(row.line, NO_QUANTITIES)
            return None
        self.counts.stock_unknown += 1
        return None if self._stock.unknown == "in-stock" else 0

    def _external_id(self, handle: str, row: Row, values: list[str]) -> str | None:
        """Return the variant's ID in Klaviyo's catalog; None if there is a problem with it."""
        is_custom = self._catalog.integration == "$custom"
        sku = row["sku"]
        external_id = _platform_id(row["variant_id"])
        if not external_id and self._has_ids_file:
            keys = join_keys(handle, values, sku, sku_first=True)
            external_id = _platform_id(self._spool.value_in_other_file("id", keys))
        if external_id:
            return self._checked_id(external_id, row)
        if is_custom and len(sku) <= MAX_ID and self._is_usable_sku(sku):
            external_id = sku
        else:
            external_id = _generated_id(handle, values)
            self.counts.generated_ids += is_custom
            if self._spool.sku_count(external_id) or self._id_counts[external_id] > 1:
                external_id = f"{external_id}-{_digest(handle, *values)}"
        if not is_custom:
            external_id = PLACEHOLDER_PREFIX + external_id
            self.counts.placeholders += 1
        if self._spool.record_value("id", external_id, row.line):
            external_id = f"{external_id}-{_digest(handle, *values)}"
            self._spool.record_value("id", external_id, row.line)
        return external_id

    def _checked_id(self, external_id: str, row: Row) -> str | None:
        detail = repr(external_id[:60])
        if external_id == row["product_id"] and self._catalog.integration != "$custom":
            problem = "this is the product's ID: use the variant's own"
        elif reason := self._catalog.id_problem(external_id):
            problem = f"invalid variant ID: {reason}"
            detail = ""
        elif len(external_id) > MAX_ID:
            problem = f"the variant's ID is longer than {MAX_ID} characters"
        elif first_line := self._spool.record_value("id", external_id, row.line):
            problem = (
                "two variants have the same ID. If it is the product's ID, use the variants' own"
            )
            detail += f" (also on line {first_line})"
        else:
            return external_id
        self._problems.add(row.line, problem, detail)
        return None

    def _is_usable_sku(self, sku: str) -> bool:
        """Whether a SKU is valid and unique."""
        return 0 < len(sku) <= MAX_TEXT and sku.isprintable() and self._spool.sku_count(sku) == 1

    def _sku(self, sku: str, external_id: str) -> str:
        """Return the SKU, or the variant's ID if the SKU is missing, invalid or used twice."""
        if external_id == sku or self._is_usable_sku(sku):
            return sku
        generated = external_id.removeprefix(PLACEHOLDER_PREFIX)
        return (
            f"{generated}-{_digest(generated)}" if self._spool.sku_count(generated) else generated
        )


def skip_reason(row: Row) -> str:
    """Return why a product is left out: its status, or `unpublished`; empty if it is imported."""
    status = row["status"].casefold()
    if status not in VISIBILITY_BY_STATUS:
        return status
    published = row["published"].casefold()
    if published in _FALSE:
        return "unpublished"
    return "" if published in ("", *_TRUE) else published


def is_listed(row: Row) -> bool:
    """Whether an imported product appears in the listing."""
    return _visibility(row) in (Visibility.VISIBLE, Visibility.CATALOG)


def product_type(row: Row) -> str:
    """Return the type, or the last part of Shopify's category, such as `Shirts`."""
    category = row["category"].rsplit(">", 1)[-1].strip()
    return row["type"] or ("" if category == "Uncategorized" else category)


def slug(text: str) -> str:
    """Return text as a URL slug: in lower case, with hyphens."""
    return re.sub(r"[\W_]+", "-", fold(text)).strip("-")


def title_key(title: str) -> str:
    """Return the key of a product without a handle: its title, with hyphens instead of spaces as in
    a handle. `slug` would lose what distinguishes C++ from C, and many words in Thai or Hindi.
    """
    return re.sub(r"[\s_-]+", "-", title.casefold())


def _visibility(row: Row) -> Visibility:
    try:
        return Visibility(row["visibility"].casefold())
    except ValueError:
        return VISIBILITY_BY_STATUS[row["status"].casefold()]


def _platform_id(text: str) -> str:
    """Return an ID without the GraphQL prefix and without the `.0` that spreadsheets may append."""
    text = text.removeprefix("gid://shopify/ProductVariant/")
    return text[: -len(match[0])] if (match := re.search(r"(?<=\d)\.0+$", text)) else text


def _generated_id(handle: str, values: Sequence[str]) -> str:
    """Return an ID that is the same each time the product is imported."""
    generated = slug(" ".join([handle, *values]))
    return (
        generated if 0 < len(generated) <= 100 else f"{generated[:90]}-{_digest(handle, *values)}"
    )


def _digest(*strings: str) -> str:
    return hashlib.sha256("\n".join(strings).encode()).hexdigest()[:8]


def _tags(text: str) -> list[str]:
    stripped = (tag.strip() for tag in text.split(","))
    return list(dict.fromkeys(tag for tag in stripped if 0 < len(tag) <= MAX_TEXT))[:MAX_TAGS]


def _urls(text: str) -> list[str]:
    """Return the valid URLs in a cell. Platforms separate them in different ways."""
    if not text or _USUAL_URL.fullmatch(text):
        return [text] if 0 < len(text) <= MAX_URL else []
    return list(filter(None, map(_url, re.split(r"[\s,;|]+(?=(?:https?:)?//)", text))))


def _url(text: str) -> str:
    """Return the URL of a picture, percent-encoded as browsers do; empty if it isn't valid."""
    try:
        parts = urlsplit(f"https:{text}" if text.startswith("//") else text)
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return ""
    if not is_valid or re.search(r"[\s\"'<>]", parts.netloc):
        return ""
    quoted = (quote(part, safe="%/:=&?~+!$,;'@()*[]") for part in (parts.path, parts.query))
    url = urlunsplit((parts.scheme, parts.netloc, *quoted, ""))
    return url if len(url) <= MAX_URL else ""


def _pictures(rows: Sequence[Row]) -> list[Picture]:
    """Return the product's pictures in order, then its variants' pictures, without duplicates."""
    alt_and_order: dict[str, Mapping[str, str | int]] = {}
    for number, row in enumerate(rows):
        for url in _urls(row["picture"]):
            position = row["picture_position"]
            order = int(position) if re.fullmatch("[0-9]{1,6}", position) else number
            alt_and_order.setdefault(url, {"alt": row["picture_alt"], "order": order})
    ordered = sorted(alt_and_order, key=lambda url: alt_and_order[url]["order"])
    variant_urls = [url for row in rows for url in _urls(row["variant_picture"])[:1]]
    return [
        Picture(url=url, alt=str(alt_and_order[url]["alt"])[:512] if url in alt_and_order else "")
        for url in dict.fromkeys([*ordered, *variant_urls])
    ][:MAX_PICTURES]
