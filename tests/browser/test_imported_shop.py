"""Pages of imported products in Chromium: however long the text is, nothing scrolls sideways."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Page, expect

from app import create_app
from notify_me import InventoryPolicy
from storefront import db
from storefront.base.models import Product, ProductVariant, Visibility
from tests.axe import violations
from tests.browser.test_sign_up import one_valid_call, sign_up
from tests.sites import close, environ, in_another_thread
from tests.storefront.importing.test_import_catalog import import_file
from tests.storefront.importing.test_imported_files import COMMANDS, FILES
from tests.support import Sandbox, serve

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


@pytest.mark.slow
@pytest.mark.parametrize(("integration", "command"), COMMANDS)
def test_sold_out_variant_of_each_file_accepts_a_sign_up(
    page: Page,
    catalog_db: Path,
    sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    integration: str,
    command: str,
) -> None:
    """The sandbox records the variant's composite ID. The pages fit a phone and a desktop."""
    monkeypatch.chdir(FILES)
    database = Path(shutil.copy(catalog_db, tmp_path / "shop.db"))
    settings = environ(database, sandbox.environ(), NOTIFY_ME_CATALOG__INTEGRATION=integration)
    shop = in_another_thread(lambda: create_app(settings))
    file, *options = command.split()
    result = import_file(shop, Path(file), *options)
    assert result.exit_code == 0, result.output
    with shop.app_context():
        query = sa.select(ProductVariant, Product.handle).join(Product)
        row = db.session.execute(query.where(Product.visibility == Visibility.VISIBLE)).first()
        assert row is not None
        variant, handle = row
        variant.quantity, variant.policy = 0, InventoryPolicy.DENY
        path = f"/products/{handle}?variant={quote(variant.sku)}"
        composite_id = f"{integration}:::$default:::{variant.external_id}"
        db.session.commit()

    with serve(shop) as url:
        for width in (360, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            for shown in ("/", path):
                page.goto(url + shown)
                assert page.evaluate("document.documentElement.scrollWidth") <= width, shown
                assert violations(page) == {}, shown
        page.locator(".buy .notify-me__button").click()
        sign_up(page)
        expect(page.get_by_role("dialog", name="You’re on the list")).to_be_visible()

    in_another_thread(lambda: close(shop))
    call = one_valid_call(sandbox)
    assert call["body"]["data"]["relationships"]["variant"]["data"]["id"] == composite_id
