"""Checkout without payment: an order reduces the stock, in one transaction."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from storefront import db
from storefront.base.models import Order
from tests.storefront.page import Page, Stock, text_of
from tests.support import TIMEOUT, serve

SHOPPER = {
    "name": "Isla Reid",
    "email": "isla@example.com",
    "address": "2 Shore Road\nCromarty",
}


def add_to_cart(client: FlaskClient, **skus: int) -> None:
    """Add these quantities; in a SKU, write _ for -."""
    for sku, quantity in skus.items():
        client.post("/cart", data={"sku": sku.replace("_", "-"), "quantity": str(quantity)})


def reference(page: str) -> str:
    """Return the reference in the form."""
    match = re.search(r'name="reference"[^>]*value="([^"]*)"', page)
    assert match, page
    return match[1]


def hidden_fields(page: str) -> dict[str, str]:
    """Return the form's hidden fields."""
    return dict(re.findall(r'name="(\w+)" type="hidden" value="([^"]*)"', page))


def place_order(client: FlaskClient, **changes: str) -> TestResponse:
    """Open the form and submit it."""
    page = client.get("/checkout").text
    return client.post("/checkout", data={"reference": reference(page), **SHOPPER, **changes})


def count_orders(app: Flask) -> int:
    """Return the number of orders."""
    with app.app_context():
        return db.session.scalar(sa.select(sa.func.count(Order.id))) or 0


def test_order_is_confirmed_and_reduces_the_stock(client: FlaskClient, stock: Stock) -> None:
    add_to_cart(client, HAAR_KEL_L=2, STEEK_01=1, HOWF_BRA=3)
    assert "3 × Howff Tarp (Bracken) Pre-order £384" in Page(client, "/checkout").text

    response = place_order(client)

    assert response.status_code == 303
    assert re.fullmatch(r"/orders/[\w-]{43}", response.location)
    text = Page(client, response.location).text
    assert "Thank you, Isla Reid." in text
    assert "2 × Haar Parka (Kelp / L) £496" in text
    assert "3 × Howff Tarp (Bracken) Pre-order £384" in text
    assert "Total (including delivery) £904" in text
    assert "2 Shore Road Cromarty isla@example.com" in text
    assert "Your cart is empty" in Page(client, "/cart").text
    # sold out, not tracked, and owed to pre-orders
    assert [stock.of(sku) for sku in ("HAAR-KEL-L", "STEEK-01", "HOWF-BRA")] == [0, None, -3]


def test_order_of_more_than_are_in_stock_is_a_pre_order(client: FlaskClient, stock: Stock) -> None:
    stock.set("HOWF-BRA", 2)
    add_to_cart(client, HOWF_BRA=2)
    assert "Pre-order" not in Page(client, "/cart").text
    add_to_cart(client, HOWF_BRA=3)
    assert "Pre-order" in Page(client, "/cart").text

    order = place_order(client).location

    assert stock.of("HOWF-BRA") == -3
    for page in (order, "/merchant"):
        assert "5 × Howff Tarp (Bracken) Pre-order £640" in Page(client, page).text


class PaymentOnAnotherSite:
    """A provider that is owed money until `paid`."""

    paid = False

    def is_due(self, order: Order) -> bool:
        return not self.paid

    def start(self, order: Order) -> str:
        return f"https://pay.example/{order.reference}?amount={order.total:.2f}"


def test_payment_provider_is_linked_until_the_order_is_paid(
    client: FlaskClient, app: Flask
) -> None:
    add_to_cart(client, STEEK_01=1)
    for path, count in {"/checkout": 2, "/terms": 2}.items():
        assert Page(client, path).text.lower().count("you won’t be charged") == count
    payment = app.config["PAYMENT"] = PaymentOnAnotherSite()

    order = place_order(client).location

    add_to_cart(client, STEEK_01=1)
    for path in ("/checkout", "/terms", order):
        assert "you won’t be charged" not in Page(client, path).text.lower()
    assert "Please pay to complete it. Pay now" in Page(client, order).text
    started = client.get(f"{order}/pay")
    assert (started.status_code, started.location) == (
        303,
        f"https://pay.example/{order.rpartition('/')[2]}?amount=24.00",
    )
    payment.paid = True
    assert "is confirmed" in Page(client, order).text
    assert client.get(f"{order}/pay").location == order


