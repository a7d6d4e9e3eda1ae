"""`/feeds/catalog.json`: a custom catalog feed as Klaviyo describes it."""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import urlsplit

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
from tests.storefront.page import Stock


def absolute(address: str) -> str:
    """An address that leads somewhere from a message, too."""
    parts = urlsplit(address)
    assert parts.scheme in ("http", "https")
    assert parts.netloc
    assert address.isascii()
    return address


Text = Annotated[StrictStr, Field(min_length=1, pattern=r"\S")]
Address = Annotated[StrictStr, AfterValidator(absolute)]


class Item(BaseModel):
    """What Klaviyo takes of an item: nothing blank, nothing nested, no field that isn't named."""

    model_config = ConfigDict(extra="forbid")

    id: Text
    title: Text
    link: Address
    description: Text
    price: Annotated[StrictFloat, Field(ge=0)]
    image_link: Address
    categories: list[Text]
    inventory_quantity: Annotated[StrictInt, Field(ge=0)]
    inventory_policy: Annotated[StrictInt, Field(ge=0, le=2)]


def feed(client: FlaskClient) -> dict[str, Item]:
    """The feed's items by their ID, each one looked at."""
    response = client.get("/feeds/catalog.json")
    assert response.status_code == 200
    listed: list[Any] = json.loads(response.data.decode("utf-8"))
    items = TypeAdapter(list[Item]).validate_python(listed)
    assert len({item.id for item in items}) == len(items)
    return {item.id: item for item in items}


def test_every_variant_is_an_item(client: FlaskClient, stock: Stock) -> None:
    """With its own stock, page and picture; stock that isn't managed or is owed is a number too."""
    stock.set("BLAT-S", None)
    stock.set("BLAT-L", -3)
    items = feed(client)

    assert len(items) == 60
    hat = items["HAAR-OIL-M"]
    assert hat.title == "Haar Parka, Oilskin / M"
    assert hat.link == "http://localhost/products/haar-parka?variant=HAAR-OIL-M"
    assert client.get(hat.link).status_code == 200
    assert client.get(hat.image_link).mimetype == "image/svg+xml"
    assert hat.categories[0] == "wear"
    assert (hat.inventory_quantity, hat.inventory_policy) == (0, 1)
    assert items["BLAT-S"].inventory_quantity > 0
    assert items["BLAT-L"].inventory_quantity == 0
    assert {item.inventory_policy for item in items.values()} == {1, 2}


def test_it_may_be_kept_for_a_moment_and_is_public(client: FlaskClient) -> None:
    """No cookie, no session, JSON by its type, and its links follow `SHOP_URL`."""
    response = client.get("/feeds/catalog.json")
    assert response.content_type == "application/json"
    assert response.headers["Cache-Control"] == "public, max-age=300"
    assert "Set-Cookie" not in response.headers
    assert "Content-Length" not in response.headers

    client.application.config["SHOP_URL"] = "https://smirr.example"
    links = [item.link for item in feed(client).values()]
    assert all(link.startswith("https://smirr.example/products/") for link in links)


def test_an_empty_shop_has_an_empty_list(app: Flask, client: FlaskClient) -> None:
    """And it is JSON still."""
    with app.app_context():
        for table in (ProductVariant, ProductOption, Product):
            db.session.execute(sa.delete(table))
        db.session.commit()

    assert feed(client) == {}


def test_a_database_that_is_away_is_no_half_feed(empty_app: Flask) -> None:
    """It is an error, not the beginning of a list."""
    response = empty_app.test_client().get("/feeds/catalog.json")

    assert response.status_code == 500
    assert response.mimetype == "text/html"
