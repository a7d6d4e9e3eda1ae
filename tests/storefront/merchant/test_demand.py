"""`/merchant/demand`: what shoppers signed up for."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from storefront import db
from storefront.base.models import Product
from storefront.merchant import charts
from tests.demand import PREFIX, insert_sign_ups
from tests.storefront.page import Page, text_of

URL = "/merchant/demand"
TODAY = datetime.now(UTC).date()


def sign_up(client: FlaskClient, sku: str, *emails: str) -> None:
    """Sign these people up. Klaviyo is unavailable, so their calls are queued."""
    for email in emails:
        data = {"channels": "EMAIL", "email": email}
        reply = client.post(f"/notify-me/{PREFIX}{sku}", data=data, headers={"X-Notify-Me": "1"})
        assert reply.get_json()["state"] == "done"


def add_sign_ups(
    app: Flask, count: int, *, age: timedelta = timedelta(), variants: int = 1
) -> None:
    """Add sign-ups for variants that no longer exist to the log."""
    with app.app_context():
        insert_sign_ups(db.engine, [f"GONE-{number:04}" for number in range(variants)], count, age)


def change(app: Flask, *statements: Any) -> None:
    """Change the catalog directly."""
    with app.app_context():
        for statement in statements:
            db.session.execute(statement)
        db.session.commit()


def row(page: Page, name: str) -> str:
    """Return the text of one variant's row."""
    table = page.html.split('<table class="demand">')[1].split("</table>")[0]
    [text] = [text_of(row) for row in table.split("<tr>") if name in row]
    return text


def rows(client: FlaskClient, url: str = f"{URL}.csv") -> list[list[str]]:
    """Return the lines of the CSV file, with its header."""
    reply = client.get(url)
    assert reply.status_code == 200
    text = reply.get_data(as_text=True)
    assert text.startswith("\ufeffday,")
    return list(csv.reader(text.removeprefix("\ufeff").splitlines()))


def test_without_sign_ups(client: FlaskClient) -> None:
    page = Page(client, URL)

    assert "No sign-ups in the last 30 days" in page.text
    assert "Based on this shop’s own sign-up log, not on Klaviyo’s data." in page.text
    assert f'href="{URL}?days=90"' in page.html.split('class="nothing"')[1]
    assert 'role="img"' not in page.html
    assert len(rows(client)) == 1


def test_merchant_pages_link_to_each_other(client: FlaskClient) -> None:
    pages = ["/merchant", URL, "/merchant/deliveries"]
    # a fork may have deleted these packages
    pages += ["/merchant/import"] if find_spec("storefront.importing") else []
    merchant_pages = [*pages]
    pages += ["/studio"] if find_spec("storefront.studio") else []
    for url in merchant_pages:
        links = (
            Page(client, url).html.split('<nav aria-label="Merchant pages">')[1].split("</nav>")[0]
        )
        assert re.findall(r'href="([^"]+)"', links) == pages
        assert f'href="{url}" aria-current="page"' in links


def test_report(app: Flask, client: FlaskClient) -> None:
    """Variants are sorted by sign-ups, a deleted variant shows its ID, and the chart has a text
    alternative with the same figures.
    """
    sign_up(client, "BLAT-S", "ada@example.org", "bob@example.org", "ada@example.org")
    sign_up(client, "HAAR-OIL-M", "cleo@example.org")
    add_sign_ups(app, 2, age=timedelta(days=40))

    page = Page(client, URL)
    assert "4 sign-ups from 3 shoppers for 2 variants in the last 30 days" in page.text
    assert page.html.index("BLAT-S") < page.html.index("HAAR-OIL-M")
    assert row(page, "BLAT-S").startswith("Blatter Sou’wester (Small) BLAT-S Sold out")
    assert row(page, "BLAT-S").endswith("3 2 Email 3 Queued 3")
    assert f"{TODAY.day} {TODAY:%b}: 3" in row(page, "BLAT-S")
    for name in re.findall(r'aria-(?:labelledby|describedby)="(.*?)"', page.html):
        assert page.html.count(f'id="{name}"') == 1
    description = text_of(page.html.split('<desc id="chart-about">')[1].split("</desc>")[0])
    assert description.startswith(
        f"4 sign-ups in total; the busiest day was {TODAY.day} {TODAY:%b} with 4."
    )
    days = page.html.split("Show as a table</summary>")[1].split("</table>")[0]
    assert days.count('<th scope="row">') == 30
    assert text_of(days).endswith(f"{TODAY.day} {TODAY:%B %Y} 4")
    reasons = page.text.split("Why some sign-ups weren’t delivered Reason Status Sign-ups ")[1]
    assert reasons.startswith("No response (ConnectionError). Queued 4")
    assert "example.org" not in page.html

    quarter = Page(client, f"{URL}?days=90")
    assert "6 sign-ups from 5 shoppers for 3 variants in the last 90 days" in quarter.text
    assert row(quarter, "GONE-0000").startswith(f"{PREFIX}GONE-0000 No longer in the shop")
    assert row(quarter, "GONE-0000").endswith("2 2 SMS 2 Delivered 2")
    assert "30 days" in Page(client, f"{URL}?days=5").text
    week = Page(client, f"{URL}?days=7")
    assert week.html.count('class="chart__column" x=') == 7


