"""All text for shoppers can be translated: in a pseudo-language, all of it is in brackets."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.pseudo import untranslated_strings, write_pseudo_catalog
from tests.storefront.page import Stock
from tests.support import SAMPLE_SHOP

ROOT = Path(__file__).parents[3]
SHOP = tomllib.loads(Path(SAMPLE_SHOP["SHOP_CONFIG"]).read_text(encoding="utf-8"))
CATALOG = [
    json.loads((ROOT / "storefront/catalog" / file).read_text(encoding="utf-8"))
    for file in ("catalog.json", "translations/de.json")
]
PAGES = (
    *("/", "/?page=2", "/?category=wear", "/?q=wool", "/?q=wool&category=wear", "/?in_stock=1"),
    *("/?q=zzz", "/?q=zzz&in_stock=1", "/?q=zzz&category=wear&in_stock=1", "/?sort=name"),
    *("/?q=zzz&category=wear", "/products/haar-parka?variant=HAAR-OIL-M", "/products/spate-pack"),
    *("/products/howff-tarp", "/cart", "/terms", "/privacy", "/no-such-page"),
)


def strings_in(value: object) -> set[str]:
    """Return every string in a catalog or in `shop.toml`."""
    if isinstance(value, dict):
        return {text for entry in value.values() for text in strings_in(entry)}
    if isinstance(value, list):
        return {text for entry in value for text in strings_in(entry)}
    return {value} if isinstance(value, str) and len(value) > 1 else set()


@pytest.fixture
def pseudo(app: Flask, tmp_path: Path) -> FlaskClient:
    """A browser that uses the pseudo-language."""
    write_pseudo_catalog(ROOT / "translations", tmp_path / "pseudo", "de", "messages")
    app.extensions["babel"].translation_directories = [str(tmp_path / "pseudo")]
    client = app.test_client()
    client.set_cookie("lang", "de")
    return client


def test_every_text_is_translatable(pseudo: FlaskClient, stock: Stock) -> None:
    pages = {url: pseudo.get(url).text for url in PAGES}

    def change(name: str, sku: str, quantity: int, *, set_: bool = False) -> None:
        data = {"sku": sku, "quantity": quantity, **({"set": "1"} if set_ else {})}
        pages[name] = pseudo.post("/cart", data=data, follow_redirects=True).text

    change("added", "SPAT-SIG-18", 1)
    change("changed", "SPAT-SIG-18", 2, set_=True)
    pages["checkout"] = pseudo.get("/checkout").text
    pages["invalid details"] = pseudo.post("/checkout", data={"email": "x", "name": "n" * 200}).text
    stock.set("SPAT-SIG-18", 1)
    pages["low stock in the cart"] = pseudo.get("/cart").text
    valid = {"name": "n", "email": "ada@lovelace.dev", "address": "zzz"}
    pages["low stock at checkout"] = pseudo.post("/checkout", data=valid).text
    stock.set("SPAT-SIG-18", 0)
    pages["sold out in the cart"] = pseudo.get("/cart").text
    change("sold out", "SPAT-SIG-18", 1)
    stock.set("SPAT-SIG-18", 3)
    change("limited", "SPAT-SIG-18", 9, set_=True)
    pages["low stock"] = pseudo.get("/products/spate-pack?variant=SPAT-SIG-18").text
    change("removed", "SPAT-SIG-18", 0, set_=True)
    change("added again", "SPAT-SIG-18", 1)
    pages["ordered"] = pseudo.post("/checkout", data=valid, follow_redirects=True).text
    pages["not a number"] = pseudo.post("/cart", data={"sku": "SPAT-SIG-18", "quantity": "x"}).text
    pages["cross-site"] = pseudo.post("/cart", headers={"Sec-Fetch-Site": "cross-site"}).text
    pages["not allowed"] = pseudo.put("/cart").text

    # names, search terms, and the kit's strings, which have their own test
    known = [*strings_in(CATALOG), *strings_in(SHOP), "Benachrichtigen", "Deutsch", "Klaviyo"]
    known += [
        "zzz",
        "wool",
        " / M",
        "Sie stehen auf der Liste",
        "Andere Kontaktdaten verwenden?",
    ]
    known.append("Feld kann nicht länger als 120 Zeichen sein.")  # WTForms' own catalog
    problems = {name: untranslated_strings(page, known) for name, page in pages.items()}
    assert {name: strings for name, strings in problems.items() if strings} == {}
    assert all("⟦" in page for page in pages.values())
