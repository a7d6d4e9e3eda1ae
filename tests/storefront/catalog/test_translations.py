"""The sample catalog in other languages, which only its shoppers see."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from storefront import db
from storefront.base.models import Import
from storefront.catalog import json_file
from tests.storefront.conftest import close, make_shop
from tests.storefront.page import Page

FOLDER = Path(json_file.__file__).parent
PARKA = "/products/haar-parka?variant=HAAR-OIL-M"


@pytest.mark.parametrize("language", ["de", "ar"])
def test_every_string_is_translated(language: str) -> None:
    """Values without words, such as sizes, stay as they are."""
    products = json.loads((FOLDER / "catalog.json").read_text(encoding="utf-8"))["products"]
    strings = {
        text
        for product in products
        for text in (
            *(product["title"], product["gloss"], product["summary"]),
            *(*product["description"], *product["details"]),
            *(option["name"] for option in product["options"]),
            *(value["name"] for option in product["options"] for value in option["values"]),
        )
        if len(text) > 2
    }
    file = FOLDER / "translations" / f"{language}.json"

    assert json.loads(file.read_text(encoding="utf-8")).keys() == strings


def test_shoppers_see_and_search_translated_text(client: FlaskClient) -> None:
    client.set_cookie("lang", "de")

    page = Page(client, PARKA).html
    assert "<h1>Haar-Parka</h1>" in page
    assert "Most coats keep rain out" not in page
    form = client.get("/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3AHAAR-OIL-M").text
    assert "Haar-Parka" in form
    assert "Ölzeug / M" in form
    assert "Haar Parka" not in form
    assert "Plowter-Stiefel" in Page(client, "/?q=gummistiefel").text


def test_merchants_and_klaviyo_see_the_catalogs_own_text(client: FlaskClient) -> None:
    client.set_cookie("lang", "de")
    client.post("/cart", data={"sku": "HAAR-KEL-L", "quantity": "1"})
    data = {"reference": "x" * 43, "name": "Ada", "email": "ada@example.org", "address": "Kai 1"}
    order = client.post("/checkout", data=data, follow_redirects=True).text

    assert "1 × Haar-Parka (Tang / L)" in order
    assert "Haar Parka (Kelp / L)" in Page(client, "/merchant").text
    assert "Haar-Parka" not in client.get("/feeds/catalog.json").text


def test_imported_catalog_is_only_in_its_own_language(app: Flask) -> None:
    with app.app_context():
        db.session.add(Import(file="export.csv", categories=[]))
        db.session.commit()
    client = app.test_client()

    page = client.get("/products/haar-parka?lang=de", headers={"Accept-Language": "de"})

    assert page.headers["Content-Language"] == "en"
    assert "<h1>Haar Parka</h1>" in page.text
    assert "Deutsch" not in page.text
    assert 'rel="alternate"' not in page.text


def test_imported_products_are_in_the_language_of_the_page(
    tmp_path: Path, catalog_db: Path
) -> None:
    """Only the sample shop's own catalog is in English."""
    shutil.copy(catalog_db, tmp_path / "shop.db")
    app = make_shop(tmp_path / "shop.db", NOTIFY_ME_LANGUAGES__OFFERED='["ar"]')
    with app.app_context():
        db.session.add(Import(file="export.csv", categories=[]))
        db.session.commit()

    page = app.test_client().get("/products/haar-parka").text

    close(app)
    assert '<html lang="ar" dir="rtl">' in page
    assert "<h1>Haar Parka</h1>" in page
