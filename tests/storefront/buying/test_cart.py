"""The cart: what posts do to it, its cookie and its page."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from storefront import db
from storefront.base.models import ProductVariant
from tests.storefront.page import Page, Stock, text_of


def post(client: FlaskClient, sku: str, quantity: object = 1, **fields: str) -> TestResponse:
    """Post to the cart."""
    return client.post("/cart", data={"sku": sku, "quantity": str(quantity), **fields})


def page_after_post(client: FlaskClient, sku: str, quantity: object = 1, **fields: str) -> Page:
    """Post to the cart and follow the redirect."""
    response = post(client, sku, quantity, **fields)
    assert response.status_code == 303
    return Page(client, response.location)


def test_empty_cart(reader: FlaskClient) -> None:
    page = Page(reader, "/cart")

    assert "Your cart is empty" in page.text
    assert "/checkout" not in page.html
    assert "Set-Cookie" not in reader.get("/cart").headers


def test_adding_shows_line_count_and_subtotal(reader: FlaskClient) -> None:
    post(reader, "OORL-OAT-M", 2)
    text = page_after_post(reader, "DREI-MIL").text

    assert "Dreich Mug (Milk) was added to your cart." in text
    assert "Oorlich Socks Oatmeal / M £19.50 each" in text
    assert "Subtotal £53" in text
    assert "Cart 3 items" in text
    assert "Cart 3 items" in Page(reader, "/").text


def test_adding_a_variant_again_increases_its_quantity(reader: FlaskClient) -> None:
    post(reader, "DREI-MIL", 2)

    assert "Subtotal £70" in page_after_post(reader, "DREI-MIL", 3).text


def test_quantity_can_be_changed_and_the_line_removed(reader: FlaskClient) -> None:
    post(reader, "DREI-MIL", 2)
    text = page_after_post(reader, "DREI-MIL", 7, set="1").text
    assert "Quantity updated." in text
    assert "Subtotal £98" in text

    response = post(reader, "DREI-MIL", 0, set="1")

    assert "shop_cart=;" in response.headers["Set-Cookie"]
    text = Page(reader, response.location).text
    assert "Removed from your cart." in text
    assert "Your cart is empty" in text


def test_quantity_is_limited_to_the_stock(reader: FlaskClient) -> None:
    text = page_after_post(reader, "HAAR-KEL-L", 5).text

    assert "Only 2 left, so we’ve set the quantity of Haar Parka (Kelp / L) to 2." in text
    assert "Subtotal £496" in text


def test_last_one_is_in_stock_while_it_is_in_the_cart(reader: FlaskClient) -> None:
    """The page of a product offers no alert while its last unit is in the shopper's own cart."""
    post(reader, "GLASS-01")

    buying = Page(reader, "/products/falling-glass").buying
    assert "Add to cart" in buying
    assert "notify-me__button" not in buying


def test_sold_out_variant_is_not_added_and_offers_notify_me(reader: FlaskClient) -> None:
    page = page_after_post(reader, "BLAT-S")

    assert "has just sold out and wasn’t added to your cart" in page.text
    assert "notify-me__button" in page.html
    assert "Your cart is empty" in page.text


@pytest.mark.parametrize("sku", ["HOWF-BRA", "STEEK-01"])
def test_pre_orders_and_untracked_stock_are_limited_to_99(reader: FlaskClient, sku: str) -> None:
    page = page_after_post(reader, sku, 1000)
    assert "You can order up to 99 of each item" in page.text
    assert ("Pre-order" in page.text) is (sku == "HOWF-BRA")


def test_line_that_exceeds_the_stock_blocks_checkout(client: FlaskClient, stock: Stock) -> None:
    post(client, "HAAR-KEL-L", 2)
    stock.set("HAAR-KEL-L", 1)
    page = Page(client, "/cart")
    assert "Only 1 left. Reduce the quantity." in page.text
    assert "/checkout" not in page.html

    stock.set("HAAR-KEL-L", 0)
    page = Page(client, "/cart")
    assert "Sold out. Remove it to check out." in page.text
    assert "Notify me: Haar Parka (Kelp / L)" in page.html
    assert "Update quantity" not in page.html


@pytest.mark.parametrize("quantity", ["", "x", "-1", "1.5", "٣", "9999999"])
def test_quantity_must_be_a_whole_number(reader: FlaskClient, quantity: str) -> None:
    response = post(reader, "DREI-MIL", quantity)

    assert response.status_code == 400
    assert "Set-Cookie" not in response.headers


def test_unknown_variant_is_404(reader: FlaskClient) -> None:
    assert post(reader, "NO-SUCH").status_code == 404


def test_variant_that_the_shop_no_longer_has_is_not_counted(
    app: Flask, client: FlaskClient
) -> None:
    """An import, for example, may delete variants that are in carts."""
    post(client, "GLASS-01", 1)
    post(client, "DREI-MIL", 2)
    with app.app_context():
        db.session.execute(sa.delete(ProductVariant).where(ProductVariant.sku == "DREI-MIL"))
        db.session.commit()

    assert "Cart 1 item " in Page(client, "/cart").text
    assert "Cart 1 item " in Page(client, "/").text


def test_cart_survives_a_change_of_the_secret_key(app: Flask, client: FlaskClient) -> None:
    post(client, "DREI-MIL", 2)
    app.config["SECRET_KEY_FALLBACKS"] = [app.config["SECRET_KEY"]]
    app.config["SECRET_KEY"] = "a new key for tests, long enough to be one"

    assert "Cart 2 items " in Page(client, "/cart").text


def test_cookie_is_signed_and_hidden_from_scripts(reader: FlaskClient) -> None:
    header = post(reader, "DREI-MIL", 2).headers["Set-Cookie"]
    assert "HttpOnly" in header
    assert "SameSite=Lax" in header

    cookie = reader.get_cookie("shop_cart")
    assert cookie is not None
    reader.set_cookie("shop_cart", cookie.value[:-2] + "AA")

    assert "Your cart is empty" in Page(reader, "/cart").text


def test_cart_is_not_cached(reader: FlaskClient) -> None:
    assert set(reader.get("/cart").cache_control) == {"private", "no-store"}


def test_full_cart_rejects_another_item(
    reader: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storefront.buying.cart.MAX_LINES", 1)
    post(reader, "DREI-MIL")

    text = page_after_post(reader, "STEEK-01").text

    assert "Your cart can hold 1 item. Remove it to add A Steek in Time." in text
    assert "Subtotal £14" in text


def test_cross_site_post_is_refused(reader: FlaskClient) -> None:
    response = reader.post(
        "/cart", data={"sku": "DREI-MIL"}, headers={"Sec-Fetch-Site": "cross-site"}
    )

    assert response.status_code == 403
    assert "Set-Cookie" not in response.headers
    assert "Request blocked" in text_of(response.text)
