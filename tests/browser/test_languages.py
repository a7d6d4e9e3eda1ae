"""Languages in a real browser: the dialog uses the page's language, and Arabic is right to left."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.axe import violations
from tests.browser.conftest import watched

PARKA = "/products/haar-parka?variant=HAAR-OIL-M"
OVERFLOWS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
CAP = "$custom:::$default:::BLAT-L"


def test_arabic_from_the_switch_to_the_confirmation(browser: Browser, shop_url: str) -> None:
    """Page, dialog, errors and confirmation fit a phone and are right to left."""
    context = browser.new_context(
        viewport={"width": 360, "height": 740},
        reduced_motion="reduce",
        locale="en-GB",
    )
    with watched(context) as page:
        page.goto(shop_url + PARKA)
        page.get_by_role("button", name="العربية").click()
        expect(page).to_have_url(shop_url + PARKA)
        expect(page.locator("html")).to_have_attribute("dir", "rtl")
        assert not page.evaluate(OVERFLOWS)
        # the brand is at the start of the line, which is on the right
        mark = page.locator(".wordmark").bounding_box()
        assert mark is not None
        assert mark["x"] > 180

        page.wait_for_load_state()
        page.locator(".buy .notify-me__button").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        expect(dialog).to_have_attribute("lang", "ar")
        box = dialog.bounding_box()
        close = dialog.get_by_role("button", name="إغلاق").bounding_box()
        assert box is not None
        assert close is not None
        # as close to the left edge as it is to the right edge in English
        assert 0 < close["x"] - box["x"] < 24
        dialog.get_by_role("button", name="أعلمني").click()
        expect(dialog.get_by_text("أدخل عنوان بريدك الإلكتروني")).to_be_visible()
        field = dialog.get_by_label("البريد الإلكتروني")
        # an address is typed from left to right
        expect(field).to_have_css("direction", "ltr")
        field.fill("ada@example.org")
        dialog.get_by_role("button", name="أعلمني").click()
        expect(dialog.get_by_role("heading", name="تمت إضافتك إلى القائمة")).to_be_visible()
        assert not page.evaluate(OVERFLOWS)
        assert violations(page) == {}
    context.close()


def test_dialog_uses_the_language_of_the_url(browser: Browser, shop_url: str) -> None:
    """The URL's language overrides the cookie and the browser's setting, even if a script opens the
    form.
    """
    context = browser.new_context(
        reduced_motion="reduce", locale="es-ES", extra_http_headers={"Cookie": "lang=fr"}
    )
    with watched(context) as page:
        page.goto(f"{shop_url}{PARKA}&lang=de")
        page.locator(".buy .notify-me__button").click()
        expect(page.get_by_role("dialog")).to_contain_text("Geben Sie Ihre E-Mail-Adresse ein")
        page.keyboard.press("Escape")
        page.evaluate("id => NotifyMe.open(id)", "$custom:::$default:::HAAR-OIL-M")
        expect(page.locator("dialog[open]")).to_have_count(1)
        page.keyboard.press("Escape")
        page.evaluate("id => NotifyMe.open(id)", CAP)
        expect(page.locator("dialog[open]")).to_contain_text("Geben Sie Ihre E-Mail-Adresse ein")

        page.goto(shop_url + PARKA)
        expect(page.locator("html")).to_have_attribute("lang", "fr")
    context.close()
