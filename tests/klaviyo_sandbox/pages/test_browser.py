"""A real browser: its preflight, what its script can read, and the pages' width."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from tests.klaviyo_sandbox.conftest import BROWSER_PATH, MEDIA_TYPE, Running, body
from tests.klaviyo_sandbox.eventful import make_eventful
from tests.support import CHROMIUM

ARGUMENTS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    # no name is looked up, so nothing can leave this machine
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
    """Start one Chromium for this module."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture
def shop() -> Iterator[str]:
    """Serve an empty page on an origin of its own."""
    page = Response("<!doctype html><title>Shop</title>", content_type="text/html")
    server = make_server("127.0.0.1", 0, page, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)


def fetched(chromium: Browser, shop: str, sandbox: Running, **headers: str) -> dict[str, Any]:
    """Return what a script on the shop's page learns from a sign-up."""
    url = f"{sandbox.url}{BROWSER_PATH}?company_id={sandbox.account.public_key}"
    sent = {"Content-Type": MEDIA_TYPE, "revision": "2026-07-15"} | headers
    page = chromium.new_page()
    try:
        page.goto(shop)
        learnt: dict[str, Any] = page.evaluate(CALL, [url, sent, json.dumps(body())])
    finally:
        page.close()
    return learnt


def calls(sandbox: Running) -> list[tuple[str, int | None]]:
    """Return the method and status of each recorded call."""
    return [(entry["method"], entry["status"]) for entry in sandbox.read("requests")]


def test_a_browser_signs_up(chromium: Browser, shop: str, sandbox: Running) -> None:
    """A preflight, then the call with its Origin, and the script reads an empty 202."""
    learnt = fetched(chromium, shop, sandbox)

    assert learnt == {"status": 202, "retryAfter": None, "text": ""}
    assert calls(sandbox) == [("OPTIONS", 200), ("POST", 202)]
    for entry in sandbox.read("requests"):
        assert (shop, []) == (entry["origin"], entry["problems"])
    assert len(sandbox.read("waiting")) == 1


def test_a_refused_preflight_stops_the_call(chromium: Browser, shop: str, sandbox: Running) -> None:
    """Under the CORS drill the browser sends nothing and reports a network error."""
    sandbox.drill("cors")

    assert fetched(chromium, shop, sandbox)["status"] is None

    assert calls(sandbox) == [("OPTIONS", 403)]


def test_a_throttled_call_is_a_network_error(
    chromium: Browser, shop: str, sandbox: Running
) -> None:
    """A 429 can't be read by the page's script, nor its Retry-After."""
    sandbox.drill("429", retry_after=3)

    learnt = fetched(chromium, shop, sandbox)

    assert (learnt["status"], learnt["retryAfter"]) == (None, None)
    assert calls(sandbox) == [("OPTIONS", 200), ("POST", 429)]


def test_a_refusal_can_be_read(chromium: Browser, shop: str, sandbox: Running) -> None:
    """The script reads which field is wrong."""
    sandbox.drill("400-email")

    learnt = fetched(chromium, shop, sandbox)

    assert learnt["status"] == 400
    assert "/data/attributes/profile/data/attributes/email" in learnt["text"]


def test_a_browser_never_sends_a_private_key(
    chromium: Browser, shop: str, sandbox: Running
) -> None:
    """The preflight doesn't allow Authorization, so the key stays where it was."""
    learnt = fetched(chromium, shop, sandbox, Authorization="Klaviyo-API-Key pk_0")

    assert learnt["status"] is None
    assert calls(sandbox) == [("OPTIONS", 200)]


@pytest.fixture
def eventful(sandbox: Running) -> Running:
    """Return a sandbox whose pages have something of each kind to show."""
    make_eventful(sandbox)
    return sandbox


def test_no_page_is_wider_than_its_window(chromium: Browser, eventful: Running) -> None:
    """Wide tables scroll inside the page, by keyboard too, and the page itself doesn't."""
    with chromium.new_context() as context:
        page = context.new_page()
        for path in PAGES:
            page.goto(eventful.url + path)
            assert page.locator(".scroll:not([tabindex='0'])").count() == 0
            for width in (360, 768, 1280):
                page.set_viewport_size({"width": width, "height": 800})
                found = page.evaluate("document.documentElement.scrollWidth")
                assert (path, width) == (path, found)
