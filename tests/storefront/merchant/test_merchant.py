"""`/merchant`: stock is set here, and only from this machine."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.storefront.page import Page, Stock, words


def test_every_variant_is_listed_with_its_stock(client: FlaskClient) -> None:
    """The table has a row for each variant, with what shoppers read."""
    page = Page(client, "/merchant")

    assert page.html.count('<th scope="row">') == 60
    assert "The Falling Glass GLASS-01 Last one" in page.text


def test_one_product_can_be_shown(client: FlaskClient) -> None:
    """The filter leaves one product's variants and says which."""
    page = Page(client, "/merchant?product=dreich-mug")

    assert page.html.count('<th scope="row">') == 3
    assert '<option value="dreich-mug" selected>' in page.html


def test_setting_stock_opens_and_closes_the_sale(client: FlaskClient, stock: Stock) -> None:
    """A variant set to 5 can be bought, set to 0 it offers Notify me; both are told."""
    page = "/products/blatter-souwester?variant=BLAT-S"
    for quantity, in_stock in ((5, True), (0, False)):
        response = client.post("/merchant", data={"sku": "BLAT-S", "quantity": str(quantity)})

        assert response.status_code == 303
        shown = Page(client, response.headers["Location"])
        assert f"BLAT-S: {quantity} in stock" in shown.text
        assert stock.of("BLAT-S") == quantity
        assert ("Add to cart" in Page(client, page).buying) is in_stock
        assert ("notify-me__button" in Page(client, page).buying) is not in_stock


def test_stock_can_be_left_unmanaged(client: FlaskClient, stock: Stock) -> None:
    """A ticked box means that nobody counts; the filter outlives the post."""
    response = client.post(
        "/merchant",
        data={"sku": "BLAT-S", "quantity": "0", "unmanaged": "1", "product": "blatter-souwester"},
    )

    place = response.headers["Location"]
    assert place == "/merchant?product=blatter-souwester&set=BLAT-S&told=queued"
    assert stock.of("BLAT-S") is None
    told = Page(client, place).text
    assert "BLAT-S: stock isn’t managed. Klaviyo can’t be reached just now" in told


@pytest.mark.parametrize("quantity", ["", "five", "1.5", "٣", "12345678"])
def test_wrong_number_is_told_in_its_row(client: FlaskClient, stock: Stock, quantity: str) -> None:
    """What isn't a whole number is told beside the field and changes nothing."""
    response = client.post("/merchant", data={"sku": "BLAT-S", "quantity": quantity})

    assert response.status_code == 422
    assert "A whole number, please" in response.text
    assert f'value="{quantity}" aria-invalid="true"' in response.text
    assert stock.of("BLAT-S") == 0


def test_unknown_variant_is_404(client: FlaskClient) -> None:
    """Stock of a variant that isn't there can't be set."""
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
def test_only_this_machine_gets_in(
    client: FlaskClient,
    stock: Stock,
    environ: dict[str, Any],
    headers: dict[str, str],
    status: int,
) -> None:
    """Address and Host are loopback and no proxy stands between, or there is no such page."""
    read = client.get("/merchant", environ_overrides=environ, headers=headers)
    written = client.post(
        "/merchant",
        data={"sku": "BLAT-S", "quantity": "5"},
        environ_overrides=environ,
        headers=headers,
    )

    assert (read.status_code, written.status_code) == (status, 303 if status == 200 else status)
    assert stock.of("BLAT-S") == (5 if status == 200 else 0)


def test_no_merchant_without_demo(app: Flask, client: FlaskClient) -> None:
    """With the demo off the page isn't there, and no page links to it."""
    assert "/merchant" in client.get("/").text
    app.config["DEMO"] = False

    assert client.get("/merchant").status_code == 404
    assert client.post("/merchant", data={"sku": "BLAT-S"}).status_code == 404
    assert "/merchant" not in client.get("/").text


def test_empty_shop_says_how_to_fill_it(client: FlaskClient) -> None:
    """A filter that finds nothing names the command that fills the shop."""
    assert "flask storefront load" in words(client.get("/merchant?product=none").text)
