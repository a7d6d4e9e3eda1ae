"""`flask storefront load`: existing products are updated and keep their IDs and stock."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask

from storefront import db
from storefront.base.models import Product, ProductOption, ProductVariant
from tests.storefront.page import Stock

SHOP = Path(__file__).parents[3] / "storefront" / "catalog" / "catalog.json"


def load(app: Flask, *arguments: str) -> str:
    """Run the command and return its output."""
    result = app.test_cli_runner().invoke(args=["storefront", "load", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def rows(app: Flask) -> list[Any]:
    """Return all rows of the catalog's tables."""
    tables = (Product.__table__, ProductOption.__table__, ProductVariant.__table__)
    with app.app_context():
        return [
            [tuple(row) for row in db.session.execute(sa.select(table).order_by(table.c.id))]
            for table in tables
        ]


def test_second_load_changes_nothing(app: Flask) -> None:
    before = rows(app)

    output = load(app)

    assert rows(app) == before
    assert output == ("Loaded catalog.json. Products: 15 (0 new); variants: 60.\n")


def test_load_updates_products_and_variants(app: Flask, tmp_path: Path) -> None:
    """Variants that are missing from the file are deleted; products are kept."""
    catalog = json.loads(SHOP.read_text(encoding="utf-8"))
    parka = catalog["products"][0]
    parka["title"] = "Haar Coat"
    parka["variants"][0]["price"] = "199.00"
    del parka["variants"][-1]
    file = tmp_path / "one.json"
    # with a byte order mark, as some editors on Windows write it
    file.write_text(json.dumps({"products": [parka]}), encoding="utf-8-sig")
    products, _options, variants = rows(app)

    load(app, str(file))
    products_now, _options, variants_now = rows(app)

    assert len(products_now) == len(products)
    assert products_now[0][:3] == (products[0][0], "haar-parka", "Haar Coat")
    assert [v[0] for v in variants_now] == [v[0] for v in variants if v[2] != "HAAR-SLA-L"]
    assert Decimal("199.00") in variants_now[0]


def test_variants_can_move_to_another_product(app: Flask, tmp_path: Path) -> None:
    """They keep their rows, for example if a product has a new handle."""
    catalog = json.loads(SHOP.read_text(encoding="utf-8"))
    parka, mug = catalog["products"][0], catalog["products"][-1]
    parka["handle"] = "haar-coat"
    moved = parka["variants"].pop()
    mug |= {"options": parka["options"], "variants": [moved]}
    file = tmp_path / "two.json"
    file.write_text(json.dumps({"products": [mug, parka]}), encoding="utf-8")
    products, _options, variants = rows(app)

    load(app, str(file))
    products_now, _options, variants_now = rows(app)

    assert {p[1] for p in products} - {p[1] for p in products_now} == {"haar-parka"}
    assert {p[1] for p in products_now} - {p[1] for p in products} == {"haar-coat"}
    ids = {v[2]: v[0] for v in variants}
    assert all(ids[v[2]] == v[0] for v in variants_now)
    product_ids = {v[2]: v[1] for v in variants_now}
    handles = {p[0]: p[1] for p in products_now}
    assert handles[product_ids[moved["sku"]]] == mug["handle"]


def test_load_keeps_products_that_had_no_variants(app: Flask, tmp_path: Path) -> None:
    catalog = json.loads(SHOP.read_text(encoding="utf-8"))
    file = tmp_path / "one.json"
    file.write_text(json.dumps({"products": catalog["products"][:1]}), encoding="utf-8")
    with app.app_context():
        db.session.execute(sa.delete(ProductVariant))
        db.session.commit()

    load(app, str(file))

    assert len(rows(app)[0]) == len(catalog["products"])


def test_load_keeps_the_stock_unless_stock_is_given(app: Flask, stock: Stock) -> None:
    stock.set("HAAR-KEL-L", 77)

    load(app)
    assert stock.of("HAAR-KEL-L") == 77

    load(app, "--stock")
    assert stock.of("HAAR-KEL-L") == 2
