"""Who is waiting for an alert, and who bought after one: demand, stock page, banner and log."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from notify_me import Channel, CompositeID, admin
from storefront import db
from storefront.base.models import Import, ProductVariant
from storefront.merchant import charts
from tests.demand import PREFIX
from tests.storefront.conftest import close, make_shop
from tests.storefront.merchant.test_demand import rows, sign_up
from tests.storefront.page import Page, Stock, text_of

DEMAND = "/merchant/demand"


@pytest.fixture
def app(tmp_path: Path, catalog_db: Path, request: pytest.FixtureRequest) -> Iterator[Flask]:
    """A shop with the settings in the test's parameter `settings`, if it has one."""
    shutil.copy(catalog_db, tmp_path / "shop.db")
    mark = request.node.get_closest_marker("parametrize")
    settings = request.node.callspec.params.get("settings", {}) if mark else {}
    app = make_shop(tmp_path / "shop.db", **settings)
    yield app
    close(app)


def add_past_sign_ups(app: Flask, sku: str, *people: str, days: float = 1, **more: Any) -> None:
    """Add email sign-ups that are `days` old."""
    variant = CompositeID.parse(f"{PREFIX}{sku}")
    at = datetime.now(UTC) - timedelta(days=days)
    with app.test_request_context():
        admin.import_sign_ups(
            admin.PastSignUp(at, [variant], [Channel.EMAIL], f"{name}@example.org", **more)
            for name in people
        )


def tiles(client: FlaskClient) -> dict[str, str]:
    """Return the numbers at the top of the demand page, by heading."""
    parts = Page(client, DEMAND).html.split('<div class="tile"><dt>')[1:]
    found = (part.split("</dt>") for part in parts)
    return {heading: text_of(rest.split("</div>")[0]) for heading, rest in found}


def order(client: FlaskClient, sku: str, email: str) -> None:
    """Order one unit of a variant."""
    client.post("/cart", data={"sku": sku, "quantity": "1"})
    page = client.get("/checkout").text
    reference = page.split('name="reference"')[1].split('value="')[1].split('"')[0]
    address = {"name": "Ada", "email": email, "address": "2 Shore Road"}
    assert client.post("/checkout", data={"reference": reference, **address}).status_code == 303


def test_people_waiting_and_potential_revenue(
    app: Flask, client: FlaskClient, stock: Stock
) -> None:
    """Someone who is waiting for two variants is one person but counts for the revenue of both. A
    variant in stock, a deleted variant and an alerted shopper don't distort the numbers.
    """
    add_past_sign_ups(app, "HAAR-OIL-M", "ada", "bob", days=2)
    add_past_sign_ups(app, "BLAT-S", "ada", days=9)
    add_past_sign_ups(app, "GONE", "cleo", days=5)
    add_past_sign_ups(app, "BLAT-S", "dora", alerted_at=datetime.now(UTC))
    add_past_sign_ups(app, "HAAR-KEL-M", "eve", days=20)

    shown = tiles(client)
    assert shown["People waiting"] == "3 now, for 3 variants"
    assert shown["Potential revenue"] == "£550 if everyone buys one"
    assert shown["Median wait"] == "5 days longest: 9 days"
    panel = Page(client, DEMAND).html.split('id="waiting"')[1].split("</table>")[0]
    assert text_of(panel.split("<tbody>")[1]) == (
        "Haar Parka (Oilskin / M) 2 £496 Blatter Sou’wester (Small) 1 £54 "
        f"{PREFIX}GONE No longer in the shop 1 –"
    )
    head, *lines = rows(client)
    csv = {line[1].removeprefix(PREFIX): dict(zip(head, line, strict=True)) for line in lines}
    parka = csv["HAAR-OIL-M"]
    assert [parka[key] for key in ("waiting", "price", "currency", "potential_revenue")] == [
        *("2", "248.00", "GBP", "496.00")
    ]
    assert csv["HAAR-KEL-M"]["waiting"] == "0"


def test_sale_after_an_alert(app: Flask, client: FlaskClient) -> None:
    """A restock ends the wait; an order of the same shopper for the same variant is a sale."""
    add_past_sign_ups(app, "BLAT-S", "ada", "bob")
    add_past_sign_ups(app, "DREI-PIL", "bob")
    assert tiles(client)["Bought after an alert"].startswith(
        "– nobody who signed up in this period"
    )

    client.post("/merchant", data={"sku": "BLAT-S", "quantity": "5"})
    order(client, "BLAT-S", "Ada@Example.org")
    order(client, "BLAT-S", "stranger@example.org")
    order(client, "DREI-MIL", "bob@example.org")

    shown = tiles(client)
    assert shown["Bought after an alert"] == "50% 1 of 2 shoppers, £54 in sales"
    assert shown["People waiting"] == "1 now, for 1 variant"


