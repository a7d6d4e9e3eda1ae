"""The listing's form, and what forms show after the Back button."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect


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


def test_forms_after_back(page: Page, shop_url: str) -> None:
    """After Back, a form shows what its page was loaded with, not what was entered later."""
    page.goto(f"{shop_url}/")
    page.get_by_label("Sort by").select_option("Name: A to Z")
    page.wait_for_url("**sort=name")
    page.go_back()
    expect(page.get_by_label("Sort by")).to_have_value("featured")

    page.goto(f"{shop_url}/merchant?product=dreich-mug")
    stock = page.get_by_label("Stock of DREI-MIL")
    for quantity in ("7", "8"):
        stock.fill(quantity)
        page.get_by_role("button", name="Save DREI-MIL").click()
        expect(page.get_by_role("status")).to_contain_text(f"updated to {quantity}")
    page.go_back()
    page.go_back()
    expect(stock).to_have_value("8")

    page.goto(f"{shop_url}/products/dreich-mug?variant=DREI-MIL")
    page.get_by_role("button", name="Add to cart").click()
    quantity_in_cart = page.get_by_role("spinbutton")
    quantity_in_cart.fill("50")
    page.get_by_role("button", name="Update quantity").click()
    expect(quantity_in_cart).to_have_value("8")
    page.go_back()
    expect(quantity_in_cart).to_have_value("8")
