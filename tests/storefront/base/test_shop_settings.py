"""`shop.toml`: errors, wording and appearance, and what an import replaces."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from flask import Flask

from notify_me import SettingsError
from storefront import db
from storefront.base.current_shop import refresh
from storefront.base.languages import money
from storefront.base.models import Import
from tests.storefront.conftest import close, make_shop
from tests.storefront.page import Page

ROOT = Path(__file__).parents[3]
SAMPLE_NAME = "Smirr"

MakeShop = Callable[[str], Flask]


@pytest.fixture
def shop(tmp_path: Path, catalog_db: Path) -> Iterator[MakeShop]:
    """Make a shop with the sample catalog and this `shop.toml`."""
    apps = []

    def make(toml: str) -> Flask:
        database, config = tmp_path / "shop.db", tmp_path / "shop.toml"
        database.write_bytes(catalog_db.read_bytes())
        config.write_text(toml, encoding="utf-8")
        apps.append(make_shop(database, SHOP_CONFIG=str(config)))
        return apps[-1]

    yield make
    for app in apps:
        close(app)


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ('taglin = "Fjell"', "taglin is not a setting; did you mean tagline?"),
        ('zip = "red"', "zip is not a setting; the settings are sample, name, tagline"),
        ('name = ""', "name: must be text of 1 to 80 characters, not ''"),
        ("tagline = 3", "tagline: must be text of 1 to 500 characters, or a table with such text"),
        ('[tagline]\nen-x-y-z = "a"', "tagline: 'en-x-y-z' isn't a language: use codes such as"),
        ('[tagline]\ngerman = "a"', "tagline: 'german' isn't a language: use codes such as"),
        ('languages = ["en", "german"]', "languages: 'german' isn't a language: use codes"),
        (
            'currency = "eur"',
            "currency: must be a three-letter currency code, such as EUR, not 'eur'",
        ),
        ('country = "UK"', "country: must be an ISO 3166 code of two letters, such as DE, not"),
        ('logo = "../app.py"', "logo: must be the name of a file in static/, such as logo.svg"),
        ('logo = "none.svg"', "logo: there is no file static/none.svg"),
        ('accent = "blu"', "accent: must be a colour, such as"),
        ('font = "a; } b"', "font: must be font families separated by commas, such as"),
        ('contact = "us"', "contact: must be an email address, such as hello@example.com"),
        (
            '[hero]\nheading = "Hi"',
            "hero.heading is not a setting; [hero] contains title, text, picture",
        ),
        ("[departments]\nhats = 1", "departments: must be tables, such as [departments.coats]"),
        (
            "[departments.hats]\nlabel = 1",
            "[departments.hats] label is not a setting; the settings are",
        ),
        ('[departments.Hats]\nname = "x"', "'Hats' is part of a URL: use lowercase letters"),
        ("name = Fjell", "line 1, column 8: invalid TOML: invalid value: text needs quotation"),
    ],
)
def test_error_prevents_startup(shop: MakeShop, tmp_path: Path, toml: str, problem: str) -> None:
    with pytest.raises(SettingsError) as error:
        shop(toml)

    message = error.value.format_message()
    assert message.startswith(f"{tmp_path / 'shop.toml'}")
    assert problem in message


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"SHOP_CONFIG is .*none\.toml, which can't be read"):
        make_shop(tmp_path / "shop.db", SHOP_CONFIG=str(tmp_path / "none.toml"))


def test_pages_show_the_settings_in_their_language(shop: MakeShop) -> None:
    client = shop(
        'name = "Fjell & Fjord"\nlanguages = ["en", "DE"]\n'
        'currency = "NOK"\ncountry = "NO"\ncontact = "hei@fjell.example"\n'
        'accent = "#7a1f4d"\nfont = "Georgia, serif"\n'
        'tagline = "for the hills"\n'
        'description = { en = "Clothes for long walks.", de = "Für lange Touren." }\n'
        '[departments.wear]\nname = { en = "Clothes", de = "Kleider" }\n'
    ).test_client()

    page = Page(client, "/")
    title = "<title>Fjell &amp; Fjord · for the hills</title>"
    assert title in page.html
    assert "<h1>Fjell &amp; Fjord</h1>" in page.html
    assert "Clothes for long walks." in page.text
    assert "mailto:hei@fjell.example" in page.html
    assert re.findall(r'category=(\w+)">([^<]+)<', page.html)[0] == ("wear", "Clothes")
    assert "kr\N{NO-BREAK SPACE}248" in page.html
    assert SAMPLE_NAME not in page.html
    [stylesheet] = re.findall(r'href="(/accent\.css\?v=\w+)"', page.html)
    css = client.get(stylesheet)
    assert css.cache_control.immutable
    assert "--accent: #7a1f4d; --accent-ink: #ffffff" in css.text
    light, dark = css.text.splitlines()[1:]
    assert "--accent-hover: color-mix(in oklab, var(--accent) 86%, black)" in light
    assert "--accent-hover: color-mix(in oklab, var(--accent) 86%, white)" in dark
    assert "--text: Georgia, serif" in css.text
    german = Page(client, "/?lang=de")
    assert "Kleider" in german.text
    assert "Für lange Touren." in german.text
    assert "248\N{NO-BREAK SPACE}kr" in german.html
    # the kit is translated into French, but the products aren't
    assert re.findall(r'name="lang" value="(\w+)"', page.html) == ["de"]
    for path in ("/", "/notify-me/$custom:::$default:::HAAR-OIL-M"):
        french = client.get(path, headers={"Accept-Language": "fr"})
        assert '<html lang="en"' in french.text
    product = Page(client, "/products/haar-parka")
    assert '"priceCurrency": "NOK"' in product.html
    assert '"price": "248.00"' in product.html


def test_import_brings_its_own_name_and_currency(app: Flask) -> None:
    """The sample shop's own name and wording are gone."""
    with app.app_context():
        details = Import(id=1, file="a.csv", categories=[], shop_name="Kwpax", currency="JPY")
        db.session.add(details)
        db.session.commit()
        refresh()
    page = Page(app.test_client(), "/")

    assert "<title>Kwpax</title>" in page.html
    assert "¥248" in page.html
    assert SAMPLE_NAME not in page.html


