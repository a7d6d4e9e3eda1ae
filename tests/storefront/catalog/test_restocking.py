"""Stock that the shop changes reaches Klaviyo, and who waits gets word."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from tests.storefront.conftest import close, make_shop
from tests.storefront.page import Page, Stock
from tests.support import Sandbox

FORM = "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3ABLAT-S"
TYPED = {"channels": "EMAIL", "email": "ada@lovelace.dev"}


@pytest.fixture
def app(tmp_path: Path, catalog_db: Path, sandbox: Sandbox) -> Iterator[Flask]:
    """A demo shop beside its stand-in for Klaviyo."""
    shutil.copy(catalog_db, tmp_path / "shop.db")
    app = make_shop(tmp_path / "shop.db", **sandbox.environ(), SHOP_URL="https://smirr.example")
    yield app
    close(app)


def set_stock(client: FlaskClient, quantity: str, sku: str = "BLAT-S") -> Page:
    """Set it on the merchant's page, and follow to where that leads."""
    response = client.post("/merchant", data={"sku": sku, "quantity": quantity})
    assert response.status_code == 303
    return Page(client, response.headers["Location"])


def test_a_restock_in_the_back_room_sends_the_message(
    client: FlaskClient, sandbox: Sandbox
) -> None:
    """A real PATCH or POST; the waiting list is cleared, and the message links to the product."""
    client.post(FORM, data=TYPED)
    assert len(sandbox.waiting()) == 1

    assert "BLAT-S: stock updated to 5. Klaviyo has been updated." in set_stock(client, "5").text

    assert sandbox.waiting() == []
    [message] = sandbox.read("messages")
    assert message["to"] == "ada@lovelace.dev"
    assert message["url"] == ("https://smirr.example/products/blatter-souwester?variant=BLAT-S")
    assert "Klaviyo has been updated." in set_stock(client, "0").text
    assert sandbox.requests()[-1]["method"] == "PATCH"


def test_what_cant_reach_klaviyo_is_said(client: FlaskClient, sandbox: Sandbox) -> None:
    """An outage, a refusal, a key without the scope: the stock is set all the same."""
    for kind, words in (
        ("503", "The update is queued"),
        ("403", "rejects the shop’s key or settings"),
        ("415", "rejected the update"),
    ):
        sandbox.drill(kind)
        page = set_stock(client, "5")
        assert "BLAT-S: stock updated to 5." in page.text
        assert words in page.text
    waits = Page(client, "/merchant/deliveries").text
    assert "2 stock updates queued." in waits


def test_words_from_an_address_are_never_shown(client: FlaskClient) -> None:
    """Only a known outcome has words."""
    page = Page(client, "/merchant?set=BLAT-S&klaviyo=Pay+here")
    assert "Pay here" not in page.text


def test_an_order_leaves_word_for_the_worker(client: FlaskClient, sandbox: Sandbox) -> None:
    """Klaviyo isn't called while the shopper waits, and is told of each managed variant once."""
    client.post("/cart", data={"sku": "DREI-MIL", "quantity": "2"})
    client.post("/cart", data={"sku": "STEEK-01", "quantity": "1"})
    form = client.get("/checkout").text
    reference = form.split('name="reference"')[1].split('value="')[1].split('"')[0]
    typed = {"reference": reference, "name": "Ada", "email": "a@b.dev", "address": "1 Rain Row"}
    assert client.post("/checkout", data=typed).status_code == 303

    assert sandbox.requests() == []
    assert "1 stock update queued." in Page(client, "/merchant/deliveries").text


@pytest.mark.parametrize("path", ["/merchant", "/checkout"])
def test_no_change_of_stock_without_its_word_to_klaviyo(
    client: FlaskClient, stock: Stock, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """One commit: where the queue can't take it, nothing was set and nothing ordered."""
    client.post("/cart", data={"sku": "DREI-MIL", "quantity": "1"})
    reference = client.get("/checkout").text.split('name="reference"')[1].split('value="')[1][:43]
    before = stock.of("DREI-MIL")

    def full(*_: object, **__: object) -> None:
        raise OperationalError("", None, Exception("full"))

    monkeypatch.setattr("notify_me.delivery.queue.Queue.enqueue", full)
    typed = {"reference": reference, "name": "Ada", "email": "a@b.dev", "address": "1 Rain Row"}
    client.application.config["PROPAGATE_EXCEPTIONS"] = False
    given = {"sku": "DREI-MIL", "quantity": "99"} if path == "/merchant" else typed
    assert client.post(path, data=given).status_code >= 500

    assert stock.of("DREI-MIL") == before
    assert client.get(f"/orders/{reference}").status_code == 404


def test_the_restock_command(app: Flask, stock: Stock, sandbox: Sandbox) -> None:
    """One line of what happened; a SKU that isn't there changes nothing and names the nearest."""
    run = app.test_cli_runner().invoke
    told = run(args=["storefront", "restock", "BLAT-S", "5"])
    assert told.output == "BLAT-S: 5 in stock. Klaviyo has been updated.\n"
    assert told.exit_code == 0
    assert stock.of("BLAT-S") == 5

    sandbox.drill("403")
    told = run(args=["storefront", "restock", "BLAT-S", "6"])
    assert "catalogs:write" in told.output

    wrong = run(args=["storefront", "restock", "BLAT-X", "5"])
    assert wrong.exit_code == 1
    assert "The shop has no variant BLAT-X. Did you mean BLAT-" in wrong.output
    for bad in ("-1", "many", "1000000"):
        assert run(args=["storefront", "restock", "--", "BLAT-S", bad]).exit_code == 2
    assert stock.of("BLAT-S") == 6


def test_a_command_needs_the_shops_address(app: Flask, stock: Stock) -> None:
    """For the links of what Klaviyo is told: nothing is changed without it."""
    app.config["SHOP_URL"] = None
    told = app.test_cli_runner().invoke(args=["storefront", "restock", "BLAT-S", "5"])

    assert told.exit_code == 2
    assert "SHOP_URL is not set" in told.output
    assert stock.of("BLAT-S") == 0
