"""Validation of the catalog file: each error names its location."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from storefront.catalog.json_file import CatalogError, parse, read

CATEGORIES = ("wear", "carry", "camp", "home")
SHOP = Path(__file__).parents[3] / "storefront" / "catalog" / "catalog.json"


def catalog() -> dict[str, Any]:
    """Return the shop's catalog."""
    loaded: dict[str, Any] = json.loads(SHOP.read_text(encoding="utf-8"))
    return loaded


def catalog_with(path: list[str | int], value: object) -> str:
    """Return the shop's catalog as JSON with one value changed."""
    data: Any = catalog()
    parent = data
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    return json.dumps(data)


def test_shop_catalog_is_valid_and_has_every_kind_of_product() -> None:
    products = read(SHOP, CATEGORIES).products
    variants = [variant for product in products for variant in product.variants]

    assert len(products) >= 12
    assert len(variants) >= 40
    assert {len(product.options) for product in products} == {0, 1, 2}
    assert any(all(v.quantity == 0 and v.policy == "deny" for v in p.variants) for p in products)
    assert any([v.quantity for v in p.variants].count(0) == 1 for p in products)
    assert any([v.quantity for v in p.variants] == [1] for p in products)
    assert any(v.quantity == 0 and v.policy == "continue" for v in variants)
    assert any(v.quantity is None for v in variants)


P = "products"
V = "variants"


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ([P, 3, V, 1, "quantity"], "many", "products[3].variants[1].quantity: Input should be"),
        ([P, 0, V, 2, "price"], "-1", "products[0].variants[2].price: Input should be greater"),
        ([P, 0, V, 2, "price"], "1.005", "products[0].variants[2].price: Decimal input should"),
        ([P, 0, V, 0, "policy"], "maybe", "products[0].variants[0].policy: Input should be"),
        ([P, 1, "handle"], "No Spaces", "products[1].handle: String should match"),
        ([P, 1, "handle"], "haar-parka", "products[1].handle: 'haar-parka' is already used at"),
        ([P, 1, V, 1, "sku"], "BLAT-S", "products[1].variants[1].sku: 'BLAT-S' is already used at"),
        ([P, 1, "drawing"], "hat", "products[1].drawing: 'hat' is not one of"),
        ([P, 1, "category"], "attic", "products[1].category: 'attic' is not one of wear, carry"),
        ([P, 1, "colour"], "yellow", "products[1].colour: String should match"),
        (
            [P, 1, V, 0, "options"],
            [],
            "products[1].variants[0].options: must have as many values as the product has options "
            "(1), not 0",
        ),
        (
            [P, 1, V, 0, "options"],
            ["Tiny"],
            "products[1].variants[0].options[0]: 'Tiny' is not",
        ),
        ([P, 1, V, 0, "options"], ["Large"], "products[1].variants[1].options: 'Large' is already"),
        ([P, 4, V], [], "products[4].variants: List should have at least 1 item"),
        ([P, 4, "prize"], 1, "products[4].prize: Extra inputs are not permitted"),
        ([P], [], "products: List should have at least 1 item"),
    ],
)
def test_error_names_its_location(path: list[str | int], value: object, problem: str) -> None:
    with pytest.raises(CatalogError) as caught:
        parse(catalog_with(path, value), CATEGORIES)

    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].startswith(problem)


def test_all_errors_are_reported() -> None:
    data = catalog()
    data["products"][0]["variants"][0]["quantity"] = "many"
    del data["products"][5]["title"]

    with pytest.raises(CatalogError) as caught:
        parse(json.dumps(data), CATEGORIES)

    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "products[0].variants[0].quantity",
        "products[5].title",
    ]


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_file_that_is_not_a_catalog(text: str) -> None:
    with pytest.raises(CatalogError, match=r"^the file: "):
        parse(text, CATEGORIES)


def test_load_command_reports_errors(shared_app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "catalog.json"
    file.write_text(
        catalog_with(["products", 3, "variants", 1, "quantity"], "many"), encoding="utf-8"
    )

    result = shared_app.test_cli_runner().invoke(args=["storefront", "load", str(file)])

    assert result.exit_code == 1
    assert "Nothing was loaded" in result.output
    assert "products[3].variants[1].quantity" in result.output


def test_load_command_reports_a_missing_file(shared_app: Flask, tmp_path: Path) -> None:
    result = shared_app.test_cli_runner().invoke(
        args=["storefront", "load", str(tmp_path / "none")]
    )

    assert result.exit_code == 1
    assert "can't be read" in result.output
