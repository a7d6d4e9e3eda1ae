"""What search engines read: linked data, sitemap, robots.txt."""

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
from storefront.base.models import Product
from tests.storefront.page import Page, Stock


def linked_data(client: FlaskClient, url: str) -> dict[str, Any]:
    """The JSON-LD of a page."""
    [found] = re.findall(
        r"<script type=.application/ld.json.>(.*?)</script>", Page(client, url).html
    )
    data: dict[str, Any] = json.loads(found)
    return data


@pytest.mark.parametrize(
    ("quantity", "availability"),
    [(4, "InStock"), (1, "LimitedAvailability"), (0, "OutOfStock"), (None, "InStock")],
)
def test_each_variant_tells_its_availability(
    client: FlaskClient, stock: Stock, quantity: int | None, availability: str
) -> None:
    """A product with options is a group; the offer of each variant follows its stock."""
    stock.set("HAAR-KEL-M", quantity)

    group = linked_data(client, "/products/haar-parka")

    assert group["@type"] == "ProductGroup"
    assert group["variesBy"] == ["https://schema.org/color", "https://schema.org/size"]
    assert len(group["hasVariant"]) == 11
    [one] = [variant for variant in group["hasVariant"] if variant["sku"] == "HAAR-KEL-M"]
    assert (one["name"], one["color"], one["size"]) == ("Haar Parka, Kelp / M", "Kelp", "M")
    assert one["offers"]["availability"] == f"https://schema.org/{availability}"
    assert (one["offers"]["price"], one["offers"]["priceCurrency"]) == ("248.00", "GBP")
    assert client.get(one["offers"]["url"]).status_code == 200
    assert client.get(one["image"]).mimetype == "image/svg+xml"


def test_pre_order_is_told(client: FlaskClient) -> None:
    """What is sold ahead of its stock says so."""
    [one] = linked_data(client, "/products/howff-tarp")["hasVariant"][:1]

    assert one["offers"]["availability"] == "https://schema.org/PreOrder"


def test_product_without_options_is_no_group(client: FlaskClient) -> None:
    """A product that comes in one kind has its offer itself."""
    product = linked_data(client, "/products/falling-glass")

    assert (product["@type"], product["sku"]) == ("Product", "GLASS-01")
    assert product["offers"]["price"] == "310.00"


def test_words_can_t_leave_the_data_block(app: Flask, client: FlaskClient) -> None:
    """A product whose words end a script stays data."""
    nasty = "</script><script>alert(1)</script><!--"
    with app.app_context():
        db.session.execute(
            sa.update(Product).where(Product.handle == "falling-glass").values(summary=nasty)
        )
        db.session.commit()

    assert linked_data(client, "/products/falling-glass")["description"] == nasty
    assert "<script>alert" not in Page(client, "/products/falling-glass").html


def test_sitemap_lists_every_product_and_department(client: FlaskClient) -> None:
    """The front, four departments and fifteen products, each of which answers."""
    response = client.get("/sitemap.xml")
    places = [
        place.text or "" for place in ElementTree.fromstring(response.data).iter() if place.text
    ]
    addresses = [place for place in places if place.strip()]

    assert response.mimetype == "application/xml"
    assert len(addresses) == 20
    assert "http://localhost/products/haar-parka" in addresses
    assert [url for url in addresses if client.get(url).status_code != 200] == []


def test_robots_are_kept_from_what_is_private(client: FlaskClient) -> None:
    """Cart, checkout, sign-ups and the back room are left out; the sitemap is named."""
    response = client.get("/robots.txt")

    assert response.mimetype == "text/plain"
    for path in ("/cart", "/checkout", "/merchant", "/notify-me/", "/orders/"):
        assert f"Disallow: {path}\n" in response.text
    assert "\nSitemap: http://localhost/sitemap.xml\n" in response.text
