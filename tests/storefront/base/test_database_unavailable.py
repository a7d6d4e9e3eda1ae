"""Without its database, the shop responds with its own 503 page, and logs one line per request."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import DataError

from storefront import db
from tests.notify_me.markup import view
from tests.storefront.conftest import close, make_shop
from tests.storefront.page import text_of

FORM = "/notify-me/$custom:::$default:::BLAT-S"
PAGES = [
    "/",
    "/?category=wear",
    "/products/haar-parka",
    "/sitemap.xml",
    "/feeds/catalog.json",
    "/orders/abc",
    "/merchant",
    "/merchant/demand",
    "/merchant/demand.csv",
    "/merchant/deliveries",
    FORM,
]
WITHOUT_QUERIES = ["/cart", "/robots.txt", "/terms", "/privacy", "/healthz", "/merchant/login"]


@pytest.fixture(params=["unreadable file", "stopped server"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """A shop whose SQLite file isn't a database, or whose PostgreSQL server isn't running."""
    (tmp_path / "shop.db").write_text("This is not a database. " * 100)
    url = "postgresql+psycopg://nobody@127.0.0.1:9/shop"
    more = {"DATABASE_URL": url} if request.param == "stopped server" else {}
    app = make_shop(tmp_path / "shop.db", **more)
    yield app
    close(app)


@pytest.fixture
def errors() -> Iterator[list[logging.LogRecord]]:
    """Collect the log records at ERROR and above."""
    records: list[logging.LogRecord] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = records.append  # type: ignore[method-assign,assignment]
    logging.getLogger().addHandler(handler)
    yield records
    logging.getLogger().removeHandler(handler)


@pytest.mark.parametrize(
    "command",
    ["notify-me push-catalog", "notify-me stock BLAT-S 3", "storefront push-catalog",
     "storefront restock BLAT-S 3", "storefront load"],
)  # fmt: skip
def test_commands_end_without_a_traceback(app: Flask, command: str) -> None:
    app.config["SHOP_URL"] = "https://shop.example"
    result = app.test_cli_runner().invoke(args=command.split())
    assert result.exit_code == 1
    assert "database reported an error (" in result.output


def test_pages_return_503(app: Flask, errors: list[logging.LogRecord]) -> None:
    client = app.test_client()
    for url in PAGES:
        errors.clear()
        response = client.get(url)
        assert (url, response.status_code) == (url, 503)
        assert "unavailable" in text_of(response.text) or "go through" in text_of(response.text)
        assert '<header class="masthead">' in response.text or "merchant" in url
        assert [record.exc_info for record in errors] == [None], url
    for url in WITHOUT_QUERIES:
        assert client.get(url).status_code in (200, 404), url


def test_value_that_the_database_cant_store_is_a_bad_request(
    tmp_path: Path, catalog_db: Path, errors: list[logging.LogRecord]
) -> None:
    """PostgreSQL refuses NUL characters. The database isn't at fault, so no error is logged."""
    shutil.copy(catalog_db, tmp_path / "shop.db")
    app = make_shop(tmp_path / "shop.db")

    def refuse(*_arguments: object) -> None:
        raise DataError("SELECT 1", {}, ValueError("text fields cannot contain NUL"))

    with app.app_context():
        sa.event.listen(db.engine, "before_cursor_execute", refuse)
    client = app.test_client()
    responses = [client.get("/products/%00"), client.post("/merchant", data={"sku": "\x00"})]
    close(app)

    for response in responses:
        assert response.status_code == 400
        assert "We couldn’t process your request." in text_of(response.text)
    assert errors == []


def test_shoppers_can_resubmit_their_input(app: Flask) -> None:
    client = app.test_client()
    cart = app.test_client()
    typed = {"variants": FORM.split("/")[-1], "channels": "EMAIL", "email": "isla@example.com"}

    page = client.post(FORM, data=typed)
    reply = client.post(FORM, data=typed, headers={"X-Notify-Me": "1"})
    order = cart.post("/cart", data={"sku": "DREI-MIL", "quantity": "2"})

    for response in (page, reply, order):
        assert (response.status_code, response.headers["Retry-After"]) == (503, "30")
    assert reply.json is not None
    assert reply.json["state"] == "failed"
    for root in (view(page), view(reply)):
        form = root.one("form", class_="notify-me__form")
        assert form["action"] == "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3ABLAT-S"
        sent = {field["name"]: field["value"] for field in form.all("input")}
        assert sent == typed
    for name, value in {"sku": "DREI-MIL", "quantity": "2"}.items():
        assert f'name="{name}" value="{value}"' in order.text
    assert ">Try again</button>" in order.text
