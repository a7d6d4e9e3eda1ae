"""The complete tour; the result of each step is checked in the shop and in the sandbox."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from app import create_app
from tests.browser.conftest import watched
from tests.sites import close, environ, in_another_thread
from tests.support import Sandbox

EMAIL = "ada@lovelace.dev"
DESKTOP, PHONE = (1280, 900), (390, 844)
MAX_PRESSES = 12

_COUNT_PRESSES = """
addEventListener("click", ({ isTrusted }) => {
  const before = Number(sessionStorage.getItem("presses"));
  if (isTrusted) sessionStorage.setItem("presses", before + 1);
}, true);
"""


@pytest.fixture
def shop(catalog_db: Path, tmp_path: Path, sandbox: Sandbox) -> Iterator[Flask]:
    """The demo shop with the Klaviyo sandbox, as `make run` starts them."""
    database = Path(shutil.copy(catalog_db, tmp_path / "shop.db"))
    config = environ(database, sandbox.environ(), SANDBOX_URL=sandbox.url)
    app = in_another_thread(lambda: create_app(config))
    yield app
    in_another_thread(lambda: close(app))


def press_target(page: Page) -> None:
    """Press the control that the tour has marked, which the panel must not cover."""
    target = page.locator(".tour-target")
    expect(target).to_be_in_viewport(ratio=0.9)
    target.click()


def expect_step(page: Page, title: str) -> None:
    expect(page.locator(".tour__title")).to_contain_text(title)
    expect(page.locator(".tour__title")).to_be_in_viewport()


def check_unchanged_text_is_not_replaced(page: Page) -> None:
    """Check that returning from another tab replaces no text: screen readers would repeat it."""
    button = page.get_by_role("button", name="Leave the tour")
    button.focus()
    page.evaluate(
        """() => {
            window.touched = 0;
            const panel = document.querySelector("[data-tour]");
            new MutationObserver((all) => (window.touched += all.length)).observe(panel, {
                childList: true, subtree: true, characterData: true });
        }"""
    )
    with page.expect_response(lambda reply: "/demo/tour?" in reply.url) as caught:
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    caught.value.finished()
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    assert page.evaluate("window.touched") == 0
    expect(button).to_be_focused()
    expect(page.locator(".tour [aria-live], .tour[aria-live]")).to_have_class("tour__story")


@pytest.mark.parametrize(
    ("size", "developer"),
    [
        pytest.param(DESKTOP, False, id="merchant-desktop"),
        # the developer's panel is taller, so it could cover more
        pytest.param(PHONE, True, id="developer-phone"),
        pytest.param(PHONE, False, id="merchant-phone", marks=pytest.mark.slow),
        pytest.param(DESKTOP, True, id="developer-desktop", marks=pytest.mark.slow),
    ],
)
def test_tour(
    page: Page, shop_url: str, sandbox: Sandbox, size: tuple[int, int], developer: bool
) -> None:
    """The panel never covers the control to press. The developer's browser calls Klaviyo itself."""
    width, height = size
    page.set_viewport_size({"width": width, "height": height})
    page.add_init_script(_COUNT_PRESSES)
    page.goto(shop_url)
    button = page.get_by_role("link", name="Notify me: Blatter")
    expect(button).to_be_in_viewport(ratio=1)
    if developer:
        page.get_by_text("Behind the scenes").click()
        page.get_by_role("button", name="Browser").click()
        page.evaluate("sessionStorage.clear()")
    page.get_by_role("button", name="Take the tour").click()
    expect_step(page, "1 of 4 Sign up")
    press_target(page)
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Email").fill(EMAIL)
    dialog.get_by_role("button", name="Notify me").click()
    expect(page.get_by_role("dialog", name="You’re on the list")).to_be_visible()
    dialog.get_by_role("button", name="Close").click()

    expect_step(page, "2 of 4 Restock")
    expect(page.locator(".tour__story")).to_contain_text(f"The alert will go to {EMAIL}.")
    [call] = [
        call
        for call in sandbox.requests()
        if "back-in-stock" in call["path"] and call["method"] == "POST"
    ]
    assert call["path"].startswith("/client/" if developer else "/api/")
    if developer:
        page.get_by_role("button", name="Show the API call").click()
        expect(page.locator(".tour__code")).to_contain_text(f"POST {call['path']}")
        expect(page.locator(".tour__code")).to_contain_text(EMAIL)
        expect(page.locator(".tour__story")).to_contain_text("Your browser sent the sign-up")
        assert call["query"] == f"company_id={sandbox.account.public_key}"
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", call["origin"])
    else:
        expect(page.locator(".tour__code")).to_have_count(0)
        check_unchanged_text_is_not_replaced(page)
    press_target(page)

    expect_step(page, "3 of 4 The alert")
    phone = page.locator(".tour-phone")
    expect(phone.get_by_role("article", name=f"Email to {EMAIL}")).to_be_in_viewport()
    expect(phone.get_by_role("heading")).to_contain_text("Blatter Sou’wester")
    expect(phone.locator("img")).to_have_js_property("complete", True)
    assert sandbox.waiting() == []
    if developer:
        expect(page.locator(".tour__code")).to_contain_text("/catalog-variant")
    press_target(page)

    expect_step(page, "4 of 4 The sale")
    assert page.url == f"{shop_url}/products/blatter-souwester?variant=BLAT-S"
    for path in ("/cart", "/checkout"):
        press_target(page)
        expect(page).to_have_url(re.compile(rf"{path}(\?|$)"))
    expect(page.get_by_role("textbox", name="Email")).to_have_value(EMAIL)
    press_target(page)

    expect_step(page, "The tour is complete")
    summary = page.locator(".tour__sum")
    expect(summary).to_have_text(re.compile(r"1 sign-up\s+1 alert\s+1 sale of £54"))
    expect(page.locator(".tour__story")).to_contain_text("after the restock")
    for link in (
        "See demand",
        "What if Klaviyo is down?",
        "Make it yours in the Studio",
        "Add it to your shop",
    ):
        href = page.get_by_role("link", name=link).get_attribute("href") or ""
        assert page.request.get(f"{shop_url}{href}" if href.startswith("/") else href).ok
    assert page.evaluate("Number(sessionStorage.getItem('presses'))") <= MAX_PRESSES
    # the panel is closed on the pages that the visitor opens next
    page.goto(f"{shop_url}/demo/your-shop")
    expect(summary).to_be_hidden()
    page.get_by_text("The tour is complete").click()
    page.get_by_role("button", name="Close the tour").click()
    expect(page.locator(".tour")).to_have_count(0)


