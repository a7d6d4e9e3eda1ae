"""Every channel in Chromium: choose, type, tick, send; with scripts in both modes, and without."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Locator, Page, expect

from app import create_app
from tests.browser.test_sign_up import PARKA, PARKA_ID
from tests.notify_me.offers import (
    ADA,
    BROWSER_PATHS,
    PHONE,
    SERVER_PATHS,
    SMS_SENTENCE,
    TYPED_PHONE,
    WHATSAPP_SENTENCE,
    Way,
    back_in_stock,
    by_browser,
    by_page,
    posts,
    profiles,
    sent_to,
    settings_file,
    sound_posts,
    subscription,
    toml,
)
from tests.sites import elsewhere, environ
from tests.support import Sandbox, serve

EVERY = ("EMAIL", "SMS", "WHATSAPP")
SERVER, CLIENT = Way("server", by_page, SERVER_PATHS), Way("client", by_browser, BROWSER_PATHS)
WAYS = {
    # the shop's mode and whose calls those are; whether the shopper has scripts
    "server mode": (SERVER, True),
    "client mode": (CLIENT, True),
    "server mode, no scripts": (SERVER, False),
}
LABELS = {"EMAIL": "Email", "SMS": "Text message", "WHATSAPP": "WhatsApp"}
TICKS = {
    "EMAIL": "Also email me news and offers from Smirr.",
    "SMS": "Yes, send me text messages from Smirr.",
    "WHATSAPP": "Yes, send me WhatsApp messages from Smirr.",
}
NUMBER = "Mobile number"


@pytest.fixture(scope="module")
def shop_offering(
    shop_template: Path, tmp_path_factory: pytest.TempPathFactory, sandbox_server: Sandbox
) -> Iterator[Callable[..., str]]:
    """Serves the demo shop with these channels, email's list being asked for; tells its address.

    One shop serves all tests that want the same; `key` names one of a test's own.
    """
    folder = tmp_path_factory.mktemp("channels")
    served: dict[tuple[str, ...], str] = {}

    def close(app: Flask) -> None:
        with app.app_context():
            app.extensions["sqlalchemy"].engine.dispose()

    with ExitStack() as stack:

        def shop(*channels: str, mode: str = "server", key: str = "") -> str:
            wanted = (*channels, mode, key)
            if wanted not in served:
                own = {"terms_of_service_url": "/terms", "privacy_policy_url": "/privacy"}
                text = toml(channels, email_list="ask", **own)
                settings = environ(
                    Path(shutil.copy(shop_template, folder / f"{len(served)}.db")),
                    sandbox_server.environ(),
                    NOTIFY_ME_MODE=mode,
                    NOTIFY_ME_CONFIG=settings_file(folder, text),
                    RATELIMIT_ENABLED="0",
                )
                app = elsewhere(lambda: create_app(settings))
                stack.callback(lambda: elsewhere(lambda: close(app)))
                served[wanted] = stack.enter_context(serve(app))
            return served[wanted]

        yield shop


@contextmanager
def tab(browser: Browser, **options: Any) -> Iterator[Page]:
    """A shopper's tab, on which an uncaught error or a CSP violation fails the test."""
    context = browser.new_context(**options)
    page = context.new_page()
    page.set_default_timeout(10_000)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "console",
        lambda message: (
            problems.append(message.text) if "Content Security Policy" in message.text else None
        ),
    )
    yield page
    context.close()
    assert problems == []


def open_form(page: Page, shop: str) -> Locator:
    """Open the parka's form; returns it."""
    page.goto(shop + PARKA)
    page.get_by_role("link", name="Notify me: Haar Parka").click()
    form = page.locator("form.notify-me__form")
    expect(form.get_by_role("button", name="Notify me")).to_be_visible()
    return form


def choose(form: Locator, *channels: str) -> None:
    """Tick these channels and no other."""
    for channel, label in LABELS.items():
        box = form.get_by_role("checkbox", name=label, exact=True)
        if box.count():
            box.set_checked(channel in channels)


