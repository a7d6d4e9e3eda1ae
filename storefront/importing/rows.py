"""Converts the rows of any supported file into rows with the same fields."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .currencies import currency_of_columns
from .descriptions import plain_name
from .files import Progress, clean_text, is_json, read_csv, read_json
from .platforms import (
    NUMBERS,
    OPTION_VALUES,
    OWN,
    REQUIRED,
    Platform,
    check_mapping,
    check_required,
    field_positions,
    mapped_platform,
    normalize,
    recognize,
)
from .problems import Problems, Unreadable

WIX_MEDIA = "https://static.wixstatic.com/media/"
"""The base URL of pictures for which Wix's export has only a file name."""
TOO_MANY_CELLS = "the row has more cells than the header: quote cells that contain the delimiter"
LINE_BREAK = "the row ends in the middle of a cell: quote cells that contain line breaks"
_GUARD = re.compile(r"'([=+\-@].*|\d+)|=\"([^\"]*)\"", re.DOTALL)
"""A cell with the prefix that keeps spreadsheets from changing it: `'00123` or `="00123"`."""
_SHORTCODE = re.compile(r"\[/?[a-z]+_[^\]]*\]|\[/?(?:caption|embed|gallery)\b[^\]]*\]")
"""The shortcodes of WordPress plugins, such as `[vc_row]`."""
_NAMES = {"title", "vendor", "type", "category", "tags", *OPTION_VALUES}
_COMMA = re.compile(r"(?<!\\),")
"""A comma between two values. WooCommerce writes a backslash before a comma inside a value."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a file: a variant, the details of a product, or an additional picture."""

    line: int
    fields: Mapping[str, str]
    """The row's values by field. `platforms.OWN` lists the fields; a missing field is the same as
    an empty one.

    A row may also have these fields:

    - `key`: groups the rows of a product, instead of the handle
    - `kind`: `product` if the row isn't a variant itself, `variation` if its title is a variant's
    - `hidden`: the platform hides this variant
    - `visibility`: where the product appears
    - `surcharge`: added to the product's price
    - `product_quantity`: the stock that the variants of a product share
    """

    def __getitem__(self, field: str) -> str:
        return self.fields.get(field, "")


@dataclass(frozen=True, slots=True)
class Source:
    """An open file."""

    platform: Platform
    fields: frozenset[str]
    """The fields for which the file has a column."""
    rows: Iterator[Row]
    encoding: str
    currency: str | None = None
    """The currency that the columns suggest."""


def open_rows(
    path: Path,
    progress: Progress,
    problems: Problems,
    *,
    columns: Mapping[str, str] | None = None,
    encoding: str | None = None,
    required: Collection[str] = REQUIRED,
) -> Source:
    """Open a CSV or JSON file. `columns` are those of a `--columns` file.

    Raises `Unreadable`, for example if a CSV file lacks a required column.
    """
    if is_json(path):
        rows = _json_rows(read_json(path, progress), columns, required)
        if columns:
            rows = _named_options(rows, columns)
        return Source(OWN, frozenset(OWN.columns) - {"tracker"}, rows, "utf-8-sig")
    table = read_csv(path, progress, encoding=encoding)
    platform = mapped_platform(columns, table.header) if columns else recognize(table.header)
    positions = field_positions(platform, table.header)
    check_required(required, positions, table.header)
    rows = _csv_rows(table.rows, positions, len(table.header), problems)
    if platform.layout == "woocommerce":
        rows = _woocommerce_rows(rows)
    elif platform.layout == "wix":
        rows = _wix_rows(rows)
    elif columns:
        rows = _named_options(rows, columns)
    currency = currency_of_columns(table.header)
    return Source(platform, frozenset(positions), rows, table.encoding, currency)


def _csv_rows(
    rows: Iterator[tuple[int, list[str]]],
    positions: Mapping[str, int],
    width: int,
    problems: Problems,
) -> Iterator[Row]:
    pairs = sorted((index, field) for field, index in positions.items())
    incomplete_line, incomplete_count = 0, 0
    for line, cells in rows:
        count = len(cells)
        if count > width and any(cells[width:]):
            problems.add(line, TOO_MANY_CELLS)
        if count >= width:
            incomplete_count = 0
        elif incomplete_count + count - 1 <= width and "<" in cells[0]:
            # a description continues in the next row, after a line break that wasn't quoted
            incomplete_count += count - 1
            if incomplete_count == width:
                problems.add(incomplete_line, LINE_BREAK)
        else:
            incomplete_line, incomplete_count = line, count
        fields = {field: cells[index] for index, field in pairs if index < count and cells[index]}
        for field, text in fields.items():
            if text[0] in "'=" and (guarded := _GUARD.fullmatch(text)):
                fields[field] = guarded[1] or guarded[2]
            elif ("&" in text or "<" in text) and field in _NAMES:
                fields[field] = plain_name(text)
        yield Row(line, fields)


