"""The shop's catalog as the kit reads it, and the number of queries per page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from notify_me import CompositeID, InventoryPolicy, ListedCatalog
from storefront import ShopCatalog, db
from storefront.base.models import Product, ProductOption, ProductVariant
from storefront.catalog.categories import categories
from tests.storefront.page import Page


def shop_composite_id(sku: str) -> CompositeID:
    """Return the composite ID of one of the shop's variants."""
    return CompositeID("$custom", "$default", sku)


def test_variant_has_all_attributes(shared_app: Flask) -> None:
    with shared_app.test_request_context():
        variant = ShopCatalog().variant(shop_composite_id("HAAR-KEL-L"))

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


def test_pre_order_and_untracked_variants(shared_app: Flask) -> None:
    with shared_app.test_request_context():
        tarp = ShopCatalog().variant(shop_composite_id("HOWF-BRA"))
        repair_kit = ShopCatalog().variant(shop_composite_id("STEEK-01"))

    assert tarp is not None
    assert (tarp.quantity, tarp.inventory_policy) == (0, InventoryPolicy.CONTINUE)
    assert repair_kit is not None
    assert (repair_kit.quantity, dict(repair_kit.options)) == (None, {})


def test_composite_ids_lists_every_variant_once(shared_app: Flask) -> None:
    with shared_app.test_request_context():
        ids = list(ShopCatalog().composite_ids())
        skus = db.session.scalars(sa.select(ProductVariant.sku)).all()

    assert isinstance(ShopCatalog(), ListedCatalog)
    assert sorted(map(str, ids)) == sorted(str(shop_composite_id(sku)) for sku in skus)
    assert shop_composite_id("HAAR-KEL-L") in ids


@pytest.mark.parametrize(
    "composite_id",
    [
        shop_composite_id("NO-SUCH"),
        CompositeID("$shopify", "$default", "HAAR-KEL-L"),
        CompositeID("$custom", "other", "HAAR-KEL-L"),
    ],
)
def test_unknown_and_foreign_ids(shared_app: Flask, composite_id: CompositeID) -> None:
    """IDs of another integration or catalog aren't found, even if the SKU exists."""
    with shared_app.test_request_context():
        assert ShopCatalog().variant(composite_id) is None
        assert list(ShopCatalog().siblings(composite_id)) == []


def test_siblings_are_all_variants_of_the_product_in_order(shared_app: Flask) -> None:
    with shared_app.test_request_context():
        titles = [
            variant.title for variant in ShopCatalog().siblings(shop_composite_id("SPAT-LOC-18"))
        ]

    assert titles == [
        f"{colour} / {size}"
        for colour in ("Signal", "Loch", "Peat")
        for size in ("18 litres", "28 litres")
    ]


@contextmanager
def recorded_queries(app: Flask) -> Iterator[list[tuple[str, Any]]]:
    """Record the SQL statements of `app` with their values."""
    queries: list[tuple[str, Any]] = []

    def record(_connection: object, _cursor: object, statement: str, values: Any, *_: Any) -> None:
        queries.append((statement, values))

    with app.app_context():
        engine = db.engine
        # the menu's query is cached for a minute: don't count it
        categories()
    sa.event.listen(engine, "before_cursor_execute", record)
    yield queries
    sa.event.remove(engine, "before_cursor_execute", record)


def count_queries(app: Flask, urls: Iterable[str]) -> dict[str, int]:
    """Return how many queries each page runs, once the kit has checked its tables."""
    client = app.test_client()
    counts = {}
    for url in urls:
        assert client.get(url).status_code == 200
        with recorded_queries(app) as queries:
            assert client.get(url).status_code == 200
        counts[url] = len(queries)
    return counts


def test_number_of_queries(shared_app: Flask) -> None:
    """One more query isn't counted: the catalog's version is read through the database driver."""
    expected = {
        "/": 4,
        "/?category=wear": 4,
        "/?q=wool&in_stock=1&sort=price-up": 4,
        "/products/haar-parka": 6,
        "/cart": 0,
    }
    assert count_queries(shared_app, expected) == expected


def test_merchant_pages_read_the_state_of_deliveries_once(shared_app: Flask) -> None:
    """The numbers are upper limits, since some results are cached."""
    limits = {"/merchant": 20, "/merchant/deliveries": 16}
    counts = count_queries(shared_app, limits)
    assert all(counts[url] <= limit for url, limit in limits.items()), counts


def test_number_of_queries_does_not_depend_on_the_size_of_the_catalog(app: Flask) -> None:
    urls = [
        *("/", "/?page=2", "/?category=camp", "/?q=mug", "/?in_stock=1"),
        *(f"/?sort={sort}" for sort in ("price-up", "price-down", "name", "newest")),
        *("/products/dreich-mug", "/products/blatter-souwester"),
    ]
    before = count_queries(app, urls)
    with app.app_context():
        insert_mugs(985)
        assert db.session.scalar(sa.select(sa.func.count(Product.id))) == 1000

    assert "1000 products" in Page(app.test_client(), "/").text
    assert "page 84 of 84" in Page(app.test_client(), "/?page=84").text
    assert count_queries(app, urls) == before


@pytest.mark.parametrize("url", ["/", "/?category=wear", "/?sort=name", "/?sort=newest"])
def test_listing_query_uses_an_index(shared_app: Flask, reader: FlaskClient, url: str) -> None:
    """The database reads one page of products, and doesn't sort the whole catalog."""
    with recorded_queries(shared_app) as queries:
        reader.get(url)
    [(statement, values)] = [query for query in queries if "LIMIT" in query[0]]
    with shared_app.app_context(), db.engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()

    assert plan
    assert not any("TEMP B-TREE" in step[-1] for step in plan)


@pytest.mark.parametrize("method", ["variant", "siblings"])
def test_number_of_queries_of_the_kit(shared_app: Flask, method: str) -> None:
    """Each lookup by the kit runs two queries, however many variants a product has."""
    with shared_app.test_request_context(), recorded_queries(shared_app) as queries:
        getattr(ShopCatalog(), method)(shop_composite_id("HAAR-KEL-L"))
    assert len(queries) == 2


def insert_mugs(count: int) -> None:
    """Insert mugs in two sizes, without the loader, which is too slow for thousands."""
    wording: dict[str, Any] = {"gloss": "mug: a cup with a job", "summary": "A mug.", "details": []}
    looks: dict[str, Any] = {"drawing": "mug", "colour": "#ece5d3", "description": ["Holds tea."]}
    numbers = range(1000, 1000 + count)
    db.session.execute(
        sa.insert(Product),
        [
            {
                "id": number,
                "handle": f"mug-{number}",
                "title": f"Mug {number}",
                "category": "camp",
                "tags": ["enamel"],
                "position": number,
                "search_text": f"mug {number}",
                **wording,
                **looks,
            }
            for number in numbers
        ],
    )
    sizes = [{"name": "Small", "swatch": None}, {"name": "Large", "swatch": None}]
    db.session.execute(
        sa.insert(ProductOption),
        [{"product_id": n, "name": "Size", "position": 0, "values": sizes} for n in numbers],
    )
    db.session.execute(
        sa.insert(ProductVariant),
        [
            {
                "product_id": number,
                "sku": f"MUG-{number}-{position}",
                "position": position,
                "values": [size["name"]],
                "price": Decimal(5 + number % 40 + position),
                "quantity": number % 3,
                "policy": InventoryPolicy.DENY,
            }
            for number in numbers
            for position, size in enumerate(sizes)
        ],
    )
    db.session.commit()
