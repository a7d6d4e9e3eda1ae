"""The demo's toolbar and tour, which only visitors on this machine see."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.security import generate_password_hash

from storefront import db
from storefront.base.models import Product, ProductVariant
from storefront.base.visitor import FORWARDED_HEADERS
from tests.notify_me.running_shop import Postgres
from tests.sites import load_catalog
from tests.storefront.conftest import close, make_shop
from tests.storefront.merchant.test_waiting import add_past_sign_ups
from tests.storefront.page import Page, Stock, text_of
from tests.support import Sandbox

HAT = "/products/blatter-souwester?variant=BLAT-S"
FORM = "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3ABLAT-S"
TYPED = {"channels": "EMAIL", "email": "ada@lovelace.dev"}


@pytest.fixture
def app(tmp_path: Path, catalog_db: Path, sandbox: Sandbox) -> Iterator[Flask]:
    """A demo shop that uses the sandbox."""
    shutil.copy(catalog_db, tmp_path / "shop.db")
    app = make_shop(tmp_path / "shop.db", **sandbox.environ(), SANDBOX_URL=sandbox.url)
    yield app
    close(app)


def panel(client: FlaskClient, page: str = HAT) -> str:
    """Return the text of the tour's panel."""
    return text_of(
        re.findall(r'<section class="tour".*?</section>', client.get(page).text, re.S)[0]
    )


def test_strangers_see_no_toolbar(client: FlaskClient) -> None:
    """Through a proxy, or under another host name, there is neither a toolbar nor `/demo/…`."""
    assert 'class="demo"' in client.get(HAT).text
    strangers = [{name: "1.2.3.4"} for name in FORWARDED_HEADERS] + [{"Host": "shop.example"}]
    for headers in strangers:
        response = client.get(HAT, headers=headers)
        assert 'class="demo"' not in response.text
        assert "Set-Cookie" not in response.headers
        for path in ("/demo/mode", "/demo/tour", "/demo/welcome", "/demo/reset"):
            assert client.post(path, data={"mode": "client"}, headers=headers).status_code == 404
    client.application.config["DEMO"] = False
    assert 'class="demo"' not in client.get(HAT).text