def shows(form: Locator, *channels: str) -> None:
    """Just the fields, boxes and legal texts of these channels can be seen."""
    texts = {"SMS", "WHATSAPP"}.intersection(channels)
    # the label of the channel's own box is "Email" too
    expect(form.get_by_role("textbox", name="Email")).to_have_count(int("EMAIL" in channels))
    expect(form.get_by_role("textbox", name=NUMBER)).to_have_count(int(bool(texts)))
    for channel, label in TICKS.items():
        expect(form.get_by_role("checkbox", name=label)).to_have_count(int(channel in channels))
    for channel in ("SMS", "WHATSAPP"):
        text = form.locator(f"[id$=-{channel.lower()}-disclosure]")
        expect(text).to_be_visible(visible=channel in channels)


def fill(form: Locator, *channels: str) -> None:
    """Type what these channels need, and tick their boxes for consent."""
    if "EMAIL" in channels:
        form.get_by_role("textbox", name="Email").fill(ADA)
    if {"SMS", "WHATSAPP"}.intersection(channels):
        form.get_by_role("textbox", name=NUMBER).fill(TYPED_PHONE)
    for channel in channels:
        box = form.get_by_role("checkbox", name=TICKS[channel])
        expect(box).not_to_be_checked()
        box.check()


def send(form: Locator) -> None:
    """Press the form's button."""
    form.get_by_role("button", name="Notify me").click()


def expect_done(page: Page) -> None:
    """The done view shows, in the dialog or as a page."""
    expect(page.get_by_role("heading", name="You're on the list")).to_be_visible()


CHOICES = {
    "EMAIL": ("EMAIL",),
    "SMS": ("SMS",),
    "EMAIL+SMS": ("EMAIL", "SMS"),
    "WHATSAPP": ("WHATSAPP",),
}


