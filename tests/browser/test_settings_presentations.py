"""Drawer and inline forms, the shop's own CSS, forced colours, and hostile text."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from playwright.sync_api import Browser, Locator, Page, expect

from app import create_app
from notify_me.settings import Settings
from notify_me.settings.schema import all_settings
from tests.axe import run_axe
from tests.browser.conftest import watched
from tests.browser.test_settings import PARKA, PREFIX, TABLES, style, toml
from tests.browser.test_sign_up import sign_up
from tests.sites import environ, in_another_thread
from tests.support import TIMEOUT, Sandbox, serve

Start = Callable[..., str]
INLINE = {"modal.presentation": "inline"}
DRAWER = {"modal.presentation": "drawer"}


@pytest.fixture
def start(catalog_db: Path, sandbox: Sandbox, tmp_path: Path) -> Iterator[Start]:
    """Starts the demo shop with certain settings."""
    database = Path(shutil.copy(catalog_db, tmp_path / "shop.db"))
    apps: list[Flask] = []
    with ExitStack() as stack:

        def start_shop(values: dict[str, Any]) -> str:
            settings = tmp_path / "notify_me.toml"
            settings.write_text(toml(values), encoding="utf-8")
            config = {"NOTIFY_ME_CONFIG": str(settings), "RATELIMIT_ENABLED": "0"}
            apps.append(
                in_another_thread(
                    lambda: create_app(environ(database, sandbox.environ(), **config))
                )
            )
            return stack.enter_context(serve(apps[-1]))

        yield start_shop

    def close() -> None:
        for app in apps:
            with app.app_context():
                app.extensions["sqlalchemy"].engine.dispose()

    in_another_thread(close)


def test_inline_with_scripts(page: Page, start: Start, sandbox: Sandbox) -> None:
    """The form doesn't take the focus; errors and the confirmation appear in its place. A card
    still has a button that opens a dialog.
    """
    url = start(INLINE)
    page.goto(url + PARKA)
    form = page.locator(".buy notify-me")
    expect(form.get_by_label("Email")).to_be_visible()
    assert page.evaluate("document.activeElement === document.body")
    assert page.evaluate("scrollY") == 0
    expect(page.get_by_role("heading", level=1)).to_have_text("Haar Parka")

    form.get_by_label("Email").fill("ada")
    form.get_by_role("button", name="Notify me").click()
    expect(form.get_by_label("Email")).to_be_focused()
    expect(form.get_by_label("Email")).to_have_attribute("aria-invalid", "true")
    form.get_by_label("Email").fill("ada@example.org")
    form.get_by_role("button", name="Notify me").click()

    expect(form.get_by_role("heading", name="You’re on the list")).to_be_focused()
    assert page.url.endswith(PARKA)
    assert page.get_by_role("dialog").count() == 0
    assert len(sandbox.requests()) == 1
    expect(page.locator(".prose").first).to_be_visible()
    assert page.context.cookies() == []

    page.goto(url)
    assert page.locator(".card form").count() == 0
    page.locator(".card .notify-me__button").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def test_inline_without_scripts(plain_page: Page, start: Start, sandbox: Sandbox) -> None:
    """Errors and confirmation are separate pages."""
    plain_page.goto(start(INLINE) + PARKA)
    sign_up(plain_page, "ada")
    expect(plain_page.get_by_label("Email")).to_have_attribute("aria-invalid", "true")
    sign_up(plain_page)

    expect(plain_page.get_by_role("heading", level=1)).to_have_text("You’re on the list")
    assert len(sandbox.requests()) == 1


def test_page_with_inline_form_is_cacheable(start: Start) -> None:
    """The page sets no cookie, and its IDs are unique."""
    url = start(INLINE)
    first = requests.get(url + PARKA, timeout=TIMEOUT)
    again = requests.get(
        url + PARKA, headers={"If-None-Match": first.headers["ETag"]}, timeout=TIMEOUT
    )

    assert again.status_code == 304
    assert "Set-Cookie" not in first.headers
    ids = re.findall(r'\bid="([^"]+)"', first.text)
    assert len(ids) == len(set(ids))


def test_inline_form_with_margin_fits_the_window(browser: Browser, start: Start) -> None:
    url = start({**INLINE, "button.product_page_margin": "20px 30px"})
    context = browser.new_context(reduced_motion="reduce", viewport={"width": 360, "height": 800})
    with watched(context) as page:
        page.goto(url + PARKA)
        form = page.locator(".buy notify-me")
        assert style(form, "margin") == "20px 30px"
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert form.evaluate(
            "(el) => el.getBoundingClientRect().right"
            " <= el.parentElement.getBoundingClientRect().right - 30"
        )
    context.close()


def test_long_words_fit_a_phone(browser: Browser, start: Start) -> None:
    """A label and a card's button have long words, and the consent wording contains a long URL."""
    word, fits = "Verfügbarkeitsbenachrichtigungseinstellung", "(el) => el.scrollWidth <= 320"
    wording = {
        "button.label": word,
        "modal.email_field_label": word,
        "consent.email_checkbox_text": f"{word}: https://shop.example/{word}",
        "consent.email_list": "ask",
    }
    url = start(wording)
    context = browser.new_context(reduced_motion="reduce", viewport={"width": 320, "height": 800})
    with watched(context) as page:
        page.goto(url)
        assert page.locator("html").evaluate(fits)
        page.goto(url + PARKA)
        page.locator(".buy .notify-me__button").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        assert dialog.evaluate(fits)
    context.close()


