"""The cart: a signed cookie, set by posts to it alone."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.storefront.page import Page, Stock, text_of


def add(client: FlaskClient, sku: str, quantity: object = 1, **more: str) -> TestResponse:
    """Post to the cart."""
    return client.post("/cart", data={"sku": sku, "quantity": str(quantity), **more})


def outcome(client: FlaskClient, sku: str, quantity: object = 1, **more: str) -> str:
    """Post to the cart and read the page that it leads to."""
    response = add(client, sku, quantity, **more)
    assert response.status_code == 303
    return Page(client, response.headers["Location"]).text


def test_empty_cart_says_so(client: FlaskClient) -> None:
    """An empty cart has words of its own, a way on, and no checkout."""
    page = Page(client, "/cart")

    assert "Your cart is empty" in page.text
    assert "/checkout" not in page.html
    assert "Set-Cookie" not in client.get("/cart").headers


def test_add_shows_line_count_and_subtotal(client: FlaskClient) -> None:
    """What was added stands in the cart, is counted in the header, and is summed up."""
    outcome(client, "OORL-OAT-M", 2)
    text = outcome(client, "DREI-MIL")

    assert "Dreich Mug, Milk was added to your cart." in text
    assert "Oorlich Socks Oatmeal / M £19.50 each" in text
    assert "Cart 3 items" in text
    assert "Subtotal £53" in text
    assert "Cart 3 items" in Page(client, "/").text


def test_adding_again_adds_up(client: FlaskClient) -> None:
    """The same variant twice is one line."""
    add(client, "DREI-MIL", 2)

    assert "Subtotal £70" in outcome(client, "DREI-MIL", 3)


def test_change_and_remove(client: FlaskClient) -> None:
    """A line's number is set, and 0 takes it out, cookie and all."""
    add(client, "DREI-MIL", 2)
    assert "Subtotal £98" in outcome(client, "DREI-MIL", 7, set="1")

    response = add(client, "DREI-MIL", 0, set="1")

    assert "shop_cart=;" in response.headers["Set-Cookie"]
    text = Page(client, response.headers["Location"]).text
    assert "Removed from your cart." in text
    assert "Your cart is empty" in text


def test_more_than_in_stock_is_told(client: FlaskClient) -> None:
    """Who wants more than there are gets what there is, and is told."""
    text = outcome(client, "HAAR-KEL-L", 5)

    assert "We only have 2 of Haar Parka, Kelp / L, so we’ve set the quantity to 2." in text
    assert "Subtotal £496" in text


def test_sold_out_is_told_and_offered_notify_me(client: FlaskClient) -> None:
    """What has sold out meanwhile doesn't get into the cart; Notify me stands beside the words."""
    response = add(client, "BLAT-S")
    page = Page(client, response.headers["Location"])

    assert "has just sold out and wasn’t added to your cart" in page.text
    assert "notify-me__button" in page.html
    assert "Your cart is empty" in page.text


@pytest.mark.parametrize("sku", ["HOWF-BRA", "STEEK-01"])
def test_without_stock_to_count_a_cart_holds_99(client: FlaskClient, sku: str) -> None:
    """Pre-orders and unmanaged stock are limited by the cart alone."""
    assert "You can order up to 99 of each item" in outcome(client, sku, 1000)


def test_stock_that_went_meanwhile_is_told_at_its_line(client: FlaskClient, stock: Stock) -> None:
    """A cart that holds more than there is says so, and can't be checked out."""
    add(client, "HAAR-KEL-L", 2)
    stock.set("HAAR-KEL-L", 1)
    page = Page(client, "/cart")
    assert "Only 1 left. Reduce the quantity." in page.text
    assert "/checkout" not in page.html

    stock.set("HAAR-KEL-L", 0)
    assert "Sold out. Remove it to check out." in Page(client, "/cart").text


@pytest.mark.parametrize("quantity", ["", "x", "-1", "1.5", "٣", "9999999"])
def test_quantity_that_is_no_number_is_refused(client: FlaskClient, quantity: str) -> None:
    """A quantity is a whole number; anything else changes nothing."""
    response = add(client, "DREI-MIL", quantity)

    assert response.status_code == 400
    assert "Set-Cookie" not in response.headers


def test_unknown_variant_is_404(client: FlaskClient) -> None:
    """A variant that the shop doesn't have can't be added."""
    assert add(client, "NO-SUCH").status_code == 404


def test_cookie_is_signed_and_closed_to_scripts(client: FlaskClient) -> None:
    """The cookie is HttpOnly and same-site; one that was tampered with is an empty cart."""
    header = add(client, "DREI-MIL", 2).headers["Set-Cookie"]
    assert "HttpOnly" in header
    assert "SameSite=Lax" in header

    cookie = client.get_cookie("shop_cart")
    assert cookie is not None
    client.set_cookie("shop_cart", cookie.value[:-2] + "AA")

    assert "Your cart is empty" in Page(client, "/cart").text


def test_cart_is_not_kept_by_caches(client: FlaskClient) -> None:
    """A cart is the shopper's alone."""
    assert set(client.get("/cart").cache_control) == {"private", "no-store"}


def test_full_cart_is_told(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cart has room for so many different things."""
    monkeypatch.setattr("storefront.buying.cart.MAX_LINES", 1)
    add(client, "DREI-MIL")

    text = outcome(client, "STEEK-01")

    assert "Your cart can hold 1 item. Remove it to add A Steek in Time." in text
    assert "Subtotal £14" in text


def test_cross_site_post_is_refused(client: FlaskClient) -> None:
    """Another site can't put anything into the cart."""
    response = client.post(
        "/cart", data={"sku": "DREI-MIL"}, headers={"Sec-Fetch-Site": "cross-site"}
    )

    assert response.status_code == 403
    assert "Set-Cookie" not in response.headers
    assert "Request blocked" in text_of(response.text)
