"""The tour, walked as a newcomer would: each step is asserted where it really happened."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from app import create_app
from tests.sites import close, elsewhere, environ
from tests.support import Sandbox

HAT_ID = "$custom:::$default:::BLAT-S"
EMAIL = "ada@lovelace.dev"


@pytest.fixture
def shop(shop_template: Path, tmp_path: Path, sandbox: Sandbox) -> Iterator[Flask]:
    """The demo shop beside its stand-in for Klaviyo, as `make run` starts them."""
    database = Path(shutil.copy(shop_template, tmp_path / "shop.db"))
    given = environ(database, sandbox.environ(), SANDBOX_URL=sandbox.url)
    app = elsewhere(lambda: create_app(given))
    yield app
    elsewhere(lambda: close(app))


def begin(page: Page, shop_url: str) -> None:
    """Start, and go on to the second step."""
    page.goto(shop_url)
    page.get_by_role("button", name="Take the tour").click()
    expect(page.locator(".tour__title")).to_have_text("1 of 7 Sold out")
    step_on(page, "2 of 7 Notify me")


def step_on(page: Page, then: str) -> None:
    """Press Next, which is there only when the step is done."""
    page.get_by_role("button", name="Next:").click()
    expect(page.locator(".tour__title")).to_have_text(then)


def nothing_new_is_read_out(page: Page) -> None:
    """A look at another tab and back: what says the same stays, and the focus with it."""
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
    """By the dialog of the product page, which is closed again."""
    page.get_by_role("link", name="Notify me: Blatter").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Email").fill(EMAIL)
    dialog.get_by_role("button", name="Notify me").click()
    expect(page.get_by_role("dialog", name="You're on the list")).to_be_visible()
    page.keyboard.press("Escape")


def restock_and_buy(page: Page, sandbox: Sandbox, shop_url: str) -> None:
    """From the waiting list to the order."""
    page.get_by_role("link", name="the back room").click()
    expect(page.get_by_role("button", name="Next:")).to_have_count(0)
    page.get_by_label("Pieces of BLAT-S").fill("5")
    page.get_by_role("button", name="Set BLAT-S").click()
    expect(page.locator(".tour__story")).to_contain_text("5 in stock. The shop told Klaviyo")
    stock = [each for each in sandbox.requests() if "/catalog-variant" in each["path"]]
    assert [each["status"] for each in stock][-1] in (200, 201)
    assert sandbox.waiting() == []

    step_on(page, "6 of 7 The message")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Open the message").click()
    mail = opened.value
    expect(mail.get_by_role("article")).to_contain_text("Blatter Sou’wester")
    expect(mail.get_by_role("article")).to_contain_text(EMAIL)
    mail.get_by_role("link", name="See it in the shop").click()
    expect(mail.get_by_role("heading", level=1)).to_have_text("Blatter Sou’wester")
    assert mail.url == f"{shop_url}/products/blatter-souwester?variant=BLAT-S"

    step_on(mail, "7 of 7 Buy it")
    mail.get_by_role("button", name="Add to cart").click()
    mail.get_by_role("link", name="Check out").click()
    for label, words in (("Name", "Ada"), ("Email", EMAIL), ("Address", "1 Rain Row")):
        mail.get_by_role("textbox", name=label).fill(words)
    mail.get_by_role("main").get_by_role("button").click()
    expect(mail.locator(".tour__story")).to_contain_text("That is the whole story")
    mail.get_by_role("button", name="End the tour").click()
    expect(mail.get_by_role("button", name="Take the tour")).to_be_visible()


def test_the_whole_story_by_the_server(page: Page, shop_url: str, sandbox: Sandbox) -> None:
    """With scripts, in server mode: the panel goes on by itself once the dialog is done."""
    begin(page, shop_url)
    sign_up(page)
    expect(page.locator(".tour__story")).to_contain_text("Klaviyo’s answer was 202")
    expect(page.locator(".tour__title")).to_be_in_viewport()
    nothing_new_is_read_out(page)

    step_on(page, "3 of 7 The request")
    [call] = sandbox.requests()
    assert call["path"] == "/api/back-in-stock-subscriptions"
    expect(page.locator(".tour__code")).to_contain_text(f"POST {call['path']}")
    expect(page.locator(".tour__code")).to_contain_text(EMAIL)
    expect(page.locator(".tour__story")).to_contain_text("The shop’s server made this call")

    step_on(page, "4 of 7 The waiting list")
    expect(page.locator(".tour__story")).to_contain_text(f"One profile waits for {HAT_ID}: {EMAIL}")
    step_on(page, "5 of 7 Restock")
    restock_and_buy(page, sandbox, shop_url)

    page.get_by_role("link", name="Reset").click()
    page.get_by_role("button", name="Reset the demo").click()
    expect(page).to_have_url(f"{shop_url}/")
    assert sandbox.read("messages") == []
    page.goto(f"{shop_url}/products/blatter-souwester?variant=BLAT-S")
    expect(page.get_by_role("link", name="Notify me: Blatter")).to_be_visible()


def test_the_whole_story_by_the_browser(page: Page, shop_url: str, sandbox: Sandbox) -> None:
    """In client mode the very browser makes the call, with the public key."""
    page.goto(shop_url)
    page.get_by_role("button", name="the browser").click()
    expect(page.get_by_role("button", name="the browser")).to_have_attribute("aria-pressed", "true")
    begin(page, shop_url)
    sign_up(page)

    step_on(page, "3 of 7 The request")
    [call] = [each for each in sandbox.requests() if each["method"] == "POST"]
    assert call["path"] == "/client/back-in-stock-subscriptions"
    assert call["query"] == f"company_id={sandbox.account.public_key}"
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", call["origin"])
    expect(page.locator(".tour__story")).to_contain_text("Your browser made this call")
    step_on(page, "4 of 7 The waiting list")
    step_on(page, "5 of 7 Restock")
    restock_and_buy(page, sandbox, shop_url)


def test_the_story_without_scripts(plain_page: Page, shop_url: str, sandbox: Sandbox) -> None:
    """By pages alone: the form page, its done page, and back."""
    begin(plain_page, shop_url)
    plain_page.get_by_role("link", name="Notify me: Blatter").click()
    plain_page.get_by_label("Email").fill(EMAIL)
    plain_page.get_by_role("main").get_by_role("button", name="Notify me").click()
    expect(plain_page.locator(".tour__story")).to_contain_text("Klaviyo’s answer was 202")
    step_on(plain_page, "3 of 7 The request")
    step_on(plain_page, "4 of 7 The waiting list")
    step_on(plain_page, "5 of 7 Restock")
    restock_and_buy(plain_page, sandbox, shop_url)