@pytest.mark.parametrize(
    ("currency", "country", "language", "amount", "text"),
    [
        ("EUR", "DE", "de", "9.5", "9,50\N{NO-BREAK SPACE}€"),
        ("EUR", "DE", "en", "9.5", "€9.50"),
        ("SEK", "SE", "en", "1299", "kr\N{NO-BREAK SPACE}1,299"),
        ("SEK", "GB", "en", "1299", "SEK\N{NO-BREAK SPACE}1,299"),
        ("PLN", "", "fr", "19.99", "19,99\N{NO-BREAK SPACE}PLN"),
        ("JPY", "JP", "en", "3200", "¥3,200"),
        ("KWD", "", "en", "1.255", "KWD\N{NO-BREAK SPACE}1.255"),
        ("USD", "US", "es", "12", "12\N{NO-BREAK SPACE}$"),
    ],
)
def test_money_has_the_currencys_symbol_and_decimals(
    shop: MakeShop, currency: str, country: str, language: str, amount: str, text: str
) -> None:
    app = shop(f'currency = "{currency}"\ncountry = "{country}"\nlanguages = ["{language}"]')

    with app.test_request_context(f"/?lang={language}"):
        assert money(Decimal(amount)).replace("\u200f", "") == text


def test_code_templates_and_messages_dont_name_the_sample_shop() -> None:
    """A fork gets its name everywhere by editing `shop.toml`."""
    folders = ("storefront", "templates", "demo", "translations", "notify_me", "static")
    suffixes = {".py", ".html", ".svg", ".css", ".js", ".po", ".toml"}
    files = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    found = [
        path
        for path in files
        if path.suffix in suffixes and SAMPLE_NAME.lower() in path.read_text("utf-8").lower()
    ]
    assert len(files) > 100
    assert found == []
