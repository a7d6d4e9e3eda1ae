"""The listing and the product pages: stock, options, buttons and caching."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.storefront.conftest import close, make_shop
from tests.storefront.page import Page, Stock, href, text_of

PARKA = "/products/haar-parka"
SOUWESTER = "/products/blatter-souwester"


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Haar Parka", "£248 In stock"),
        ("Spate Pack", "from £118 In stock"),
        ("Blatter Sou’wester", "£54 Sold out"),
        ("Howff Tarp", "£128 Pre-order"),
        ("The Falling Glass", "£310 Last one"),
        ("A Steek in Time", "£24 In stock"),
    ],
)
def test_card_has_price_and_stock(reader: FlaskClient, title: str, text: str) -> None:
    assert text in text_of(Page(reader, f"/?q={title}").card(title))


def test_only_cards_of_sold_out_products_have_the_button(reader: FlaskClient) -> None:
    page = Page(reader, "/")

    assert "notify-me__button" in page.card("Blatter Sou’wester")
    assert page.html.count("notify-me__button") == 1


def test_category_lists_its_products(reader: FlaskClient) -> None:
    page = Page(reader, "/?category=camp")

    assert "Dreich Mug" in page.text
    assert "Haar Parka" not in page.text
    assert re.search(r'category=camp" aria-current="page"', page.html)


@pytest.mark.parametrize(
    "url",
    [
        *("/?category=attic", "/products/no-such"),
        *(f"{PARKA}?variant={sku}" for sku in ("NO-SUCH", "", "BLAT-S")),
    ],
)
def test_unknown_category_product_or_variant_is_404(reader: FlaskClient, url: str) -> None:
    assert "Page not found" in Page(reader, url, status=404).text


@pytest.mark.parametrize(
    ("quantity", "label"),
    [(4, "In stock"), (3, "3 left"), (1, "Last one"), (0, "Sold out"), (None, "In stock")],
)
def test_product_page_has_a_stock_label(
    client: FlaskClient, stock: Stock, quantity: int | None, label: str
) -> None:
    stock.set("HAAR-KEL-M", quantity)

    text = Page(client, f"{PARKA}?variant=HAAR-KEL-M").text

    assert f"£248 {label} Colour" in text


def test_notify_me_replaces_add_to_cart_for_a_sold_out_variant(reader: FlaskClient) -> None:
    sold_out = Page(reader, f"{PARKA}?variant=HAAR-OIL-M").buying
    in_stock = Page(reader, f"{PARKA}?variant=HAAR-OIL-S").buying

    assert "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3AHAAR-OIL-M" in sold_out
    assert "Add to cart" not in sold_out
    assert "notify-me__button" not in in_stock
    assert "Add to cart" in in_stock


def test_no_alert_is_promised_where_none_is_offered(app: Flask, tmp_path: Path) -> None:
    promise = "Get an alert when it’s back"
    assert promise in Page(app.test_client(), SOUWESTER).text

    shop = make_shop(tmp_path / "shop.db", NOTIFY_ME_TRIGGER__TAG_BLOCKLIST="hats")

    page = Page(shop.test_client(), SOUWESTER)
    close(shop)
    assert promise not in page.text
    assert '<button class="button" disabled>Sold out</button>' in page.buying


def test_pre_order_has_its_own_button(reader: FlaskClient) -> None:
    page = Page(reader, "/products/howff-tarp").buying

    assert '<button class="button">Pre-order</button>' in page
    assert "notify-me__button" not in page


def test_first_available_variant_is_selected_by_default(client: FlaskClient, stock: Stock) -> None:
    stock.set("GLOA-DUS-05", 0)
    assert "SKU: GLOA-DUS-10" in Page(client, "/products/gloaming-flask").text

    assert "SKU: BLAT-S" in Page(client, SOUWESTER).text


def test_option_link_keeps_the_other_option(reader: FlaskClient) -> None:
    page = Page(reader, f"{PARKA}?variant=HAAR-KEL-L")

    assert href(page.choice("Oilskin")) == f"{PARKA}?variant=HAAR-OIL-L"
    assert href(page.choice("S")) == f"{PARKA}?variant=HAAR-KEL-S"


def test_selected_values_are_marked(reader: FlaskClient) -> None:
    page = Page(reader, f"{PARKA}?variant=HAAR-KEL-L")

    assert 'aria-current="true"' in page.choice("Kelp")
    assert 'aria-current="true"' in page.choice("L")
    assert page.html.count('aria-current="true"') == 2


def test_sold_out_value_says_so_in_text(reader: FlaskClient) -> None:
    """Colour alone wouldn't be accessible."""
    page = Page(reader, f"{PARKA}?variant=HAAR-OIL-S")

    assert text_of(page.choice("M")) == "M , sold out"
    assert text_of(page.choice("L")) == "L"


