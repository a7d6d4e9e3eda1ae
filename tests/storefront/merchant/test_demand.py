"""`/merchant/demand`: what shoppers asked for, as the merchant sees it."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from storefront import db
from storefront.base.models import Product
from storefront.merchant import charts
from tests.demand import PREFIX, asked
from tests.storefront.page import Page, words

URL = "/merchant/demand"
TODAY = datetime.now(UTC).date()


def ask(client: FlaskClient, sku: str, *emails: str) -> None:
    """Sign these up. Klaviyo is away, so their requests are kept."""
    for email in emails:
        data = {"channels": "EMAIL", "email": email}
        reply = client.post(f"/notify-me/{PREFIX}{sku}", data=data, headers={"X-Notify-Me": "1"})
        assert reply.get_json()["state"] == "done"


def log(app: Flask, count: int, *, age: timedelta = timedelta(), variants: int = 1) -> None:
    """Put requests for variants that are gone into the log."""
    with app.app_context():
        asked(db.engine, [f"GONE-{number:04}" for number in range(variants)], count, age)


def change(app: Flask, *statements: Any) -> None:
    """Change the catalog behind the shop's back."""
    with app.app_context():
        for statement in statements:
            db.session.execute(statement)
        db.session.commit()


def row(page: Page, name: str) -> str:
    """The words of one variant's row."""
    table = page.html.split('<table class="demand">')[1].split("</table>")[0]
    [found] = [words(each) for each in table.split("<tr>") if name in each]
    return found


def rows(client: FlaskClient, url: str = f"{URL}.csv") -> list[list[str]]:
    """The file's lines."""
    reply = client.get(url)
    assert reply.status_code == 200
    text = reply.get_data(as_text=True)
    assert text.startswith("\ufeffday,")
    return list(csv.reader(text.removeprefix("\ufeff").splitlines()))


def test_nobody_asked(client: FlaskClient) -> None:
    """The page says so, what it is for, and whose log it is; every room leads to every other."""
    page = Page(client, URL)

    assert "Nobody has asked for anything in 30 days." in page.text
    assert "From the kit’s own log of sign-ups, not from Klaviyo" in page.text
    assert f'href="{URL}?days=90"' in page.html.split('class="nothing"')[1]
    assert 'role="img"' not in page.html
    assert len(rows(client)) == 1
    for url in ("/merchant", URL, "/merchant/deliveries"):
        rooms = Page(client, url).html.split('<nav aria-label="Merchant">')[1].split("</nav>")[0]
        assert re.findall(r'href="([^"]+)"', rooms) == ["/merchant", URL, "/merchant/deliveries"]
        assert f'href="{url}" aria-current="page"' in rooms


def test_the_board(app: Flask, client: FlaskClient) -> None:
    """Those asked for most come first, under the shop's names; one that is gone keeps its ID; the
    chart can be read without seeing it, and each of its figures stands in a table.
    """
    ask(client, "BLAT-S", "ada@example.org", "bob@example.org", "ada@example.org")
    ask(client, "HAAR-OIL-M", "cleo@example.org")
    log(app, 2, age=timedelta(days=40))

    page = Page(client, URL)
    assert "4 requests by 3 people for 2 variants in 30 days." in page.text
    assert page.html.index("BLAT-S") < page.html.index("HAAR-OIL-M")
    assert row(page, "BLAT-S").startswith("Blatter Sou’wester, Small BLAT-S Sold out")
    assert row(page, "BLAT-S").endswith("3 2 Email 3 Waiting 3")
    assert f"{TODAY.day} {TODAY:%b}: 3" in row(page, "BLAT-S")
    for name in re.findall(r'aria-(?:labelledby|describedby)="(.*?)"', page.html):
        assert page.html.count(f'id="{name}"') == 1
    about = words(page.html.split('<desc id="chart-about">')[1].split("</desc>")[0])
    assert about.startswith(f"4 requests in all; the most on {TODAY.day} {TODAY:%b}: 4.")
    days = page.html.split("The days as a table</summary>")[1].split("</table>")[0]
    assert days.count('<th scope="row">') == 30
    assert words(days).endswith(f"{TODAY.day} {TODAY:%B %Y} 4")
    reasons = page.text.split("Why some wait or weren’t taken Reason State now Requests ")[1]
    assert reasons.startswith("No answer (ConnectionError) Waiting 4")
    assert "example.org" not in page.html

    gone = Page(client, f"{URL}?days=90")
    assert "6 requests by 5 people for 3 variants in 90 days." in gone.text
    assert row(gone, "GONE-0000").startswith(f"{PREFIX}GONE-0000 Not in the shop any more")
    assert row(gone, "GONE-0000").endswith("2 2 SMS 2 Taken 2")
    assert "30 days" in Page(client, f"{URL}?days=5").text
    week = Page(client, f"{URL}?days=7")
    assert week.html.count('class="chart__column" x=') == 7