def test_inline_form_works_in_its_anchor(page: Page, start: Start, sandbox: Sandbox) -> None:
    page.goto(start({**INLINE, "button.alternate_anchor": "related"}) + PARKA)
    form = page.locator("#related > notify-me")
    expect(form.locator("[name=email]")).to_be_visible()
    assert page.locator("notify-me form").count() == 1
    form.locator("[name=email]").fill("ada@example.org")
    form.locator(".notify-me__submit").click()

    expect(form.locator(".notify-me__success")).to_be_visible()
    assert len(sandbox.requests()) == 1


def test_theme_stylesheet_is_cached_and_only_linked_if_needed(start: Start) -> None:
    plain = requests.get(start({}) + PARKA, timeout=TIMEOUT)
    url = start({"button.button_styles.color": "teal"})
    themed = requests.get(url + PARKA, timeout=TIMEOUT)

    assert "theme.css" not in plain.text
    [href] = re.findall(r'href="(/notify-me/theme.css\?v=\w+)"', themed.text)
    style = requests.get(url + href, timeout=TIMEOUT)
    assert "immutable" in style.headers["Cache-Control"]
    assert (
        requests.get(f"{url}/notify-me/theme.css", timeout=TIMEOUT).headers["Cache-Control"]
        == "no-cache"
    )


def test_shops_own_css_overrides_settings(page: Page, start: Start) -> None:
    """Rules that select the kit's elements or classes override settings; rules for plain elements
    don't.
    """
    page.goto(
        start(
            {
                "button.text_styles.font_color": "#fefefe",
                "button.button_styles.color": "#123456",
                "button.button_styles.border_radius": 9,
                "modal.headers_font_family": "Courier, monospace",
            }
        )
        + PARKA
    )
    page.evaluate(
        """() => {
          const sheet = new CSSStyleSheet();
          sheet.replaceSync(`
            a { color: red; background: red; border-radius: 40px }
            h2 { font-family: fantasy }
            notify-me { --notify-me-button-radius: 3px }
            .notify-me__button { background: rgb(1, 2, 3) }`);
          document.adoptedStyleSheets = [sheet];
        }"""
    )
    button = page.locator(".buy .notify-me__button")

    assert style(button, "color") == "rgb(254, 254, 254)"
    assert style(button, "border-radius") == "3px"
    assert style(button, "background-color") == "rgb(1, 2, 3)"
    button.click()
    assert style(page.locator("dialog .notify-me__title"), "font-family") == "Courier, monospace"


