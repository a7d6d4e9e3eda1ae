"""The listing: search, filter, order and paging, all of it in the address."""

from __future__ import annotations

import html
import re

import pytest
from flask.testing import FlaskClient

from tests.storefront.page import Page, Stock


def titles(client: FlaskClient, url: str) -> list[str]:
    """The products on a page of the listing, in order."""
    found: list[str] = re.findall(r'card__title"><a [^>]*>([^<]*)</a>', Page(client, url).html)
    return found


def every_page(client: FlaskClient, url: str) -> list[str]:
    """The products on a page and on those that its More leads to."""
    found: list[str] = []
    while True:
        page = Page(client, url)
        found += titles(client, url)
        more = re.search(r'rel="next" href="([^"]*)"', page.html)
        if more is None:
            return found
        url = html.unescape(more[1])


@pytest.mark.parametrize(
    ("words", "title"),
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
    client: FlaskClient, words: str, title: str
) -> None:
    """Each word must stand somewhere; capitals, order and kind of apostrophe don't matter."""
    page = client.get("/", query_string={"q": words})

    assert re.findall(r'card__title"><a [^>]*>([^<]*)</a>', page.text) == [title]


@pytest.mark.parametrize("words", ["%", "_", "haar_parka", "h%r", "\\", "spate wool"])
def test_search_takes_wildcards_for_what_they_are(client: FlaskClient, words: str) -> None:
    """What stands for anything in a database finds nothing here, and the page says what to do."""
    page = client.get("/", query_string={"q": words})

    assert page.status_code == 200
    assert f"No results for “{words}”." in page.text
    assert "Check the spelling" in page.text
    assert '<a href="/">View all products</a>' in page.text


@pytest.mark.parametrize("word", ["wool", "waterproof", "tea"])
def test_words_that_an_empty_search_offers_find_something(client: FlaskClient, word: str) -> None:
    """The page doesn't send a shopper from one empty page to the next."""
    assert titles(client, f"/?q={word}")


@pytest.mark.parametrize("words", ["<hr>", "\x00", "\u202e", "x" * 5000, "a b " * 3000])
def test_search_bears_anything(client: FlaskClient, words: str) -> None:
    """Markup, control characters and a long text are searched for, shown escaped, or dropped."""
    page = client.get("/", query_string={"q": words})

    assert page.status_code == 200
    assert "<hr>" not in page.text
    assert "\x00" not in page.text


def test_search_keeps_what_was_asked(client: FlaskClient) -> None:
    """The form comes back with its words, filter, order and department."""
    page = Page(client, "/?category=wear&q=wool&in_stock=1&sort=name").html

    assert 'name="q" type="search" maxlength="80" value="wool"' in page
    assert 'name="in_stock" value="1" checked' in page
    assert '<option value="name" selected>' in page
    assert '<input type="hidden" name="category" value="wear">' in page
    assert "2 results for “wool” · in stock" in page


def test_in_stock_leaves_out_sold_out_and_pre_order(client: FlaskClient, stock: Stock) -> None:
    """What can be sent today stays, what isn't counted too; one piece brings a product back."""
    found = every_page(client, "/?in_stock=1")
    assert len(found) == 13
    assert "A Steek in Time" in found
    assert not {"Blatter Sou’wester", "Howff Tarp"} & set(found)

    stock.set("BLAT-S", 1)

    assert "Blatter Sou’wester" in every_page(client, "/?in_stock=1")


def test_empty_filter_leads_on(client: FlaskClient) -> None:
    """When all that fits is sold out, the way to it is offered."""
    page = Page(client, "/?category=wear&q=blatter&in_stock=1")

    assert "No products in stock for “blatter” in Wear." in page.text
    assert titles(client, "/?category=wear&q=blatter") == ["Blatter Sou’wester"]
    assert 'href="/?category=wear&amp;q=blatter">Include sold-out products' in page.html
    assert 'href="/?q=blatter&amp;in_stock=1">Search all products' in page.html


def prices(client: FlaskClient, url: str) -> list[float]:
    """The prices on all pages from `url` on, as cards tell them."""
    found: list[float] = []
    for number in (1, 2):
        page = Page(client, f"{url}&page={number}").html
        for card in re.findall(r'class="card__price">(.*?)</p>', page):
            found.append(float(re.sub(r"<.*?>|[^0-9.]", "", card)))
    return found


def test_prices_go_up_and_down_as_on_the_cards(client: FlaskClient, stock: Stock) -> None:
    """The order goes by the price that a card tells: of what can be bought, if anything can."""
    for sku in ("SPAT-SIG-18", "SPAT-LOC-18", "SPAT-PEA-18"):
        stock.set(sku, 0)

    up = prices(client, "/?sort=price-up")

    assert len(up) == 15
    assert up == sorted(up)
    assert prices(client, "/?sort=price-down") == sorted(up, reverse=True)


def test_names_and_newest(client: FlaskClient) -> None:
    """Names go by the alphabet; the newest is what was loaded last."""
    names = every_page(client, "/?sort=name")

    assert len(names) == 15
    assert names == sorted(names)
    assert titles(client, "/?sort=newest")[0] == "A Steek in Time"


def test_pages_hold_each_product_once(client: FlaskClient) -> None:
    """Twelve a page; following More shows all and none twice, and Back leads back."""
    assert len(titles(client, "/")) == 12
    assert len(titles(client, "/?page=2")) == 3
    assert len(set(every_page(client, "/"))) == 15
    assert 'rel="prev" href="/">' in Page(client, "/?page=2").html
    assert 'rel="next"' not in Page(client, "/?page=2").html
    assert 'href="/?page=2" aria-current="page"' in Page(client, "/?page=2").html


def test_paging_keeps_the_rest(client: FlaskClient) -> None:
    """The links of a page keep filter and order."""
    page = Page(client, "/?in_stock=1&sort=price-down").html

    assert 'rel="next" href="/?in_stock=1&amp;sort=price-down&amp;page=2"' in page


@pytest.mark.parametrize("page", ["3", "9999999"])
def test_page_past_the_end_is_404(client: FlaskClient, page: str) -> None:
    """A page that isn't there is not found."""
    assert client.get(f"/?page={page}").status_code == 404


@pytest.mark.parametrize(
    "query", ["page=0", "page=-1", "page=x", "page=99999999999", "sort=up", "in_stock=x", "q="]
)
def test_parameter_without_meaning_is_left_out(client: FlaskClient, query: str) -> None:
    """What can't be meant shows the shop as it comes."""
    assert titles(client, f"/?{query}") == titles(client, "/")


def test_search_engines_keep_departments_and_pages_alone(client: FlaskClient) -> None:
    """A search or another order isn't indexed; a further page names itself."""
    assert 'content="noindex"' in Page(client, "/?q=wool").html
    assert 'content="noindex"' in Page(client, "/?sort=name").html
    assert 'rel="canonical" href="http://localhost/?page=2"' in Page(client, "/?page=2").html
