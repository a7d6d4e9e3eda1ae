"""The listing: search, filter, sort order and pages, all in the URL."""

from __future__ import annotations

import html
import re

import pytest
from flask.testing import FlaskClient

from tests.storefront.page import Page, Stock


def titles(client: FlaskClient, url: str) -> list[str]:
    """Return the titles of the products on a page, in order."""
    titles: list[str] = re.findall(r'card__title"><a [^>]*>([^<]*)</a>', Page(client, url).html)
    return titles


def titles_on_all_pages(client: FlaskClient, url: str) -> list[str]:
    """Return the titles of the products on a page and on the pages after it."""
    result: list[str] = []
    while True:
        page = Page(client, url)
        result += titles(client, url)
        next_link = re.search(r'rel="next" href="([^"]*)"', page.html)
        if next_link is None:
            return result
        url = html.unescape(next_link[1])


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("SPATE", "Spate Pack"),
        ("hood that turns", "Haar Parka"),
        ("instruments", "The Falling Glass"),
        ("letterbox", "Haar Parka"),
        ("sou'wester", "Blatter Sou’wester"),
        ("  boots \t plowter ", "Plowter Boots"),
        ("coats wire", "Haar Parka"),
    ],
)
def test_search_looks_through_title_summary_tags_and_description(
    reader: FlaskClient, text: str, title: str
) -> None:
    """Each word of a search must match; case, order and kind of apostrophe don't matter."""
    page = reader.get("/", query_string={"q": text})

    assert re.findall(r'card__title"><a [^>]*>([^<]*)</a>', page.text) == [title]


@pytest.mark.parametrize("text", ["%", "_", "haar_parka", "h%r", "\\", "spate wool"])
def test_search_without_results(reader: FlaskClient, text: str) -> None:
    """SQL wildcards have no special meaning; the page suggests what to do."""
    page = reader.get("/", query_string={"q": text})

    assert page.status_code == 200
    assert f"No results for “{text}”." in page.text
    assert "Check the spelling" in page.text
    assert '<a href="/">View all products</a>' in page.text


def test_suggested_search_has_results(reader: FlaskClient) -> None:
    [suggestion] = re.findall("like “([^”]*)”", Page(reader, "/?q=zzz").text)

    assert titles(reader, f"/?q={suggestion}")


@pytest.mark.parametrize("text", ["<hr>", "\x00", "\u202e", "x" * 5000, "a b " * 3000])
def test_search_accepts_any_text(reader: FlaskClient, text: str) -> None:
    """Markup is escaped, control characters are removed, and long text is cut off."""
    page = reader.get("/", query_string={"q": text})

    assert page.status_code == 200
    assert "<hr>" not in page.text
    assert "\x00" not in page.text


def test_form_keeps_its_values(reader: FlaskClient) -> None:
    page = Page(reader, "/?category=wear&q=wool&in_stock=1&sort=name").html

    assert 'name="q" type="search" maxlength="80" value="wool"' in page
    assert 'name="in_stock" value="1" checked' in page
    assert '<option value="name" selected>' in page
    assert '<input type="hidden" name="category" value="wear">' in page
    assert "2 results for “wool” · in stock" in page


def test_in_stock_filter_hides_sold_out_and_pre_order_products(
    client: FlaskClient, stock: Stock
) -> None:
    """Products whose stock isn't tracked are still listed."""
    products = titles_on_all_pages(client, "/?in_stock=1")
    assert len(products) == 13
    assert "A Steek in Time" in products
    assert not {"Blatter Sou’wester", "Howff Tarp"} & set(products)

    stock.set("BLAT-S", 1)

    assert "Blatter Sou’wester" in titles_on_all_pages(client, "/?in_stock=1")


def test_no_results_in_stock_links_to_wider_searches(reader: FlaskClient) -> None:
    page = Page(reader, "/?category=wear&q=blatter&in_stock=1")

    assert "No products in stock for “blatter” in Wear." in page.text
    assert titles(reader, "/?category=wear&q=blatter") == ["Blatter Sou’wester"]
    assert 'href="/?category=wear&amp;q=blatter">Include sold-out products' in page.html
    assert 'href="/?q=blatter&amp;in_stock=1">Search all products' in page.html


def prices(client: FlaskClient, url: str) -> list[float]:
    """Return the prices on the cards of both pages."""
    result: list[float] = []
    for number in (1, 2):
        page = Page(client, f"{url}&page={number}").html
        for card in re.findall(r'class="card__price">(.*?)</p>', page):
            result.append(float(re.sub(r"<.*?>|[^0-9.]", "", card)))
    return result


def test_sort_by_price_uses_the_price_on_the_card(client: FlaskClient, stock: Stock) -> None:
    """The price on the card is the lowest price of the available variants, if there are any."""
    for sku in ("SPAT-SIG-18", "SPAT-LOC-18", "SPAT-PEA-18"):
        stock.set(sku, 0)

    ascending = prices(client, "/?sort=price-up")

    assert len(ascending) == 15
    assert ascending == sorted(ascending)
    assert prices(client, "/?sort=price-down") == ascending[::-1]


def test_sort_by_name_and_newest(reader: FlaskClient) -> None:
    names = titles_on_all_pages(reader, "/?sort=name")

    assert len(names) == 15
    assert names == sorted(names)
    assert titles(reader, "/?sort=newest")[0] == "A Steek in Time"


def test_pages_list_each_product_once(reader: FlaskClient) -> None:
    assert len(titles(reader, "/")) == 12
    assert len(titles(reader, "/?page=2")) == 3
    assert len(set(titles_on_all_pages(reader, "/"))) == 15
    assert 'rel="prev" href="/">' in Page(reader, "/?page=2").html
    assert 'rel="next"' not in Page(reader, "/?page=2").html
    assert 'href="/?page=2" aria-current="page"' in Page(reader, "/?page=2").html


def test_page_links_keep_filter_and_sort_order(reader: FlaskClient) -> None:
    page = Page(reader, "/?in_stock=1&sort=price-down").html

    assert 'rel="next" href="/?in_stock=1&amp;sort=price-down&amp;page=2"' in page


@pytest.mark.parametrize("page", ["3", "9999999"])
def test_page_past_the_end_is_404(reader: FlaskClient, page: str) -> None:
    assert reader.get(f"/?page={page}").status_code == 404


@pytest.mark.parametrize(
    "query", ["page=0", "page=-1", "page=x", "page=99999999999", "sort=up", "in_stock=x", "q="]
)
def test_invalid_parameters_are_ignored(reader: FlaskClient, query: str) -> None:
    assert titles(reader, f"/?{query}") == titles(reader, "/")


def test_only_unfiltered_pages_are_indexed(reader: FlaskClient) -> None:
    assert 'content="noindex"' in Page(reader, "/?q=wool").html
    assert 'content="noindex"' in Page(reader, "/?sort=name").html
    assert 'rel="canonical" href="http://localhost/?page=2"' in Page(reader, "/?page=2").html