def test_mode_is_switched_for_one_visitor(app: Flask) -> None:
    """In client mode, this visitor's browser sends the sign-ups, and the security policy allows its
    calls to Klaviyo. Another visitor stays in server mode.
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


def test_without_both_keys_there_is_no_mode_switch(tmp_path: Path, catalog_db: Path) -> None:
    shutil.copy(catalog_db, tmp_path / "one.db")
    app = make_shop(tmp_path / "one.db", KLAVIYO_PUBLIC_KEY="")
    client = app.test_client()

    assert "Call Klaviyo from" not in client.get(HAT).text
    assert client.post("/demo/mode", data={"mode": "client"}).status_code == 404
    assert client.post("/demo/mode", data={"mode": "nonsense"}).status_code == 404
    close(app)


@pytest.mark.parametrize("path", ["/demo/mode", "/demo/tour", "/demo/reset"])
def test_forms_on_other_sites_are_refused(client: FlaskClient, path: str) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    response = client.post(path, data={"mode": "client"}, headers=headers)

    assert response.status_code == 403
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("here", ["//evil.example", "https://evil.example", "/\\evil.example", ""])
def test_redirect_never_leaves_the_shop(client: FlaskClient, here: str) -> None:
    response = client.post("/demo/mode", data={"mode": "client", "here": here})

    assert response.headers["Location"] == "/"


def test_tour_shows_only_what_has_happened(client: FlaskClient, sandbox: Sandbox) -> None:
    """The tour begins at a sold-out product, and shows each step only after the sign-up or restock
    before it has really happened.
    """
    begun = client.post("/demo/tour")
    assert begun.headers["Location"] == HAT
    assert "HttpOnly" in begun.headers["Set-Cookie"]
    assert "1 of 4 Sign up" in panel(client)
    assert "Restock 5" not in panel(client)

    client.post(FORM, data=TYPED)
    assert "2 of 4 Restock" in panel(client)
    assert "ada@lovelace.dev" in panel(client)
    assert "POST /api/" not in panel(client)
    client.post("/demo/tour", data={"developer": "1"})
    assert "POST /api/back-in-stock-subscriptions" in panel(client)

    # a message that isn't sent immediately
    sandbox.set("flow", status="manual")
    assert client.post("/demo/tour", data={"restock": "1"}).headers["Location"] == HAT
    assert "Waiting for the alert" in panel(client)
    sandbox.set("flow", status="live")
    assert "Shop now" not in panel(client)

    left = client.post("/demo/tour", data={"leave": "1", "here": HAT})
    assert left.headers["Location"] == HAT
    assert 'class="tour"' not in client.get(HAT).text


def test_message_in_the_tour_is_the_real_one(client: FlaskClient, sandbox: Sandbox) -> None:
    client.post("/demo/tour")
    client.post(FORM, data=TYPED)
    client.post("/demo/tour", data={"restock": "1"})

    shown = panel(client)
    [message] = sandbox.read("messages")
    assert message["title"] in shown
    assert re.search(r"arrived in (less than a second|[\d.]+ seconds)", shown)
    client.post("/demo/tour", data={"open": "1"})
    assert "4 of 4 The sale" in panel(client)
    client.post("/cart", data={"sku": "BLAT-S", "quantity": "1"})
    assert 'value="ada@lovelace.dev"' in client.get("/checkout").text


def test_first_visit_has_a_card(client: FlaskClient) -> None:
    """A card on the listing explains the demo until the visitor dismisses the card or takes the
    tour.
    """
    card = "See back-in-stock alerts in 3 minutes"
    assert card in client.get("/").text
    assert card not in client.get(HAT).text
    client.post("/demo/welcome")
    page = client.get("/").text
    assert card not in page
    assert "Take the tour" in page


def test_product_that_came_back_before_the_sign_up(client: FlaskClient, stock: Stock) -> None:
    client.post("/demo/tour")
    stock.set("BLAT-S", 5)
    assert "in stock again" in panel(client)
    again = client.post("/demo/tour", data={"begin": "1"})
    assert again.headers["Location"] == "/products/haar-parka?variant=HAAR-OIL-M"


def test_tour_shows_a_failed_sign_up(client: FlaskClient, sandbox: Sandbox) -> None:
    client.post("/demo/tour")
    sandbox.drill("401")
    client.post(FORM, data=TYPED)

    assert "Klaviyo returned error 401" in panel(client)
    assert "1 of 4" in panel(client)


def test_tour_begins_at_a_sold_out_variant(client: FlaskClient, app: Flask) -> None:
    """The tour prefers a completely sold-out product. If nothing is sold out, it offers a reset."""
    for sku in ("BLAT-S", "BLAT-L"):
        Stock(app).set(sku, 3)
    assert "haar-parka?variant=HAAR-OIL-M" in client.post("/demo/tour").headers["Location"]
    client.delete_cookie("shop_tour")

    with app.app_context():
        db.session.execute(sa.update(ProductVariant).values(quantity=None))
        db.session.commit()
    assert client.post("/demo/tour").headers["Location"] == "/demo/reset"


def test_tour_of_an_imported_shop(
    app: Flask, client: FlaskClient, sandbox: Sandbox, tmp_path: Path
) -> None:
    """The tour works from sign-up to alert, although the sandbox only has the sample products."""
    pytest.importorskip("storefront.importing")
    products = tmp_path / "products.csv"
    products.write_text(
        "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Inventory Qty,"
        "Variant Inventory Tracker\n"
        "cap,Wool Cap,Colour,Red,CAP-R,39,0,shopify\ncap,,,Blue,CAP-B,39,0,shopify\n",
        encoding="utf-8",
    )
    app.config["SHOP_URL"] = "http://localhost"
    with app.app_context():
        for command in (["push-catalog"], ["import-catalog", str(products)]):
            result = app.test_cli_runner().invoke(args=["storefront", *command])
            assert result.exit_code == 0, result.output

    page = client.post("/demo/tour").headers["Location"]
    assert page == "/products/cap?variant=CAP-R"
    client.post(FORM.replace("BLAT-S", "CAP-R"), data=TYPED)
    assert "2 of 4" in panel(client, page)
    client.post("/merchant", data={"sku": "CAP-R", "quantity": "5"})
    assert "5 in stock, and the alert arrived in" in panel(client, page)
    assert "Wool Cap (Red)" in panel(client, page)


def test_restock_without_tracked_stock_shows_no_number(client: FlaskClient) -> None:
    """The merchant may tick "Don't track stock" instead of entering a quantity."""
    client.post("/demo/tour")
    client.post(FORM, data=TYPED)
    client.post("/merchant", data={"sku": "BLAT-S", "quantity": "", "unmanaged": "1"})

    assert "Back in stock, and the alert arrived in" in panel(client, HAT)


def test_invalid_cookie_is_ignored(client: FlaskClient) -> None:
    client.set_cookie("shop_tour", "nonsense")

    assert "Take the tour" in client.get(HAT).text


def test_reset_restores_everything(
    app: Flask, client: FlaskClient, stock: Stock, sandbox: Sandbox
) -> None:
    """A reset restores stock, orders, cart, mode, tour, sign-ups and the sandbox, and deletes what
    "Use in this shop" in the Studio has saved.
    """
    studio_file = Path(app.config["NOTIFY_ME_INSTANCE_CONFIG"])
    client.post("/demo/mode", data={"mode": "server"})
    client.post("/demo/tour")
    client.post(FORM, data=TYPED)
    client.post("/merchant", data={"sku": "BLAT-S", "quantity": "5"})
    client.post(FORM, data=TYPED)
    client.post("/cart", data={"sku": "BLAT-S", "quantity": "1"})
    studio_file.parent.mkdir()
    studio_file.write_text('[button]\nlabel = "Email me"\n')
    studio_file.with_suffix(".previous.toml").touch()
    assert "Reset the demo" in client.get("/demo/reset").text

    response = client.post("/demo/reset")

    assert response.status_code == 303
    # a tab forgets the sign-ups made in it
    assert response.headers["Clear-Site-Data"] == '"storage"'
    assert sandbox.read("messages") == []
    assert sandbox.waiting() == []
    assert stock.of("BLAT-S") == 0
    quantities = {row["variant"]: row["quantity"] for row in sandbox.read("catalog")}
    assert quantities["$custom:::$default:::BLAT-S"] == 0
    # only sample data is left
    assert "BLAT-S" not in Page(client, "/merchant/demand").html
    page = client.get(HAT)
    assert "Take the tour" in page.text
    assert "cart-link__count" not in page.text
    assert "Email me" not in page.text
    assert not list(studio_file.parent.iterdir())


def test_unavailable_sandbox_is_503(tmp_path: Path, catalog_db: Path) -> None:
    """If the sandbox is unavailable, a reset changes nothing."""
    shutil.copy(catalog_db, tmp_path / "unavailable.db")
    app = make_shop(tmp_path / "unavailable.db", SANDBOX_URL="http://127.0.0.1:9")
    client, stock = app.test_client(), Stock(app)
    stock.set("BLAT-S", 5)

    for path in ("/demo/tour", "/demo/reset"):
        response = client.post(path)
        assert response.status_code == 503
        assert "isn’t responding at http://127.0.0.1:9" in response.text
    assert stock.of("BLAT-S") == 5
    close(app)


@pytest.fixture
def other_program() -> Iterator[str]:
    """The URL of a program that responds to every request with JSON, but isn't the sandbox."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"requests": [1], "messages": {}}')

        do_POST = do_GET

        def log_message(self, *args: object) -> None:
            """Print nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_another_program_at_the_sandboxs_address(
    app: Flask, client: FlaskClient, stock: Stock, other_program: str
) -> None:
    """If another program responds instead of the sandbox, pages still work, and a reset changes
    nothing.
    """
    client.post("/demo/tour")
    app.config["SANDBOX_URL"] = other_program
    stock.set("BLAT-S", 5)

    assert "isn’t responding" in panel(client)
    for path in ("/demo/tour", "/demo/reset"):
        response = client.post(path, data={"begin": "1"})
        assert response.status_code == 503
        assert f"isn’t responding at {other_program}" in response.text
    assert stock.of("BLAT-S") == 5


def test_shop_with_a_klaviyo_account_has_no_tour_and_no_reset(
    tmp_path: Path, catalog_db: Path
) -> None:
    shutil.copy(catalog_db, tmp_path / "real.db")
    app = make_shop(tmp_path / "real.db")
    client = app.test_client()

    page = client.get(HAT).text
    assert 'href="/merchant/demand">Demand' in page
    assert "Take the tour" not in page
    assert "Mailbox" not in page
    assert client.get("/demo/reset").status_code == 404
    assert client.post("/demo/reset").status_code == 404
    assert client.post("/demo/tour").status_code == 404
    close(app)


def test_tour_continues_after_a_restart_of_the_sandbox(
    client: FlaskClient, sandbox: Sandbox
) -> None:
    """After a restart, the sandbox counts its requests from 1 again."""
    for email in ("ada@lovelace.dev", "bea@lovelace.dev"):
        client.post(FORM, data=TYPED | {"email": email})
    client.post("/demo/tour")
    assert "1 of 4" in panel(client)
    sandbox.reset()
    client.post(FORM, data=TYPED)

    assert "2 of 4" in panel(client)


@pytest.mark.parametrize("here", ["javascript:alert(1)", "https://evil.example/", "//evil.example"])
def test_panel_never_links_to_another_site(
    client: FlaskClient, sandbox: Sandbox, here: str
) -> None:
    client.post("/demo/tour")
    sandbox.set("flow", status="manual")
    client.post(FORM, data=TYPED)
    client.post("/demo/tour", data={"restock": "1"})
    reply = client.get("/demo/tour", query_string={"here": here})

    assert "check again" in reply.text
    assert 'href="/"' in reply.text
    assert here not in reply.text
    assert reply.headers["Cache-Control"] == "private, no-store"


def test_panel_contains_no_key_and_escapes_markup(client: FlaskClient, app: Flask) -> None:
    with app.app_context():
        db.session.execute(sa.update(Product).values(title="<script>alert(1)</script>" * 4))
        db.session.commit()
    client.post("/demo/tour")
    for path, data in (
        ("/demo/tour", {"developer": "1"}),
        (FORM, TYPED),
        ("/demo/tour", {"restock": "1"}),
        ("/demo/tour", {"open": "1"}),
    ):
        client.post(path, data=data)
        page = client.get(HAT).text
        assert "<script>alert" not in page
        assert str(app.config["KLAVIYO_PRIVATE_KEY"]) not in page
        assert app.extensions["notify_me"].account.private_key.get_secret_value() not in page


def test_error_page_without_a_database_has_the_toolbar(client: FlaskClient, app: Flask) -> None:
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


@pytest.mark.slow
def test_failed_query_of_the_toolbar_doesnt_affect_the_page_on_postgresql(
    tmp_path: Path, sandbox: Sandbox, postgres: Postgres
) -> None:
    """PostgreSQL refuses every query after one that failed, until the failed one is rolled back."""
    app = make_shop(
        tmp_path / "unused.db",
        **sandbox.environ(),
        DATABASE_URL=postgres.database("toolbar"),
        SANDBOX_URL=sandbox.url,
        NOTIFY_ME_MERCHANT__MANY_WAITING="1",
    )
    load_catalog(app)
    add_past_sign_ups(app, "BLAT-S", "ada")
    client = app.test_client()
    client.post("/demo/tour")
    with app.app_context(), db.engine.begin() as connection:
        # the tour and the note about sample data read this table
        connection.execute(sa.text("ALTER TABLE shop_order RENAME TO shop_order_away"))

    page = client.get("/merchant/deliveries")
    close(app)

    assert page.status_code == 200
    assert "Many shoppers are waiting" in page.text


def test_reset_requires_the_merchants_password(
    tmp_path: Path, catalog_db: Path, sandbox: Sandbox
) -> None:
    """Switching the mode needs no password, since it only affects one visitor."""
    shutil.copy(catalog_db, tmp_path / "guarded.db")
    hashed = generate_password_hash("four words of rain", method="pbkdf2:sha256:1")
    app = make_shop(
        tmp_path / "guarded.db",
        **sandbox.environ(),
        SANDBOX_URL=sandbox.url,
        MERCHANT_PASSWORD_HASH=hashed,
    )
    client, stock = app.test_client(), Stock(app)
    stock.set("BLAT-S", 5)

    client.post("/demo/tour")
    restock = client.post("/demo/tour", data={"restock": "1"})
    assert "/merchant/login" in restock.headers["Location"]
    for send in (client.get, client.post):
        assert "/merchant/login" in send("/demo/reset").headers["Location"]
    assert stock.of("BLAT-S") == 5
    client.post("/demo/mode", data={"mode": "client"})
    assert 'value="client" aria-pressed="true"' in client.get(HAT).text
    client.post("/merchant/login", data={"password": "four words of rain"})
    client.post("/demo/reset")
    assert stock.of("BLAT-S") == 0
    close(app)
