"""The demo's bar: for visitors on this machine alone, who get a mode and a tour of their own."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from storefront import db
from storefront.loopback import FORWARDED
from storefront.models import ProductVariant
from tests.storefront.conftest import close, make_shop
from tests.storefront.shop import Page, Stock, words
from tests.support import Sandbox

HAT = "/products/blatter-souwester?variant=BLAT-S"
FORM = "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3ABLAT-S"
TYPED = {"channels": "EMAIL", "email": "ada@lovelace.dev"}


@pytest.fixture
def app(tmp_path: Path, filled: Path, sandbox: Sandbox) -> Iterator[Flask]:
    """A demo shop beside its stand-in for Klaviyo."""
    shutil.copy(filled, tmp_path / "shop.db")
    app = make_shop(tmp_path / "shop.db", **sandbox.environ(), SANDBOX_URL=sandbox.url)
    yield app
    close(app)


def panel(client: FlaskClient, page: str = HAT) -> str:
    """What the tour says."""
    return words(re.findall(r'<section class="tour".*?</section>', client.get(page).text, re.S)[0])


def test_nobody_else_sees_the_bar(client: FlaskClient) -> None:
    """Through a proxy, or by another name, a page is just the shop's, and the addresses are 404."""
    assert 'class="demo"' in client.get(HAT).text
    strangers = [{name: "1.2.3.4"} for name in FORWARDED] + [{"Host": "shop.example"}]
    for headers in strangers:
        response = client.get(HAT, headers=headers)
        assert 'class="demo"' not in response.text
        assert "Set-Cookie" not in response.headers
        for path in ("/demo/mode", "/demo/tour", "/demo/reset"):
            assert client.post(path, data={"mode": "client"}, headers=headers).status_code == 404
    client.application.config["DEMO"] = False
    assert 'class="demo"' not in client.get(HAT).text


def test_the_mode_is_switched_for_one_visitor(app: Flask) -> None:
    """Who switches gets the calls for their browser, with a policy that lets them out, and comes
    back to where they were; the next visitor's sign-up goes by the server.
    """
    mine, other = app.test_client(), app.test_client()
    response = mine.post("/demo/mode", data={"mode": "client", "here": HAT})

    assert (response.status_code, response.headers["Location"]) == (303, HAT)
    klaviyo = app.config["KLAVIYO_API_URL"]
    for visitor, state, allowed in ((mine, "send", True), (other, "done", False)):
        reply = visitor.post(FORM, data=TYPED, headers={"X-Notify-Me": "1"}).json
        assert reply is not None
        assert reply["state"] == state
        page = visitor.get(HAT)
        assert (klaviyo in page.headers["Content-Security-Policy"]) is allowed
        pressed = re.findall(r'value="(\w+)" aria-pressed="true"', page.text)
        assert pressed == ["client" if allowed else "server"]


def test_without_both_keys_there_is_no_switch(tmp_path: Path, filled: Path) -> None:
    """A mode whose key isn't set isn't offered, and can't be had."""
    shutil.copy(filled, tmp_path / "one.db")
    app = make_shop(tmp_path / "one.db", KLAVIYO_PUBLIC_KEY="")
    client = app.test_client()

    assert "Klaviyo is called by" not in client.get(HAT).text
    assert client.post("/demo/mode", data={"mode": "client"}).status_code == 404
    assert client.post("/demo/mode", data={"mode": "nonsense"}).status_code == 404
    close(app)


@pytest.mark.parametrize("path", ["/demo/mode", "/demo/tour", "/demo/reset"])
def test_other_sites_press_no_button(client: FlaskClient, path: str) -> None:
    """A form on another page is refused, and changes nothing."""
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    response = client.post(path, data={"mode": "client"}, headers=headers)

    assert response.status_code == 403
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("here", ["//evil.example", "https://evil.example", "/\\evil.example", ""])
def test_the_way_back_stays_in_the_shop(client: FlaskClient, here: str) -> None:
    """An address of another host isn't followed."""
    response = client.post("/demo/mode", data={"mode": "client", "here": here})

    assert response.headers["Location"] == "/"


