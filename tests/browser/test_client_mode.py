"""Client mode in Chromium: the browser calls Klaviyo, and the server sends what the browser
couldn't.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, Response, Route, expect

from app import create_app
from tests.browser.test_sign_up import PARKA, PARKA_ID, sign_up
from tests.sites import environ, in_another_thread
from tests.support import TIMEOUT, Sandbox, eventually, serve

CLIENT = "/client/back-in-stock-subscriptions"
SERVER = "/api/back-in-stock-subscriptions"
CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"}


def served(template: Path, folder: Path, sandbox: Sandbox, **more: str) -> Iterator[str]:
    """Serve the demo shop in client mode; yield its URL."""
    database = shutil.copy(template, folder / "client.db")
    settings = environ(Path(database), sandbox.environ(), NOTIFY_ME_MODE="client", **more)
    with serve(in_another_thread(lambda: create_app(settings))) as url:
        yield url


@pytest.fixture
def client_shop(catalog_db: Path, tmp_path: Path, sandbox: Sandbox) -> Iterator[str]:
    """The shop with a private key, so that the server can send what the browser couldn't."""
    yield from served(catalog_db, tmp_path, sandbox)


@pytest.fixture
def keyless_shop(catalog_db: Path, tmp_path: Path, sandbox: Sandbox) -> Iterator[str]:
    """The shop without a private key, so that only the browser can call Klaviyo."""
    yield from served(catalog_db, tmp_path, sandbox, KLAVIYO_PRIVATE_KEY="")


def open_form(page: Page, shop: str) -> None:
    """Open the parka's dialog."""
    page.goto(shop + PARKA)
    page.get_by_role("link", name="Notify me: Haar Parka").click()


def calls(sandbox: Sandbox, method: str = "POST") -> list[str]:
    """Return the paths that were called, in order."""
    return [call["path"] for call in sandbox.requests() if call["method"] == method]


def test_the_browser_calls_klaviyo(page: Page, client_shop: str, sandbox: Sandbox) -> None:
    """The browser sends a preflight and a valid call with the shop's Origin, and never gets the
    private key.
    """
    replies: list[Response] = []
    page.on("response", lambda reply: replies.append(reply))
    open_form(page, client_shop)

    sign_up(page)

    expect(page.get_by_role("heading", name="You’re on the list")).to_be_focused()
    preflight, call = sandbox.requests()
    assert (preflight["method"], preflight["path"]) == ("OPTIONS", CLIENT)
    assert (call["method"], call["path"], call["status"]) == ("POST", CLIENT, 202)
    assert call["origin"] == client_shop
    assert call["problems"] == []
    assert call["body"]["data"]["relationships"]["variant"]["data"]["id"] == PARKA_ID
    read = [reply for reply in replies if reply.request.method != "OPTIONS" and reply.status == 200]
    bodies = b"".join(reply.body() for reply in read)
    assert b"company_id" in bodies
    assert sandbox.account.private_key.encode() not in bodies
    assert page.context.cookies() == []


def test_only_client_mode_allows_klaviyo_in_the_policy(
    client_shop: str, shop_url: str, sandbox: Sandbox
) -> None:
    """`connect-src` names Klaviyo's origin in client mode, and not in server mode."""

    def policy(shop: str) -> str:
        return requests.get(shop + PARKA, timeout=TIMEOUT).headers["Content-Security-Policy"]

    assert f"connect-src 'self' {sandbox.url};" in policy(client_shop)
    assert sandbox.url not in policy(shop_url)


OUTCOMES = {
    "503": [CLIENT, SERVER],
    "drop": [CLIENT, SERVER],
    "html": [CLIENT, SERVER],
    # a repeat is a success
    "409": [CLIENT],
}


def test_server_retries_after_a_temporary_failure(
    page: Page, client_shop: str, sandbox: Sandbox
) -> None:
    """The browser makes one call, then the server does, and the shopper sees the confirmation."""
    for kind, paths in OUTCOMES.items():
        sandbox.reset()
        sandbox.drill(kind, operation="create_client_back_in_stock_subscription")
        open_form(page, client_shop)

        sign_up(page, f"ada-{kind}@example.org")

        expect(page.get_by_role("heading", name="You’re on the list")).to_be_visible()
        assert calls(sandbox) == paths, kind