def test_first_option_is_sold_out_only_in_all_combinations(
    client: FlaskClient, stock: Stock
) -> None:
    """Oilskin is sold out in M, but not in other sizes."""
    url = f"{PARKA}?variant=HAAR-KEL-M"
    assert text_of(Page(client, url).choice("Oilskin")) == "Oilskin"

    for size in ("S", "L", "XL"):
        stock.set(f"HAAR-OIL-{size}", 0)
    assert text_of(Page(client, url).choice("Oilskin")) == "Oilskin , sold out"


def test_missing_combination_links_to_the_nearest_variant(reader: FlaskClient) -> None:
    choice = Page(reader, f"{PARKA}?variant=HAAR-SLA-L").choice("XL")

    assert "chip--elsewhere" in choice
    assert "not available with your other choices; selects Oilskin / XL instead" in text_of(choice)
    assert href(choice) == f"{PARKA}?variant=HAAR-OIL-XL"


def test_drawing_has_the_colour_of_the_variant(reader: FlaskClient) -> None:
    assert "/drawings/parka/4f6b4a.svg" in Page(reader, f"{PARKA}?variant=HAAR-KEL-L").html


def test_canonical_url_has_no_variant(reader: FlaskClient) -> None:
    page = Page(reader, f"{PARKA}?variant=HAAR-KEL-L").html

    assert '<link rel="canonical" href="http://localhost/products/haar-parka">' in page


def test_related_products(reader: FlaskClient) -> None:
    """The page shows four related products, those of the same category first."""
    related = Page(reader, PARKA).html.split('id="related"')[1]

    assert related.count('<li class="card">') == 4
    assert "Plowter Boots" in related
    assert "Haar Parka" not in related


def test_confirmation_shows_two_related_products_in_stock(
    client: FlaskClient, stock: Stock
) -> None:
    """Products of the same category come first."""
    data = {"channels": "EMAIL", "email": "isla@example.com"}
    form = "/notify-me/$custom:::$default:::HAAR-OIL-M"

    def shown() -> list[str]:
        reply = client.post(form, data=data, headers={"X-Notify-Me": "1"}).get_json()
        related = reply["html"].partition("more__title")[2].partition("</ul>")[0]
        return re.findall(r'href="/products/([^"]+)"', related)

    first, second = shown()
    for sku in ("KEL-37", "KEL-41", "KEL-43", "KEL-45", "OCH-37", "OCH-39", "OCH-43", "OCH-45"):
        stock.set(f"PLOW-{sku}", 0)

    assert first == "plowter-boots"
    assert shown()[0] == second


@pytest.mark.parametrize("url", ["/", PARKA, SOUWESTER])
def test_pages_set_no_cookie_and_can_be_revalidated(reader: FlaskClient, url: str) -> None:
    first = reader.get(url)
    again = reader.get(url, headers={"If-None-Match": first.headers["ETag"]})

    assert "Set-Cookie" not in first.headers
    assert first.headers["Cache-Control"] == "no-cache"
    assert {"Cookie", "Accept-Language"} <= set(first.vary)
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("url", ["/", f"{PARKA}?variant=HAAR-KEL-L"])
def test_etag_changes_with_the_stock(client: FlaskClient, stock: Stock, url: str) -> None:
    tag = client.get(url).headers["ETag"]
    for size in ("S", "M", "L", "XL"):
        for colour in ("OIL", "KEL", "SLA"):
            if (colour, size) != ("SLA", "XL"):
                stock.set(f"HAAR-{colour}-{size}", 0)

    response = client.get(url, headers={"If-None-Match": tag})

    assert response.status_code == 200
    assert response.headers["ETag"] != tag
