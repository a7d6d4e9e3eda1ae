"""The columns of a file, under the names that Shopify, Matrixify and this shop use."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .problems import Unreadable

OPTIONS = (1, 2, 3)
COLUMNS = {
    "handle": ("handle", "url_handle"),
    "title": ("title",),
    "description": ("description", "body_html"),
    "vendor": ("vendor",),
    "type": ("type",),
    "tags": ("tags",),
    "status": ("status",),
    "published": ("published", "published_on_online_store"),
    "product_id": ("product_id", "id"),
    "variant_id": ("variant_id",),
    "sku": ("sku", "variant_sku"),
    "price": ("price", "variant_price"),
    "tracker": ("variant_inventory_tracker", "inventory_tracker"),
    "quantity": ("quantity", "variant_inventory_qty", "inventory_quantity"),
    "policy": ("policy", "variant_inventory_policy", "continue_selling_when_out_of_stock"),
    **{f"option{i}_{part}": (f"option{i}_{part}",) for i in OPTIONS for part in ("name", "value")},
}
"""This shop's name of each column, and all names it may have. Shopify renamed most in 2025."""
_COLUMN_BY_NAME = {name: column for column, names in COLUMNS.items() for name in names}
_SHOPIFY = {"body_html", "variant_price", "image_src", "product_image_url", "url_handle"}
"""With any of these, it is an export from Shopify, whose other columns are ignored."""
_REQUIRED = ("handle", "title", "price")


@dataclass(frozen=True, slots=True)
class Row:
    """One variant: a line of a CSV file or an object in a JSON file."""

    line: int
    fields: Mapping[str, str]
    """Values by column; missing ones are the same as empty ones."""

    def __getitem__(self, column: str) -> str:
        return self.fields.get(column, "")


def identify(names: Iterable[str], line: int) -> dict[str, str]:
    """The column for each name in the file.

    Raises `Unreadable` for unknown and duplicate columns, unless the file is from Shopify.
    """
    normalized = {
        name: re.sub(r"[\W_]+", "_", name.casefold()).strip("_") for name in names if name.strip()
    }
    columns = {
        name: _COLUMN_BY_NAME[key] for name, key in normalized.items() if key in _COLUMN_BY_NAME
    }
    for column in COLUMNS:
        duplicates = [name for name in columns if columns[name] == column]
        if len(duplicates) > 1:
            raise Unreadable(
                line, f"{' and '.join(map(repr, duplicates))} are the same column: remove one"
            )
    if not columns:
        raise Unreadable(
            line, "this isn't a product list: it has no columns such as Handle, Title and Price"
        )
    if not _SHOPIFY & set(normalized.values()):
        for name, key in normalized.items():
            if name not in columns:
                match = difflib.get_close_matches(key, COLUMNS, n=1)
                hint = f"did you mean {match[0]!r}?" if match else f"use {', '.join(COLUMNS)}"
                raise Unreadable(line, f"unknown column {name!r}; {hint}")
    return columns


def check_header(columns: Iterable[str], *, platform: str | None) -> None:
    """Raise `Unreadable` if a CSV file lacks a required column.

    `platform` is the platform whose variant IDs are required, if any.
    """
    present = set(columns)
    if missing := [column for column in _REQUIRED if column not in present]:
        names = " and ".join(column.capitalize() for column in missing)
        raise Unreadable(1, f"missing column {names}")
    if platform and "variant_id" not in present:
        raise Unreadable(1, f"missing column Variant ID. {missing_id_hint(platform)}")
    if "tracker" in present and "quantity" not in present:
        raise Unreadable(
            1,
            "missing column Variant Inventory Qty, which Shopify doesn't export for a shop with "
            "several locations. Add the column with the total of all locations, or export with "
            "an app that includes it",
        )


def missing_id_hint(platform: str) -> str:
    """What to do about missing variant IDs."""
    if platform == "$shopify":
        return (
            "Klaviyo identifies Shopify's variants by this number, which Shopify's own export "
            "doesn't contain. Export with an app that includes it, such as Matrixify, or copy it "
            "from the end of the variant's address in Shopify's admin, "
            "…/variants/40012345678901"
        )
    return (
        f"Klaviyo identifies the variants of {platform} by this ID: add it from there. If this "
        "shop fills Klaviyo's catalog, set [catalog] integration to $custom"
    )
