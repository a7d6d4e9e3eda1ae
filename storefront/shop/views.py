"""The shop's windows: the listing and the product pages. No session, no cookie."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from flask import Blueprint, Response, abort, make_response, render_template, request, url_for

from notify_me import Variant

from ..base.models import Product, ProductVariant
from ..catalog import browsing, queries
from ..catalog.departments import departments
from ..catalog.stock import Stock, available, stock_of, stock_of_product
from . import linked_data
from .choices import choices, first_choice

blueprint = Blueprint("shop", __name__)


@dataclass(frozen=True)
class Card:
    """A product in a grid."""

    product: Product
    url: str
    colour: str
    swatches: list[str]
    stock: Stock
    price: Decimal
    prices_differ: bool
    variants: list[Variant]


@blueprint.get("/")
def listing() -> Response:
    """The products, as `?category=`, `q`, `in_stock`, `sort` and `page` ask for them.

    :raise 404: there is no such category, or no such page.
    """
    view = browsing.from_arguments(request.args)
    if view.category is not None and view.category not in departments:
        abort(404)
    return cached(listing_page(view))


def listing_page(view: browsing.Browse, template: str = "shop/listing.html", **more: str) -> str:
    """The listing; `template` may be one that extends it.

    :raise 404: there is no such page.
    """
    total = queries.count(view)
    pages = browsing.Pages(view, total, max(1, -(-total // queries.PAGE_SIZE)))
    if view.page > pages.count:
        abort(404)
    return render_template(
        template,
        view=view,
        pages=pages,
        cards=[card(product) for product in queries.listing(view)],
        category=view.category,
        sorts=browsing.SORTS,
        **more,
    )


@blueprint.get("/products/<handle>")
def product(handle: str) -> Response:
    """One product, with the variant of `?variant=` chosen.

    :raise 404: there is no such product, or it has no such variant.
    """
    found = queries.product(handle)
    if found is None:
        abort(404)
    sku = request.args.get("variant")
    chosen = next((v for v in found.variants if v.sku == sku), None)
    if sku is None:
        chosen = first_choice(found)
    if chosen is None:
        abort(404)
    return cached(product_page(found, chosen))


def product_page(
    found: Product, chosen: ProductVariant, template: str = "shop/product.html", **more: str
) -> str:
    """The page of a product with a variant chosen; `template` may be one that extends it."""
    return render_template(
        template,
        product=found,
        variant=chosen,
        stock=stock_of(chosen),
        groups=choices(found, chosen),
        kit_variant=queries.kit_variant(chosen),
        related=[card(other) for other in queries.related(found)],
        category=found.category,
        linked_data=linked_data.product(found),
        **more,
    )


def card(product: Product) -> Card:
    """The card of `product`: drawn in the colour of a variant that can be bought, if any."""
    shown = first_choice(product)
    prices = [variant.price for variant in product.variants if available(variant)]
    prices = prices or [variant.price for variant in product.variants]
    return Card(
        product=product,
        url=url_for("shop.product", handle=product.handle),
        colour=shown.colour,
        swatches=[v["swatch"] for o in product.options for v in o.values if v["swatch"]],
        stock=stock_of_product(product.variants),
        price=min(prices),
        prices_differ=min(prices) != max(prices),
        variants=[queries.kit_variant(variant) for variant in product.variants],
    )


def cached(page: str) -> Response:
    """A page that a browser keeps and asks about: 304 as long as nothing on it changed."""
    response = make_response(page)
    response.cache_control.no_cache = True
    response.vary.update(["Cookie", "Accept-Language"])
    # weak: a proxy may compress the page and keep its tag
    response.add_etag(weak=True)
    response.make_conditional(request)
    return response
