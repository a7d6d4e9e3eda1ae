"""The listing and the product pages, as shoppers and caches see them."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from tests.storefront.page import Page, Stock, href, text_of

PARKA = "/products/haar-parka"


@pytest.mark.parametrize(
    ("title", "says"),
    [
        ("Haar Parka", "£248 In stock"),
        ("Spate Pack", "from £118 In stock"),
        ("Blatter Sou’wester", "£54 Sold out"),
        ("Howff Tarp", "£128 Pre-order"),
        ("The Falling Glass", "£310 Last one"),
        ("A Steek in Time", "£24 In stock"),
    ],
)
def test_card_tells_price_and_stock(client: FlaskClient, title: str, says: str) -> None:
    """A card tells the price, or from where it starts, and the stock in words."""
    assert says in text_of(Page(client, f"/?q={title}").card(title))


def test_only_sold_out_cards_carry_the_button(client: FlaskClient) -> None:
    """A card has the notify-me button when every variant is sold out, and not before."""
    page = Page(client, "/")

    assert "notify-me__button" in page.card("Blatter Sou’wester")
    assert page.html.count("notify-me__button") == 1


def test_category_shows_its_own_products_alone(client: FlaskClient) -> None:
    """A department lists its products and marks itself in the menu."""
    page = Page(client, "/?category=camp")

    assert "Dreich Mug" in page.text
    assert "Haar Parka" not in page.text
    assert re.search(r'category=camp" aria-current="page"', page.html)


@pytest.mark.parametrize(
    "url",
    ["/?category=attic", "/products/no-such", f"{PARKA}?variant=NO-SUCH", f"{PARKA}?variant="],
)
def test_what_is_not_there_is_404(client: FlaskClient, url: str) -> None:
    """An unknown department, product or variant is a 404 in the shop's look."""
    assert "Lost in the haar" in Page(client, url, status=404).text


def test_variant_of_another_product_is_404(client: FlaskClient) -> None:
    """A variant is looked up in its own product alone."""
    assert client.get(f"{PARKA}?variant=BLAT-S").status_code == 404


@pytest.mark.parametrize(
    ("quantity", "says"),
    [(4, "In stock"), (3, "3 left"), (1, "Last one"), (0, "Sold out"), (None, "In stock")],
)
def test_product_page_tells_the_stock(
    client: FlaskClient, stock: Stock, quantity: int | None, says: str
) -> None:
    """The page of a variant says how many there are, from a few pieces down."""
    stock.set("HAAR-KEL-M", quantity)

    text = Page(client, f"{PARKA}?variant=HAAR-KEL-M").text

    assert f"£248 {says} Colour" in text


def test_sold_out_variant_offers_notify_me_instead_of_the_cart(client: FlaskClient) -> None:
    """When a variant is sold out, Notify me stands where Add to cart was."""
    sold_out = Page(client, f"{PARKA}?variant=HAAR-OIL-M").buying
    in_stock = Page(client, f"{PARKA}?variant=HAAR-OIL-S").buying

    assert "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3AHAAR-OIL-M" in sold_out
    assert "Add to cart" not in sold_out
    assert "notify-me__button" not in in_stock
    assert "Add to cart" in in_stock


def test_pre_order_is_sold_and_named_so(client: FlaskClient) -> None:
    """A variant that is sold without stock has a pre-order button and no notify-me."""
    page = Page(client, "/products/howff-tarp").buying

    assert '<button class="button">Pre-order</button>' in page
    assert "notify-me__button" not in page


def test_first_variant_that_can_be_bought_is_shown(client: FlaskClient, stock: Stock) -> None:
    """Without a variant in the address the page shows the first one there is, else the first."""
    stock.set("GLOA-DUS-05", 0)
    assert "SKU: GLOA-DUS-10" in Page(client, "/products/gloaming-flask").text

    assert "SKU: BLAT-S" in Page(client, "/products/blatter-souwester").text


def test_choice_keeps_the_other_choice(client: FlaskClient) -> None:
    """An option's link changes that option alone."""
    page = Page(client, f"{PARKA}?variant=HAAR-KEL-L")

    assert href(page.choice("Oilskin")) == f"{PARKA}?variant=HAAR-OIL-L"
    assert href(page.choice("S")) == f"{PARKA}?variant=HAAR-KEL-S"


def test_chosen_values_are_marked(client: FlaskClient) -> None:
    """The chosen value of each option says so, and no other does."""
    page = Page(client, f"{PARKA}?variant=HAAR-KEL-L")

    assert 'aria-current="true"' in page.choice("Kelp")
    assert 'aria-current="true"' in page.choice("L")
    assert page.html.count('aria-current="true"') == 2


def test_sold_out_choice_says_so_in_words(client: FlaskClient) -> None:
    """A sold-out value is told by words and not by its colour alone."""
    page = Page(client, f"{PARKA}?variant=HAAR-OIL-S")

    assert text_of(page.choice("M")) == "M , sold out"
    assert text_of(page.choice("L")) == "L"


def test_combination_that_is_not_made_leads_to_the_nearest(client: FlaskClient) -> None:
    """A value that isn't made with the other choice is told apart and leads where it is."""
    choice = Page(client, f"{PARKA}?variant=HAAR-SLA-L").choice("XL")

    assert "chip--elsewhere" in choice
    assert "not available in this combination, shows Oilskin / XL" in text_of(choice)
    assert href(choice) == f"{PARKA}?variant=HAAR-OIL-XL"


def test_drawing_takes_the_colour_of_the_variant(client: FlaskClient) -> None:
    """The product's drawing is asked for in the chosen variant's colour."""
    assert "/drawings/parka/4f6b4a.svg" in Page(client, f"{PARKA}?variant=HAAR-KEL-L").html


def test_canonical_address_has_no_variant(client: FlaskClient) -> None:
    """All variants of a product name one address for search engines."""
    page = Page(client, f"{PARKA}?variant=HAAR-KEL-L").html

    assert '<link rel="canonical" href="http://localhost/products/haar-parka">' in page


def test_related_products_leave_out_the_product_itself(client: FlaskClient) -> None:
    """Below a product there are four others, of its own department first."""
    related = Page(client, PARKA).html.split('id="related"')[1]

    assert related.count('<li class="card">') == 4
    assert "Plowter Boots" in related
    assert "Haar Parka" not in related


@pytest.mark.parametrize("url", ["/", PARKA, "/products/blatter-souwester"])
def test_no_cookie_and_fresh_or_unchanged(client: FlaskClient, url: str) -> None:
    """A shop window sets no cookie; a browser that has it is told that it hasn't changed."""
    first = client.get(url)
    again = client.get(url, headers={"If-None-Match": first.headers["ETag"]})

    assert "Set-Cookie" not in first.headers
    assert first.headers["Cache-Control"] == "no-cache"
    assert {"Cookie", "Accept-Language"} <= set(first.vary)
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("url", ["/", f"{PARKA}?variant=HAAR-KEL-L"])
def test_stock_changes_the_etag(client: FlaskClient, stock: Stock, url: str) -> None:
    """When stock runs out, a page that a browser kept is out of date."""
    tag = client.get(url).headers["ETag"]
    for size in ("S", "M", "L", "XL"):
        for colour in ("OIL", "KEL", "SLA"):
            if (colour, size) != ("SLA", "XL"):
                stock.set(f"HAAR-{colour}-{size}", 0)

    response = client.get(url, headers={"If-None-Match": tag})

    assert response.status_code == 200
    assert response.headers["ETag"] != tag
