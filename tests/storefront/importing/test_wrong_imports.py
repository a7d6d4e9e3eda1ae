"""The error messages for invalid product files, in a golden file that is easy to review."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from flask import Flask

from storefront.importing.problems import MAX_SHOWN
from tests.storefront.conftest import close, make_shop
from tests.storefront.importing.test_import_catalog import SHOPIFY, import_file, rows

GOLDEN = Path(__file__).with_name("wrong_imports.md")
HEAD = """\
# Error messages for invalid product files

Nothing is imported, and the shop is unchanged. Update this file with
`UPDATE_GOLDEN=1 pytest tests/storefront/importing/test_wrong_imports.py`.
"""
HEADER = "handle,title,variant_id,sku,price,quantity\n"
EXPORT = SHOPIFY.read_text(encoding="utf-8")
S, C = "$shopify", "$custom"
INVALID_FILES: dict[str, tuple[str, str | bytes]] = {
    "Shopify's own export without variant IDs": (S, EXPORT.replace("Variant ID", "Cost", 1)),
    "a variant without its ID": (S, HEADER + "cup,Cup,41,CUP,4,1\nmug,Mug,,MUG,4,1"),
    "a global ID": (S, HEADER + "cup,Cup,gid://shopify/ProductVariant/41,CUP,4,1"),
    "a product's global ID": (S, HEADER + "cup,Cup,gid://shopify/Product/41,CUP,4,1"),
    "a SKU instead of an ID": (S, HEADER + "cup,Cup,CUP-RED,CUP-RED,4,1"),
    "an ID shortened by a spreadsheet": (S, HEADER + "cup,Cup,4.12346E+13,CUP,4,1"),
    "an ID with decimals from a spreadsheet": (S, HEADER + "cup,Cup,41234567890101.0,CUP,4,1"),
    "a variant ID equal to the product ID": (
        S,
        "handle,title,product_id,variant_id,price\ncup,Cup,8123,8123,4",
    ),
    "the product's ID for each of its variants": (
        S,
        "handle,title,variant_id,price,option1_name,option1_value\n"
        "cup,Cup,8123,4,Colour,Red\ncup,,8123,4,,Blue\n",
    ),
    "the ID of another product's variant": (S, HEADER + "cup,Cup,41,CUP,4,1\nmug,Mug,41,MUG,4,1"),
    "another platform without IDs": ("$wix", "handle,title,sku,price\ncup,Cup,CUP,4"),
    "neither ID nor SKU": (C, HEADER + "cup,Cup,,,4,1"),
    "a SKU twice": (C, HEADER + "cup,Cup,,CUP,4,1\nmug,Mug,,CUP,4,1"),
    "a quotation mark that isn't closed": (
        C,
        HEADER + 'cup,Cup,,CUP,4,1\nmug,"Mug,,MUG,4,1\njug,Jug',
    ),
    "a quotation mark inside a cell": (C, HEADER + 'cup,"A "big" cup",,CUP,4,1'),
    "too many cells": (C, HEADER + "cup,Cup,,CUP,4,1,and more"),
    "invalid prices": (
        C,
        HEADER + 'a,A,,A,,1\nb,B,,B,"4,50",1\nc,C,,C,£4,1\nd,D,,D,4.505,1\ne,E,,E,-4,1',
    ),
    "invalid quantities": (C, HEADER + "a,A,,A,4,many\nb,B,,B,4,1.5\nc,C,,C,4,99999999"),
    "an invalid policy": (C, "handle,title,sku,price,policy\ncup,Cup,CUP,4,maybe"),
    "no column for the price": (C, "handle,title,sku\ncup,Cup,CUP"),
    "a column misspelt": (C, "handle,title,sku,price,quanttiy\ncup,Cup,CUP,4,1"),
    "a column under two names": (C, "handle,title,sku,Variant SKU,price\ncup,Cup,CUP,CUP,4"),
    "another kind of list": (C, "first name,email\nIsla,isla@example.com"),
    "an empty file": (C, ""),
    "only a header": (C, HEADER),
    "a product without a title": (C, HEADER + "cup,,,CUP,4,1"),
    "lines of a product in two places": (
        C,
        HEADER + "cup,Cup,,CUP,4,1\nmug,Mug,,MUG,4,1\ncup,Cup,,CUP-2,4,1",
    ),
    "a line without a product": (C, HEADER + ",Cup,,CUP,4,1"),
    "options that don't fit": (
        C,
        "handle,title,sku,price,option1_name,option1_value,option2_value\n"
        "cup,Cup,A,4,Colour,Red,\ncup,,B,4,,Red,\ncup,,C,4,,,\ncup,,D,4,,Blue,Large\n",
    ),
    "tracked stock without quantities": (
        S,
        "Handle,Title,Variant ID,Variant Price,Variant Inventory Tracker\ncup,Cup,41,4,shopify",
    ),
    "only drafts": (S, "Handle,Title,Variant ID,Variant Price,Status\ncup,Cup,41,4,draft"),
    "Latin-1": (C, (HEADER + "cup,Cup,,CUP,4,1\ncafe,Café,,CAFE,4,1").encode("latin-1")),
    "UTF-16": (C, HEADER.encode("utf-16")),
    "a spreadsheet file": (C, b"PK\x03\x04\x14\x00\x06\x00"),
    "JSON with an incomplete object": (C, '[{"handle": "cup",\n "title": "Cup"'),
    "JSON without the end of the list": (
        C,
        '[{"handle": "cup", "title": "Cup", "price": 4, "sku": "A"},\n',
    ),
    "JSON that isn't a list": (C, '{"products": []}'),
    "JSON with a syntax error": (C, '[{"handle": "cup",\n  "title" "Cup"}]'),
    "JSON with an unknown key": (C, '[{"handle": "cup", "colour": "red"}]'),
    "JSON with a list for a price": (C, '[{"handle": "cup", "price": [4]}]'),
    "JSON with a lone surrogate": (
        C,
        '[{"handle": "cup", "title": "\\ud83d", "price": 4, "sku": "CUP"}]',
    ),
    "JSON with invalid variants": (
        S,
        '[{"handle": "cup", "title": "Cup", "price": 4, "variant_id": 41},\n'
        ' {"handle": "mug", "title": "Mug", "price": "four", "variant_id": "MUG"}]',
    ),
}


@pytest.fixture(scope="module")
def shops(catalog_db: Path) -> dict[str, Flask]:
    """A demo shop for each integration."""
    integrations = {integration for integration, _ in INVALID_FILES.values()}
    return {
        name: make_shop(catalog_db, NOTIFY_ME_CATALOG__INTEGRATION=name) for name in integrations
    }


def test_error_messages_match_the_golden_file(shops: dict[str, Flask], tmp_path: Path) -> None:
    """None of the files changes the shop."""
    before = rows(shops[C])
    blocks = []
    for name, (integration, content) in INVALID_FILES.items():
        shown = content.decode("latin-1") if isinstance(content, bytes) else content
        file = tmp_path / ("products.json" if name.startswith("JSON") else "products.csv")
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        result = import_file(shops[integration], file)
        assert result.exit_code == 1, (name, result.output)
        lines = result.stderr.split("Error: ")[1].splitlines()
        if len(shown) > 300 or (not shown.isprintable() and "\x00" in shown):
            shown = "…"
        quoted = "\n".join(f"> {line}  " for line in lines).rstrip()
        blocks.append(
            f"## {name[0].upper()}{name[1:]} ({integration})\n\n```\n{shown.rstrip()}\n```\n\n"
            + quoted.replace("[", "\\[")
            + "\n"
        )
    document = "\n".join([HEAD, *blocks])
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(document, encoding="utf-8")

    assert document.splitlines() == GOLDEN.read_text(encoding="utf-8").splitlines()
    assert rows(shops[C]) == before
    for app in shops.values():
        close(app)


def test_number_of_reported_problems_is_limited(shops: dict[str, Flask], tmp_path: Path) -> None:
    file = tmp_path / "products.csv"
    file.write_text(HEADER + "".join(f"p-{i},P,,S-{i},free,1\n" for i in range(1234)))
    result = import_file(shops[C], file)

    lines = result.stderr.split("Error: ")[1].splitlines()
    assert lines[0] == "Nothing was imported."
    assert lines[1].startswith("products.csv, line 2: invalid price 'free'")
    assert lines[-1] == f"and {1234 - MAX_SHOWN:,} more."
    assert len(lines) == MAX_SHOWN + 2
