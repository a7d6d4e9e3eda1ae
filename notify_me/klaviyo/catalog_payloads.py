"""What Klaviyo's catalog is told of items and variants: the one builder of those bodies.

Catalogs API: Create Catalog Item, Create Catalog Variant, Update Catalog Variant. Only a catalog of
the integration `$custom` can be written; the others are filled by the shop's own platform.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

from ..variants import CUSTOM_CATALOG, CompositeID, Variant


def item_id(variant: Variant) -> str:
    """The composite ID of the item, which is the product, that a variant belongs to."""
    return str(CompositeID(*CUSTOM_CATALOG, variant.product_id))


def item_attributes(variant: Variant, root: str) -> dict[str, Any]:
    """The item of a variant's product. `root`: the shop's address, such as `https://shop.example/`.

    Of the product's variants the first one should be given: the item links to it.
    """
    return {
        "title": variant.product_title,
        "description": variant.description or variant.product_title,
        "url": urljoin(root, variant.url),
        **_shared(variant, root),
    }


def variant_attributes(variant: Variant, root: str) -> dict[str, Any]:
    """A variant; one whose stock isn't managed counts as there, and may be recommended."""
    return {
        "title": variant.title or variant.product_title,
        "description": variant.description or variant.product_title,
        "sku": variant.sku or variant.composite_id.external_id,
        "inventory_quantity": inventory_quantity(variant),
        "inventory_policy": int(variant.inventory_policy),
        "url": urljoin(root, variant.url),
        **_shared(variant, root),
    }


def _shared(variant: Variant, root: str) -> dict[str, Any]:
    found: dict[str, Any] = {"price": float(variant.price or 0)}
    if variant.image_url:
        found["image_full_url"] = urljoin(root, variant.image_url)
    return found


def feed_item(variant: Variant, root: str) -> dict[str, Any]:
    """A variant in a feed that Klaviyo reads for its custom catalog: an item of its own, since a
    feed knows no variants. From "Sync a custom catalog feed to Klaviyo".
    """
    title = ", ".join(filter(None, (variant.product_title, variant.title)))
    found = {
        "id": variant.composite_id.external_id,
        "title": title,
        "link": urljoin(root, variant.url),
        "description": variant.description or title,
        "price": float(variant.price or 0),
        "categories": list(variant.categories),
        "inventory_quantity": inventory_quantity(variant),
        "inventory_policy": int(variant.inventory_policy),
    }
    if variant.image_url:
        found["image_link"] = urljoin(root, variant.image_url)
    return found


UNMANAGED = 1_000_000
"""What is told where nobody counts: Klaviyo wants a number, and none would be sold out."""


def inventory_quantity(variant: Variant) -> int:
    """The stock as Klaviyo is told it: never below zero."""
    return UNMANAGED if variant.quantity is None else max(variant.quantity, 0)


def create_item(variant: Variant, root: str) -> dict[str, Any]:
    """The body of Create Catalog Item, for the product of a variant."""
    attributes = {"external_id": variant.product_id, **item_attributes(variant, root)}
    return {"data": {"type": "catalog-item", "attributes": _written(attributes)}}


def create_variant(variant: Variant, root: str) -> dict[str, Any]:
    """The body of Create Catalog Variant."""
    external = variant.composite_id.external_id
    attributes = {"external_id": external, **variant_attributes(variant, root)}
    return {
        "data": {
            "type": "catalog-variant",
            "attributes": _written(attributes),
            "relationships": {"item": {"data": {"type": "catalog-item", "id": item_id(variant)}}},
        }
    }


def _written(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {"integration_type": CUSTOM_CATALOG[0], "catalog_type": CUSTOM_CATALOG[1], **attributes}


def update_variant(composite_id: CompositeID, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The body of Update Catalog Variant with these attributes alone."""
    return {
        "data": {
            "type": "catalog-variant",
            "id": str(composite_id),
            "attributes": dict(attributes),
        }
    }
