"""A product page's JSON-LD (schema.org): what search engines read about variants and stock."""

from __future__ import annotations

from typing import Any

from flask import url_for

from ..base.models import Product, ProductVariant
from ..catalog.drawings import drawing_url
from ..catalog.stock import Status, stock_of

AVAILABILITY = {
    Status.IN_STOCK: "InStock",
    Status.LOW: "LimitedAvailability",
    Status.PRE_ORDER: "PreOrder",
    Status.SOLD_OUT: "OutOfStock",
}
OPTIONS = {"Colour": "color", "Size": "size"}
"""The options that schema.org has a name for."""


def product(of: Product) -> dict[str, Any]:
    """A product with each of its variants and their offers; needs its options loaded."""
    about: dict[str, Any] = {
        "@context": "https://schema.org",
        "name": of.title,
        "description": of.summary,
        "brand": {"@type": "Brand", "name": "Smirr"},
        "url": url_for("shop.product", handle=of.handle, _external=True),
    }
    if not of.options:
        return {**about, "@type": "Product", **_sold(of.variants[0])}
    return {
        **about,
        "@type": "ProductGroup",
        "productGroupID": of.handle,
        "variesBy": [f"https://schema.org/{OPTIONS[o.name]}" for o in of.options if _known(o.name)],
        "hasVariant": [
            {
                "@type": "Product",
                "name": f"{of.title}, {variant.title}",
                **{
                    OPTIONS[option.name]: value
                    for option, value in zip(of.options, variant.values, strict=True)
                    if _known(option.name)
                },
                **_sold(variant),
            }
            for variant in of.variants
        ],
    }


def _known(option: str) -> bool:
    return option in OPTIONS


def _sold(variant: ProductVariant) -> dict[str, Any]:
    handle = variant.product.handle
    image = drawing_url(variant.product.drawing, variant.colour)
    return {
        "sku": variant.sku,
        "image": f"{url_for('shop.listing', _external=True).rstrip('/')}{image}",
        "offers": {
            "@type": "Offer",
            "url": url_for("shop.product", handle=handle, variant=variant.sku, _external=True),
            "price": f"{variant.price:.2f}",
            "priceCurrency": "GBP",
            "availability": f"https://schema.org/{AVAILABILITY[stock_of(variant).status]}",
            "itemCondition": "https://schema.org/NewCondition",
        },
    }
