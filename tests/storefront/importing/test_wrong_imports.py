"""The error messages for invalid product files, in a golden file that is easy to review."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.storefront.conftest import close, make_shop
from tests.storefront.importing.test_import_catalog import import_file, rows

GOLDEN = Path(__file__).with_name("wrong_imports.md")
HEAD = """\
# Error messages for invalid product files

Nothing is imported, and the shop is unchanged. Update this file with
`UPDATE_GOLDEN=1 pytest tests/storefront/importing/test_wrong_imports.py`.
"""
HEADER = "handle,title,variant_id,sku,price,quantity\n"
S, C = "$shopify", "$custom"
OPTIONS = HEADER.strip() + ",option1_name,option1_value,status\n"


def zipped(name: str) -> bytes:
    """Return a ZIP file that contains a file with this name."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(name, "")
    return archive.getvalue()


INVALID_FILES: dict[str, tuple[str, str | bytes]] = {
    "a product's global ID": (S, HEADER + "cup,Cup,gid://shopify/Product/41,CUP,4,1"),
    "a SKU instead of an ID": (S, HEADER + "cup,Cup,CUP-RED,CUP-RED,4,1"),
    "an ID shortened by a spreadsheet": (S, HEADER + "cup,Cup,4.12346E+13,CUP,4,1"),
    "a variant ID equal to the product ID": (
        S,
        "handle,title,product_id,variant_id,price\ncup,Cup,8123,8123,4",
    ),
    "the product ID as the ID of each variant": (
        S,
        "handle,title,variant_id,price,option1_name,option1_value\n"
        "cup,Cup,8123,4,Colour,Red\ncup,,8123,4,,Blue\ncup,,8123,4,,Green\n",
    ),
    "a quotation mark that isn't closed": (
        C,
        HEADER + 'cup,Cup,,CUP,4,1\nmug,"Mug,,MUG,4,1\njug,Jug',
    ),
    "a quotation mark inside a cell": (C, HEADER + 'cup,"A "big" cup",,CUP,4,1'),
    "too many cells": (C, HEADER + "cup,Cup,,CUP,4,1,and more"),
    "invalid prices": (
        C,
        HEADER + "a,A,,A,free,1\nb,B,,B,4..5,1\nc,C,,C,-4,1\nd,D,,D,999999999999,1\n"
        "e,E,,E,10%,1\nf,F,,F,(5.00),1\ng,G,,G,$1.2k,1",
    ),
    "a price of more than 60 characters": (C, HEADER + f"a,A,,A,{'5':0>70},1"),
    "prices with two decimal separators": (C, HEADER + 'a,A,,A,"4,50",1\nb,B,,B,1.95,1'),
    "prices with an ambiguous separator": (C, HEADER + "a,A,,A,1.500,1\nb,B,,B,2.250,1"),
    "invalid quantities": (C, HEADER + "a,A,,A,4,many\nb,B,,B,4,99999999999"),
    "an invalid policy": (C, "handle,title,sku,price,policy\ncup,Cup,CUP,4,maybe"),
    "no column for the price": (C, "handle,title,sku\ncup,Cup,CUP"),
    "a misspelt column": (C, "handle,title,sku,price,quanttiy\ncup,Cup,CUP,4,1"),
    "unknown columns that resemble no known one": (
        C,
        "title,description,category_id,Descripción\nA,B,1,C",
    ),
    "a column under two names": (C, "handle,title,sku,Variant SKU,price\ncup,Cup,CUP,CUP,4"),
    "a list without products": (C, "name,colour\nIsla,blue"),
    "a list of customers": (C, "First Name,Last Name,Email\nIsla,Reid,isla@example.com"),
    "an empty file": (C, ""),
    "only a header": (C, HEADER),
    "a product without a title": (C, HEADER + "cup,,,CUP,4,1"),
    "variants with the same options": (
        C,
        OPTIONS + "cup,Cup,,A,4,1,Colour,Red\ncup,,,B,4,1,,Red\nmug,Mug,,C,4,1\nmug,,,D,4,1\n",
    ),
    "tracked stock without quantities": (
        S,
        "Handle,Title,Variant Price,Variant Inventory Tracker,Option1 Name,Option1 Value\n"
        "cup,Cup,4,shopify,Size,S\ncup,,4,shopify,,M",
    ),
    "only hidden products": (
        S,
        OPTIONS + "cup,Cup,41,,4,,,,draft\nmug,Mug,42,,4,,,,retired",
    ),
    "a line break without quotation marks": (
        C,
        "Handle,Title,Body (HTML),Variant Price\ncup,Cup,<p>A\ncup</p>,4\nmug,Mug,<p>B</p>,5",
    ),
    "a NUL character": (C, HEADER + "cup,C\0up,,CUP,4,1"),
    "a web page": (C, "<!DOCTYPE html>\n<title>Log in, please</title>"),
    "an XML file": (C, '<?xml version="1.0"?>\n<products></products>'),
    "text in Shift JIS": (C, "title,price\n日本語の商品,1".encode("shift-jis")),
    "text that is partly UTF-8": (
        C,
        (HEADER + "tea,Thé,,TEA,4,1\n").encode() + "cafe,Café,,CAFE,4,1".encode("latin-1"),
    ),
    "a spreadsheet file": (C, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    "a ZIP archive": (C, zipped("products.csv")),
    "an Excel workbook": (C, zipped("[Content_Types].xml")),
    "a Magento export": (C, "sku,store_view_code,attribute_set_code,name\ntee,,,Tee"),
    "a BigCommerce export": (
        C,
        "Item Type,Product ID,Product Name,Product Code/SKU\nP,1,A,B",
    ),
    "a newer BigCommerce export": (C, "Item,ID,Name,Type,SKU,Options,Inventory Tracking\nP,1,A"),
    "a Squarespace export": (
        C,
        "Product ID [Non Editable],Variant ID [Non Editable],Title,SKU,Price\n1,2,A,B,3",
    ),
    "a Square export": (C, "Token,Item Name,Variation Name,SKU,Price\n1,A,Regular,B,3"),
    "a PrestaShop export": (C, "ID;Active (0/1);Name *;Categories (x,y,z...)\n1;1;A;B"),
    "a Medusa export": (C, "Product Id,Product Handle,Product Title,Variant Title\n1,a,A,B"),
    "a French PrestaShop export": (C, "ID;Image;Nom;Référence;Prix (HT);Prix (TTC)\n1;;A;B;1;2"),
    "a Shopware export": (C, "id;parent_id;product_number;active;stock;name;tax_id\n1;;A;1;1;B;2"),
    "an OpenCart export": (
        C,
        "product_id,name(en-gb),sku,model,price,stock_status_id\n1,A,B,C,2,5",
    ),
    "an Ecwid export": (C, "type,product_internal_id,product_sku,product_name\nproduct,1,A,B"),
    "an Etsy export": (C, "TITLE,DESCRIPTION,PRICE,CURRENCY_CODE,QUANTITY,MATERIALS\nA,B,1,USD,1,"),
    "an Amazon report": (C, "item-name\tseller-sku\tprice\tquantity\nA\tB\t1\t2"),
    "a product feed": (C, "id\ttitle\tprice\tavailability\timage link\nA\tB\t1 USD\tin stock\t"),
    "an unknown platform's export": (C, "Product ID,Product Name,Variant Price,SKU\n1,A,2,B"),
    "Shopify's inventory export": (C, "Handle,Title,SKU,COO,Location,Available\na,A,B,,Shop,3"),
    "JSON with other keys": (C, '[{"id": 1, "name": "Cup", "price": "4"}]'),
    "JSON with an incomplete object": (C, '[{"handle": "cup",\n "title": "Cup"'),
    "JSON without the end of the list": (
        C,
        '[{"handle": "cup", "title": "Cup", "price": 4, "sku": "A"},\n',
    ),
    "JSON that isn't a list": (C, '{"items": []}'),
    "JSON with a syntax error": (C, '[{"handle": "cup",\n  "title" "Cup"}]'),
    "JSON with a misspelt key": (C, '[{"handle": "cup", "titel": "Cup"}]'),
    "JSON with a list as a price": (C, '[{"handle": "cup", "price": [4]}]'),
    "JSON with a lone surrogate": (
        C,
        '[{"handle": "cup", "title": "\\ud83d", "price": 4, "sku": "CUP"}]',
    ),
}


@pytest.fixture(scope="module")
def shops(catalog_db: Path) -> Iterator[dict[str, Flask]]:
    """A demo shop for each integration."""
    integrations = {integration for integration, _ in INVALID_FILES.values()}
    shops = {
        name: make_shop(catalog_db, NOTIFY_ME_CATALOG__INTEGRATION=name) for name in integrations
    }
    yield shops
    for app in shops.values():
        close(app)


def test_error_messages_match_the_golden_file(shops: dict[str, Flask], tmp_path: Path) -> None:
    """No invalid file changes the shop."""
    before = rows(shops[C])
    blocks = []
    for name, (integration, content) in INVALID_FILES.items():
        shown = content.decode("latin-1") if isinstance(content, bytes) else content
        shown = shown.replace("\0", "␀")
        file = tmp_path / ("products.json" if name.startswith("JSON") else "products.csv")
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        result = import_file(shops[integration], file)
        assert result.exit_code == 1, (name, result.output)
        lines = result.stderr.split("Error: ")[1].splitlines()
        if isinstance(content, bytes) and not name.startswith("text"):
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


def test_a_problem_on_many_lines_is_reported_once(shops: dict[str, Flask], tmp_path: Path) -> None:
    file = tmp_path / "products.csv"
    file.write_text(HEADER + "".join(f"p-{i},P,,S-{i},free,1\n" for i in range(1234)))
    result = import_file(shops[C], file)

    assert result.stderr.split("Error: ")[1].splitlines() == [
        "Nothing was imported.",
        "products.csv, line 2: 'free': this is not a price (1,234 lines have this problem)",
    ]