def test_the_file(app: Flask, client: FlaskClient) -> None:
    """A line for each variant and day; nothing in it runs as a formula."""
    change(app, sa.update(Product).where(Product.handle == "haar-parka").values(title="=1+1"))
    ask(client, "HAAR-OIL-M", "ada@example.org", "bob@example.org")
    log(app, 1, age=timedelta(days=3))

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
            **dict.fromkeys(("requests", "people", "sms", "accepted"), "1"),
        },
        {
            **dict.fromkeys(head, "0"),
            "day": str(TODAY),
            "variant_id": f"{PREFIX}HAAR-OIL-M",
            "product": "'=1+1",
            "variant": "Oilskin / M",
            **dict.fromkeys(("requests", "people", "email", "queued"), "2"),
        },
    ]


def test_many_variants(app: Flask, client: FlaskClient) -> None:
    """The page shows twenty, then two hundred; the file has all of them, and comes in pieces."""
    log(app, 1300, variants=1300)

    page = Page(client, URL)
    assert page.html.count('class="spark"') == 20
    assert "The 20 asked for most. Show 200 ; the CSV has them all." in page.text
    assert Page(client, f"{URL}?all=1").html.count('class="spark"') == 200
    with client.get(f"{URL}.csv") as reply:
        assert reply.is_streamed
        assert sum(1 for _ in reply.iter_encoded()) == 3
    with client.get(f"{URL}.csv") as cut_off:
        next(cut_off.iter_encoded())
    with app.app_context():
        assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert len(rows(client)) == 1301


def test_a_database_that_is_away(empty_app: Flask) -> None:
    """Page and file say so, with a status, before a file has begun."""
    client = empty_app.test_client()

    for url in (URL, f"{URL}.csv"):
        reply = client.get(url)
        assert reply.status_code == 503
        assert "The database doesn’t answer" in reply.text


@pytest.mark.parametrize(
    ("number", "rounded"), [(0, 1), (1, 1), (3, 4), (7, 10), (11, 20), (401, 600), (999, 1000)]
)
def test_scale_is_easy_to_read(number: int, rounded: int) -> None:
    """A chart ends at a round number."""
    assert charts.round_up(number) == rounded


def test_bars_are_in_proportion() -> None:
    """Columns and bars are as high and as long as their numbers; what is empty isn't drawn."""
    drawn = charts.columns([0, 1, 4])
    assert [(each.y, each.height) for each in drawn.columns] == [(100, 0), (75, 25), (0, 100)]
    assert drawn.path == "M11.5 100V75h7V100zM21.5 100V0h7V100z"
    bar = charts.bar({"a": 1, "b": 0, "c": 3}, 8)
    assert [(part.name, part.x, part.width) for part in bar] == [("a", 0, 12.5), ("c", 12.5, 37.5)]


def test_only_the_merchant(client: FlaskClient) -> None:
    """Nobody else gets page or file."""
    for url in (URL, f"{URL}.csv"):
        assert client.get(url, headers={"Host": "shop.example"}).status_code == 404