@pytest.mark.parametrize(("way", "scripts"), WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("channels", CHOICES.values(), ids=CHOICES)
def test_a_sign_up(
    browser: Browser,
    shop_offering: Callable[..., str],
    sandbox: Sandbox,
    channels: tuple[str, ...],
    way: Way,
    scripts: bool,
) -> None:
    """Only what was chosen is asked for; then the exact calls, and consent at Klaviyo."""
    shop = shop_offering(*EVERY, mode=way.mode)
    with tab(browser, java_script_enabled=scripts) as page:
        form = open_form(page, shop)
        shows(form)
        choose(form, *channels)
        shows(form, *channels)
        fill(form, *channels)

        send(form)

        expect_done(page)
        if not scripts:
            page.reload()
            expect_done(page)
    identifiers = {
        **({"email": ADA} if "EMAIL" in channels else {}),
        **({} if channels == ("EMAIL",) else {"phone_number": PHONE}),
    }
    list_id = sandbox.account.list_id
    assert sent_to(sound_posts(sandbox)) == [
        (way.paths[0], back_in_stock(PARKA_ID, channels, identifiers)),
        (way.paths[1], subscription(way, list_id, channels, identifiers)),
    ]
    [profile] = profiles(sandbox)
    assert profile["profile"] == identifiers
    for channel in EVERY:
        status = profile["consent"][channel.lower()]["marketing"]["status"]
        assert status == ("subscribed" if channel in channels else "never_subscribed")


@pytest.mark.parametrize(("way", "scripts"), WAYS.values(), ids=WAYS)
def test_missing_consent_is_reported_and_can_be_given(
    browser: Browser,
    shop_offering: Callable[..., str],
    sandbox: Sandbox,
    way: Way,
    scripts: bool,
) -> None:
    """SMS without consent: an error at the checkbox and no call. Once ticked, the form is sent."""
    shop = shop_offering(*EVERY, mode=way.mode)
    with tab(browser, java_script_enabled=scripts) as page:
        form = open_form(page, shop)
        choose(form, "SMS")
        form.get_by_role("textbox", name=NUMBER).fill(TYPED_PHONE)
        send(form)

        box = form.get_by_role("checkbox", name=TICKS["SMS"])
        expect(box).to_have_attribute("aria-invalid", "true")
        expect(form.get_by_text(SMS_SENTENCE)).to_be_visible()
        assert SMS_SENTENCE in box.evaluate(
            "box => box.getAttribute('aria-describedby').split(' ')"
            ".map((id) => document.getElementById(id).textContent).join(' ')"
        )
        if scripts:
            expect(box).to_be_focused()
        expect(box).not_to_be_checked()
        expect(form.get_by_role("textbox", name=NUMBER)).to_have_value(TYPED_PHONE)
        shows(form, "SMS")
        assert sandbox.requests() == []

        box.check()
        send(form)
        expect_done(page)
    assert [call["path"] for call in sound_posts(sandbox)] == [*way.paths]


@pytest.mark.parametrize(("way", "scripts"), WAYS.values(), ids=WAYS)
def test_each_checkbox_has_its_own_error(
    browser: Browser,
    shop_offering: Callable[..., str],
    sandbox: Sandbox,
    way: Way,
    scripts: bool,
) -> None:
    """Both texts chosen and one ticked: the other is named and focused, the error heard first."""
    shop = shop_offering(*EVERY, mode=way.mode)
    with tab(browser, java_script_enabled=scripts) as page:
        form = open_form(page, shop)
        choose(form, "SMS", "WHATSAPP")
        form.get_by_role("textbox", name=NUMBER).fill(TYPED_PHONE)
        form.get_by_role("checkbox", name=TICKS["SMS"]).check()
        send(form)

        box = form.get_by_role("checkbox", name=TICKS["WHATSAPP"])
        expect(box).to_have_attribute("aria-invalid", "true")
        expect(box).to_be_focused()
        expect(box).to_have_accessible_description(re.compile(f"^{re.escape(WHATSAPP_SENTENCE)} "))
        expect(form.get_by_role("checkbox", name=TICKS["SMS"])).to_be_checked()
        expect(form.locator(".notify-me__error")).to_have_count(1)
        box.check()
        send(form)
        expect_done(page)
    assert [call["path"] for call in sound_posts(sandbox)] == [*way.paths]


@pytest.mark.parametrize("way", [SERVER, CLIENT], ids=["server mode", "client mode"])
def test_a_text_that_changed_is_read_again(
    browser: Browser, shop_offering: Callable[..., str], sandbox: Sandbox, way: Way
) -> None:
    """The form was opened under another text: its box comes back empty, and ticked, it goes."""
    shop = shop_offering("EMAIL", "SMS", mode=way.mode)
    with tab(browser) as page:
        form = open_form(page, shop)
        choose(form, "SMS")
        fill(form, "SMS")
        versions = form.locator("input[name=shown]")
        email, _ = versions.input_value().split()
        # as a form does that was opened before the merchant changed the text
        versions.evaluate("(field, old) => { field.value = old; }", f"{email} 0123456789ab")
        send(form)

        box = form.get_by_role("checkbox", name=TICKS["SMS"])
        expect(box).to_be_focused()
        expect(box).not_to_be_checked()
        expect(box).to_have_accessible_description(re.compile("^These terms have changed"))
        expect(form.get_by_role("textbox", name=NUMBER)).to_have_value(TYPED_PHONE)
        assert sandbox.requests() == []
        box.check()
        send(form)
        expect_done(page)
    assert [call["path"] for call in sound_posts(sandbox)] == [*way.paths]


def test_a_repeat_is_followed_by_consent(
    browser: Browser, shop_offering: Callable[..., str], sandbox: Sandbox
) -> None:
    """Client mode: 409 on back in stock is a success to the script, so consent goes at once."""
    sandbox.drill("409", operation="create_client_back_in_stock_subscription")
    with tab(browser) as page:
        form = open_form(page, shop_offering("EMAIL", "SMS", mode="client"))
        choose(form, "SMS")
        fill(form, "SMS")
        send(form)
        expect_done(page)
        expect(page.get_by_text("Some of your request")).to_have_count(0)

    assert [(call["path"], call["status"]) for call in posts(sandbox)] == [
        (BROWSER_PATHS[0], 409),
        (BROWSER_PATHS[1], 202),
    ]


def test_a_conflict_over_consent_is_no_success(
    browser: Browser, shop_offering: Callable[..., str], sandbox: Sandbox
) -> None:
    """Client mode: a 409 on the consent call is reported as a failure."""
    sandbox.drill("409", operation="create_client_subscription")
    with tab(browser) as page:
        form = open_form(page, shop_offering("EMAIL", "SMS", mode="client"))
        choose(form, "SMS")
        fill(form, "SMS")
        send(form)
        # the only channel can't be used, so this is no success
        expect(page.get_by_role("heading", name="We couldn't finish your sign-up")).to_be_visible()
        expect(page.get_by_text("couldn't record your consent to text messages")).to_be_visible()

    assert [call["status"] for call in posts(sandbox)] == [202, 409]


@pytest.mark.parametrize(
    ("channel", "scripts"), [("EMAIL", True), ("SMS", True), ("WHATSAPP", False)]
)
def test_one_channel_is_no_choice(
    browser: Browser, shop_offering: Callable[..., str], channel: str, scripts: bool
) -> None:
    """Its field and its box stand there at once, and there is nothing to choose."""
    with tab(browser, java_script_enabled=scripts) as page:
        form = open_form(page, shop_offering(channel))

        expect(form.get_by_role("group", name="How would you like to hear from us?")).to_have_count(
            0
        )
        expect(form.get_by_role("checkbox", name=TICKS[channel])).not_to_be_checked()
        label = "Email" if channel == "EMAIL" else NUMBER
        expect(form.get_by_role("textbox")).to_have_count(1)
        expect(form.get_by_role("textbox", name=label)).to_be_visible()


def test_a_change_of_mind_sends_what_shows_alone(
    browser: Browser, shop_offering: Callable[..., str], sandbox: Sandbox
) -> None:
    """Typed and ticked for a channel that is then unticked again: none of it goes out."""
    with tab(browser) as page:
        form = open_form(page, shop_offering(*EVERY))
        choose(form, "EMAIL", "SMS")
        fill(form, "EMAIL", "SMS")
        choose(form, "SMS")
        shows(form, "SMS")

        send(form)

        expect_done(page)
    assert ADA not in str([call["body"] for call in sound_posts(sandbox)])
    [_, consent] = posts(sandbox)
    [subscribed] = consent["body"]["data"]["attributes"]["profiles"]["data"]
    assert [*subscribed["attributes"]["subscriptions"]] == ["sms"]


def test_by_keyboard_alone(
    browser: Browser, shop_offering: Callable[..., str], sandbox: Sandbox
) -> None:
    """Space ticks, Tab goes on to just what shows, links in the legal text included."""
    with tab(browser) as page:
        form = open_form(page, shop_offering("EMAIL", "SMS"))
        expect(form.get_by_role("checkbox", name="Email", exact=True)).to_be_focused()
        page.keyboard.press("Tab")
        expect(form.get_by_role("checkbox", name="Text message")).to_be_focused()
        page.keyboard.press("Space")
        page.keyboard.press("Tab")
        expect(form.get_by_role("textbox", name=NUMBER)).to_be_focused()
        page.keyboard.type(TYPED_PHONE)
        page.keyboard.press("Tab")
        expect(form.get_by_role("checkbox", name=TICKS["SMS"])).to_be_focused()
        page.keyboard.press("Space")
        for link in ("Terms of Service", "Privacy Policy"):
            page.keyboard.press("Tab")
            expect(form.get_by_role("link", name=link)).to_be_focused()
        page.keyboard.press("Tab")
        expect(form.get_by_role("button", name="Notify me")).to_be_focused()
        page.keyboard.press("Enter")
        expect_done(page)
    assert len(sound_posts(sandbox)) == 2


def test_the_terms_open_beside_the_form(
    browser: Browser, shop_offering: Callable[..., str]
) -> None:
    """Reading them loses nothing that was typed."""
    shop = shop_offering("SMS")
    with tab(browser) as page:
        form = open_form(page, shop)
        form.get_by_role("textbox", name=NUMBER).fill(TYPED_PHONE)
        with page.expect_popup() as opened:
            form.get_by_role("link", name="Terms of Service").click()
        expect(opened.value).to_have_url(f"{shop}/terms")
        expect(opened.value.get_by_role("heading", level=1)).to_be_visible()
        expect(form.get_by_role("textbox", name=NUMBER)).to_have_value(TYPED_PHONE)
