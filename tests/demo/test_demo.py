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
from werkzeug.security import generate_password_hash

from demo import tour
from storefront import db
from storefront.base.loopback import FORWARDED
from storefront.base.models import Product, ProductVariant
from tests.storefront.conftest import close, make_shop
from tests.storefront.page import Page, Stock, words
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
    assert "HttpOnly" in response.headers["Set-Cookie"]
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
    assert "HttpOnly" in begun.headers["Set-Cookie"]
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


def test_a_tour_outlives_the_stand_ins_memory(client: FlaskClient, sandbox: Sandbox) -> None:
    """One that was started anew counts its requests from 1 again: the tour goes on all the same."""
    client.post(FORM, data=TYPED)
    client.post("/demo/tour")
    client.post("/demo/tour", data={"step": "2"})
    assert "Klaviyo’s answer" not in panel(client)
    cookie = client.get_cookie("shop_tour")
    assert cookie is not None
    with client.application.app_context():
        begun = tour._serializer().loads(cookie.value)
        later = tour._serializer().dumps(begun | {"request": 900, "message": 900})
    client.set_cookie("shop_tour", later)
    client.post(FORM, data=TYPED | {"email": "bea@lovelace.dev"})

    assert "Klaviyo’s answer was 202" in panel(client)


@pytest.mark.parametrize("here", ["javascript:alert(1)", "https://evil.example/", "//evil.example"])
def test_the_panel_alone_links_to_no_other_place(client: FlaskClient, here: str) -> None:
    """What an address says about the page is checked there, too."""
    client.post("/demo/tour")
    client.post("/demo/tour", data={"step": "6"})
    reply = client.get("/demo/tour", query_string={"here": here})

    assert "look again" in reply.text
    assert 'href="/"' in reply.text
    assert here not in reply.text
    assert reply.headers["Cache-Control"] == "private, no-store"


def test_the_panel_shows_no_key_and_no_markup(
    client: FlaskClient, app: Flask, sandbox: Sandbox
) -> None:
    """Whatever a product is called or a request held."""
    with app.app_context():
        db.session.execute(sa.update(Product).values(title="<script>alert(1)</script>" * 4))
        db.session.commit()
    client.post("/demo/tour")
    client.post(FORM, data=TYPED)
    for step in "1234567":
        client.post("/demo/tour", data={"step": step})
        page = client.get(HAT).text
        assert "<script>alert" not in page
        assert str(app.config["KLAVIYO_PRIVATE_KEY"]) not in page
        assert app.extensions["notify_me"].account.private_key.get_secret_value() not in page


def test_without_a_database_the_page_and_the_bar_stand(client: FlaskClient, app: Flask) -> None:
    """An error page has the bar, without the tour that can't be told."""
    client.post("/demo/tour")
    app.config["PROPAGATE_EXCEPTIONS"] = False
    with app.app_context():
        for table in ("shop_variant", "shop_product"):
            db.session.execute(sa.text(f"ALTER TABLE {table} RENAME TO {table}_away"))
        db.session.commit()
    reply = client.get(HAT)

    assert reply.status_code >= 500
    assert 'class="demo"' in reply.text
    assert 'class="tour"' not in reply.text


def test_a_password_guards_what_is_the_merchants(
    tmp_path: Path, filled: Path, sandbox: Sandbox
) -> None:
    """Where one is set, a reset asks for it; the visitor's own switch doesn't."""
    shutil.copy(filled, tmp_path / "guarded.db")
    hashed = generate_password_hash("four words of rain", method="pbkdf2:sha256:1")
    app = make_shop(
        tmp_path / "guarded.db",
        **sandbox.environ(),
        SANDBOX_URL=sandbox.url,
        MERCHANT_PASSWORD_HASH=hashed,
    )
    client, shelf = app.test_client(), Stock(app)
    shelf.set("BLAT-S", 5)

    for send in (client.get, client.post):
        assert "/merchant/login" in send("/demo/reset").headers["Location"]
    assert shelf.of("BLAT-S") == 5
    client.post("/demo/mode", data={"mode": "client"})
    assert 'value="client" aria-pressed="true"' in client.get(HAT).text
    client.post("/merchant/login", data={"password": "four words of rain"})
    client.post("/demo/reset")
    assert shelf.of("BLAT-S") == 0
    close(app)
