"""Reads the additional files of an import: the variants' IDs (`--ids`) and stock (`--stock`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .files import read_csv
from .numbers import NumberFormat
from .platforms import OPTION_VALUES, normalize
from .problems import Problems, Unreadable
from .rows import Row, open_rows
from .spool import Spool

DEFAULT_VALUE = "Default Title"
"""Shopify's option value for a product without options."""
_AVAILABLE = ("available", "available_not_editable", "on_hand", "on_hand_current", "quantity")
_NOT_LOCATIONS = re.compile(
    r"handle|url_handle|title|option\d_(name|value)|sku|variant_sku|hs_code|coo|location|bin_name"
    r"|variant_id|barcode|(incoming|unavailable|committed|available|on_hand).*"
)


def join_keys(handle: str, values: Sequence[str], sku: str, *, sku_first: bool) -> list[str]:
    """Return the keys for finding a variant in another file: by its options and by its SKU.

    The preferred key comes first: the SKU if `sku_first` is set, otherwise the options.
    """
    by_options = "\n".join(["options", handle.casefold(), *(value.casefold() for value in values)])
    keys = [f"sku\n{sku}"] if sku else []
    if handle:
        keys.insert(len(keys) if sku_first else 0, by_options)
    return keys


def option_values(row: Row) -> list[str]:
    """Return a row's option values, without Shopify's placeholder."""
    return [value for name in OPTION_VALUES if (value := row[name]) and value != DEFAULT_VALUE]


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Begin the message of an `Unreadable` with the name of its file, and its line."""
    try:
        yield
    except Unreadable as error:
        where = f"{path.name}, line {error.line}" if error.line else path.name
        raise Unreadable(f"{where}: {error}") from None


def read_ids(path: Path, spool: Spool) -> None:
    """Read the IDs of variants from a shop's `products.json` or from a CSV file.

    Raises `Unreadable`.
    """
    problems = Problems()
    source = open_rows(path, lambda count: None, problems, required=())
    if "variant_id" not in source.fields or not source.fields & {"sku", "handle"}:
        raise Unreadable(
            "this file must have the columns Variant ID and SKU, or Variant ID, Handle and the "
            "option values"
        )
    handle = ""
    for row in source.rows:
        handle = row["handle"] or handle
        if variant_id := row["variant_id"].removeprefix("gid://shopify/ProductVariant/"):
            keys = join_keys(handle, option_values(row), row["sku"], sku_first=True)
            spool.add_value_from_other_file("id", keys, variant_id)


def read_stock(path: Path, spool: Spool) -> None:
    """Read an inventory export, which has a row or a column for each location.

    Raises `Unreadable`. The format is described in "Inventory CSV file format" in Shopify's help.
    """
    table = read_csv(path, lambda count: None)
    positions = {normalize(name): index for index, name in reversed([*enumerate(table.header)])}
    quantity_columns = [positions[name] for name in _AVAILABLE if name in positions][:1]
    if not quantity_columns:
        # one column for each location, named after the location
        quantity_columns = [
            index for name, index in positions.items() if not _NOT_LOCATIONS.fullmatch(name)
        ]
    key_columns = ("handle", "url_handle", "sku", "variant_sku")
    if not quantity_columns or not any(name in positions for name in key_columns):
        raise Unreadable(
            "this isn't an inventory export: it must have a Handle or SKU column, and one "
            "with quantities, such as Available"
        )
    numbers, handle = NumberFormat("point"), ""
    for line, cells in table.rows:
        values = {name: cells[index] for name, index in positions.items() if index < len(cells)}
        handle = values.get("handle") or values.get("url_handle") or handle
        sku = values.get("sku") or values.get("variant_sku", "")
        keys = join_keys(handle, option_values(Row(line, values)), sku, sku_first=False)
        for index in quantity_columns:
            text = cells[index] if index < len(cells) else ""
            try:
                spool.add_units("stock", keys, numbers.quantity(text) if text else 0)
            except ValueError:
                # such as “not stocked”
                spool.add_units("stock", keys, 0)
