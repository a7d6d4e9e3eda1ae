"""The complete tour; the result of each step is checked in the shop and in the sandbox."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from app import create_app
from tests.sites import close, environ, in_another_thread
from tests.support import Sandbox

EMAIL = "ada@lovelace.dev"


@pytest.fixture
def shop(shop_template: Path, tmp_path: Path, sandbox: Sandbox) -> Iterator[Flask]:
    """The demo shop with the Klaviyo sandbox, as `make run` starts them."""
    database = Path(shutil.copy(shop_template, tmp_path / "shop.db"))
    given = environ(database, sandbox.environ(), SANDBOX_URL=sandbox.url)
    app = in_another_thread(lambda: create_app(given))
    yield app
    in_another_thread(lambda: close(app))


def begin(page: Page, shop_url: str) -> None:
    """Begin the tour and go to the second step."""
    page.goto(shop_url)
    page.get_by_role("button", name="Take the tour").click()
    expect(page.locator(".tour__title")).to_have_text("1 of 7 Sold out")
    go_to_next(page, "2 of 7 Sign up")


def go_to_next(page: Page, title: str) -> None:
    """Press Next, which only appears once the step is done."""
    page.get_by_role("button", name="Next").click()
    expect(page.locator(".tour__title")).to_have_text(title)


def check_unchanged_text_is_not_replaced(page: Page) -> None:
    """Check that returning from another tab replaces no text, for screen readers."""
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


def sign_up(page: Page) -> None:
    """Sign up in the product page's dialog, and close it."""
    page.get_by_role("link", name="Notify me: Blatter").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Email").fill(EMAIL)
    dialog.get_by_role("button", name="Notify me").click()
    expect(page.get_by_role("dialog", name="You're on the list")).to_be_visible()
    page.keyboard.press("Escape")


def restock_and_buy(page: Page, sandbox: Sandbox, shop_url: str) -> None:
    """Go from the waiting list to the order."""
    page.locator(".tour").get_by_role("link", name="Stock and orders").click()
    expect(page.get_by_role("button", name="Next")).to_have_count(0)
    page.get_by_label("Stock of BLAT-S").fill("5")
    page.get_by_role("button", name="Save BLAT-S").click()
    expect(page.locator(".tour__story")).to_contain_text(
        "5 in stock. The shop has updated the stock in Klaviyo"
    )
    stock_calls = [call for call in sandbox.requests() if "/catalog-variant" in call["path"]]
    assert stock_calls[-1]["status"] in (200, 201)
    assert sandbox.waiting() == []

    go_to_next(page, "6 of 7 The alert")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Open the message").click()
    mail = opened.value
    expect(mail.get_by_role("article")).to_contain_text("Blatter Sou’wester")
    expect(mail.get_by_role("article")).to_contain_text(EMAIL)
    mail.get_by_role("link", name="Shop now").click()
    expect(mail.get_by_role("heading", level=1)).to_have_text("Blatter Sou’wester")
    assert mail.url == f"{shop_url}/products/blatter-souwester?variant=BLAT-S"

    go_to_next(mail, "7 of 7 The sale")
    mail.get_by_role("button", name="Add to cart").click()
    mail.get_by_role("link", name="Checkout").click()
    for label, words in (("Name", "Ada"), ("Email", EMAIL), ("Address", "1 Rain Row")):
        mail.get_by_role("textbox", name=label).fill(words)
    mail.get_by_role("main").get_by_role("button").click()
    expect(mail.locator(".tour__story")).to_contain_text(
        "That’s the full loop, live: one alert, one £54 sale."
    )
    mail.get_by_role("button", name="Finish the tour").click()
    expect(mail.get_by_role("button", name="Take the tour")).to_be_visible()


def test_tour_in_server_mode(page: Page, shop_url: str, sandbox: Sandbox) -> None:
    """The panel updates itself after the sign-up."""
    begin(page, shop_url)
    sign_up(page)
    expect(page.locator(".tour__story")).to_contain_text("Klaviyo accepted the sign-up")
    expect(page.locator(".tour__title")).to_be_in_viewport()
    check_unchanged_text_is_not_replaced(page)

    go_to_next(page, "3 of 7 Sent to Klaviyo")
    [call] = [call for call in sandbox.requests() if "back-in-stock" in call["path"]]
    assert call["path"] == "/api/back-in-stock-subscriptions"
    expect(page.locator(".tour__code")).to_contain_text(f"POST {call['path']}")
    expect(page.locator(".tour__code")).to_contain_text(EMAIL)
    expect(page.locator(".tour__story")).to_contain_text("The shop’s server sent the sign-up")

    go_to_next(page, "4 of 7 Waiting list")
    expect(page.locator(".tour__story")).to_contain_text(
        f"{EMAIL} is now on the waiting list for the Blatter"
    )
    go_to_next(page, "5 of 7 Restock")
    restock_and_buy(page, sandbox, shop_url)

    page.get_by_role("link", name="Reset").click()
    page.get_by_role("button", name="Reset the demo").click()
    expect(page).to_have_url(f"{shop_url}/")
    assert sandbox.read("messages") == []
    page.goto(f"{shop_url}/products/blatter-souwester?variant=BLAT-S")
    expect(page.get_by_role("link", name="Notify me: Blatter")).to_be_visible()


def test_tour_in_client_mode(page: Page, shop_url: str, sandbox: Sandbox) -> None:
    """The browser calls Klaviyo, with the public key."""
    page.goto(shop_url)
    page.get_by_role("button", name="Browser").click()
    expect(page.get_by_role("button", name="Browser")).to_have_attribute("aria-pressed", "true")
    begin(page, shop_url)
    sign_up(page)

    go_to_next(page, "3 of 7 Sent to Klaviyo")
    [call] = [
        call
        for call in sandbox.requests()
        if "back-in-stock" in call["path"] and call["method"] == "POST"
    ]
    assert call["path"] == "/client/back-in-stock-subscriptions"
    assert call["query"] == f"company_id={sandbox.account.public_key}"
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", call["origin"])
    expect(page.locator(".tour__story")).to_contain_text("Your browser sent the sign-up")
    go_to_next(page, "4 of 7 Waiting list")
    go_to_next(page, "5 of 7 Restock")
    restock_and_buy(page, sandbox, shop_url)


def test_tour_without_scripts(plain_page: Page, shop_url: str, sandbox: Sandbox) -> None:
    begin(plain_page, shop_url)
    plain_page.get_by_role("link", name="Notify me: Blatter").click()
    plain_page.get_by_label("Email").fill(EMAIL)
    plain_page.get_by_role("main").get_by_role("button", name="Notify me").click()
    expect(plain_page.locator(".tour__story")).to_contain_text("Klaviyo accepted the sign-up")
    go_to_next(plain_page, "3 of 7 Sent to Klaviyo")
    go_to_next(plain_page, "4 of 7 Waiting list")
    go_to_next(plain_page, "5 of 7 Restock")
    restock_and_buy(plain_page, sandbox, shop_url)