@pytest.mark.parametrize(
    ("typed", "erased_contact"),
    [
        ("Isla@München.example.com", "isla@xn--mnchen-3ya.example.com"),
        # a domain that IDNA 2003 doesn't allow
        ("Isla@faß.example.com", "isla@xn--fa-hia.example.com"),
    ],
)
def test_erase_removes_a_shopper_from_the_orders(
    client: FlaskClient, app: Flask, typed: str, erased_contact: str
) -> None:
    """Items and total stay in the erased shopper's order; another shopper's order is unchanged."""
    orders = []
    for email in (typed, "bob@example.com"):
        add_to_cart(client, DREI_MIL=1)
        orders.append(place_order(client, email=email).location)

    command = ["notify-me", "erase", erased_contact]
    output = app.test_cli_runner().invoke(args=command).output

    assert "removed name, email and address from 1 order" in output
    erased, kept = (Page(client, order).text for order in orders)
    assert "Isla" not in erased
    assert "2 Shore Road" not in erased
    assert "Total (including delivery)" in erased
    assert "2 Shore Road Cromarty bob@example.com" in kept


def test_invalid_details_are_reported_beside_their_fields(client: FlaskClient, app: Flask) -> None:
    add_to_cart(client, DREI_MIL=1)

    response = place_order(client, name=" ", email="isla@", address="2 Shore Road <b>")

    assert response.status_code == 422
    assert "Enter your name." in response.text
    assert "Enter a full email address" in response.text
    assert 'value="isla@"' in response.text
    assert "2 Shore Road &lt;b&gt;" in response.text
    assert response.text.count('aria-invalid="true"') == 2
    assert 'aria-describedby="email-error"' in response.text
    assert count_orders(app) == 0


def test_details_that_are_too_long_are_explained_in_the_pages_language(
    client: FlaskClient,
) -> None:
    """WTForms' own message for this has no Arabic translation."""
    add_to_cart(client, DREI_MIL=1)

    response = client.post("/checkout?lang=ar", data={**SHOPPER, "name": "x" * 121})

    assert "الحد الأقصى لعدد الأحرف: 120." in response.text


def test_missing_stock_prevents_the_whole_order(
    client: FlaskClient, app: Flask, stock: Stock
) -> None:
    add_to_cart(client, HAAR_KEL_L=2, DREI_MIL=1)
    form = reference(client.get("/checkout").text)
    stock.set("HAAR-KEL-L", 1)

    response = client.post("/checkout", data={"reference": form, **SHOPPER})

    assert response.status_code == 409
    assert "Haar Parka (Kelp / L): only 1 left." in text_of(response.text)
    assert 'value="Isla Reid"' in response.text
    assert (stock.of("HAAR-KEL-L"), stock.of("DREI-MIL")) == (1, 40)
    assert count_orders(app) == 0


def test_order_is_placed_only_as_shown_on_the_page(client: FlaskClient, app: Flask) -> None:
    def place(page: str) -> TestResponse:
        return client.post("/checkout", data={**hidden_fields(page), **SHOPPER})

    add_to_cart(client, DREI_MIL=1)
    page = client.get("/checkout").text
    assert "Place order · £14" in page
    # in another tab
    add_to_cart(client, HAAR_KEL_M=1)

    more = place(page)
    # another size at the same price
    client.post("/cart", data={"sku": "HAAR-KEL-M", "quantity": "0", "set": "1"})
    add_to_cart(client, HAAR_KEL_L=1)
    swapped = place(more.text)

    for response in (more, swapped):
        assert response.status_code == 409
        assert "Your order has changed. Please check it, and place it again." in response.text
        assert "Place order · £262" in response.text
    assert count_orders(app) == 0
    order = Page(client, place(swapped.text).location)
    assert "Haar Parka (Kelp / L) £248" in order.text
    assert "Total (including delivery) £262" in order.text


