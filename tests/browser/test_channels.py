"""Sign-ups by every channel in Chromium, in both modes, with and without scripts."""

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
from notify_me import admin
from tests.browser.test_sign_up import PARKA, PARKA_ID
from tests.notify_me.offers import (
    ADA,
    BROWSER_PATHS,
    PHONE,
    SERVER_PATHS,
    SMS_SENTENCE,
    TYPED_PHONE,
    WHATSAPP_SENTENCE,
    Scenario,
    back_in_stock,
    paths_and_bodies,
    profiles,
    settings_file,
    sign_up_calls,
    submit_in_client_mode,
    submit_page,
    subscription,
    toml,
    valid_sign_up_calls,
)
from tests.sites import environ, in_another_thread
from tests.support import Sandbox, serve

EVERY = ("EMAIL", "SMS", "WHATSAPP")
SERVER, CLIENT = (
    Scenario("server", submit_page, SERVER_PATHS),
    Scenario("client", submit_in_client_mode, BROWSER_PATHS),
)
SCENARIOS = {
    # a scenario, and whether scripts are on
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
    catalog_db: Path, tmp_path_factory: pytest.TempPathFactory, sandbox_server: Sandbox
) -> Iterator[Callable[..., str]]:
    """Return a function that serves the demo shop with these channels and returns its URL.

    The form asks for consent to the email list. Tests share the shops. Each use deletes earlier
    sign-ups: otherwise, consent that was already accepted wouldn't be sent again.
    """
    folder = tmp_path_factory.mktemp("channels")
    served: dict[tuple[str, ...], tuple[Flask, str]] = {}

    def close(app: Flask) -> None:
        with app.app_context():
            app.extensions["sqlalchemy"].engine.dispose()

    def forget(app: Flask) -> None:
        with app.app_context():
            admin.delete_everything()

    with ExitStack() as stack:

        def shop(*channels: str, mode: str = "server") -> str:
            shop_key = (*channels, mode)
            if shop_key not in served:
                urls = {"terms_of_service_url": "/terms", "privacy_policy_url": "/privacy"}
                text = toml(channels, email_list="ask", **urls)
                settings = environ(
                    Path(shutil.copy(catalog_db, folder / f"{len(served)}.db")),
                    sandbox_server.environ(),
                    NOTIFY_ME_MODE=mode,
                    NOTIFY_ME_CONFIG=settings_file(folder, text),
                    RATELIMIT_ENABLED="0",
                )
                app = in_another_thread(lambda: create_app(settings))
                stack.callback(lambda: in_another_thread(lambda: close(app)))
                served[shop_key] = app, stack.enter_context(serve(app))
            app, url = served[shop_key]
            in_another_thread(lambda: forget(app))
            return url

        yield shop


@contextmanager
def tab(browser: Browser, **options: Any) -> Iterator[Page]:
    """A shopper's tab, on which an uncaught error or a CSP violation fails the test."""
    context = browser.new_context(**{"reduced_motion": "reduce", **options})
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
    """Open and return the parka's form."""
    page.goto(shop + PARKA)
    page.get_by_role("link", name="Notify me: Haar Parka").click()
    form = page.locator("form.notify-me__form")
    expect(form.get_by_role("button", name="Notify me")).to_be_visible()
    return form


def choose(form: Locator, *channels: str) -> None:
    """Tick the checkboxes of these channels, and no others."""
    for channel, label in LABELS.items():
        box = form.get_by_role("checkbox", name=label, exact=True)
        if box.count():
            box.set_checked(channel in channels)


def expect_fields_of(form: Locator, *channels: str) -> None:
    """Check that only the fields, checkboxes and legal text of these channels are visible."""
    by_phone = {"SMS", "WHATSAPP"}.intersection(channels)
    # the label of the channel's own checkbox is "Email" too
    expect(form.get_by_role("textbox", name="Email")).to_have_count(int("EMAIL" in channels))
    expect(form.get_by_role("textbox", name=NUMBER)).to_have_count(int(bool(by_phone)))
    for channel, label in TICKS.items():
        expect(form.get_by_role("checkbox", name=label)).to_have_count(int(channel in channels))
    for channel in ("SMS", "WHATSAPP"):
        text = form.locator(f"[id$=-{channel.lower()}-disclosure]")
        expect(text).to_be_visible(visible=channel in channels)


def fill(form: Locator, *channels: str) -> None:
    """Fill in the contacts that these channels need, and tick their consent checkboxes."""
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
    """Check that the confirmation is visible, in the dialog or as a page."""
    expect(page.get_by_role("heading", name="You’re on the list")).to_be_visible()


