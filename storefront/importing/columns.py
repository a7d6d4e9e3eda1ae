"""The columns that an import reads, under the names that Shopify, Matrixify and we give them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .problems import Unreadable

OPTIONS = (1, 2, 3)
NAMES = {
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
"""What we call a column, and what it may be called; Shopify renamed most of its own in 2025."""
_KNOWN = {name: ours for ours, names in NAMES.items() for name in names}
_SHOPIFY = {"body_html", "variant_price", "image_src", "product_image_url", "url_handle"}
"""Who has one of these has many more that are of no use here."""
_NEEDED = ("handle", "title", "price")


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the file, or an object of it."""

    line: int
    fields: Mapping[str, str]
    """By our names; what is left out is as what is empty."""

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "")


def plain(name: str) -> str:
    """A column's name without what differs from one writer to another."""
    return re.sub(r"[\W_]+", "_", name.casefold()).strip("_")


def known(names: Iterable[str], line: int) -> dict[str, str]:
    """Our name for each of a file's own; raises `Unreadable` for a set that makes no sense."""
    given = {name: plain(name) for name in names if name.strip()}
    found = {name: _KNOWN[each] for name, each in given.items() if each in _KNOWN}
    for ours in NAMES:
        double = [name for name in found if found[name] == ours]
        if len(double) > 1:
            raise Unreadable(line, f"{' and '.join(map(repr, double))} are the same: leave one out")
    if not found:
        raise Unreadable(
            line, "names no column of a list of products, such as Handle, Title and Price"
        )
    if not _SHOPIFY & set(given.values()):
        for name, each in given.items():
            if name not in found:
                near = difflib.get_close_matches(each, NAMES, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(NAMES)}"
                raise Unreadable(line, f"{name!r} is no column that is read; {hint}")
    return found


def check_header(ours: Iterable[str], *, platform_ids: str | None) -> None:
    """Refuse a table without a column that it takes; raises `Unreadable`.

    `platform_ids`: the platform whose own variant IDs are needed, if any.
    """
    there = set(ours)
    if lacking := [name for name in _NEEDED if name not in there]:
        words = " and ".join(name.capitalize() for name in lacking)
        raise Unreadable(1, f"there is no column {words}")
    if platform_ids and "variant_id" not in there:
        raise Unreadable(1, f"there is no column Variant ID. {lacking_id(platform_ids)}")
    if "tracker" in there and "quantity" not in there:
        raise Unreadable(
            1,
            "there is no column Variant Inventory Qty: Shopify leaves it out for a shop with "
            "several locations. Add it, with the sum of all, or export with an app that has it",
        )


def lacking_id(platform: str) -> str:
    """What to do where a platform's variant ID is missing."""
    if platform == "$shopify":
        return (
            "Klaviyo knows Shopify's variants by it alone, and Shopify's own export lacks it: "
            "export with an app that has it, such as Matrixify, or add the column by hand: it is "
            "the number at the end of the variant's address in Shopify's admin, "
            "…/variants/40012345678901"
        )
    return (
        f"Klaviyo knows the variants of {platform} by it alone: add it from there. If this shop "
        "fills Klaviyo's catalog, set [catalog] integration to $custom"
    )