def test_tour_without_scripts(plain_page: Page, shop_url: str, sandbox: Sandbox) -> None:
    """The page that follows the restock already contains the alert."""
    page = plain_page
    page.goto(shop_url)
    page.get_by_role("button", name="Take the tour").click()
    page.get_by_role("link", name="Notify me: Blatter").click()
    page.get_by_role("textbox", name="Email").fill(EMAIL)
    page.get_by_role("main").get_by_role("button", name="Notify me").click()
    page.get_by_role("button", name="Restock 5").click()
    page.get_by_role("button", name="Shop now").click()
    page.get_by_role("button", name="Add to cart").click()
    page.get_by_role("link", name="Checkout").click()
    page.get_by_role("main").get_by_role("button").click()
    expect(page.locator(".tour__sum")).to_contain_text("of £54")


def test_product_picture_does_not_cover_tour(browser: Browser, shop_url: str) -> None:
    """While one page replaces another, the tour's panel stays in front."""
    with browser.new_context(reduced_motion="no-preference") as context, watched(context) as page:
        page.goto(shop_url)
        page.get_by_role("button", name="Take the tour").click()
        page.wait_for_url("**/products/**")
        # without the transition of a link
        page.goto(page.url)
        order = page.evaluate(
            """async () => {
                await document.startViewTransition().ready;
                const layer = "::view-transition-group(tour)";
                return getComputedStyle(document.documentElement, layer).zIndex;
            }"""
        )
        assert order == "1"