def test_form_sent_twice_makes_one_order(client: FlaskClient, app: Flask, stock: Stock) -> None:
    """The second post may arrive with or without the cart's cookie."""
    add_to_cart(client, DREI_MIL=1)
    cookie = client.get_cookie("shop_cart")
    assert cookie is not None
    form = {"reference": reference(client.get("/checkout").text), **SHOPPER}
    first = client.post("/checkout", data=form)

    without_cart = client.post("/checkout", data=form)
    client.set_cookie("shop_cart", cookie.value)
    with_cart = client.post("/checkout", data=form)

    assert without_cart.location == first.location
    assert with_cart.location == first.location
    assert stock.of("DREI-MIL") == 39
    assert count_orders(app) == 1


def test_invalid_reference_is_replaced(client: FlaskClient, app: Flask) -> None:
    """A reference that can be guessed would let others read the order."""
    add_to_cart(client, DREI_MIL=1)

    response = client.post("/checkout", data={"reference": "1", **SHOPPER})

    assert response.status_code == 422
    assert "This page has expired" in response.text
    assert len(reference(response.text)) == 43
    assert count_orders(app) == 0


def test_checkout_with_an_empty_cart_redirects_to_it(reader: FlaskClient) -> None:
    assert reader.get("/checkout").location == "/cart"
    assert reader.post("/checkout", data=SHOPPER).location == "/cart"


def test_unknown_order_is_404(reader: FlaskClient) -> None:
    assert reader.get("/orders/" + "x" * 43).status_code == 404


def test_last_item_is_sold_once(app: Flask, stock: Stock) -> None:
    """Eight shoppers order the last item at once: one gets it, and seven are offered Notify me."""
    barrier = threading.Barrier(8)

    def shopper(url: str) -> requests.Response:
        with requests.Session() as session:
            session.post(f"{url}/cart", data={"sku": "GLASS-01"}, timeout=TIMEOUT)
            page = session.get(f"{url}/checkout", timeout=TIMEOUT)
            form = {"reference": reference(page.text), **SHOPPER}
            barrier.wait(TIMEOUT)
            return session.post(
                f"{url}/checkout", data=form, timeout=TIMEOUT, allow_redirects=False
            )

    with serve(app) as url, ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(shopper, [url] * 8))

    assert sorted(reply.status_code for reply in replies) == [303] + [409] * 7
    for reply in replies:
        if reply.status_code == 409:
            assert "The Falling Glass: sold out." in text_of(reply.text)
            assert "notify-me__button" in reply.text
    assert stock.of("GLASS-01") == 0
    assert count_orders(app) == 1


def test_merchant_sees_orders_newest_first(client: FlaskClient) -> None:
    """Stock and orders lists each order with its lines and total, and a link to its page."""
    assert "Orders No orders yet." in Page(client, "/merchant").text
    add_to_cart(client, DREI_MIL=2, STEEK_01=1, HOWF_BRA=1)
    place_order(client)
    add_to_cart(client, HAAR_KEL_L=1)
    newest = place_order(client, name="Ewan Muir").location

    page = Page(client, "/merchant")

    text = page.text.split(" Orders ", 1)[1]
    assert text.index("Order #2 Ewan Muir") < text.index("Order #1 Isla Reid")
    assert "1 × Haar Parka (Kelp / L) £248 Total £248" in text
    assert "1 × A Steek in Time £24 1 × Howff Tarp (Bracken) Pre-order £128 Total" in text
    assert f'href="{newest}">Order #2</a>' in page.html
