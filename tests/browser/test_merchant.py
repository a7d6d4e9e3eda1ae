"""The merchant's pages in Chromium: accessible, and without violations of the security policy."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from flask import Flask
from playwright.sync_api import Page, expect
from werkzeug.security import generate_password_hash

from tests.axe import violations
from tests.demand import insert_sign_ups
from tests.sites import in_another_thread
from tests.support import serve

PASSWORD = "four words for rain"


def fill_log(shop: Flask) -> None:
    """Add sign-ups for forty variants."""
    with shop.app_context():
        skus = ["HAAR-OIL-M", *(f"GONE-{number}" for number in range(39))]
        for days in (0, 1, 5):
            insert_sign_ups(shop.extensions["sqlalchemy"].engine, skus, 60, timedelta(days=days))


def check_width(page: Page, width: int) -> None:
    """Check that nothing scrolls sideways."""
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_sign_in_and_demand_page(page: Page, shop: Flask) -> None:
    """Signing in works by keyboard; a demand page with many variants fits and is accessible."""
    hashed = generate_password_hash(PASSWORD, method="pbkdf2:sha256:1")
    shop.config["MERCHANT_PASSWORD_HASH"] = hashed
    with serve(shop) as url:
        page.goto(f"{url}/merchant/demand")
        expect(page.get_by_label("Password")).to_be_focused()
        page.keyboard.type("four words for sun")
        page.keyboard.press("Enter")
        expect(page.get_by_label("Password")).to_have_attribute("aria-invalid", "true")
        check_width(page, 360)
        assert violations(page) == {}
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Demand")).to_be_visible()

        in_another_thread(lambda: fill_log(shop))
        page.goto(f"{url}/merchant/demand?all=1")
        chart = page.get_by_role("img", name="Sign-ups per day, ")
        expect(chart).to_have_accessible_description(
            re.compile(r"180 sign-ups in total; the busiest day was")
        )
        for width in (768, 1280, 360):
            check_width(page, width)
        page.emulate_media(color_scheme="dark")
        assert violations(page) == {}
        page.get_by_text("Show as a table").click()
        table = page.get_by_role("region", name="Sign-ups per day as a table")
        expect(table.get_by_role("row")).to_have_count(31)
        with page.expect_download() as download:
            page.get_by_role("link", name="Download as CSV").click()
        assert len(Path(download.value.path()).read_text("utf-8-sig").splitlines()) == 121
        page.get_by_role("button", name="Sign out").click()
        expect(page).to_have_url(f"{url}/")
