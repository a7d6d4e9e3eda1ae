"""The demo's sample data."""

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
from storefront.base.models import Import, ProductVariant
from tests.storefront.conftest import close, make_shop
from tests.storefront.page import Page
from tests.support import Sandbox

MUG = "/notify-me/$custom:::$default:::DREI-PIL"


@pytest.fixture
def app(tmp_path: Path, catalog_db: Path, sandbox: Sandbox) -> Iterator[Flask]:
    """A demo shop that uses the sandbox."""
    shutil.copy(catalog_db, tmp_path / "shop.db")
    app = make_shop(tmp_path / "shop.db", **sandbox.environ(), SANDBOX_URL=sandbox.url)
    yield app
    close(app)


def seed(app: Flask) -> str:
    """Run the command; return its output."""
    result = app.test_cli_runner().invoke(args=["demo", "seed"])
    assert result.exit_code == 0, result.output
    return result.output


def tiles(page: Page) -> list[str]:
    """Return the numbers at the top of the demand page."""
    return re.findall(r"</dt><dd>(.*?)</dd>", page.html)


def test_sample_data_is_marked_and_refreshed(app: Flask, client: FlaskClient) -> None:
    """Each run creates the same sample data, and leaves the visitor's own sign-ups alone."""
    assert "Sample data" not in Page(client, "/merchant/demand").text

    output = seed(app)

    first = Page(client, "/merchant/demand")
    assert output.startswith("Added 180 sample sign-ups and ")
    assert "Sample data All figures include 180 sign-ups and" in first.text
    assert "180 sign-ups from" in first.text
    assert "for 6 variants in the last 30 days" in first.text
    assert len(tiles(first)) == 4
    assert "–" not in tiles(first)
    assert "Many shoppers are waiting" in first.text
    assert "Sample shopper" in Page(client, "/merchant").text
    # the tour's product has only the visitor's own sign-ups
    assert "BLAT-" not in first.html
    client.post(MUG, data={"channels": "EMAIL", "email": "ada@example.org"})
    assert seed(app) == output
    again = Page(client, "/merchant/demand")
    assert "181 sign-ups from" in again.text
    assert tiles(again)[3] == tiles(first)[3]


def test_sample_orders_keep_their_currency(app: Flask, client: FlaskClient) -> None:
    """An import may change the shop's currency."""
    seed(app)
    with app.app_context():
        db.session.add(Import(file="export.csv", categories=[], currency="JPY"))
        db.session.execute(sa.update(ProductVariant).values(price=8000))
        db.session.commit()

    orders = Page(client, "/merchant").html.split('class="orders"')[1]
    assert "£" in orders
    assert "¥" not in orders


def test_reset_refreshes_the_sample_data(client: FlaskClient) -> None:
    client.post(MUG, data={"channels": "EMAIL", "email": "ada@example.org"})

    client.post("/demo/reset")

    assert "180 sign-ups from" in Page(client, "/merchant/demand").text