FORMULAS = (
    "=1",
    "＝1",
    "＋1",
    "－1",
    "＠A1",
    "﹦1",
    " =1",
    "\u00a0=1",
    "\u200b=1",
    "\t=1",
    "\r\n=1",
)


def test_csv_contains_no_formula(app: Flask, client: FlaskClient) -> None:
    """Spreadsheets ignore leading blanks, and some read full-width characters as ASCII."""
    sign_up(client, "HAAR-OIL-M", "ada@example.org")
    for title in FORMULAS:
        change(app, sa.update(Product).where(Product.handle == "haar-parka").values(title=title))

        with client.get(f"{URL}.csv?days=7") as reply:
            text = reply.get_data(as_text=True)

        [_, line] = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
        assert line[2] == f"'{title}"


def test_csv_file(app: Flask, client: FlaskClient) -> None:
    """The file has a line per variant and day, and no text that a spreadsheet would run as a
    formula.
    """
    change(app, sa.update(Product).where(Product.handle == "haar-parka").values(title="=1+1"))
    sign_up(client, "HAAR-OIL-M", "ada@example.org", "bob@example.org")
    add_sign_ups(app, 1, age=timedelta(days=3))

    since = TODAY - timedelta(days=6)
    with client.get(f"{URL}.csv?days=7") as reply:
        assert reply.headers["Content-Disposition"] == (
            f'attachment; filename="demand-{since}-to-{TODAY}.csv"'
        )
        assert reply.content_type == "text/csv; charset=utf-8"
        assert "no-store" in reply.headers["Cache-Control"]
    head, *lines = rows(client, f"{URL}.csv?days=7")
    assert [dict(zip(head, line, strict=True)) for line in lines] == [
        {
            **dict.fromkeys(head, "0"),
            "day": str(TODAY - timedelta(days=3)),
            "variant_id": f"{PREFIX}GONE-0000",
            "product": "",
            "variant": "",
            **dict.fromkeys(("sign_ups", "shoppers", "sms", "delivered", "waiting"), "1"),
            **dict.fromkeys(("price", "currency", "potential_revenue"), ""),
        },
        {
            **dict.fromkeys(head, "0"),
            "day": str(TODAY),
            "variant_id": f"{PREFIX}HAAR-OIL-M",
            "product": "'=1+1",
            "variant": "Oilskin / M",
            **dict.fromkeys(("sign_ups", "shoppers", "email", "queued", "waiting"), "2"),
            "price": "248.00",
            "currency": "GBP",
            "potential_revenue": "496.00",
        },
    ]


def test_many_variants_are_limited_on_the_page_and_streamed_in_the_file(
    app: Flask, client: FlaskClient
) -> None:
    add_sign_ups(app, 1300, variants=1300)

    page = Page(client, URL)
    assert page.html.count('class="spark"') == 20
    assert (
        "The 20 variants with the most sign-ups. Show 200 variants . The CSV file lists them all."
        in page.text
    )
    assert Page(client, f"{URL}?all=1").html.count('class="spark"') == 200
    with client.get(f"{URL}.csv") as reply:
        assert reply.is_streamed
        assert sum(1 for _ in reply.iter_encoded()) == 3
    with client.get(f"{URL}.csv") as aborted:
        next(aborted.iter_encoded())
    with app.app_context():
        assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert len(rows(client)) == 1301


def test_missing_tables_are_503(empty_app: Flask) -> None:
    client = empty_app.test_client()

    for url in (URL, f"{URL}.csv"):
        reply = client.get(url)
        assert reply.status_code == 503
        assert "Database unavailable" in reply.text


@pytest.mark.parametrize(
    ("number", "rounded"), [(0, 1), (1, 1), (3, 4), (7, 10), (11, 20), (401, 600), (999, 1000)]
)
def test_axis_ends_at_a_round_number(number: int, rounded: int) -> None:
    assert charts.round_up(number) == rounded


def test_charts_are_in_proportion() -> None:
    """Empty columns and segments aren't drawn."""
    chart = charts.column_chart([0, 1, 4])
    assert chart.heights == (0, 25, 100)
    assert chart.path == "M11.5 100V75h7V100zM21.5 100V0h7V100z"
    bar = charts.bar({"a": 1, "b": 0, "c": 3}, 8)
    assert [(part.name, part.x, part.width) for part in bar] == [("a", 0, 12.5), ("c", 12.5, 37.5)]


def test_strangers_get_404(client: FlaskClient) -> None:
    for url in (URL, f"{URL}.csv"):
        assert client.get(url, headers={"Host": "shop.example"}).status_code == 404
