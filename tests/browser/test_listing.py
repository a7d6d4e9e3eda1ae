"""The listing's form: with scripts, a new sort order or filter applies immediately."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_sort_order_and_stock_filter(browser: Browser, shop_url: str, scripts: bool) -> None:
    with browser.new_context(reduced_motion="reduce", java_script_enabled=scripts) as context:
        page = context.new_page()
        page.goto(f"{shop_url}/?category=wear&q=wool")
        apply = page.get_by_role("button", name="Apply")
        expect(apply).to_be_visible(visible=not scripts)

        page.get_by_label("Sort by").select_option("Name: A to Z")
        if not scripts:
            apply.click()
        page.wait_for_url("**/?category=wear&q=wool&sort=name")
        page.get_by_label("In stock only").check()
        if not scripts:
            apply.click()
        page.wait_for_url("**/?category=wear&q=wool&sort=name&in_stock=1")
        expect(page.get_by_role("status")).to_contain_text("2 results for “wool” · in stock")