def test_repeat_shows_the_confirmation_without_a_report(page: Page, client_shop: str) -> None:
    """The confirmation that came with the calls is shown even if the report fails."""
    page.route(f"**{CLIENT}*", lambda route: route.fulfill(status=409, headers=CORS, json={}))
    open_form(page, client_shop)
    page.route(
        "**/notify-me/*",
        lambda route: (
            route.abort() if "answers=" in (route.request.post_data or "") else route.fallback()
        ),
    )

    sign_up(page)

    expect(page.get_by_role("heading", name="You’re on the list")).to_be_visible()


TIMEOUTS = """() => {
    const { timeout } = AbortSignal;
    const { now } = Date;
    let skipped = 0;
    Date.now = () => now() + skipped;
    AbortSignal.timeout = (ms) => {
        // a request to the shop
        if (ms > 10000) return timeout.call(AbortSignal, ms);
        const call = new AbortController();
        window.skipTimeout = () => {
            skipped += ms;
            call.abort(new DOMException("", "TimeoutError"));
        };
        return call.signal;
    };
}"""
"""Makes `skipTimeout()` end the current call to Klaviyo as if it had timed out."""


def test_all_calls_share_one_timeout(
    page: Page, client_shop: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """If Klaviyo doesn't respond, the browser aborts the first two of three calls, doesn't make
    the third, and repeats none. The server then makes all three.
    """
    sandbox.drill(
        "slow", times=None, seconds=600, operation="create_client_back_in_stock_subscription"
    )
    with closing(sqlite3.connect(tmp_path / "client.db")) as database, database:
        database.execute("UPDATE shop_variant SET quantity = 0 WHERE sku LIKE 'HAAR-OIL-%'")
    open_form(page, client_shop)
    dialog = page.get_by_role("dialog")
    boxes = dialog.get_by_role("checkbox")
    expect(boxes.first).to_be_visible()
    for index in range(boxes.count()):
        boxes.nth(index).set_checked(index < 3)
    page.evaluate(TIMEOUTS)

    sign_up(dialog)
    eventually(lambda: calls(sandbox) == [CLIENT])
    page.evaluate("skipTimeout()")
    eventually(lambda: calls(sandbox) == [CLIENT, CLIENT])
    page.evaluate("skipTimeout()")
    expect(page.get_by_role("heading", name="You’re on the list")).to_be_visible()

    assert calls(sandbox) == [CLIENT, CLIENT, SERVER, SERVER, SERVER]
    sandbox.reset()


def test_server_sends_what_the_browser_could_not(
    page: Page, client_shop: str, sandbox: Sandbox
) -> None:
    """If Klaviyo's host is blocked, or the script can't even start a call, the server makes one
    call, and the confirmation is the same.
    """
    for obstacle in ("blocker", "exception"):
        sandbox.reset()
        open_form(page, client_shop)
        if obstacle == "blocker":
            klaviyo = re.compile(re.escape(sandbox.url))
            page.route(klaviyo, lambda route: route.abort("blockedbyclient"), times=1)
        else:
            page.evaluate(
                """() => {
                    const { timeout } = AbortSignal;
                    AbortSignal.timeout = (ms) => {
                        if (ms < 10000) throw new TypeError("not in this browser");
                        return timeout.call(AbortSignal, ms);
                    };
                }"""
            )

        sign_up(page, f"{obstacle}@example.org")

        expect(page.get_by_role("heading", name="You’re on the list")).to_be_visible()
        [call] = sandbox.requests()
        assert call["path"] == SERVER, obstacle
        assert call["problems"] == []


def test_blocked_call_without_a_private_key_shows_an_error(
    page: Page, keyless_shop: str, sandbox: Sandbox
) -> None:
    """The form shows the reason, keeps its input, and works once nothing is blocked."""
    page.route(re.compile(re.escape(sandbox.url)), lambda route: route.abort("blockedbyclient"))
    open_form(page, keyless_shop)
    sign_up(page)
    expect(page.get_by_role("alert").filter(has_text="content blocker")).to_be_visible()
    expect(page.get_by_label("Email")).to_have_value("ada@example.org")
    assert sandbox.requests() == []

    page.unroute_all(behavior="wait")
    page.get_by_role("button", name="Notify me").click()

    expect(page.get_by_role("heading", name="You’re on the list")).to_be_visible()
    assert calls(sandbox) == [CLIENT]


def test_rejected_email_and_double_click(page: Page, client_shop: str, sandbox: Sandbox) -> None:
    """The error that Klaviyo sent to the browser is beside its field. While the next call is in
    progress, another click does nothing.
    """
    sandbox.drill("400-email")
    open_form(page, client_shop)

    sign_up(page)

    field = page.get_by_label("Email")
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description(re.compile("wasn’t accepted"))
    assert calls(sandbox) == [CLIENT]

    pending: list[Route] = []
    page.route(f"**{CLIENT}*", lambda route: pending.append(route))
    field.fill("grace@example.org")
    send = page.get_by_role("button", name="Notify me")
    send.click()
    # Playwright only calls the route's function during another call
    eventually(lambda: page.locator("form[aria-busy=true]").is_visible() and pending)
    send.click()
    pending[0].continue_()

    expect(page.get_by_role("heading", name="You’re on the list")).to_be_visible()
    assert len(pending) == 1
    assert calls(sandbox) == [CLIENT, CLIENT]


def test_a_shops_script_can_open_the_form(page: Page, client_shop: str, sandbox: Sandbox) -> None:
    """`NotifyMe.open(id)` opens the form of any variant, with or without a button on the page."""
    page.goto(client_shop + PARKA)
    page.evaluate("opened = 0; document.addEventListener('notify-me:open', () => { opened++ })")
    page.evaluate("id => NotifyMe.open(id)", PARKA_ID)
    expect(page.get_by_role("dialog", name="Haar Parka")).to_be_visible()
    page.keyboard.press("Escape")

    page.evaluate("id => NotifyMe.open(id)", "$custom:::$default:::BLAT-L")

    expect(page.get_by_role("dialog", name="Blatter Sou’wester")).to_be_visible()
    sign_up(page.get_by_role("dialog"))
    expect(page.get_by_role("heading", name="You’re on the list")).to_be_visible()
    [waiting] = sandbox.waiting()
    assert waiting["variant"] == "$custom:::$default:::BLAT-L"
    assert page.evaluate("opened") == 2


def test_back_after_a_sign_up_sends_nothing(page: Page, client_shop: str, sandbox: Sandbox) -> None:
    """Another sign-up on the form page doesn't change the waiting list."""
    page.goto(client_shop + PARKA)
    href = page.get_by_role("link", name="Notify me: Haar Parka").get_attribute("href")
    page.goto(f"{client_shop}{href}")
    sign_up(page)
    expect(page.get_by_role("heading", name="You’re on the list")).to_be_visible()
    page.get_by_role("link", name="Back to Haar Parka").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Haar Parka")

    page.go_back()
    expect(page.get_by_role("link", name="Back to Haar Parka")).to_be_visible()
    assert calls(sandbox) == [CLIENT]
    page.reload()
    sign_up(page)

    expect(page.get_by_role("heading", name="You’re on the list")).to_be_visible()
    assert len(sandbox.waiting()) == 1


def test_same_sign_up_in_two_tabs(page: Page, client_shop: str, sandbox: Sandbox) -> None:
    """Each tab shows the confirmation, and the waiting list has one entry."""
    other = page.context.new_page()
    for tab in (page, other):
        open_form(tab, client_shop)
    for tab in (page, other):
        sign_up(tab)
        expect(tab.get_by_role("heading", name="You’re on the list")).to_be_visible()

    assert len(sandbox.waiting()) == 1