def test_the_tour_tells_only_what_happened(client: FlaskClient, stock: Stock) -> None:
    """It begins at what is sold out, and goes on when there is something to go on with."""
    begun = client.post("/demo/tour")
    assert begun.headers["Location"] == HAT
    assert "1 of 7 Sold out" in panel(client)

    client.post("/demo/tour", data={"step": "2"})
    assert "press Notify me" in panel(client)
    assert "Next" not in panel(client)

    client.post(FORM, data=TYPED)
    assert "Klaviyo’s answer was 202" in panel(client)
    assert "Next: the request" in panel(client)

    client.post("/demo/tour", data={"step": "4", "here": HAT})
    assert "ada@lovelace.dev" in panel(client)

    client.post("/demo/tour", data={"step": "7"})
    stock.set("BLAT-S", 5)
    assert "End the tour" not in panel(client)
    left = client.post("/demo/tour", data={"leave": "1", "here": HAT})
    assert left.headers["Location"] == HAT
    assert 'class="tour"' not in client.get(HAT).text


def test_a_failed_sign_up_is_told_as_one(client: FlaskClient, sandbox: Sandbox) -> None:
    """A drill: the tour says what Klaviyo answered, and waits for another try."""
    client.post("/demo/tour")
    client.post("/demo/tour", data={"step": "2"})
    sandbox.drill("401")
    client.post(FORM, data=TYPED)

    assert "Klaviyo answered 401" in panel(client)
    assert "Next" not in panel(client)


def test_the_tour_begins_at_what_is_sold_out_now(client: FlaskClient, app: Flask) -> None:
    """Best at a product of which nothing is left; else at a variant; else a reset is offered."""
    for sku in ("BLAT-S", "BLAT-L"):
        Stock(app).set(sku, 3)
    assert "haar-parka?variant=HAAR-OIL-M" in client.post("/demo/tour").headers["Location"]

    with app.app_context():
        db.session.execute(sa.update(ProductVariant).values(quantity=None))
        db.session.commit()
    assert client.post("/demo/tour").headers["Location"] == "/demo/reset"


def test_a_broken_cookie_is_no_tour(client: FlaskClient) -> None:
    """Whatever stands in it."""
    client.set_cookie("shop_tour", "nonsense")

    assert "Take the tour" in client.get(HAT).text


def test_reset_brings_back_the_start(client: FlaskClient, stock: Stock, sandbox: Sandbox) -> None:
    """Stock, orders, cart, mode, tour, sign-ups and the stand-in's record."""
    client.post("/demo/mode", data={"mode": "server"})
    client.post("/demo/tour")
    client.post(FORM, data=TYPED)
    client.post("/merchant", data={"sku": "BLAT-S", "quantity": "5"})
    client.post(FORM, data=TYPED)
    client.post("/cart", data={"sku": "BLAT-S", "quantity": "1"})
    assert "Reset the demo" in client.get("/demo/reset").text

    response = client.post("/demo/reset")

    assert response.status_code == 303
    assert sandbox.read("messages") == []
    assert sandbox.waiting() == []
    assert stock.of("BLAT-S") == 0
    told = {each["variant"]: each["quantity"] for each in sandbox.read("catalog")}
    assert told["$custom:::$default:::BLAT-S"] == 0
    assert "Nothing waits" in Page(client, "/merchant").text
    page = client.get(HAT)
    assert "Take the tour" in page.text
    assert "in it" not in words(page.text)


def test_a_stand_in_that_is_away_is_told(tmp_path: Path, filled: Path) -> None:
    """503 with what to do; nothing is reset by half."""
    shutil.copy(filled, tmp_path / "away.db")
    app = make_shop(tmp_path / "away.db", SANDBOX_URL="http://127.0.0.1:9")
    client, shelf = app.test_client(), Stock(app)
    shelf.set("BLAT-S", 5)

    for path in ("/demo/tour", "/demo/reset"):
        response = client.post(path)
        assert response.status_code == 503
        assert "doesn’t answer at http://127.0.0.1:9" in response.text
    assert shelf.of("BLAT-S") == 5
    close(app)


def test_a_real_account_is_nobodys_to_reset(tmp_path: Path, filled: Path) -> None:
    """Without a stand-in there is no tour, no reset, and no link to its pages."""
    shutil.copy(filled, tmp_path / "real.db")
    app = make_shop(tmp_path / "real.db")
    client = app.test_client()

    page = client.get(HAT).text
    assert "Merchant" in page
    assert "Take the tour" not in page
    assert "Mailbox" not in page
    assert client.get("/demo/reset").status_code == 404
    assert client.post("/demo/reset").status_code == 404
    assert client.post("/demo/tour").status_code == 404
    close(app)