def test_sales_in_another_currency_are_not_added_up(app: Flask, client: FlaskClient) -> None:
    """After an import in another currency, earlier orders still have the old one."""
    add_past_sign_ups(app, "BLAT-S", "ada", "bob", alerted_at=datetime.now(UTC))
    client.post("/merchant", data={"sku": "BLAT-S", "quantity": "5"})
    order(client, "BLAT-S", "ada@example.org")
    with app.app_context():
        db.session.add(Import(file="export.csv", categories=[], currency="JPY"))
        db.session.execute(sa.update(ProductVariant).values(price=8000))
        db.session.commit()
    order(client, "BLAT-S", "bob@example.org")

    assert tiles(client)["Bought after an alert"] == "100% 2 of 2 shoppers, ¥8,000 in sales"


@pytest.mark.parametrize(
    ("settings", "rate"),
    [({"NOTIFY_ME_MERCHANT__SALE_DAYS": "9"}, "0%"), ({}, "100%")],
    ids=["within 9 days", "within 30 days"],
)
def test_an_order_counts_within_a_configurable_number_of_days(
    app: Flask, client: FlaskClient, settings: dict[str, str], rate: str
) -> None:
    add_past_sign_ups(app, "HAAR-KEL-M", "ada", days=10, alerted_at=datetime.now(UTC))

    order(client, "HAAR-KEL-M", "ada@example.org")

    assert tiles(client)["Bought after an alert"].startswith(rate)


def test_stock_page_says_who_is_notified(app: Flask, client: FlaskClient, stock: Stock) -> None:
    add_past_sign_ups(app, "BLAT-S", "ada", "bob")
    add_past_sign_ups(app, "BLAT-L", "ada")

    page = Page(client, "/merchant?product=blatter-souwester")
    row = "Sold out 2 Stock of BLAT-S Don’t track stock Save BLAT-S Restocking will notify up to 2"
    assert f"{row} people" in page.text
    assert "Save BLAT-L Restocking will notify up to 1 person" in page.text
    client.post("/merchant", data={"sku": "BLAT-S", "quantity": "5"})
    assert "notify up to 2" not in Page(client, "/merchant?product=blatter-souwester").text
    # sold out again, but these people have already been alerted
    client.post("/merchant", data={"sku": "BLAT-S", "quantity": "0"})
    assert "Sold out – Stock of BLAT-S" in Page(client, "/merchant?q=BLAT-S").text


def test_load_records_restocks(app: Flask, client: FlaskClient, stock: Stock) -> None:
    """Without the record, alerted shoppers would count as waiting the next time the variant sells
    out.
    """
    stock.set("HAAR-OIL-S", 0)
    add_past_sign_ups(app, "HAAR-OIL-S", "ada")
    result = app.test_cli_runner().invoke(args=["storefront", "load", "--stock"])
    assert result.exit_code == 0, result.output

    stock.set("HAAR-OIL-S", 0)

    assert tiles(client)["People waiting"].startswith("0 ")


@pytest.mark.parametrize("settings", [{"NOTIFY_ME_MERCHANT__MANY_WAITING": "2"}])
def test_many_waiting(
    app: Flask,
    client: FlaskClient,
    settings: dict[str, str],
    lines: list[str],
) -> None:
    """At the configured number of waiting shoppers, every page gets a banner, and one line is
    logged.
    """
    for number, people in enumerate(("ada", "bob", "cleo"), start=1):
        sign_up(client, "BLAT-S", f"{people}@example.org")
        for url in ("/merchant", DEMAND, "/merchant/deliveries"):
            page = Page(client, url)
            sentence = (
                f"{number} people are waiting for Blatter Sou’wester (Small) : £{54 * number} if"
            )
            assert (sentence in page.text) is (number >= 2)
    [line] = [line for line in lines if "waiting" in line]
    assert f"2 people are waiting for {PREFIX}BLAT-S" in line

    client.post("/merchant", data={"sku": "BLAT-S", "quantity": "5"})
    assert "waiting for Blatter" not in Page(client, "/merchant").text


def test_deliveries_page_shows_account_health(client: FlaskClient) -> None:
    sign_up(client, "BLAT-S", "ada@example.org")

    page = Page(client, "/merchant/deliveries")

    health = page.text.split("Account health Check Result ")[1].split("These results are")[0]
    assert health.startswith("Back-in-stock flow ")
    assert "Delivery OK Nothing is paused, and nothing needs to be retried." in health


def test_time_axis() -> None:
    """The axis ends today; the trend begins when there is a week to average."""
    week, month, quarter = (charts.column_chart([1] * days) for days in (7, 30, 90))
    assert [*week.ticks] == [0, 1, 2, 3, 4, 5, 6]
    assert [*month.ticks] == [1, 8, 15, 22, 29]
    assert [*quarter.ticks] == [5, 19, 33, 47, 61, 75, 89]
    assert week.trend == ""
    assert month.trend.startswith("65,0.00 75,0.00 ")
