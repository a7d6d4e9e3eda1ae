"""The JSON-LD (schema.org) of product pages: variants, prices and stock for search engines."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

from babel.numbers import get_currency_precision
from flask import url_for

from ..base.current_shop import shop
from ..base.models import Product, ProductVariant
from ..catalog.pictures import variant_image_url
from ..catalog.queries import variant_url
from ..catalog.restocking import shop_url
from ..catalog.stock import Status, stock_of
from ..catalog.translations import translated

AVAILABILITY = {
    Status.IN_STOCK: "InStock",
    Status.LOW: "LimitedAvailability",
    Status.PRE_ORDER: "PreOrder",
    Status.SOLD_OUT: "OutOfStock",
}
SCHEMA_PROPERTIES = {"colour": "color", "color": "color", "size": "size"}
"""The schema.org properties of options, by the options' English names in lower case."""


def product(product: Product) -> dict[str, Any]:
    """Return a product with its variants and their offers; the product's options must be loaded."""
    page = url_for("shop.product", handle=product.handle, _external=True)
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "name": translated(product.title),
        "description": translated(product.summary),
        "brand": {"@type": "Brand", "name": product.vendor or shop().name},
        "url": page,
    }
    if not product.options:
        return {**data, "@type": "Product", **_offer(product.variants[0], page)}
    properties = [SCHEMA_PROPERTIES.get(option.name.lower()) for option in product.options]
    return {
        **data,
        "@type": "ProductGroup",
        "productGroupID": product.handle,
        "variesBy": [f"https://schema.org/{name}" for name in properties if name],
        "hasVariant": [
            {
                "@type": "Product",
                "name": translated(variant.full_title),
                **{name: v for name, v in zip(properties, variant.values, strict=True) if name},
                **_offer(variant, page),
            }
            for variant in product.variants
        ],
    }


def _offer(variant: ProductVariant, page: str) -> dict[str, Any]:
    currency = shop().currency
    return {
        "sku": variant.sku,
        "image": urljoin(shop_url(), variant_image_url(variant)),
        "offers": {
            "@type": "Offer",
            "url": variant_url(page, variant.sku),
            "price": f"{variant.price:.{get_currency_precision(currency)}f}",
            "priceCurrency": currency,
            "availability": f"https://schema.org/{AVAILABILITY[stock_of(variant).status]}",
            "itemCondition": "https://schema.org/NewCondition",
        },
    }
