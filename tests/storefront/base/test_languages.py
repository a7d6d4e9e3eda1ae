"""The shop's languages: the switch, prices, search engines, and the merchant's English."""

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
    """Press a language at the foot of a page; returns where that leads."""
    reply = client.post("/language", data={"lang": lang, "next": back}, headers=SAME_SITE)
    assert reply.status_code == 303
    return reply.location


def test_the_switch_keeps_the_language_and_comes_back(client: FlaskClient) -> None:
    """Without a script; until then nothing sets a cookie."""
    page = client.get(PARKA)
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

    reply = client.post("/language", data={"lang": "ar", "next": back}, headers=SAME_SITE)

    assert reply.location == PARKA
    cookie = reply.headers["Set-Cookie"]
    assert cookie.startswith("lang=ar; ")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= {*cookie.split("; ")}
    page = client.get(PARKA)
    assert '<html lang="ar" dir="rtl">' in page.text
    assert '<h1 lang="en" dir="ltr">Haar Parka</h1>' in page.text
    assert "أعلمني" in page.text
    assert page.headers["Content-Language"] == "ar"
    assert "Set-Cookie" not in page.headers
    # the address wins over the cookie, and its links carry it
    page = client.get("/?lang=de")
    assert '<html lang="de" dir="ltr">' in page.text
    assert 'href="/cart?lang=de"' in page.text
    assert 'type="hidden" name="lang" value="de"' in page.text
    assert re.search(r'href="/notify-me/[^"]*[?;]lang=de"', page.text)
    assert "lang=" not in re.findall(r'name="next" value="([^"]*)"', page.text)[0]


@pytest.mark.parametrize(
    "address",
    [
        *("", "//evil.example", "https://evil.example/", "/\\evil.example", "\\\\evil.example"),
        *("javascript:alert(1)", "cart", "/\tx", "/\r\nSet-Cookie: a=b", "///evil.example"),
    ],
)
def test_the_switch_leads_nowhere_else(client: FlaskClient, address: str) -> None:
    """What isn't a path of the shop's leads to its front."""
    assert switch(client, "de", address) == "/"


def test_the_switch_takes_what_is_offered_alone(client: FlaskClient) -> None:
    """From the shop's own pages."""
    assert client.post("/language", data={"lang": "sv"}, headers=SAME_SITE).status_code == 400
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert client.post("/language", data={"lang": "de"}, headers=elsewhere).status_code == 403


def test_search_engines_find_each_language(client: FlaskClient) -> None:
    """An address a language; each page names itself and the others."""
    page = client.get("/products/haar-parka?lang=de").text
    own = re.findall(r'rel="canonical" href="([^"]*)"', page)
    assert own == ["http://localhost/products/haar-parka?lang=de"]
    others = dict(re.findall(r'hreflang="([\w-]+)" href="([^"]*)"', page))
    assert others.pop("en", None) == "http://localhost/products/haar-parka?lang=en"
    assert {*others} == {"de", "fr", "es", "ar", "x-default"}
    assert others["x-default"] == "http://localhost/products/haar-parka"
    assert client.get(others["ar"]).headers["Content-Language"] == "ar"


@pytest.mark.parametrize("path", ["/merchant", "/merchant/deliveries"])
def test_the_merchants_pages_are_in_english(client: FlaskClient, path: str) -> None:
    """Frame and all, whatever the browser or the cookie says."""
    client.set_cookie("lang", "de")
    page = client.get(path, headers={"Accept-Language": "de"})
    assert page.headers["Content-Language"] == "en"
    assert '<html lang="en" dir="ltr">' in page.text
    assert "Warenkorb" not in page.text


def test_a_shopper_buys_in_german(client: FlaskClient) -> None:
    """Notices, plurals, prices, errors and the confirmation."""
    switch(client, "de", "/")
    client.post("/cart", data={"sku": "HAAR-KEL-L", "quantity": "2"})
    cart = Page(client, "/cart?added=HAAR-KEL-L").text
    assert "Haar Parka, Kelp / L wurde in den Warenkorb gelegt." in cart
    assert "496\u00a0£" in Page(client, "/cart").html
    assert "Kelp / L wurde" not in Page(client, "/cart").text

    wrong = client.post("/checkout", data={"reference": "x" * 43, "name": "n" * 121}).text
    assert "Geben Sie Ihre Lieferadresse ein." in wrong
    assert "Feld kann nicht länger als 120 Zeichen sein." in wrong
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
def test_prices_as_each_language_writes_them(app: Flask, lang: str, whole: str, pence: str) -> None:
    """With the shop's own sign."""
    with app.test_request_context(f"/?lang={lang}"):
        assert money(Decimal("1148")) == whole
        assert money(Decimal("9.50")) == pence
