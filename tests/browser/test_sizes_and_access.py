"""What a product page weighs, and whether everyone can use what it opens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_sign_up import PARKA, sign_up
from tests.support import TIMEOUT, Sandbox

PREFIX = "%24custom%3A%3A%3A%24default%3A%3A%3A"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def weight(url: str) -> int:
    """The bytes of a file as brotli-minded browsers get it."""
    with requests.get(
        url, headers={"Accept-Encoding": "br"}, stream=True, timeout=TIMEOUT
    ) as reply:
        assert reply.headers["Content-Encoding"] == "br"
        return len(reply.raw.read(decode_content=False))


def violations(page: Page) -> dict[str, Any]:
    """What axe complains of under WCAG 2.2 AA, and where."""
    result = Axe().run(page, options={"runOnly": {"type": "tag", "values": WCAG}})
    return {
        each["id"]: [node["target"] for node in each["nodes"]]
        for each in result.response["violations"]
    }


def test_script_and_style_stay_within_budget(page: Page, shop_url: str) -> None:
    """All scripts of a product page: 3 kB at most; the kit's style: 2 kB; both by brotli."""
    page.goto(shop_url + PARKA)
    scripts = page.evaluate(
        "[...document.scripts].filter((one) => one.type !== 'application/ld+json')"
        ".map((script) => script.src)"
    )
    styles = page.evaluate("[...document.styleSheets].map((sheet) => sheet.href)")

    assert all(scripts)
    assert sum(map(weight, scripts)) <= 3000
    assert sum(weight(url) for url in styles if "/notify-me/" in url) <= 2000


def test_a_form_warmed_is_the_form_shown(page: Page, shop_url: str) -> None:
    """Hovering fetches the form once; the press that follows needs no further request."""
    forms: list[str] = []
    page.on(
        "request",
        lambda request: forms.append(request.url) if "%3A%3A%3A" in request.url else None,
    )
    page.goto(shop_url + PARKA)
    button = page.get_by_role("link", name="Notify me: Haar Parka")
    with page.expect_response("**/notify-me/%24custom*"):
        button.hover()
    button.click()
    expect(page.get_by_role("dialog")).to_be_visible()

    assert len(forms) == 1


def closed(page: Page) -> None:
    """The product page as it comes."""


def opened(page: Page) -> None:
    """The dialog, empty."""
    page.get_by_role("link", name="Notify me: Haar Parka").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def wrong(page: Page) -> None:
    """The dialog with a wrong address."""
    opened(page)
    sign_up(page, "ada")
    expect(page.get_by_label("Email")).to_have_attribute("aria-invalid", "true")


def done(page: Page) -> None:
    """The dialog after a sign-up."""
    opened(page)
    sign_up(page)
    expect(page.get_by_role("heading", name="Request received")).to_be_visible()


def choosing(page: Page) -> None:
    """The dialog of a product that is all sold out, sent without a choice."""
    page.get_by_role("link", name="Notify me: Blatter Sou’wester").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("checkbox").first).to_be_focused()
    dialog.get_by_role("button", name="Notify me").click()
    expect(dialog.get_by_role("checkbox").first).to_have_attribute("aria-invalid", "true")


def failed(page: Page) -> None:
    """The dialog when Klaviyo refuses the shop."""
    opened(page)
    sign_up(page)
    expect(page.get_by_role("alert")).to_contain_text("can't take sign-ups just now")


def form_page(page: Page) -> None:
    """The form as a page of its own."""
    page.goto(page.url.replace("/products/haar-parka?variant=", f"/notify-me/{PREFIX}"))
    expect(page.get_by_label("Email")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", [closed, opened, wrong, done, choosing, failed, form_page])
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_every_state_is_accessible_and_fits(
    browser: Browser,
    shop_url: str,
    sandbox: Sandbox,
    scheme: str,
    state: Callable[[Page], None],
    width: int,
) -> None:
    """axe finds nothing to complain of under WCAG 2.2 AA, and nothing scrolls sideways."""
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme=scheme,  # type: ignore[arg-type]
        reduced_motion="reduce",
    )
    page = context.new_page()
    if state is failed:
        sandbox.drill("401")
    page.goto(shop_url + PARKA)
    state(page)

    assert violations(page) == {}
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()