def test_light_background_is_readable_in_dark_mode(browser: Browser, start: Start) -> None:
    """Text, fields and errors adapt to the merchant's background."""
    url = start({"modal.background_color": "#ffffff", "button.button_styles.color": "#ffe08a"})
    context = browser.new_context(color_scheme="dark", reduced_motion="reduce")
    with watched(context) as page:
        page.goto(url + PARKA)
        page.locator(".buy .notify-me__button").click()
        sign_up(page, "ada")
        expect(page.locator(".notify-me__error")).to_be_visible()
        assert style(page.locator("dialog"), "color") == "rgb(29, 29, 31)"
        assert style(page.locator("dialog"), "color-scheme") == "light"
        assert style(page.locator("dialog .notify-me__error"), "color") == "rgb(179, 38, 30)"
        assert style(page.locator(".notify-me__button"), "color") == "rgb(29, 29, 31)"
        [result] = run_axe(page, [("dark", 1280)])
        assert result.violations == frozenset()
    context.close()


def has_border(element: Locator) -> bool:
    """Return whether an element has a visible border."""
    width, color = style(element, "border-top-width"), style(element, "border-top-color")
    return width != "0px" and color not in ("rgba(0, 0, 0, 0)", "transparent")


def test_forced_colours_and_reduced_motion(browser: Browser, start: Start) -> None:
    url = start(DRAWER)
    context = browser.new_context(forced_colors="active", reduced_motion="reduce")
    with watched(context) as page:
        page.goto(url + PARKA)
        button = page.locator(".buy .notify-me__button")
        assert has_border(button)
        button.click()
        assert has_border(page.locator("dialog"))
        assert has_border(page.locator(".notify-me__submit"))
        assert has_border(page.locator(".notify-me__input"))
        assert style(page.locator("dialog"), "transition-duration") == "0s"
        page.goto(f"{url}{PREFIX}BLAT-S?choose=1")
        page.locator("[name=variants]").first.check()
        for choice in page.locator(".notify-me__choice").all():
            assert has_border(choice)
        assert style(page.locator("[name=variants]"), "appearance") == "auto"
    context.close()


HOSTILE = (
    '"><script>window.hit=1</script></style><img src=x onerror="window.hit=1">{{7*7}}'
    "url(javascript:1) expression(1)"
)


def test_hostile_text_is_escaped(page: Page, start: Start) -> None:
    wording = {
        setting.key: HOSTILE[: setting.schema["maxLength"]]
        for setting in all_settings(Settings)
        if setting.path[0] in TABLES
        and "maxLength" in setting.schema
        and setting.allowed.startswith("text")
        and setting.type == "string"
    }
    assert len(wording) > 20
    links = {"consent.terms_of_service_url": "/terms", "consent.privacy_policy_url": "/privacy"}
    consent = {"channels.offered": ["EMAIL", "SMS", "WHATSAPP"], "consent.email_list": "ask"}
    page.goto(start({**wording, **links, **consent}) + PARKA)
    expect(page.locator(".buy .notify-me__button")).to_have_text(HOSTILE[:80])
    page.locator(".buy .notify-me__button").click()
    expect(page.locator(".notify-me__title")).to_have_text(HOSTILE)
    page.locator("[name=channels][value=EMAIL]").check()
    page.locator("[name=email]").fill("ada@example.org")
    page.locator("[name=channels][value=SMS]").check()
    page.locator(".notify-me__submit").click()
    expect(page.locator(".notify-me__error").first).to_be_visible()
    page.locator("[name=channels][value=SMS]").uncheck()
    page.locator(".notify-me__submit").click()
    expect(page.locator(".notify-me__success .notify-me__title")).to_have_text(HOSTILE)

    assert page.evaluate("window.hit") is None
    assert page.locator("dialog [onerror], dialog script").count() == 0
    assert "49" not in page.locator(".notify-me__title").inner_text()
