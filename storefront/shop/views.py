"""The pages for shoppers and search engines. They need no session and set no cookie."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, partial

from flask import Blueprint, Response, abort, render_template, request, url_for
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError

from notify_me import Variant, studio

from ..base.database import db
from ..base.models import Product, ProductVariant
from ..base.page_cache import cached, cached_fragment, revalidated
from ..catalog import browsing, queries
from ..catalog.categories import categories
from ..catalog.pictures import Image, product_image, variant_image
from ..catalog.stock import Stock, is_available, stock_of, stock_of_product
from . import linked_data
from .choices import choices, default_variant

blueprint = Blueprint("shop", __name__)

UNINDEXED_PATHS = ("/cart", "/checkout", "/merchant", "/notify-me/", "/orders/", "/studio")


@dataclass(frozen=True)
class Card:
    """A product in a grid."""

    product: Product
    url: str
    image: Image
    swatches: list[str]
    stock: Stock
    price: Decimal
    """The lowest price of the available variants, or of all variants if none is available."""
    prices_differ: bool

    @cached_property
    def variants(self) -> list[Variant]:
        """The variants for the kit's button."""
        return queries.kit_variants(self.product)


def shows_public_count() -> bool:
    """Whether product pages say how many people have signed up for a variant."""
    return studio.shop_settings().demand.public_count


@blueprint.get("/")
@cached
def listing() -> str:
    """Show the products that the query string selects: `category`, `q`, `in_stock`, `sort`, `page`.

    :raise 404: there is no such category or page.
    """
    query = browsing.parse_query(request.args)
    if query.category is not None and query.category not in categories():
        abort(404)
    return listing_page(query)


def listing_page(
    query: browsing.ListingQuery, template: str = "shop/listing.html", **context: str
) -> str:
    """Render the listing; `template` may be one that extends it.

    :raise 404: there is no such page.
    """
    total = queries.count_products(query)
    last_page = max(1, -(-total // queries.PAGE_SIZE))
    if query.page > last_page:
        abort(404)
    return render_template(
        template,
        query=query,
        total=total,
        last_page=last_page,
        cards=[card(product) for product in queries.products_on_page(query)],
        category=query.category,
        show_hero=query.is_home,
        sorts=browsing.SORTS,
        **context,
    )


@blueprint.get("/products/<handle>")
@partial(cached, unless=shows_public_count)
def product(handle: str) -> str:
    """Show a product page, with the variant of `?variant=<sku>` selected.

    :raise 404: there is no such product, or it has no such variant.
    """
    product = queries.find_product(handle)
    if product is None:
        abort(404)
    sku = request.args.get("variant")
    if sku is None:
        variant: ProductVariant | None = default_variant(product)
    else:
        variant = next((variant for variant in product.variants if variant.sku == sku), None)
    if variant is None:
        abort(404)
    return product_page(product, variant)


def product_page(
    product: Product,
    variant: ProductVariant,
    template: str = "shop/product.html",
    **context: str,
) -> str:
    """Render a product page with `variant` selected; `template` may be one that extends it."""
    return render_template(
        template,
        product=product,
        variant=variant,
        description=_description(product),
        image=variant_image(variant),
        stock=stock_of(variant),
        groups=choices(product, variant),
        kit_variant=queries.kit_variant(variant),
        related=[card(other) for other in queries.related_products(product)],
        category=product.category,
        linked_data=linked_data.product(product),
        **context,
    )


def _description(product: Product) -> Markup:
    """Return the imported description, with tables that can be scrolled by keyboard."""
    safe = product.description_html.replace("<table>", '<table tabindex="0">')
    return Markup(safe)  # noqa: S704 - cleaned by the import


def card(product: Product) -> Card:
    """Return the card of `product`. If the product has no picture, the card shows its drawing in
    the colour of the default variant.
    """
    prices = [variant.price for variant in product.variants if is_available(variant)]
    prices = prices or [variant.price for variant in product.variants]
    return Card(
        product=product,
        url=url_for("shop.product", handle=product.handle),
        image=product_image(product, default_variant(product).drawing_color),
        swatches=[
            value["swatch"]
            for option in product.options
            for value in option.values
            if value["swatch"]
        ],
        stock=stock_of_product(product.variants),
        price=min(prices),
        prices_differ=min(prices) != max(prices),
    )


def other_products(variant: Variant) -> Markup:
    """Return up to two similar, available products for the confirmation of a sign-up.

    Return nothing if the database fails, so that the confirmation is still shown.
    """

    def render() -> str:
        others = queries.related_available(variant.product_id, limit=2)
        return render_template("shop/_other_products.html", cards=[card(other) for other in others])

    try:
        return cached_fragment(render, "other products", variant.product_id)
    except SQLAlchemyError:
        db.session.rollback()
        return Markup("")


@blueprint.get("/terms")
def terms() -> Response:
    """Show the terms of service, which the consent wording links to. Replace the sample text."""
    return revalidated(render_template("shop/terms.html"))


@blueprint.get("/privacy")
def privacy() -> Response:
    """Show the privacy policy, which the consent wording links to. Replace the sample text."""
    return revalidated(render_template("shop/privacy.html"))


@blueprint.get("/sitemap.xml")
def sitemap() -> Response:
    """Return the URLs of the home page, the categories and the products in the listing."""
    urls = [
        url_for("shop.listing", _external=True),
        *(url_for("shop.listing", category=slug, _external=True) for slug in categories()),
        *(
            url_for("shop.product", handle=handle, _external=True)
            for handle in queries.product_handles()
        ),
    ]
    response = revalidated(render_template("shop/sitemap.xml", urls=urls))
    response.mimetype = "application/xml"
    return response


@blueprint.get("/robots.txt")
def robots() -> Response:
    """Return the paths that crawlers should skip, and the URL of the sitemap."""
    lines = [
        "User-agent: *",
        *(f"Disallow: {path}" for path in UNINDEXED_PATHS),
        "",
        f"Sitemap: {url_for('shop.sitemap', _external=True)}",
        "",
    ]
    return Response("\n".join(lines), mimetype="text/plain")