CHOICES = (("SMS",), ("EMAIL", "SMS"), ("WHATSAPP",), EVERY)


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        ("server mode", ("SMS",)),
        ("client mode", ("EMAIL", "SMS")),
        ("server mode, no scripts", ("WHATSAPP",)),
    ],
)
def test_a_sign_up(
    browser: Browser,
    shop_offering: Callable[..., str],
    sandbox: Sandbox,
    name: str,
    channels: tuple[str, ...],
) -> None:
    """The form only asks for what the chosen channels need. Calls and consent are exact, and leave
    out what was filled in for a channel that was then unticked.
    """
    scenario, scripts = SCENARIOS[name]
    shop = shop_offering(*EVERY, mode=scenario.mode)
    with tab(browser, java_script_enabled=scripts) as page:
        form = open_form(page, shop)
        expect_fields_of(form, "EMAIL")
        for choice in CHOICES:
            choose(form, *choice)
            expect_fields_of(form, *choice)
        fill(form, *EVERY)
        choose(form, *channels)
        expect_fields_of(form, *channels)

        send(form)

        expect_done(page)
        if not scripts:
            page.reload()
            expect_done(page)
    identifiers = {
        **({"email": ADA} if "EMAIL" in channels else {}),
        "phone_number": PHONE,
    }
    list_id = sandbox.account.list_id
    assert paths_and_bodies(valid_sign_up_calls(sandbox)) == [
        (scenario.paths[0], back_in_stock(PARKA_ID, channels, identifiers)),
        (scenario.paths[1], subscription(scenario, list_id, channels, identifiers)),
    ]
    [profile] = profiles(sandbox)
    assert profile["profile"] == identifiers
    for channel in EVERY:
        status = profile["consent"][channel.lower()]["marketing"]["status"]
        assert status == ("subscribed" if channel in channels else "never_subscribed")


@pytest.mark.parametrize(("scenario", "scripts"), SCENARIOS.values(), ids=SCENARIOS)
def test_missing_consent_is_reported_and_can_be_added(
    browser: Browser,
    shop_offering: Callable[..., str],
    sandbox: Sandbox,
    scenario: Scenario,
    scripts: bool,
) -> None:
    """Each unticked checkbox has its own error, and the first one has the focus. Once all
    checkboxes are ticked, the form is sent.
    """
    shop = shop_offering(*EVERY, mode=scenario.mode)
    with tab(browser, java_script_enabled=scripts) as page:
        form = open_form(page, shop)
        choose(form, "SMS", "WHATSAPP")
        form.get_by_role("textbox", name=NUMBER).fill(TYPED_PHONE)
        boxes = {
            channel: form.get_by_role("checkbox", name=TICKS[channel])
            for channel in ("SMS", "WHATSAPP")
        }
        send(form)

        expect(boxes["SMS"]).to_be_focused()
        for channel, sentence in (("SMS", SMS_SENTENCE), ("WHATSAPP", WHATSAPP_SENTENCE)):
            expect(boxes[channel]).not_to_be_checked()
            expect(boxes[channel]).to_have_attribute("aria-invalid", "true")
            expect(boxes[channel]).to_have_accessible_description(
                re.compile(f"^{re.escape(sentence)} ")
            )
            expect(form.get_by_text(sentence)).to_be_visible()
        expect(form.get_by_role("textbox", name=NUMBER)).to_have_value(TYPED_PHONE)
        expect_fields_of(form, "SMS", "WHATSAPP")

        boxes["SMS"].check()
        send(form)

        expect(boxes["WHATSAPP"]).to_be_focused()
        expect(boxes["SMS"]).to_be_checked()
        expect(form.locator(".notify-me__error")).to_have_count(1)
        assert sandbox.requests() == []

        boxes["WHATSAPP"].check()
        send(form)
        expect_done(page)
    assert [call["path"] for call in valid_sign_up_calls(sandbox)] == [*scenario.paths]


def test_changed_consent_text_must_be_confirmed_again(
    browser: Browser, shop_offering: Callable[..., str], sandbox: Sandbox
) -> None:
    """The checkbox whose text has changed is shown again, unticked; once it is ticked, the form is
    sent.
    """
    with tab(browser) as page:
        form = open_form(page, shop_offering("EMAIL", "SMS", mode="client"))
        choose(form, "SMS")
        fill(form, "SMS")
        versions = form.locator("input[name=shown]")
        email, _ = versions.input_value().split()
        # as in a form that was opened before the merchant changed the text
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
    assert [call["path"] for call in valid_sign_up_calls(sandbox)] == [*BROWSER_PATHS]


