"""Items and variants as Klaviyo's replies show them."""

from collections.abc import Sequence
from typing import Any

from ..state.catalog import Item, Variant
from .documents import moment, resource
from .operation import Call

ITEM, VARIANT = "catalog-item", "catalog-variant"
ITEMS, VARIANTS = "catalog-items", "catalog-variants"


def shown_item(call: Call, item: Item) -> dict[str, Any]:
    """Return an item; with `include=variants` it names its variants."""
    variants = None
    if "variants" in call.request.args.get("include", "").split(","):
        found = call.sandbox.catalog.variants_of(item.id)
        variants = [{"type": VARIANT, "id": variant.id} for variant in found]
    return resource(call, ITEM, ITEMS, item.id, _attributes(item), {"variants": variants})


def shown_variant(call: Call, variant: Variant) -> dict[str, Any]:
    """Return a variant, which names its item."""
    related = {"item": {"type": ITEM, "id": variant.item}}
    return resource(call, VARIANT, VARIANTS, variant.id, _attributes(variant), related)


def included_variants(call: Call, items: Sequence[Item]) -> list[dict[str, Any]]:
    """Return the variants of these items."""
    return [
        shown_variant(call, variant)
        for item in items
        for variant in call.sandbox.catalog.variants_of(item.id)
    ]


def _attributes(entry: Item) -> dict[str, Any]:
    times = {"created": moment(entry.created), "updated": moment(entry.updated)}
    return {**entry.attributes, **times}
