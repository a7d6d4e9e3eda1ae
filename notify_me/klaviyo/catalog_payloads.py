"""Request bodies of the Catalogs API, and the items of a catalog feed.

Klaviyo lets a shop write to one catalog only, `$custom:::$default`; the others are synced from the
shop's platform. In Klaviyo's catalogs, a product is an item, and an item has variants.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

from ..variants import CUSTOM_CATALOG, CompositeID, Variant
from .client import CatalogKind

UNTRACKED_QUANTITY = 1_000_000
"""The quantity sent for stock that isn't tracked: Klaviyo requires a number."""


def resource_id(kind: CatalogKind, variant: Variant) -> str:
    """Return the composite ID of a variant, or of the item (its product) that it belongs to."""
    if kind == "item":
        return str(CompositeID(*CUSTOM_CATALOG, variant.product_id))
    return str(variant.composite_id)


def catalog_attributes(kind: CatalogKind, variant: Variant, base_url: str) -> dict[str, Any]:
    """Return the attributes of a variant, or of its item, which gets the variant's URL, price and
    picture.

    `base_url` is the shop's base URL, such as `https://shop.example/`.
    """
    attributes: dict[str, Any] = {
        "title": variant.product_title,
        "description": variant.description or variant.product_title,
        "url": urljoin(base_url, variant.url),
        "price": float(variant.price or 0),
    }
    if variant.image_url:
        attributes["image_full_url"] = urljoin(base_url, variant.image_url)
    if variant.currency:
        # the catalog has no field for the currency: prices are plain numbers
        attributes["custom_metadata"] = {"currency": variant.currency}
    if kind == "item":
        return attributes
    return {
        **attributes,
        "title": variant.title or variant.product_title,
        "sku": variant.sku or variant.composite_id.external_id,
        "inventory_quantity": inventory_quantity(variant),
        "inventory_policy": int(variant.inventory_policy),
    }


def new_resource(kind: CatalogKind, variant: Variant, base_url: str) -> dict[str, Any]:
    """Return the `data` of Create Catalog Item, or of Create Catalog Variant."""
    integration_type, catalog_type = CUSTOM_CATALOG
    is_item = kind == "item"
    resource: dict[str, Any] = {
        "type": f"catalog-{kind}",
        "attributes": {
            "integration_type": integration_type,
            "catalog_type": catalog_type,
            "external_id": variant.product_id if is_item else variant.composite_id.external_id,
            **catalog_attributes(kind, variant, base_url),
        },
    }
    if not is_item:
        item = {"type": "catalog-item", "id": resource_id("item", variant)}
        resource["relationships"] = {"item": {"data": item}}
    return resource


def inventory_quantity(variant: Variant) -> int:
    """Return the quantity to send to Klaviyo, which is never negative."""
    return UNTRACKED_QUANTITY if variant.quantity is None else max(variant.quantity, 0)


def feed_item(variant: Variant, base_url: str) -> dict[str, Any]:
    """Return a variant as an item of a custom catalog feed, which has no variants.

    `base_url` is the shop's base URL, such as `https://shop.example/`. From "Sync a custom catalog
    feed to Klaviyo" in Klaviyo's documentation.
    """
    item: dict[str, Any] = {
        "id": variant.composite_id.external_id,
        "title": variant.full_title,
        "link": urljoin(base_url, variant.url),
        "description": variant.description or variant.full_title,
        "price": float(variant.price or 0),
        "categories": list(variant.categories),
        "inventory_quantity": inventory_quantity(variant),
        "inventory_policy": int(variant.inventory_policy),
    }
    if variant.image_url:
        item["image_link"] = urljoin(base_url, variant.image_url)
    if variant.currency:
        item["currency"] = variant.currency
    return item
