"""What each of many wrong lists of products is told: a golden file, for a person to read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from flask import Flask

from storefront.importing.problems import MOST
from tests.storefront.conftest import close, make_shop
from tests.storefront.importing.test_import_catalog import SHOPIFY, bring, rows

GOLDEN = Path(__file__).with_name("wrong_imports.md")
HEAD = """\
# What a wrong list of products is told

Nothing is imported, and the shop stays as it was. Renew with
`UPDATE_GOLDEN=1 pytest tests/storefront/importing/test_wrong_imports.py`.
"""
NAMES = "handle,title,variant_id,sku,price,quantity\n"
EXPORT = SHOPIFY.read_text(encoding="utf-8")
S, C = "$shopify", "$custom"
WRONG: dict[str, tuple[str, str | bytes]] = {
    "Shopify's own export, which has no variant IDs": (S, EXPORT.replace("Variant ID", "Cost", 1)),
    "a variant without its ID": (S, NAMES + "cup,Cup,41,CUP,4,1\nmug,Mug,,MUG,4,1"),
    "a global ID": (S, NAMES + "cup,Cup,gid://shopify/ProductVariant/41,CUP,4,1"),
    "a product's global ID": (S, NAMES + "cup,Cup,gid://shopify/Product/41,CUP,4,1"),
    "a SKU for an ID": (S, NAMES + "cup,Cup,CUP-RED,CUP-RED,4,1"),
    "an ID that a spreadsheet cut short": (S, NAMES + "cup,Cup,4.12346E+13,CUP,4,1"),
    "an ID that a spreadsheet made a decimal": (S, NAMES + "cup,Cup,41234567890101.0,CUP,4,1"),
    "the product's ID beside it": (
        S,
        "handle,title,product_id,variant_id,price\ncup,Cup,8123,8123,4",
    ),
    "the product's ID for each of its variants": (
        S,
        "handle,title,variant_id,price,option1_name,option1_value\n"
        "cup,Cup,8123,4,Colour,Red\ncup,,8123,4,,Blue\n",
    ),
    "an ID of another product's": (S, NAMES + "cup,Cup,41,CUP,4,1\nmug,Mug,41,MUG,4,1"),
    "another platform without IDs": ("$wix", "handle,title,sku,price\ncup,Cup,CUP,4"),
    "neither ID nor SKU": (C, NAMES + "cup,Cup,,,4,1"),
    "a SKU twice": (C, NAMES + "cup,Cup,,CUP,4,1\nmug,Mug,,CUP,4,1"),
    "a quotation mark left open": (C, NAMES + 'cup,Cup,,CUP,4,1\nmug,"Mug,,MUG,4,1\njug,Jug'),
    "a quotation mark within a cell": (C, NAMES + 'cup,"A "big" cup",,CUP,4,1'),
    "a cell too many": (C, NAMES + "cup,Cup,,CUP,4,1,and more"),
    "prices that are none": (
        C,
        NAMES + 'a,A,,A,,1\nb,B,,B,"4,50",1\nc,C,,C,£4,1\nd,D,,D,4.505,1\ne,E,,E,-4,1',
    ),
    "quantities that are none": (C, NAMES + "a,A,,A,4,many\nb,B,,B,4,1.5\nc,C,,C,4,99999999"),
    "a policy that is none": (C, "handle,title,sku,price,policy\ncup,Cup,CUP,4,maybe"),
    "no column for the price": (C, "handle,title,sku\ncup,Cup,CUP"),
    "a column misspelt": (C, "handle,title,sku,price,quanttiy\ncup,Cup,CUP,4,1"),
    "a column under two names": (C, "handle,title,sku,Variant SKU,price\ncup,Cup,CUP,CUP,4"),
    "no list of products": (C, "first name,email\nIsla,isla@example.com"),
    "an empty file": (C, ""),
    "a header alone": (C, NAMES),
    "a product without a title": (C, NAMES + "cup,,,CUP,4,1"),
    "a product's lines in two places": (
        C,
        NAMES + "cup,Cup,,CUP,4,1\nmug,Mug,,MUG,4,1\ncup,Cup,,CUP-2,4,1",
    ),
    "a line of no product": (C, NAMES + ",Cup,,CUP,4,1"),
    "options that don't fit": (
        C,
        "handle,title,sku,price,option1_name,option1_value,option2_value\n"
        "cup,Cup,A,4,Colour,Red,\ncup,,B,4,,Red,\ncup,,C,4,,,\ncup,,D,4,,Blue,Large\n",
    ),
    "tracked stock without a column for it": (
        S,
        "Handle,Title,Variant ID,Variant Price,Variant Inventory Tracker\ncup,Cup,41,4,shopify",
    ),
    "only drafts": (S, "Handle,Title,Variant ID,Variant Price,Status\ncup,Cup,41,4,draft"),
    "Latin-1": (C, (NAMES + "cup,Cup,,CUP,4,1\ncafe,Café,,CAFE,4,1").encode("latin-1")),
    "UTF-16": (C, NAMES.encode("utf-16")),
    "a workbook": (C, b"PK\x03\x04\x14\x00\x06\x00"),
    "JSON with an object cut off": (C, '[{"handle": "cup",\n "title": "Cup"'),
    "JSON without its end": (C, '[{"handle": "cup", "title": "Cup", "price": 4, "sku": "A"},\n'),
    "JSON that isn't a list": (C, '{"products": []}'),
    "JSON with a slip": (C, '[{"handle": "cup",\n  "title" "Cup"}]'),
    "JSON with an unknown key": (C, '[{"handle": "cup", "colour": "red"}]'),
    "JSON with a list for a price": (C, '[{"handle": "cup", "price": [4]}]'),
    "JSON with half a character": (
        C,
        '[{"handle": "cup", "title": "\\ud83d", "price": 4, "sku": "CUP"}]',
    ),
    "JSON with the problems of its variants": (
        S,
        '[{"handle": "cup", "title": "Cup", "price": 4, "variant_id": 41},\n'
        ' {"handle": "mug", "title": "Mug", "price": "four", "variant_id": "MUG"}]',
    ),
}


@pytest.fixture(scope="module")
def shops(catalog_db: Path) -> dict[str, Flask]:
    """The demo shop, for each integration."""
    integrations = {integration for integration, _ in WRONG.values()}
    return {
        each: make_shop(catalog_db, NOTIFY_ME_CATALOG__INTEGRATION=each) for each in integrations
    }


def test_each_wrong_file_is_told_by_line(shops: dict[str, Flask], tmp_path: Path) -> None:
    """As the golden file says; and whatever is wrong, the shop is as it was."""
    before = rows(shops[C])
    blocks = []
    for name, (integration, written) in WRONG.items():
        shown = written.decode("latin-1") if isinstance(written, bytes) else written
        file = tmp_path / ("products.json" if name.startswith("JSON") else "products.csv")
        file.write_bytes(written.encode() if isinstance(written, str) else written)
        told = bring(shops[integration], file)
        assert told.exit_code == 1, (name, told.output)
        said = told.stderr.split("Error: ")[1].splitlines()
        if len(shown) > 300 or (not shown.isprintable() and "\x00" in shown):
            shown = "…"
        quoted = "\n".join(f"> {line}  " for line in said).rstrip()
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


def test_all_problems_are_counted_and_the_first_told(
    shops: dict[str, Flask], tmp_path: Path
) -> None:
    """However many lines are wrong, what is said can be read."""
    file = tmp_path / "products.csv"
    file.write_text(NAMES + "".join(f"p-{i},P,,S-{i},free,1\n" for i in range(1234)))
    told = bring(shops[C], file)

    lines = told.stderr.split("Error: ")[1].splitlines()
    assert lines[0] == "nothing was imported."
    assert lines[1].startswith("products.csv, line 2: the price 'free' is none")
    assert lines[-1] == f"and {1234 - MOST:,} more."
    assert len(lines) == MOST + 2