def test_conflict_is_a_success_for_the_alert_and_a_failure_for_consent(
    browser: Browser, shop_offering: Callable[..., str], sandbox: Sandbox
) -> None:
    """Client mode: only a 409 for the back-in-stock call means that the sign-up is a repeat."""
    shop = shop_offering("EMAIL", "SMS", mode="client")
    with tab(browser) as page:
        for operation in ("subscription", "back_in_stock_subscription"):
            sandbox.drill("409", operation=f"create_client_{operation}")
            form = open_form(page, shop)
            choose(form, "SMS")
            fill(form, "SMS")
            send(form)
            if operation == "subscription":
                # SMS is the only channel, so without consent the sign-up fails
                expect(
                    page.get_by_role("heading", name="We couldn’t finish your sign-up")
                ).to_be_visible()
                expect(
                    page.get_by_text("couldn’t record your consent to receive text messages")
                ).to_be_visible()
        expect_done(page)
        expect(page.get_by_text("Part of your sign-up")).to_have_count(0)

    assert [(call["path"], call["status"]) for call in sign_up_calls(sandbox)] == [
        (BROWSER_PATHS[0], 202),
        (BROWSER_PATHS[1], 409),
        (BROWSER_PATHS[0], 409),
        (BROWSER_PATHS[1], 202),
    ]


def test_sign_up_by_keyboard(
    browser: Browser, shop_offering: Callable[..., str], sandbox: Sandbox
) -> None:
    """Tab reaches all visible controls and the links in the legal text, and nothing else."""
    with tab(browser) as page:
        form = open_form(page, shop_offering("EMAIL", "SMS"))
        expect(form.get_by_role("textbox", name="Email")).to_be_focused()
        page.keyboard.press("Tab")
        expect(form.get_by_role("checkbox", name=TICKS["EMAIL"])).to_be_focused()
        page.keyboard.press("Tab")
        expect(form.get_by_role("checkbox", name="Email", exact=True)).to_be_focused()
        page.keyboard.press("Space")
        page.keyboard.press("Tab")
        expect(form.get_by_role("checkbox", name="Text message")).to_be_focused()
        page.keyboard.press("Space")
        page.keyboard.press("Tab")
        expect(form.get_by_role("textbox", name=NUMBER)).to_be_focused()
        page.keyboard.type(TYPED_PHONE)
        page.keyboard.press("Tab")
        expect(form.get_by_role("checkbox", name=TICKS["SMS"])).to_be_focused()
        page.keyboard.press("Space")
        consent = form.locator(".notify-me__consent")
        for link in ("Terms of Service", "Privacy Policy"):
            page.keyboard.press("Tab")
            expect(consent.get_by_role("link", name=link)).to_be_focused()
        page.keyboard.press("Tab")
        expect(form.get_by_role("button", name="Notify me")).to_be_focused()
        page.keyboard.press("Enter")
        expect_done(page)
    assert len(valid_sign_up_calls(sandbox)) == 2


def test_single_channel_and_terms_in_a_new_tab(
    browser: Browser, shop_offering: Callable[..., str]
) -> None:
    """A form with a single channel has no checkbox for choosing it. The form keeps its input when
    the terms are opened.
    """
    shop = shop_offering("SMS")
    with tab(browser) as page:
        form = open_form(page, shop)
        expect(form.get_by_role("group", name="How would you like to hear from us?")).to_have_count(
            0
        )
        expect(form.get_by_role("checkbox", name=TICKS["SMS"])).not_to_be_checked()
        expect(form.get_by_role("textbox")).to_have_count(1)
        form.get_by_role("textbox", name=NUMBER).fill(TYPED_PHONE)

        with page.expect_popup() as opened:
            form.get_by_role("link", name="Terms of Service").click()

        expect(opened.value).to_have_url(f"{shop}/terms")
        expect(opened.value.get_by_role("heading", level=1)).to_be_visible()
        expect(form.get_by_role("textbox", name=NUMBER)).to_have_value(TYPED_PHONE)


def test_title_never_covers_the_focused_field(
    browser: Browser, shop_offering: Callable[..., str]
) -> None:
    """The title and the close button don't scroll, and the focused field is below them."""
    with tab(browser, viewport={"width": 360, "height": 520}, reduced_motion="reduce") as page:
        form = open_form(page, shop_offering("EMAIL", "SMS", "WHATSAPP"))
        choose(form, "EMAIL", "SMS", "WHATSAPP")
        send(form)
        expect(form.locator(".notify-me__error").first).to_be_visible()
        form.locator(".notify-me__submit").focus()
        seen = set()
        for _ in range(12):
            page.keyboard.press("Shift+Tab")
            name, header, top = page.evaluate(
                """() => {
                    const top = (element) => element.getBoundingClientRect().top;
                    const field = document.activeElement;
                    const label = field.closest("label") ?? field.labels?.[0];
                    const title = document.querySelector("dialog .notify-me__title");
                    return [field.name, title.getBoundingClientRect().bottom, label && top(label)];
                }"""
            )
            if top is not None:
                assert top >= header > 0, name
                seen.add(name)
        assert {"email", "phone_number", "channels"} <= seen
        assert page.locator("dialog").evaluate("dialog => dialog.scrollHeight > 600")
