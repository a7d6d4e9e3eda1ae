"""Stock changes are sent to Klaviyo, which then notifies the waiting shoppers."""

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
    """A demo shop with the sandbox."""
    shutil.copy(catalog_db, tmp_path / "shop.db")
    app = make_shop(tmp_path / "shop.db", **sandbox.environ(), SHOP_URL="https://smirr.example")
    yield app
    close(app)


def set_stock(client: FlaskClient, quantity: str, sku: str = "BLAT-S") -> Page:
    """Set stock on the merchant's page, and follow the redirect."""
    response = client.post("/merchant", data={"sku": sku, "quantity": quantity})
    assert response.status_code == 303
    return Page(client, response.headers["Location"])


def test_restock_on_the_merchant_page_sends_the_message(
    client: FlaskClient, sandbox: Sandbox
) -> None:
    client.post(FORM, data=TYPED)
    assert len(sandbox.waiting()) == 1

    assert "BLAT-S: stock updated to 5. Klaviyo has been updated." in set_stock(client, "5").text

    assert sandbox.waiting() == []
    [message] = sandbox.read("messages")
    assert message["to"] == "ada@lovelace.dev"
    assert message["url"] == ("https://smirr.example/products/blatter-souwester?variant=BLAT-S")
    assert "Klaviyo has been updated." in set_stock(client, "0").text
    assert sandbox.requests()[-1]["method"] == "PATCH"


def test_failed_update_is_reported(client: FlaskClient, sandbox: Sandbox) -> None:
    """The stock is set even if Klaviyo is down or rejects the update."""
    for kind, message in (
        ("503", "The update is queued"),
        ("403", "is rejecting the shop’s key or settings"),
        ("415", "rejected the update"),
    ):
        sandbox.drill(kind)
        page = set_stock(client, "5")
        assert "BLAT-S: stock updated to 5." in page.text
        assert message in page.text
    deliveries = Page(client, "/merchant/deliveries").text
    assert "2 stock updates queued." in deliveries


def test_text_in_the_url_is_not_shown(client: FlaskClient) -> None:
    page = Page(client, "/merchant?set=BLAT-S&klaviyo=Pay+here")
    assert "Pay here" not in page.text


def test_order_queues_stock_updates(client: FlaskClient, sandbox: Sandbox) -> None:
    """One update is queued for each variant with tracked stock. The shopper doesn't wait for
    Klaviyo.
    """
    client.post("/cart", data={"sku": "DREI-MIL", "quantity": "2"})
    client.post("/cart", data={"sku": "STEEK-01", "quantity": "1"})
    form = client.get("/checkout").text
    reference = form.split('name="reference"')[1].split('value="')[1].split('"')[0]
    details = {"reference": reference, "name": "Ada", "email": "a@b.dev", "address": "1 Rain Row"}
    assert client.post("/checkout", data=details).status_code == 303

    assert sandbox.requests() == []
    assert "1 stock update queued." in Page(client, "/merchant/deliveries").text


@pytest.mark.parametrize("path", ["/merchant", "/checkout"])
def test_stock_and_its_update_are_one_transaction(
    client: FlaskClient, stock: Stock, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """If the update can't be queued, the stock isn't changed and no order is placed."""
    client.post("/cart", data={"sku": "DREI-MIL", "quantity": "1"})
    reference = client.get("/checkout").text.split('name="reference"')[1].split('value="')[1][:43]
    before = stock.of("DREI-MIL")

    def full(*_: object, **__: object) -> None:
        raise OperationalError("", None, Exception("full"))

    monkeypatch.setattr("notify_me.delivery.queue.Queue.enqueue", full)
    details = {"reference": reference, "name": "Ada", "email": "a@b.dev", "address": "1 Rain Row"}
    client.application.config["PROPAGATE_EXCEPTIONS"] = False
    form = {"sku": "DREI-MIL", "quantity": "99"} if path == "/merchant" else details
    assert client.post(path, data=form).status_code >= 500

    assert stock.of("DREI-MIL") == before
    assert client.get(f"/orders/{reference}").status_code == 404


def test_restock_command(app: Flask, stock: Stock, sandbox: Sandbox) -> None:
    run = app.test_cli_runner().invoke
    result = run(args=["storefront", "restock", "BLAT-S", "5"])
    assert result.output == "BLAT-S: 5 in stock. Klaviyo has been updated.\n"
    assert result.exit_code == 0
    assert stock.of("BLAT-S") == 5

    sandbox.drill("403")
    result = run(args=["storefront", "restock", "BLAT-S", "6"])
    assert "catalogs:write" in result.output

    unknown = run(args=["storefront", "restock", "BLAT-X", "5"])
    assert unknown.exit_code == 1
    assert "The shop has no variant BLAT-X. Did you mean BLAT-" in unknown.output
    for quantity in ("-1", "many", "1000000"):
        assert run(args=["storefront", "restock", "--", "BLAT-S", quantity]).exit_code == 2
    assert stock.of("BLAT-S") == 6


def test_restock_command_needs_shop_url(app: Flask, stock: Stock) -> None:
    app.config["SHOP_URL"] = None
    result = app.test_cli_runner().invoke(args=["storefront", "restock", "BLAT-S", "5"])

    assert result.exit_code == 2
    assert "SHOP_URL is not set" in result.output
    assert stock.of("BLAT-S") == 0
