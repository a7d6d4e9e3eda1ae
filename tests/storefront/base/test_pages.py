"""Rules for every page (headers, valid markup, working links), error pages, and drawings."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from storefront.catalog import drawings
from tests.storefront.page import Page, text_of

PAGES = [
    "/",
    "/?category=home",
    "/?page=2",
    "/?category=wear&q=wool&in_stock=1&sort=name",
    "/?category=wear&q=no-such-thing&in_stock=1",
    "/products/haar-parka",
    "/products/blatter-souwester",
    "/products/howff-tarp",
    "/products/steek-mending",
    "/cart?added=DREI-MIL",
    "/cart?sold_out=BLAT-S",
    "/checkout",
    "/merchant",
    "/terms",
    "/privacy",
    "/no-such-page",
]
LINKED_DATA = '"application/ld+json"'
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; manifest-src 'self'"
)


@pytest.fixture(scope="module")
def shopper(shared_app: Flask) -> FlaskClient:
    """A browser with something in the cart."""
    client = shared_app.test_client()
    client.post("/cart", data={"sku": "DREI-MIL"})
    return client


@pytest.fixture(scope="module")
def pages(shopper: FlaskClient) -> dict[str, TestResponse]:
    """The responses for all pages, by URL."""
    return {url: shopper.get(url) for url in PAGES}


def test_fonts_are_small_and_have_licences(reader: FlaskClient) -> None:
    def content(name: str) -> bytes:
        with reader.get(f"/static/{name}") as response:
            return bytes(response.data)

    sheet = content("shop.css").decode()
    names = re.findall(r'url\("(fonts/[\w-]+)\.woff2"\)', sheet)
    files = [content(f"{name}.woff2") for name in names]
    assert all(file.startswith(b"wOF2") for file in files)
    assert 0 < sum(map(len, files)) <= 80_000
    assert sheet.count("font-display: swap") == len(names)
    for name in names:
        family = name.removeprefix("fonts/").removesuffix("-italic")
        assert b"SIL OPEN FONT LICENSE" in content(f"fonts/LICENSE-{family}.txt")


def test_security_headers(pages: dict[str, TestResponse], reader: FlaskClient) -> None:
    for response in (*pages.values(), reader.get("/drawings/mug/ece5d3.svg")):
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Security-Policy"] == POLICY
        assert response.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
        assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "camera=()" in response.headers["Permissions-Policy"]


def test_https_is_required_after_the_first_visit(reader: FlaskClient) -> None:
    secure = reader.get("/terms", base_url="https://shop.example")

    assert secure.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" not in reader.get("/terms").headers


def test_csp_connect_src_adds_origins(app: Flask, client: FlaskClient) -> None:
    app.config["CSP_CONNECT_SRC"] = lambda: ["https://a.klaviyo.com"]

    policy = client.get("/").headers["Content-Security-Policy"]

    assert policy == POLICY.replace(
        "connect-src 'self'", "connect-src 'self' https://a.klaviyo.com"
    )


@pytest.mark.parametrize("url", PAGES)
def test_markup(pages: dict[str, TestResponse], url: str) -> None:
    """No page has an inline style or script; IDs are unique, and references to IDs are valid."""
    page = pages[url].text

    assert not re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:", page)
    scripts = re.findall(r"<script[^>]*>", page)
    # JSON-LD is data, which browsers don't run
    assert all(" src=" in tag for tag in scripts if tag != f"<script type={LINKED_DATA}>")
    ids = re.findall(r'\sid="([^"]*)"', page)
    references = re.findall(r'\s(?:for|aria-labelledby|aria-describedby)="([^"]*)"', page)
    references += re.findall(r'href="#([^"]*)"', page)
    assert len(ids) == len(set(ids))
    assert set(references) <= set(ids)


def test_no_link_is_broken(pages: dict[str, TestResponse], shopper: FlaskClient) -> None:
    urls: set[str] = set()
    post_urls: set[str] = set()
    for page in pages.values():
        urls |= set(re.findall(r'(?:href|src|action)="(/[^"]*)"', page.text))
        post_urls |= set(re.findall(r'method="post" action="(/[^"]*)"', page.text))

    broken = []
    for url in sorted(urls):
        with shopper.get(url.replace("&amp;", "&")) as response:
            only_post = response.status_code == 405 and url in post_urls
            if response.status_code >= 400 and not only_post:
                broken.append(url)

    assert len(urls) > 50
    assert broken == []


def test_server_error_has_a_page(app: Flask, client: FlaskClient) -> None:
    def broken() -> str:
        raise RuntimeError("broken on purpose")

    app.view_functions["shop.listing"] = broken

    assert "Something went wrong" in Page(client, "/", status=500).text


def test_error_pages_keep_status_and_headers(reader: FlaskClient) -> None:
    response = reader.delete("/cart")
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]
    assert "Page not available" in text_of(response.text)

    bad = reader.post("/cart", data={"sku": "DREI-MIL", "quantity": "x"})
    assert "We couldn’t process your request." in text_of(bad.text)


@pytest.mark.parametrize("name", drawings.drawing_names())
def test_drawing_is_tinted_and_cacheable(reader: FlaskClient, name: str) -> None:
    first = reader.get(f"/drawings/{name}/336699.svg")
    other = reader.get(f"/drawings/{name}/993366.svg")
    root = ElementTree.fromstring(first.text)
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    referred = re.findall(r"url\(#([\w-]+)\)", first.text)

    assert first.mimetype == "image/svg+xml"
    assert "#336699" in first.text
    assert first.data != other.data
    assert len(ids) == len(set(ids))
    assert set(referred) <= set(ids)
    assert "max-age=31536000" in first.headers["Cache-Control"]


@pytest.mark.parametrize(
    "url", ["/drawings/none/336699.svg", "/drawings/mug/33669.svg", "/drawings/mug/red.svg"]
)
def test_unknown_drawing_or_colour_is_404(reader: FlaskClient, url: str) -> None:
    assert reader.get(url).status_code == 404


@pytest.mark.parametrize("path", ["/terms", "/privacy"])
def test_every_page_links_to_legal_pages(reader: FlaskClient, path: str) -> None:
    assert f'href="{path}"' in Page(reader, "/").html
    response = reader.get(path)
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers
