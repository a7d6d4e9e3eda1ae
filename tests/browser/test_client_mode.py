"""Client mode in Chromium: the browser calls Klaviyo, and the server catches what can't."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, Response, expect

from app import create_app
from tests.browser.test_sign_up import PARKA, PARKA_ID, sign_up
from tests.sites import elsewhere, environ
from tests.support import TIMEOUT, Sandbox, serve

CLIENT = "/client/back-in-stock-subscriptions"
SERVER = "/api/back-in-stock-subscriptions"
CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"}


def served(template: Path, folder: Path, sandbox: Sandbox, **more: str) -> Iterator[str]:
    """The demo shop in client mode."""
    database = shutil.copy(template, folder / "client.db")
    settings = environ(Path(database), sandbox.environ(), NOTIFY_ME_MODE="client", **more)
    with serve(elsewhere(lambda: create_app(settings))) as url:
        yield url


@pytest.fixture
def client_shop(shop_template: Path, tmp_path: Path, sandbox: Sandbox) -> Iterator[str]:
    """With a private key: the server takes over."""
    yield from served(shop_template, tmp_path, sandbox)


@pytest.fixture
def keyless_shop(shop_template: Path, tmp_path: Path, sandbox: Sandbox) -> Iterator[str]:
    """Without a private key: the browser is the only way."""
    yield from served(shop_template, tmp_path, sandbox, KLAVIYO_PRIVATE_KEY="")


def open_form(page: Page, shop: str) -> None:
    """Open the parka's dialog."""
    page.goto(shop + PARKA)
    page.get_by_role("link", name="Notify me: Haar Parka").click()


def calls(sandbox: Sandbox, method: str = "POST") -> list[str]:
    """The paths that were called, in order."""
    return [call["path"] for call in sandbox.requests() if call["method"] == method]


def test_the_browser_calls_klaviyo(page: Page, client_shop: str, sandbox: Sandbox) -> None:
    """A preflight, then one valid call with the shop's Origin; no private key comes here."""
    replies: list[Response] = []
    page.on("response", lambda reply: replies.append(reply))
    open_form(page, client_shop)

    sign_up(page)

    expect(page.get_by_role("heading", name="You're on the list")).to_be_focused()
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


def test_only_client_mode_opens_the_policy(
    client_shop: str, shop_url: str, sandbox: Sandbox
) -> None:
    """`connect-src` names Klaviyo's origin in client mode, and not in server mode."""

    def policy(shop: str) -> str:
        return requests.get(shop + PARKA, timeout=TIMEOUT).headers["Content-Security-Policy"]

    assert f"connect-src 'self' {sandbox.url};" in policy(client_shop)
    assert sandbox.url not in policy(shop_url)


@pytest.mark.parametrize("kind", ["429", "500", "503", "drop", "html"])
def test_what_fails_in_passing_ends_on_the_server(
    page: Page, client_shop: str, sandbox: Sandbox, kind: str
) -> None:
    """One call by the browser, then one with the private key, and the confirmation."""
    sandbox.drill(kind, operation="create_client_back_in_stock_subscription")
    open_form(page, client_shop)

    sign_up(page)

    expect(page.get_by_role("heading", name="You're on the list")).to_be_visible()
    assert calls(sandbox) == [CLIENT, SERVER]
    assert len(sandbox.waiting()) == 1


def test_a_repeat_is_a_success(page: Page, client_shop: str, sandbox: Sandbox) -> None:
    """A 409 on back in stock: the thanks show, and nobody asks again."""
    sandbox.drill("409", operation="create_client_back_in_stock_subscription")
    open_form(page, client_shop)

    sign_up(page)

    expect(page.get_by_role("heading", name="You're on the list")).to_be_visible()
    assert calls(sandbox) == [CLIENT]


def test_repeat_shows_the_confirmation_without_a_report(page: Page, client_shop: str) -> None:
    """The view that came with the calls shows, whatever becomes of the report."""
    page.route(f"**{CLIENT}*", lambda route: route.fulfill(status=409, headers=CORS, json={}))
    open_form(page, client_shop)
    page.route(
        "**/notify-me/*",
        lambda route: (
            route.abort() if "answers=" in (route.request.post_data or "") else route.fallback()
        ),
    )

    sign_up(page)

    expect(page.get_by_role("heading", name="You're on the list")).to_be_visible()


def test_a_silent_klaviyo_is_not_asked_twice(
    page: Page, client_shop: str, sandbox: Sandbox
) -> None:
    """A call that got no answer in its time may have been taken: the server asks next."""
    sandbox.drill("slow", seconds=600, operation="create_client_back_in_stock_subscription")
    open_form(page, client_shop)

    sign_up(page)

    expect(page.get_by_role("heading", name="You're on the list")).to_be_visible(timeout=20_000)
    assert calls(sandbox) == [CLIENT, SERVER]
    sandbox.reset()


def test_all_calls_share_one_patience(
    page: Page, client_shop: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Three options and a silent Klaviyo: the second call is cut off, the third is never made."""
    sandbox.drill(
        "slow", times=None, seconds=600, operation="create_client_back_in_stock_subscription"
    )
    with closing(sqlite3.connect(tmp_path / "client.db")) as database, database:
        database.execute("UPDATE shop_variant SET quantity = 0 WHERE sku LIKE 'HAAR-OIL-%'")
    open_form(page, client_shop)
    dialog = page.get_by_role("dialog")
    boxes = dialog.get_by_role("checkbox")
    expect(boxes.first).to_be_visible()
    for place in range(boxes.count()):
        boxes.nth(place).set_checked(place < 3)

    sign_up(dialog)  # type: ignore[arg-type]
    expect(page.get_by_role("heading", name="You're on the list")).to_be_visible(timeout=20_000)

    assert calls(sandbox) == [CLIENT, CLIENT, SERVER, SERVER, SERVER]
    sandbox.reset()


def test_a_tracker_blocker_ends_on_the_server(
    page: Page, client_shop: str, sandbox: Sandbox
) -> None:
    """With Klaviyo's host blocked, one call by the server, and the same thanks."""
    page.route(re.compile(re.escape(sandbox.url)), lambda route: route.abort("blockedbyclient"))
    open_form(page, client_shop)

    sign_up(page)

    expect(page.get_by_role("heading", name="You're on the list")).to_be_visible()
    [call] = sandbox.requests()
    assert call["path"] == SERVER
    assert call["problems"] == []


def test_blocked_call_without_a_private_key_shows_an_error(
    page: Page, keyless_shop: str, sandbox: Sandbox
) -> None:
    """The form says what happened, keeps everything, and works once the way is free."""
    page.route(re.compile(re.escape(sandbox.url)), lambda route: route.abort("blockedbyclient"))
    open_form(page, keyless_shop)
    sign_up(page)
    expect(page.get_by_role("alert").filter(has_text="content blocker")).to_be_visible()
    expect(page.get_by_label("Email")).to_have_value("ada@example.org")
    assert sandbox.requests() == []

    page.unroute_all(behavior="wait")
    page.get_by_role("button", name="Notify me").click()

    expect(page.get_by_role("heading", name="You're on the list")).to_be_visible()
    assert calls(sandbox) == [CLIENT]


def test_rejected_email_shows_an_error_beside_its_field(
    page: Page, client_shop: str, sandbox: Sandbox
) -> None:
    """What Klaviyo answered the browser comes back as in server mode."""
    sandbox.drill("400-email")
    open_form(page, client_shop)

    sign_up(page)

    field = page.get_by_label("Email")
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description(re.compile("wasn't accepted"))
    assert calls(sandbox) == [CLIENT]


def test_a_double_press_calls_once(page: Page, client_shop: str, sandbox: Sandbox) -> None:
    """While Klaviyo is slow, another press does nothing."""
    sandbox.drill("slow", seconds=1, operation="create_client_back_in_stock_subscription")
    open_form(page, client_shop)
    page.get_by_label("Email").fill("ada@example.org")
    send = page.get_by_role("button", name="Notify me")
    send.click()
    expect(page.locator("form[aria-busy=true]")).to_be_visible()
    send.click()

    expect(page.get_by_role("heading", name="You're on the list")).to_be_visible()
    assert calls(sandbox) == [CLIENT]


def test_a_shops_script_can_open_the_form(page: Page, client_shop: str, sandbox: Sandbox) -> None:
    """NotifyMe.open(id) opens the page's own button's form, or one that has no button here."""
    page.goto(client_shop + PARKA)
    page.evaluate("id => NotifyMe.open(id)", PARKA_ID)
    expect(page.get_by_role("dialog", name="Haar Parka")).to_be_visible()
    page.keyboard.press("Escape")

    page.evaluate("id => NotifyMe.open(id)", "$custom:::$default:::BLAT-L")

    expect(page.get_by_role("dialog", name="Blatter Sou’wester")).to_be_visible()
    sign_up(page.get_by_role("dialog"))  # type: ignore[arg-type]
    expect(page.get_by_role("heading", name="You're on the list")).to_be_visible()
    [waiting] = sandbox.waiting()
    assert waiting["variant"] == "$custom:::$default:::BLAT-L"


def test_back_after_a_sign_up_does_no_harm(page: Page, client_shop: str, sandbox: Sandbox) -> None:
    """Back on the form page, nothing is sent by itself, and another press changes nothing."""
    page.goto(client_shop + PARKA)
    href = page.get_by_role("link", name="Notify me: Haar Parka").get_attribute("href")
    page.goto(f"{client_shop}{href}")
    sign_up(page)
    expect(page.get_by_role("heading", name="You're on the list")).to_be_visible()
    page.get_by_role("link", name="Back to Haar Parka").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Haar Parka")

    page.go_back()
    expect(page.get_by_role("link", name="Back to Haar Parka")).to_be_visible()
    assert calls(sandbox) == [CLIENT]
    page.reload()
    sign_up(page)

    expect(page.get_by_role("heading", name="You're on the list")).to_be_visible()
    assert len(sandbox.waiting()) == 1


def test_two_tabs_send_for_themselves_alone(page: Page, client_shop: str, sandbox: Sandbox) -> None:
    """The same sign-up from two tabs: one waits, and both read the same."""
    other = page.context.new_page()
    for tab in (page, other):
        open_form(tab, client_shop)
    for tab in (page, other):
        sign_up(tab)
        expect(tab.get_by_role("heading", name="You're on the list")).to_be_visible()

    assert len(sandbox.waiting()) == 1
