"""Missing features, failed requests, keys held down, double clicks: a fallback always works."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.test_sign_up import PARKA, one_valid_call, sign_up
from tests.support import Sandbox, eventually

BUTTON = ".buy .notify-me__button"


@pytest.mark.parametrize(
    "missing",
    [
        "CSS.supports = () => false",
        "delete AbortSignal.timeout",
        "delete HTMLDialogElement.prototype.showModal",
    ],
)
def test_browser_that_lacks_a_feature_follows_the_link(
    page: Page, shop_url: str, missing: str
) -> None:
    page.add_init_script(missing)
    page.goto(shop_url + PARKA)
    assert page.evaluate("customElements.get('notify-me')") is None

    page.locator(BUTTON).click()

    page.wait_for_url("**/notify-me/**")
    expect(page.get_by_label("Email")).to_be_visible()


def test_exception_falls_back_to_the_page(page: Page, shop_url: str, sandbox: Sandbox) -> None:
    """If the script throws an exception, the link is followed, and the form is sent as it would be
    without scripts.
    """
    fail = "() => { throw new TypeError('not in this browser') }"
    page.goto(shop_url + PARKA)
    page.evaluate(f"void (HTMLDialogElement.prototype.showModal = {fail})")
    page.locator(BUTTON).click()
    page.wait_for_url("**/notify-me/**")

    page.evaluate(f"void (window.fetch = {fail})")
    sign_up(page)

    expect(page.get_by_role("heading", level=1)).to_have_text("You’re on the list")
    assert "done=" in page.url
    one_valid_call(sandbox)


def test_opening_on_a_slow_or_unavailable_network(page: Page, shop_url: str) -> None:
    """The button is busy immediately. Without a connection, a dialog on the same page shows the
    error, and the next click tries again.
    """
    pending: list[Route] = []
    page.goto(shop_url + PARKA)
    page.route("**/notify-me/%24*", lambda route: pending.append(route))
    button = page.locator(BUTTON)
    button.click()
    # Playwright only calls the route's function during another call
    eventually(lambda: button.is_visible() and pending)
    expect(button).to_have_attribute("aria-busy", "true")

    pending.pop().abort("internetdisconnected")

    dialog = page.get_by_role("dialog", name="The form couldn’t be loaded")
    expect(dialog).to_contain_text("Check your connection and try again.")
    expect(button).not_to_have_attribute("aria-busy", "true")
    form_page = dialog.get_by_role("link", name="Open the form")
    assert form_page.get_attribute("href") == button.evaluate("link => link.href")
    assert page.url == shop_url + PARKA

    page.unroute_all(behavior="ignoreErrors")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    button.click()
    expect(page.get_by_role("dialog").get_by_label("Email")).to_be_focused()


def test_key_held_down_and_double_click(page: Page, shop_url: str, sandbox: Sandbox) -> None:
    """Enter held down on the button only opens the form; in the form, Enter submits only once. A
    double click opens the dialog and leaves it open.
    """
    posts: list[str] = []
    page.on(
        "request", lambda request: posts.append(request.url) if request.method == "POST" else None
    )
    page.goto(shop_url + PARKA)
    button = page.locator(BUTTON)
    button.hover()
    button.dblclick()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Email")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    button.focus()
    page.keyboard.down("Enter")
    expect(dialog.get_by_label("Email")).to_be_focused()
    for _ in range(5):
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    assert posts == []

    dialog.get_by_label("Email").fill("ada@example.org")
    for _ in range(5):
        page.keyboard.down("Enter")
    expect(page.get_by_role("heading", name="You’re on the list")).to_be_focused()
    page.keyboard.up("Enter")
    assert len(posts) == 1
    one_valid_call(sandbox)
