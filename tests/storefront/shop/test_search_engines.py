"""For search engines: JSON-LD, the sitemap, robots.txt."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from storefront import db
from storefront.base.models import Product, ProductOption
from tests.storefront.page import Page, Stock


def linked_data(client: FlaskClient, url: str) -> dict[str, Any]:
    """Return the JSON-LD of a page."""
    [text] = re.findall(
        r"<script type=.application/ld.json.>(.*?)</script>", Page(client, url).html
    )
    data: dict[str, Any] = json.loads(text)
    return data


@pytest.mark.parametrize(
    ("quantity", "availability"),
    [(4, "InStock"), (1, "LimitedAvailability"), (0, "OutOfStock"), (None, "InStock")],
)
def test_each_variant_has_an_offer_with_its_availability(
    client: FlaskClient, stock: Stock, quantity: int | None, availability: str
) -> None:
    stock.set("HAAR-KEL-M", quantity)

    group = linked_data(client, "/products/haar-parka")

    assert group["@type"] == "ProductGroup"
    assert group["variesBy"] == ["https://schema.org/color", "https://schema.org/size"]
    assert len(group["hasVariant"]) == 11
    [item] = [variant for variant in group["hasVariant"] if variant["sku"] == "HAAR-KEL-M"]
    assert (item["name"], item["color"], item["size"]) == ("Haar Parka (Kelp / M)", "Kelp", "M")
    assert item["offers"]["availability"] == f"https://schema.org/{availability}"
    assert (item["offers"]["price"], item["offers"]["priceCurrency"]) == ("248.00", "GBP")
    assert client.get(item["offers"]["url"]).status_code == 200
    assert client.get(item["image"]).mimetype == "image/svg+xml"


def test_american_spelling_of_colour(client: FlaskClient, app: Flask) -> None:
    """Shopify's default names are Color and Size; other shops may write COLOR."""
    for name in ("Color", "COLOR"):
        with app.app_context():
            rename = sa.update(ProductOption).values(name=name)
            db.session.execute(rename.where(ProductOption.name.not_in(["Size"])))
            db.session.commit()

        group = linked_data(client, "/products/haar-parka")

        assert group["variesBy"] == ["https://schema.org/color", "https://schema.org/size"]
        assert group["hasVariant"][0]["color"] == "Oilskin"


def test_pre_order_availability(reader: FlaskClient) -> None:
    [item] = linked_data(reader, "/products/howff-tarp")["hasVariant"][:1]

    assert item["offers"]["availability"] == "https://schema.org/PreOrder"


def test_product_without_options_is_not_a_group(reader: FlaskClient) -> None:
    product = linked_data(reader, "/products/falling-glass")

    assert (product["@type"], product["sku"]) == ("Product", "GLASS-01")
    assert product["offers"]["price"] == "310.00"


def test_json_ld_on_a_page_with_a_language(reader: FlaskClient) -> None:
    product = linked_data(reader, "/products/falling-glass?lang=de")

    assert reader.get(product["image"]).mimetype == "image/svg+xml"
    assert reader.get(product["offers"]["url"]).headers["Content-Language"] == "de"


def test_json_ld_is_escaped(app: Flask, client: FlaskClient) -> None:
    summary = "</script><script>alert(1)</script><!--"
    with app.app_context():
        db.session.execute(
            sa.update(Product).where(Product.handle == "falling-glass").values(summary=summary)
        )
        db.session.commit()

    assert linked_data(client, "/products/falling-glass")["description"] == summary
    assert "<script>alert" not in Page(client, "/products/falling-glass").html


def test_sitemap_lists_home_page_categories_and_products(reader: FlaskClient) -> None:
    response = reader.get("/sitemap.xml")
    contents = [element.text or "" for element in ElementTree.fromstring(response.data).iter()]
    urls = [content for content in contents if content.strip()]

    assert response.mimetype == "application/xml"
    assert len(urls) == 20
    assert "http://localhost/products/haar-parka" in urls
    assert [url for url in urls if reader.get(url).status_code != 200] == []


def test_robots_txt(reader: FlaskClient) -> None:
    response = reader.get("/robots.txt")

    assert response.mimetype == "text/plain"
    for path in ("/cart", "/checkout", "/merchant", "/notify-me/", "/orders/"):
        assert f"Disallow: {path}\n" in response.text
    assert "\nSitemap: http://localhost/sitemap.xml\n" in response.text
