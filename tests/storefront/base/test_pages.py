"""What holds for every page: headers, no inline style or script, error pages, drawings."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from flask import Flask
from flask.testing import FlaskClient

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


@pytest.fixture
def shopper(client: FlaskClient) -> FlaskClient:
    """A shopper with something in the cart."""
    client.post("/cart", data={"sku": "DREI-MIL"})
    return client


@pytest.mark.parametrize("url", [*PAGES, "/drawings/mug/ece5d3.svg"])
def test_security_headers_are_on_every_reply(shopper: FlaskClient, url: str) -> None:
    """Pages, errors and images carry the headers and the strict policy."""
    response = shopper.get(url)

    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == POLICY
    assert response.headers["Referrer-Policy"] == "strict-origin-when-cross-origin"
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in response.headers["Permissions-Policy"]


def test_further_origins_may_be_called(app: Flask, client: FlaskClient) -> None:
    """What `CSP_CONNECT_SRC` tells adds to what scripts may call, and to nothing else."""
    app.config["CSP_CONNECT_SRC"] = lambda: ["https://a.klaviyo.com"]

    policy = client.get("/").headers["Content-Security-Policy"]

    assert policy == POLICY.replace(
        "connect-src 'self'", "connect-src 'self' https://a.klaviyo.com"
    )


@pytest.mark.parametrize("url", PAGES)
def test_no_inline_style_or_script(shopper: FlaskClient, url: str) -> None:
    """The policy would refuse an inline style, script or handler: there is none."""
    page = shopper.get(url).text

    assert not re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:", page)
    scripts = re.findall(r"<script[^>]*>", page)
    # data for search engines, which no browser runs
    assert all(" src=" in tag for tag in scripts if tag != f"<script type={LINKED_DATA}>")


@pytest.mark.parametrize("url", PAGES)
def test_ids_are_unique_and_labels_lead_to_fields(shopper: FlaskClient, url: str) -> None:
    """No ID occurs twice, and whatever refers to one finds it."""
    page = shopper.get(url).text
    ids = re.findall(r'\sid="([^"]*)"', page)
    wanted = re.findall(r'\s(?:for|aria-labelledby|aria-describedby)="([^"]*)"', page)
    wanted += re.findall(r'href="#([^"]*)"', page)

    assert len(ids) == len(set(ids))
    assert set(wanted) <= set(ids)


def test_every_link_leads_somewhere(shopper: FlaskClient) -> None:
    """Each address on each page answers: no dead link. A form's may take posts alone."""
    seen: set[str] = set()
    forms: set[str] = set()
    for url in PAGES:
        page = shopper.get(url).text
        seen |= set(re.findall(r'(?:href|src|action)="(/[^"]*)"', page))
        forms |= set(re.findall(r'method="post" action="(/[^"]*)"', page))

    dead = []
    for url in sorted(seen):
        with shopper.get(url.replace("&amp;", "&")) as response:
            if response.status_code >= 400 and (response.status_code != 405 or url not in forms):
                dead.append(url)

    assert len(seen) > 50
    assert dead == []


def test_server_error_has_a_page(app: Flask, client: FlaskClient) -> None:
    """When something breaks, the shopper reads so in the shop's look."""

    def broken() -> str:
        raise RuntimeError("broken on purpose")

    app.view_functions["shop.listing"] = broken

    assert "Something went wrong" in Page(client, "/", status=500).text


def test_other_errors_keep_status_and_headers(client: FlaskClient) -> None:
    """A wrong method is 405 with what is allowed; an error without words of its own has some."""
    response = client.delete("/cart")
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]
    assert "Page not available" in text_of(response.text)

    bad = client.post("/cart", data={"sku": "DREI-MIL", "quantity": "x"})
    assert "We couldn’t process your request." in text_of(bad.text)


@pytest.mark.parametrize("name", drawings.drawing_names())
def test_drawing_is_tinted(client: FlaskClient, name: str) -> None:
    """Each drawing is well-formed, carries the colour, and is kept for a year."""
    first = client.get(f"/drawings/{name}/336699.svg")
    other = client.get(f"/drawings/{name}/993366.svg")
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
def test_no_such_drawing_is_404(client: FlaskClient, url: str) -> None:
    """An unknown drawing or colour isn't found."""
    assert client.get(url).status_code == 404


@pytest.mark.parametrize("path", ["/terms", "/privacy"])
def test_what_consent_links_to_is_there(client: FlaskClient, path: str) -> None:
    """Every page links to terms and privacy, and a consent's text does."""
    front = Page(client, "/")

    assert f'href="{path}"' in front.html
    assert client.get(path).status_code == 200
    assert "Set-Cookie" not in client.get(path).headers