def _named_options(rows: Iterator[Row], columns: Mapping[str, str]) -> Iterator[Row]:
    """Name options after the columns of their values, unless `--columns` also maps their names."""
    names = {
        f"option{i}_name": columns[f"option{i}_value"]
        for i in NUMBERS
        if f"option{i}_value" in columns and f"option{i}_name" not in columns
    }
    for row in rows:
        yield Row(row.line, names | dict(row.fields)) if names else row


def _woocommerce_rows(rows: Iterator[Row]) -> Iterator[Row]:
    """Convert WooCommerce's rows: one for each product, and one for each of its variations.

    The format is described in “Product CSV Import Schema” in WooCommerce's wiki.
    """
    keys_by_id: dict[str, str] = {}
    for row in rows:
        fields = dict(row.fields)
        types = {part.strip().lower() for part in fields.pop("kind", "").split(",")}
        parent = re.sub(r"\s", "", fields.get("parent", ""))
        own_key = fields.get("sku") or f"id:{fields.get('variant_id', '')}"
        for name in ("description", "summary"):
            if name in fields:
                # line breaks are exported as \n
                fields[name] = _SHORTCODE.sub("", fields[name].replace("\\n", "\n"))
        description = "\n\n".join(filter(None, map(fields.get, ("summary", "description"))))
        fields["description"] = description
        category = _COMMA.split(fields.get("type", ""))[0].split(">")[0]
        fields["type"] = category.replace("\\,", ",").strip()
        if "sale_price" in fields and not fields.keys() & {"sale_starts", "sale_ends"}:
            fields["price"] = fields["sale_price"]
        _set_woocommerce_stock(fields)
        # if the file has no column for the type, a row with a parent is a variation
        if types & {"variation", "subscription_variation"} or (types == {""} and parent):
            fields["kind"] = "variation"
            for name in fields.keys() & OPTION_VALUES:
                fields[name] = fields[name].replace("\\,", ",")
            fields["key"] = keys_by_id.get(parent, parent) or own_key
            if fields.pop("status", "1") != "1":
                fields["hidden"] = "1"
            fields["variant_picture"] = fields.get("picture", "")
            yield Row(row.line, fields)
            continue
        fields["key"] = re.sub(r"\s", "", own_key)
        if "simple" not in types:
            keys_by_id[f"id:{fields.get('variant_id', '')}"] = fields["key"]
        fields["status"] = {"1": "active", "0": "private", "-1": "draft"}.get(
            fields.get("status", "1"), fields.get("status", "1")
        )
        if types & {"grouped", "external"}:
            fields["status"] = "grouped" if "grouped" in types else "external"
        if any(name.startswith("variable") for name in types):
            fields["kind"] = "product"
            fields["product_quantity"] = fields.pop("quantity", "")
        else:
            # the attributes of a simple product describe it: there is nothing to choose
            fields = {k: v for k, v in fields.items() if not k.startswith("option")}
        yield Row(row.line, fields)


def _set_woocommerce_stock(fields: dict[str, str]) -> None:
    in_stock = fields.get("in_stock", "1").lower()
    fields["policy"] = {"1": "continue", "notify": "continue"}.get(fields.get("policy", ""), "deny")
    if in_stock == "backorder":
        fields["policy"] = "continue"
    if "quantity" not in fields and in_stock in ("0", "backorder"):
        fields["quantity"] = "0"


def _wix_rows(rows: Iterator[Row]) -> Iterator[Row]:
    """Convert Wix's rows: one for each product, followed by its variants and other pictures."""
    for row in rows:
        fields = dict(row.fields)
        kind = fields.pop("kind", "product").lower()
        fields["type"] = fields.get("type", "").split(";")[0].strip()
        quantity = fields.get("quantity", "").lower().replace("_", "")
        if quantity in ("instock", "outofstock"):
            fields["quantity"] = "" if quantity == "instock" else "0"
        fields["picture"] = ";".join(
            name if "://" in name else WIX_MEDIA + name
            for name in map(str.strip, fields.get("picture", "").split(";"))
            if name
        )
        for i in NUMBERS:
            value = fields.get(f"option{i}_value", "")
            if kind == "product":
                # in a product's row, the cell lists all choices of the option
                fields.pop(f"option{i}_value", None)
            elif match := re.fullmatch(r"(?:#\w{3,8}|rgba?\([^)]*\)):(.+)", value):
                fields[f"option{i}_value"] = match[1]
        if kind == "product":
            fields["kind"] = "product"
            fields["product_quantity"] = fields.get("quantity", "")
        elif kind == "variant":
            if fields.pop("published", "true").lower() == "false":
                fields["hidden"] = "1"
            fields["variant_picture"] = fields["picture"]
        else:
            fields = {name: fields.get(name, "") for name in ("key", "handle", "picture")}
        yield Row(row.line, fields)


def _json_rows(
    objects: Iterator[tuple[int, dict[str, Any]]],
    columns: Mapping[str, str] | None,
    required: Collection[str],
) -> Iterator[Row]:
    keys = {field: normalize(name) for field, name in (columns or {}).items()}
    is_first = True
    all_names: dict[str, None] = {}
    for line, entry in objects:
        if isinstance(entry.get("variants"), list):
            yield from _shopify_json_rows(line, entry)
            continue
        names = list(entry)
        all_names.update(dict.fromkeys(names))
        if columns:
            values = {normalize(name): value for name, value in entry.items()}
            entry = {field: values[key] for field, key in keys.items() if key in values}
        fields = _json_fields(entry, line)
        if is_first:
            check_required(required, fields, names)
            is_first = False
        yield Row(line, fields)
    # only now, since objects may lack the keys of empty values
    if columns and all_names:
        check_mapping(columns, all_names)


def _shopify_json_rows(line: int, product: dict[str, Any]) -> Iterator[Row]:
    """Convert a product in Shopify's public `products.json`, with its variants and pictures.

    In the Admin API's `products.json`, products also have a status, and variants their stock.
    """
    renamed = {"body_html": "description", "product_type": "type", "id": "product_id"}
    shared = {
        renamed.get(name, name): _json_text(product.get(name), name, line)
        for name in ("handle", "title", "vendor", "body_html", "product_type", "id", "status")
    }
    if product.get("published_at", "") is None:
        shared["published"] = "false"
    tags = product.get("tags")
    shared["tags"] = ", ".join(map(str, tags)) if isinstance(tags, list) else str(tags or "")
    for number, option in enumerate(_objects(product.get("options")), 1):
        shared[f"option{number}_name"] = _json_text(option.get("name"), "name", line)
    images = _objects(product.get("images"))
    for variant in _objects(product["variants"]):
        fields = {name: _json_text(variant.get(name), name, line) for name in ("sku", "price")}
        fields["variant_id"] = _json_text(variant.get("id"), "id", line)
        fields["policy"] = _json_text(variant.get("inventory_policy"), "inventory_policy", line)
        for number in NUMBERS:
            if value := variant.get(f"option{number}"):
                fields[f"option{number}_value"] = _json_text(value, f"option{number}", line)
        if variant.get("inventory_quantity") is not None:
            # without inventory_management, the stock isn't tracked
            if variant.get("inventory_management", "shopify"):
                fields["quantity"] = _json_text(variant["inventory_quantity"], "quantity", line)
        elif variant.get("available") is False:
            fields["quantity"] = "0"
        image = variant.get("featured_image")
        if isinstance(image, dict):
            fields["variant_picture"] = _json_text(image.get("src"), "src", line)
        yield Row(line, shared | fields)
    for image in images:
        picture = {
            "handle": shared["handle"],
            "picture": _json_text(image.get("src"), "src", line),
            "picture_alt": _json_text(image.get("alt"), "alt", line),
            "picture_position": _json_text(image.get("position"), "position", line),
        }
        yield Row(line, picture)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _json_fields(entry: dict[str, Any], line: int) -> dict[str, str]:
    options = entry.pop("options", None) or {}
    if not isinstance(options, dict) or len(options) > len(NUMBERS):
        raise Unreadable('options must be an object such as {"Size": "M"}', line)
    for number, (name, value) in enumerate(options.items(), 1):
        entry[f"option{number}_name"], entry[f"option{number}_value"] = name, value
    if isinstance(tags := entry.get("tags"), list):
        entry["tags"] = ", ".join(map(str, tags))
    names = list(entry)
    texts = {
        field: _json_text(entry[names[index]], names[index], line)
        for field, index in field_positions(OWN, names).items()
    }
    return {field: plain_name(text) if field in _NAMES else text for field, text in texts.items()}


def _json_text(value: Any, name: str, line: int) -> str:
    if isinstance(value, bool):
        value = str(value).lower()
    if not isinstance(value, str | None):
        raise Unreadable(f"{name} must be text or a number", line)
    text = clean_text(str(value or "")).strip()
    # JSON escapes allow NUL and lone surrogates, which can't be stored
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise Unreadable(f"{name} contains an invalid character", line)
    return text
