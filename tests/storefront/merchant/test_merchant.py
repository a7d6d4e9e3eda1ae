"""`/merchant`: stock and orders; without a password, only this machine has access."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from notify_me import InventoryPolicy
from storefront import db
from storefront.base.models import Product, ProductVariant
from storefront.catalog import restocking
from tests.storefront.page import Page, Stock


def test_every_variant_is_listed_with_its_stock(client: FlaskClient) -> None:
    page = Page(client, "/merchant")

    assert page.html.count('<th scope="row">') == 60
    assert "The Falling Glass GLASS-01 Last one" in page.text


def test_list_can_be_filtered_by_product(client: FlaskClient) -> None:
    page = Page(client, "/merchant?product=dreich-mug")

    assert page.html.count('<th scope="row">') == 3
    assert "Show all variants" in page.text


def test_product_that_was_deleted_is_not_mistaken_for_an_empty_shop(reader: FlaskClient) -> None:
    page = Page(reader, "/merchant?product=deleted")

    assert "The shop no longer has this product. Orders" in page.text
    assert "flask storefront load" not in page.text


@pytest.mark.parametrize(("search", "count"), [("MUG", 3), ("dreich mug", 3), ("haar-oil", 4)])
def test_list_can_be_searched_by_product_and_sku(
    reader: FlaskClient, search: str, count: int
) -> None:
    assert Page(reader, f"/merchant?q={search}").html.count('<th scope="row">') == count


@pytest.mark.parametrize(
    ("sku", "search"),
    [
        ("BECHER-GRÖSSE-L", "BECHER-GRÖSSE-L"),
        ("BECHER-GRÖSSE-L", "grösse"),
        ("ЧАЙ-1", "ЧАЙ-1"),
    ],
)
def test_sku_that_is_not_ascii_can_be_searched(
    app: Flask, client: FlaskClient, sku: str, search: str
) -> None:
    with app.app_context():
        rename = sa.update(ProductVariant).where(ProductVariant.sku == "DREI-MIL").values(sku=sku)
        db.session.execute(rename)
        db.session.commit()

    assert f"Dreich Mug (Milk) {sku}" in Page(client, f"/merchant?q={search}").text


def test_list_is_paged(app: Flask, client: FlaskClient) -> None:
    """After a change of stock, the same page of the list is shown."""
    with app.app_context():
        product = db.session.scalar(sa.select(Product).where(Product.handle == "dreich-mug"))
        assert product
        db.session.add_all(
            ProductVariant(
                product_id=product.id,
                sku=f"MANY-{number:03}",
                position=number + 3,
                values=["Peat"],
                price=Decimal(12),
                quantity=0,
                policy=InventoryPolicy.DENY,
            )
            for number in range(150)
        )
        db.session.commit()

    first, last = Page(client, "/merchant"), Page(client, "/merchant?page=3")
    assert [page.html.count('<th scope="row">') for page in (first, last)] == [100, 10]
    assert "210 variants · page 1 of 3" in first.text
    assert 'rel="next" href="/merchant?page=2"' in first.html
    assert "rel=next" not in last.html
    assert client.get("/merchant?page=4").status_code == 404
    data = {"sku": "MANY-001", "quantity": "2", "q": "many", "page": "2"}
    location = client.post("/merchant", data=data).headers["Location"]
    assert location.startswith("/merchant?q=many&page=2&set=MANY-001")
    assert "MANY-001: stock updated to 2." in Page(client, location).text


def test_setting_stock_switches_between_add_to_cart_and_notify_me(
    client: FlaskClient, stock: Stock
) -> None:
    page = "/products/blatter-souwester?variant=BLAT-S"
    for quantity, in_stock in ((5, True), (0, False)):
        response = client.post("/merchant", data={"sku": "BLAT-S", "quantity": str(quantity)})

        assert response.status_code == 303
        shown = Page(client, response.headers["Location"])
        assert f"BLAT-S: stock updated to {quantity}." in shown.text
        assert stock.of("BLAT-S") == quantity
        assert ("Add to cart" in Page(client, page).buying) is in_stock
        assert ("notify-me__button" in Page(client, page).buying) is not in_stock


def test_quantity_can_be_left_untracked(client: FlaskClient, stock: Stock) -> None:
    """The page shown afterwards keeps its filter."""
    response = client.post(
        "/merchant",
        data={"sku": "BLAT-S", "quantity": "0", "unmanaged": "1", "product": "blatter-souwester"},
    )

    location = response.headers["Location"]
    assert location == "/merchant?product=blatter-souwester&set=BLAT-S&klaviyo=queued"
    assert stock.of("BLAT-S") is None
    shown = Page(client, location).text
    assert f"BLAT-S: stock is no longer tracked. {restocking.STOCK_MESSAGES['queued']}" in shown


@pytest.mark.parametrize("quantity", ["", "five", "1.5", "٣", "12345678"])
def test_invalid_quantity_is_an_error_in_its_row(
    client: FlaskClient, stock: Stock, quantity: str
) -> None:
    response = client.post("/merchant", data={"sku": "BLAT-S", "quantity": quantity})

    assert response.status_code == 422
    assert "Enter a whole number" in response.text
    assert f'value="{quantity}" aria-invalid="true"' in response.text
    assert stock.of("BLAT-S") == 0


def test_unknown_variant_is_404(client: FlaskClient) -> None:
    assert client.post("/merchant", data={"sku": "NO", "quantity": "1"}).status_code == 404


@pytest.mark.parametrize(
    ("environ", "headers", "status"),
    [
        ({"REMOTE_ADDR": "127.0.0.1"}, {"Host": "127.0.0.1:5000"}, 200),
        ({"REMOTE_ADDR": "127.0.0.1"}, {"Host": "localhost:5000"}, 200),
        ({"REMOTE_ADDR": "::1"}, {"Host": "[::1]:5000"}, 200),
        ({"REMOTE_ADDR": "::1"}, {"Host": "[::1]"}, 200),
        ({"REMOTE_ADDR": "192.0.2.7"}, {"Host": "localhost:5000"}, 404),
        ({"REMOTE_ADDR": ""}, {"Host": "localhost:5000"}, 404),
        ({"REMOTE_ADDR": "127.0.0.1"}, {"Host": "shop.example"}, 404),
        ({"REMOTE_ADDR": "127.0.0.1"}, {"Host": "127.0.0.1.shop.example"}, 404),
        ({"REMOTE_ADDR": "127.0.0.1"}, {"Host": "localhost.shop.example:5000"}, 404),
        ({}, {"X-Forwarded-For": "127.0.0.1"}, 404),
        ({}, {"X-Forwarded-Host": "localhost"}, 404),
        ({}, {"Forwarded": "for=127.0.0.1"}, 404),
        ({}, {"X-Real-IP": "127.0.0.1"}, 404),
    ],
)
def test_without_a_password_only_this_machine_has_access(
    client: FlaskClient,
    stock: Stock,
    environ: dict[str, Any],
    headers: dict[str, str],
    status: int,
) -> None:
    """The address and the Host header must be loopback, and the request must not come through a
    proxy.
    """
    shown = client.get("/merchant", environ_overrides=environ, headers=headers)
    saved = client.post(
        "/merchant",
        data={"sku": "BLAT-S", "quantity": "5"},
        environ_overrides=environ,
        headers=headers,
    )

    assert (shown.status_code, saved.status_code) == (status, 303 if status == 200 else status)
    assert stock.of("BLAT-S") == (5 if status == 200 else 0)


def test_without_demo_and_password_there_is_no_page(app: Flask, client: FlaskClient) -> None:
    """The shop's pages have no link to the merchant's page either."""
    assert "/merchant" in client.get("/").text
    app.config["DEMO"] = False

    assert client.get("/merchant").status_code == 404
    assert client.post("/merchant", data={"sku": "BLAT-S"}).status_code == 404
    assert "/merchant" not in client.get("/").text


def test_empty_list_names_the_command_that_loads_products(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        db.session.execute(sa.delete(ProductVariant))
        db.session.commit()

    assert "flask storefront load" in Page(client, "/merchant").text
