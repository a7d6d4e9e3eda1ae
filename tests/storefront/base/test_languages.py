"""Languages: the switch, prices, links for search engines, and English for the merchant."""

from __future__ import annotations

import html
import re
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient

from storefront.base.languages import money
from tests.storefront.page import Page

PARKA = "/products/haar-parka?variant=HAAR-OIL-M"
SAME_SITE = {"Sec-Fetch-Site": "same-origin"}


def switch(client: FlaskClient, lang: str, back: str) -> str:
    """Choose a language in the footer; return the URL of the redirect."""
    reply = client.post("/language", data={"lang": lang, "next": back}, headers=SAME_SITE)
    assert reply.status_code == 303
    return reply.location


def test_language_switch_sets_a_cookie_and_returns_to_the_page(reader: FlaskClient) -> None:
    page = reader.get(PARKA)
    assert "Set-Cookie" not in page.headers
    assert page.headers["Content-Language"] == "en"
    assert {"Cookie", "Accept-Language"} <= {*page.vary}
    back = html.unescape(re.findall(r'name="next" value="([^"]*)"', page.text)[0])
    assert back == PARKA
    names = re.findall(r'name="lang" value="(\w+)" lang="\1" dir="\w+">([^<]+)<', page.text)
    assert dict(names) == {
        "de": "Deutsch",
        "fr": "Français",
        "es": "Español",
        "ar": "العربية",
    }

    reply = reader.post("/language", data={"lang": "ar", "next": back}, headers=SAME_SITE)

    assert reply.location == PARKA
    cookie = reply.headers["Set-Cookie"]
    assert cookie.startswith("lang=ar; ")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= {*cookie.split("; ")}
    page = reader.get(PARKA)
    assert '<html lang="ar" dir="rtl">' in page.text
    assert "<h1>سترة هار</h1>" in page.text
    assert "أعلمني" in page.text
    assert page.headers["Content-Language"] == "ar"
    assert "Set-Cookie" not in page.headers
    # the parameter takes precedence over the cookie, and links keep it
    page = reader.get("/?lang=de")
    assert '<html lang="de" dir="ltr">' in page.text
    assert 'href="/cart?lang=de"' in page.text
    assert 'type="hidden" name="lang" value="de"' in page.text
    assert re.search(r'href="/notify-me/[^"]*[?;]lang=de"', page.text)
    assert "lang=" not in re.findall(r'name="next" value="([^"]*)"', page.text)[0]


@pytest.mark.parametrize(
    "path",
    [
        *("", "//evil.example", "https://evil.example/", "/\\evil.example", "\\\\evil.example"),
        *("javascript:alert(1)", "cart", "/\tx", "/\r\nSet-Cookie: a=b", "///evil.example"),
        *("//[", "http://["),
    ],
)
def test_language_switch_redirects_only_to_local_paths(reader: FlaskClient, path: str) -> None:
    assert switch(reader, "de", path) == "/"


def test_language_switch_rejects_unknown_languages_and_other_sites(reader: FlaskClient) -> None:
    assert reader.post("/language", data={"lang": "sv"}, headers=SAME_SITE).status_code == 400
    cross_site = {"Sec-Fetch-Site": "cross-site"}
    assert reader.post("/language", data={"lang": "de"}, headers=cross_site).status_code == 403


def test_page_links_to_its_translations(reader: FlaskClient) -> None:
    page = reader.get("/products/haar-parka?lang=de").text
    canonical = re.findall(r'rel="canonical" href="([^"]*)"', page)
    assert canonical == ["http://localhost/products/haar-parka?lang=de"]
    alternates = dict(re.findall(r'hreflang="([\w-]+)" href="([^"]*)"', page))
    assert alternates.pop("en", None) == "http://localhost/products/haar-parka?lang=en"
    assert {*alternates} == {"de", "fr", "es", "ar", "x-default"}
    assert alternates["x-default"] == "http://localhost/products/haar-parka"
    assert reader.get(alternates["ar"]).headers["Content-Language"] == "ar"


@pytest.mark.parametrize("path", ["/merchant", "/merchant/deliveries"])
def test_merchant_pages_are_in_english(reader: FlaskClient, path: str) -> None:
    reader.set_cookie("lang", "de")
    page = reader.get(path, headers={"Accept-Language": "de"})
    assert page.headers["Content-Language"] == "en"
    assert '<html lang="en" dir="ltr">' in page.text
    assert "Warenkorb" not in page.text


def test_order_in_german(client: FlaskClient) -> None:
    """Notices, prices, error messages and the confirmation are translated."""
    switch(client, "de", "/")
    client.post("/cart", data={"sku": "HAAR-KEL-L", "quantity": "2"})
    cart = Page(client, "/cart?added=HAAR-KEL-L").text
    assert "Haar-Parka (Tang / L) wurde in den Warenkorb gelegt." in cart
    assert "496\u00a0£" in Page(client, "/cart").html
    assert "Tang / L wurde" not in Page(client, "/cart").text

    wrong = client.post("/checkout", data={"reference": "x" * 43, "name": "n" * 121}).text
    assert "Geben Sie Ihre Lieferadresse ein." in wrong
    assert "Geben Sie höchstens 120 Zeichen ein." in wrong
    data = {"reference": "x" * 43, "name": "Ada", "email": "ada@example.org", "address": "Kai 1"}
    done = client.post("/checkout", data=data, follow_redirects=True).text
    assert "Vielen Dank, Ada." in done
    assert "Unter dieser Adresse gibt es keine Seite." in client.get("/nope").text


@pytest.mark.parametrize(
    ("lang", "whole", "pence"),
    [
        ("en", "£1,148", "£9.50"),
        ("de", "1.148\u00a0£", "9,50\u00a0£"),
        ("fr", "1\u202f148\u00a0£", "9,50\u00a0£"),
        ("es", "1.148\u00a0£", "9,50\u00a0£"),
        ("ar", "\u200f1,148\u00a0£", "\u200f9.50\u00a0£"),
    ],
)
def test_price_formats(shared_app: Flask, lang: str, whole: str, pence: str) -> None:
    with shared_app.test_request_context(f"/?lang={lang}"):
        assert money(Decimal("1148")) == whole
        assert money(Decimal("9.50")) == pence
