"""The shop's catalog as the kit sees it, and the number of queries a page takes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from notify_me import CompositeID, InventoryPolicy
from storefront import ShopCatalog, db
from storefront.catalog_file import CatalogFile
from storefront.loader import load
from storefront.models import Product


def ours(sku: str) -> CompositeID:
    """The composite ID of one of the shop's variants."""
    return CompositeID("$custom", "$default", sku)


def test_variant_holds_all_that_the_kit_asks(app: Flask) -> None:
    """The kit gets title, options in the shop's order, address, stock, policy, tags and price."""
    with app.test_request_context():
        variant = ShopCatalog().variant(ours("HAAR-KEL-L"))

    assert variant is not None
    assert str(variant.composite_id) == "$custom:::$default:::HAAR-KEL-L"
    assert variant.product_id == "haar-parka"
    assert variant.product_title == "Haar Parka"
    assert list(variant.options.items()) == [("Colour", "Kelp"), ("Size", "L")]
    assert variant.url == "/products/haar-parka?variant=HAAR-KEL-L"
    assert variant.quantity == 2
    assert variant.inventory_policy is InventoryPolicy.DENY
    assert variant.tags == {"waterproof", "coats"}
    assert variant.price == Decimal("248.00")


def test_pre_order_and_unmanaged_stock_reach_the_kit(app: Flask) -> None:
    """What is sold without stock, and what has none to count, is told as such."""
    with app.test_request_context():
        tarp = ShopCatalog().variant(ours("HOWF-BRA"))
        mending = ShopCatalog().variant(ours("STEEK-01"))

    assert tarp is not None
    assert (tarp.quantity, tarp.inventory_policy) == (0, InventoryPolicy.CONTINUE)
    assert mending is not None
    assert (mending.quantity, dict(mending.options)) == (None, {})


@pytest.mark.parametrize(
    "composite_id",
    [
        ours("NO-SUCH"),
        CompositeID("$shopify", "$default", "HAAR-KEL-L"),
        CompositeID("$custom", "other", "HAAR-KEL-L"),
    ],
)
def test_ids_of_others_are_unknown(app: Flask, composite_id: CompositeID) -> None:
    """A variant that isn't the shop's, or another integration's or catalog's, isn't found."""
    with app.test_request_context():
        assert ShopCatalog().variant(composite_id) is None
        assert list(ShopCatalog().siblings(composite_id)) == []


def test_siblings_are_the_product_s_variants_in_order(app: Flask) -> None:
    """All variants of the product come, itself included."""
    with app.test_request_context():
        titles = [variant.title for variant in ShopCatalog().siblings(ours("SPAT-LOC-18"))]

    assert titles == [
        f"{colour} / {size}"
        for colour in ("Signal", "Loch", "Peat")
        for size in ("18 litres", "28 litres")
    ]


@pytest.mark.parametrize(
    ("url", "most"),
    [("/", 3), ("/?category=wear", 3), ("/products/haar-parka", 6), ("/cart", 0), ("/merchant", 3)],
)
def test_queries_of_a_page(
    client: FlaskClient, queries: Callable[[], int], url: str, most: int
) -> None:
    """Each page takes a fixed number of queries."""
    assert client.get(url).status_code == 200
    assert queries() == most


def test_queries_do_not_grow_with_the_catalog(
    app: Flask, client: FlaskClient, queries: Callable[[], int]
) -> None:
    """Two hundred more products cost the listing no further query."""
    client.get("/")
    before = queries()
    with app.app_context():
        load(db.session, many_products(200))
        assert db.session.scalar(sa.select(sa.func.count(Product.id))) == 215
    queries()

    client.get("/")

    assert queries() == before


def test_kit_s_calls_take_a_fixed_number_of_queries(app: Flask, queries: Callable[[], int]) -> None:
    """The kit's look-ups take two queries each, however many variants a product has."""
    with app.test_request_context():
        ShopCatalog().variant(ours("HAAR-KEL-L"))
        assert queries() == 2
        ShopCatalog().siblings(ours("HAAR-KEL-L"))
        assert queries() == 2


def many_products(count: int) -> CatalogFile:
    """A catalog of mugs."""
    return CatalogFile.model_validate(
        {
            "products": [
                {
                    "handle": f"mug-{number}",
                    "title": f"Mug {number}",
                    "gloss": "mug: a cup with a job",
                    "category": "camp",
                    "summary": "A mug.",
                    "description": ["Holds tea."],
                    "drawing": "mug",
                    "colour": "#ece5d3",
                    "variants": [{"sku": f"MUG-{number}", "price": "9.50", "quantity": 1}],
                }
                for number in range(count)
            ]
        }
    )
