"""A real browser: preflights, what a script can read, and the width of the pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Playwright, expect
from werkzeug.wrappers import Response

from tests.klaviyo_sandbox.conftest import BROWSER_PATH, MEDIA_TYPE, RunningSandbox, body
from tests.klaviyo_sandbox.filled import fill
from tests.support import CHROMIUM, TIMEOUT, serve

ARGUMENTS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    # nothing can leave this machine
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]
PAGES = (
    "/",
    "/requests",
    "/requests/2",
    "/requests/6",
    "/waiting",
    "/flow",
    "/mailbox",
    "/mailbox/1",
    "/mailbox/2",
    "/mailbox/3",
    "/mailbox/4",
    "/mailbox/5",
    "/profiles",
    "/drills",
    "/missing",
)
CALL = """async ([url, headers, body]) => {
  try {
    const reply = await fetch(url, {method: "POST", headers, body});
    return {
      status: reply.status,
      retryAfter: reply.headers.get("Retry-After"),
      text: await reply.text(),
    };
  } catch (error) {
    return {status: null, retryAfter: null, text: String(error)};
  }
}"""


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """One Chromium for this module."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture
def shop() -> Iterator[str]:
    """The URL of an empty page on another origin."""
    page = Response("<!doctype html><title>Shop</title>", content_type="text/html")
    with serve(page) as url:
        yield url


def fetch_from(
    chromium: Browser, shop: str, sandbox: RunningSandbox, **headers: str
) -> dict[str, Any]:
    """Return the result of a sign-up by a script on the shop's page."""
    url = f"{sandbox.url}{BROWSER_PATH}?company_id={sandbox.account.public_key}"
    sent = {"Content-Type": MEDIA_TYPE, "revision": "2026-10-15"} | headers
    page = chromium.new_page()
    try:
        page.goto(shop)
        result: dict[str, Any] = page.evaluate(CALL, [url, sent, json.dumps(body())])
    finally:
        page.close()
    return result


def calls(sandbox: RunningSandbox) -> list[tuple[str, int | None]]:
    """Return the method and status of each recorded call."""
    return [(entry["method"], entry["status"]) for entry in sandbox.read("requests")]


def test_browser_signs_up(chromium: Browser, shop: str, sandbox: RunningSandbox) -> None:
    result = fetch_from(chromium, shop, sandbox)

    assert result == {"status": 202, "retryAfter": None, "text": ""}
    assert calls(sandbox) == [("OPTIONS", 200), ("POST", 202)]
    for entry in sandbox.read("requests"):
        assert (shop, []) == (entry["origin"], entry["problems"])
    assert len(sandbox.read("waiting")) == 1


def test_refused_preflight_stops_the_call(
    chromium: Browser, shop: str, sandbox: RunningSandbox
) -> None:
    sandbox.drill("cors")

    assert fetch_from(chromium, shop, sandbox)["status"] is None

    assert calls(sandbox) == [("OPTIONS", 403)]


def test_throttled_call_is_a_network_error(
    chromium: Browser, shop: str, sandbox: RunningSandbox
) -> None:
    sandbox.drill("429", retry_after=3)

    result = fetch_from(chromium, shop, sandbox)

    assert (result["status"], result["retryAfter"]) == (None, None)
    assert calls(sandbox) == [("OPTIONS", 200), ("POST", 429)]


def test_error_reply_can_be_read(chromium: Browser, shop: str, sandbox: RunningSandbox) -> None:
    sandbox.drill("400-email")

    result = fetch_from(chromium, shop, sandbox)

    assert result["status"] == 400
    assert "/data/attributes/profile/data/attributes/email" in result["text"]


def test_browser_never_sends_a_private_key(
    chromium: Browser, shop: str, sandbox: RunningSandbox
) -> None:
    """The preflight does not allow the Authorization header."""
    result = fetch_from(chromium, shop, sandbox, Authorization="Klaviyo-API-Key pk_0")

    assert result["status"] is None
    assert calls(sandbox) == [("OPTIONS", 200)]


@pytest.fixture
def filled(sandbox: RunningSandbox) -> RunningSandbox:
    """A sandbox with data on every page."""
    fill(sandbox)
    return sandbox


def test_no_page_is_wider_than_its_window(chromium: Browser, filled: RunningSandbox) -> None:
    """Wide tables scroll inside the page, and can be scrolled by keyboard."""
    with chromium.new_context() as context:
        page = context.new_page()
        for path in PAGES:
            page.goto(filled.url + path)
            assert page.locator(".scroll:not([tabindex='0'])").count() == 0
            for width in (360, 768, 1280):
                page.set_viewport_size({"width": width, "height": 800})
                scroll_width = page.evaluate("document.documentElement.scrollWidth")
                assert (path, scroll_width) == (path, width)


def test_update_keeps_focus_and_scroll_position(chromium: Browser, filled: RunningSandbox) -> None:
    with chromium.new_context(viewport={"width": 360, "height": 800}) as context:
        page = context.new_page()
        page.goto(f"{filled.url}/requests")
        table = page.get_by_role("region", name="Recorded requests")
        table.focus()
        table.evaluate("element => element.scrollTo(100, 0)")

        requests.get(f"{filled.url}/api/lists", timeout=TIMEOUT)
        page.get_by_role("link", name="#15").wait_for()

        expect(table).to_be_focused()
        assert table.evaluate("element => element.scrollLeft") == 100
