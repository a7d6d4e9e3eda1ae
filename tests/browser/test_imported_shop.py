"""Pages of imported products in Chromium: whatever the texts are, nothing scrolls sideways."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from playwright.sync_api import Page

from tests.axe import violations
from tests.storefront.importing.test_import_catalog import import_file
from tests.support import serve

LONG = "Unbreakable" * 20
TABLE = "<table><tr>" + "<td>1,234 mm</td>" * 20 + "</tr></table>"


def test_long_words_and_wide_tables_fit(page: Page, shop: Flask, tmp_path: Path) -> None:
    file = tmp_path / "products.csv"
    description = f"{LONG} {TABLE} <pre>{LONG}</pre>"
    file.write_text(
        "handle,title,vendor,sku,price,quantity,option1_name,option1_value,description\n"
        f'bolt,{LONG},{LONG},{LONG},1234567.89,0,{LONG},{LONG},"{description}"\n',
        encoding="utf-8",
    )
    result = import_file(shop, file)
    assert result.exit_code == 0, result.output

    page.set_viewport_size({"width": 360, "height": 800})
    with serve(shop) as url:
        for path in ("/", "/products/bolt", "/merchant"):
            page.goto(url + path)
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
            assert violations(page) == {}, path
