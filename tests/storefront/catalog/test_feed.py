"""`/feeds/catalog.json`: a custom catalog feed in the format that Klaviyo documents."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    StrictStr,
    TypeAdapter,
)

from storefront import db
from storefront.base.models import Product, ProductOption, ProductVariant
from storefront.catalog import feeds
from tests.storefront.page import Stock


def absolute_url(url: str) -> str:
    """Return the URL after checking that it also works in an email."""
    parts = urlsplit(url)
    assert parts.scheme in ("http", "https")
    assert parts.netloc
    assert url.isascii()
    return url


Text = Annotated[StrictStr, Field(min_length=1, pattern=r"\S")]
URL = Annotated[StrictStr, AfterValidator(absolute_url)]


class Item(BaseModel):
    """An item that Klaviyo accepts: no blank, nested or additional fields."""

    model_config = ConfigDict(extra="forbid")

    id: Text
    title: Text
    link: URL
    description: Text
    price: Annotated[StrictFloat, Field(ge=0)]
    currency: Annotated[StrictStr, Field(pattern=r"^[A-Z]{3}$")]
    image_link: URL
    categories: list[Text]
    inventory_quantity: Annotated[StrictInt, Field(ge=0)]
    inventory_policy: Annotated[StrictInt, Field(ge=0, le=2)]


def feed(client: FlaskClient, page: str = "") -> dict[str, Item]:
    """Return the items of the feed, or of a page, by ID, after validating them."""
    response = client.get(f"/feeds/catalog.json{page}")
    assert response.status_code == 200
    data: list[Any] = json.loads(response.data.decode("utf-8"))
    items = TypeAdapter(list[Item]).validate_python(data)
    assert len({item.id for item in items}) == len(items)
    return {item.id: item for item in items}


def test_every_variant_is_an_item(client: FlaskClient, stock: Stock) -> None:
    """Untracked stock is a positive number, and negative stock is 0."""
    stock.set("BLAT-S", None)
    stock.set("BLAT-L", -3)
    items = feed(client)

    assert len(items) == 60
    parka = items["HAAR-OIL-M"]
    assert parka.title == "Haar Parka (Oilskin / M)"
    assert parka.link == "http://localhost/products/haar-parka?variant=HAAR-OIL-M"
    assert client.get(parka.link).status_code == 200
    assert client.get(parka.image_link).mimetype == "image/svg+xml"
    assert parka.categories[0] == "wear"
    assert (parka.inventory_quantity, parka.inventory_policy) == (0, 1)
    assert items["BLAT-S"].inventory_quantity > 0
    assert items["BLAT-L"].inventory_quantity == 0
    assert {item.inventory_policy for item in items.values()} == {1, 2}


def test_feed_is_public_and_cacheable_and_uses_shop_url(client: FlaskClient) -> None:
    response = client.get("/feeds/catalog.json")
    assert response.content_type == "application/json"
    assert response.headers["Cache-Control"] == "public, max-age=300"
    assert "Set-Cookie" not in response.headers
    assert "Content-Length" not in response.headers

    client.application.config["SHOP_URL"] = "https://smirr.example"
    links = [item.link for item in feed(client).values()]
    assert all(link.startswith("https://smirr.example/products/") for link in links)


def test_pages_together_have_every_item_once(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No product is split across pages, and each page but the last links to the next."""
    monkeypatch.setattr(feeds, "PAGE_SIZE", 20)
    all_items = feed(client)
    pages = []
    url: str | None = "/feeds/catalog.json?page=1"
    while url:
        pages.append(feed(client, f"?{urlsplit(url).query}"))
        link = client.get(url).headers.get("Link")
        url = re.findall("<(.*)>", link)[0] if link else None

    assert len(pages) > 2
    assert all(len(page) <= 20 for page in pages)
    assert sum(len(page) for page in pages) == len(all_items)
    assert {name: item for page in pages for name, item in page.items()} == all_items
    products = [{item.link.partition("?")[0] for item in page.values()} for page in pages]
    assert sum(map(len, products)) == len(set.union(*products))
    for wrong in ("0", "x", "", str(len(pages) + 1)):
        assert client.get(f"/feeds/catalog.json?page={wrong}").status_code == 404


def test_empty_shop_has_an_empty_feed(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        for table in (ProductVariant, ProductOption, Product):
            db.session.execute(sa.delete(table))
        db.session.commit()

    assert feed(client) == feed(client, "?page=1") == {}


def test_failing_database_is_an_error_and_not_a_partial_feed(empty_app: Flask) -> None:
    response = empty_app.test_client().get("/feeds/catalog.json")

    assert response.status_code == 503
    assert response.mimetype == "text/html"
