"""Drawer and inline, a shop's own rules beside the merchant's, and forced colours."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask, render_template_string
from playwright.sync_api import Browser, Locator, Page, expect

from app import create_app
from notify_me import Variant
from notify_me.settings import Settings
from tests.axe import looks_at
from tests.browser.conftest import watched
from tests.browser.test_settings import PARKA, PREFIX, TABLES, keys, style, toml
from tests.browser.test_sign_up import sign_up
from tests.notify_me.small_shop import DictCatalog, small_catalog, small_shop
from tests.sites import elsewhere, environ
from tests.support import TIMEOUT, Sandbox, serve

Start = Callable[..., str]
INLINE = {"modal.presentation": "inline"}
DRAWER = {"modal.presentation": "drawer"}


@pytest.fixture
def start(shop_template: Path, sandbox: Sandbox, tmp_path: Path) -> Iterator[Start]:
    """Starts the demo shop under settings."""
    database = Path(shutil.copy(shop_template, tmp_path / "shop.db"))
    apps: list[Flask] = []
    with ExitStack() as stack:

        def started(values: dict[str, Any]) -> str:
            settings = tmp_path / "notify_me.toml"
            settings.write_text(toml(values), encoding="utf-8")
            more = {"NOTIFY_ME_CONFIG": str(settings), "RATELIMIT_ENABLED": "0"}
            apps.append(elsewhere(lambda: create_app(environ(database, sandbox.environ(), **more))))
            return stack.enter_context(serve(apps[-1]))

        yield started

    def close() -> None:
        for app in apps:
            with app.app_context():
                app.extensions["sqlalchemy"].engine.dispose()

    elsewhere(close)


def test_inline_with_scripts(page: Page, start: Start, sandbox: Sandbox) -> None:
    """The form stands in the page without taking the focus; errors and thanks come in its place."""
    page.goto(start(INLINE) + PARKA)
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

    expect(form.get_by_role("heading", name="You're on the list")).to_be_focused()
    assert page.url.endswith(PARKA)
    assert page.get_by_role("dialog").count() == 0
    assert len(sandbox.requests()) == 1
    # the rest of the page is as it was
    expect(page.locator(".prose").first).to_be_visible()
    assert page.context.cookies() == []


def test_inline_without_scripts(plain_page: Page, start: Start, sandbox: Sandbox) -> None:
    """The same form posts to its own address, which shows errors and thanks as pages."""
    plain_page.goto(start(INLINE) + PARKA)
    sign_up(plain_page, "ada")
    expect(plain_page.get_by_label("Email")).to_have_attribute("aria-invalid", "true")
    sign_up(plain_page)

    expect(plain_page.get_by_role("heading", level=1)).to_have_text("You're on the list")
    assert len(sandbox.requests()) == 1


def test_inline_leaves_the_pages_etag_alone(start: Start) -> None:
    """The page is the same from visit to visit, and its IDs are its own."""
    url = start(INLINE)
    first = requests.get(url + PARKA, timeout=TIMEOUT)
    again = requests.get(
        url + PARKA, headers={"If-None-Match": first.headers["ETag"]}, timeout=TIMEOUT
    )

    assert again.status_code == 304
    assert "Set-Cookie" not in first.headers
    found = re.findall(r'\bid="([^"]+)"', first.text)
    assert len(found) == len(set(found))


def test_inline_stands_in_product_pages_alone(page: Page, start: Start) -> None:
    """A card keeps its button, which opens a dialog."""
    page.goto(start(INLINE))
    assert page.locator(".card form").count() == 0
    page.locator(".card .notify-me__button").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def test_inline_has_room_around_it(browser: Browser, start: Start) -> None:
    """A margin makes no page wider than its window."""
    url = start({**INLINE, "button.product_page_margin": "20px 30px"})
    context = browser.new_context(viewport={"width": 360, "height": 800})
    with watched(context) as page:
        page.goto(url + PARKA)
        form = page.locator(".buy notify-me")
        assert style(form, "margin") == "20px 30px"
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert form.evaluate(
            "(one) => one.getBoundingClientRect().right"
            " <= one.parentElement.getBoundingClientRect().right - 30"
        )
    context.close()


def test_inline_in_another_place(page: Page, start: Start, sandbox: Sandbox) -> None:
    """The form moves to the anchor, and works there."""
    page.goto(start({**INLINE, "button.alternate_anchor": "related"}) + PARKA)
    # the heading names its section too, so a label isn't the form's alone
    form = page.locator("#related > notify-me")
    expect(form.locator("[name=email]")).to_be_visible()
    assert page.locator("notify-me form").count() == 1
    form.locator("[name=email]").fill("ada@example.org")
    form.locator(".notify-me__submit").click()

    expect(form.locator(".notify-me__success")).to_be_visible()
    assert len(sandbox.requests()) == 1


def test_without_settings_there_is_no_theme(start: Start) -> None:
    """No link to a stylesheet that would be empty; with one, it is kept for a year."""
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


def test_a_shops_own_rules_win(page: Page, start: Start) -> None:
    """Those for its classes and for notify-me; those for plain elements give way to settings."""
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
          const theirs = new CSSStyleSheet();
          theirs.replaceSync(`
            a { color: red; background: red; border-radius: 40px }
            h2 { font-family: fantasy }
            notify-me { --notify-me-button-radius: 3px }
            .notify-me__button { background: rgb(1, 2, 3) }`);
          document.adoptedStyleSheets = [theirs];
        }"""
    )
    button = page.locator(".buy .notify-me__button")

    assert style(button, "color") == "rgb(254, 254, 254)"
    assert style(button, "border-radius") == "3px"
    assert style(button, "background-color") == "rgb(1, 2, 3)"
    button.click()
    assert style(page.locator("dialog .notify-me__title"), "font-family") == "Courier, monospace"


def test_a_light_ground_stays_readable_in_the_dark(browser: Browser, start: Start) -> None:
    """A merchant's ground brings words, fields and errors that can be read on it."""
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
        [seen] = looks_at(page, [("dark", 1280)])
        assert seen.violations == frozenset()
    context.close()


def bordered(found: Locator) -> bool:
    """Whether an element has a line around it that shows."""
    width, color = style(found, "border-top-width"), style(found, "border-top-color")
    return width != "0px" and color not in ("rgba(0, 0, 0, 0)", "transparent")


def test_forced_colours_and_rest(browser: Browser, start: Start) -> None:
    """In forced colours what can be pressed has an outline; who wants no motion gets none."""
    url = start(DRAWER)
    context = browser.new_context(forced_colors="active", reduced_motion="reduce")
    with watched(context) as page:
        page.goto(url + PARKA)
        button = page.locator(".buy .notify-me__button")
        assert bordered(button)
        button.click()
        assert bordered(page.locator("dialog"))
        assert bordered(page.locator(".notify-me__submit"))
        assert bordered(page.locator(".notify-me__input"))
        assert style(page.locator("dialog"), "transition-duration") == "0s"
        page.goto(f"{url}{PREFIX}BLAT-S?choose=1")
        page.locator("[name=variants]").first.check()
        for choice in page.locator(".notify-me__choice").all():
            assert bordered(choice)
        assert style(page.locator("[name=variants]"), "appearance") == "auto"
    context.close()


HOSTILE = (
    '"><script>window.hit=1</script></style><img src=x onerror="window.hit=1">{{7*7}}'
    "url(javascript:1) expression(1)"
)


def test_a_hostile_text_is_text(page: Page, start: Start) -> None:
    """Whatever a text setting holds, it shows as it is, and does nothing."""
    texts = {
        key: HOSTILE[:most]
        for key in keys(Settings)
        if key.split(".")[0] in TABLES and (most := _room(key))
    }
    assert len(texts) > 20
    links = {"consent.terms_of_service_url": "/terms", "consent.privacy_policy_url": "/privacy"}
    more = {"channels.offered": ["EMAIL", "SMS", "WHATSAPP"], "consent.email_list": "ask"}
    page.goto(start({**texts, **links, **more}) + PARKA)
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
    assert page.locator("dialog img, dialog script").count() == 0
    assert "49" not in page.locator(".notify-me__title").inner_text()


def _room(key: str) -> int:
    """How many characters of any text a setting takes; none where it takes values of a kind."""
    found: Any = Settings
    *tables, name = key.split(".")
    for table in tables:
        found = found.model_fields[table].annotation
    field = found.model_fields[name]
    limits = {type(each).__name__: each for each in field.metadata}
    if (
        field.annotation is not str
        or "MaxLen" not in limits
        or limits.keys() - {"MinLen", "MaxLen", "Words", "AfterValidator"}
    ):
        return 0
    return int(limits["MaxLen"].max_length)


PAGE = """<!doctype html><html lang=en><title>Shop</title>{{ notify_me_head() }}
<main>{% call notify_me(variant) %}<button>Order</button>{% endcall %}</main>
<aside>{{ notify_me([variant]) }}</aside>"""


@pytest.mark.parametrize(
    ("stock", "setting", "own"),
    [
        ({"quantity": 0, "preorder": True}, "is_allow_for_preorder", True),
        (
            {"quantity": None, "available": False},
            "is_allow_for_unmanaged_inventory",
            False,
        ),
    ],
)
@pytest.mark.parametrize("allowed", [True, False])
def test_stock_that_the_demo_shop_lacks(
    page: Page,
    sandbox: Sandbox,
    tmp_path: Path,
    stock: dict[str, Any],
    setting: str,
    own: bool,
    allowed: bool,
) -> None:
    """Whether there is a button for it, on a product page, on a card and at its own address; what
    can be ordered ahead keeps the shop's own button.
    """
    catalog: DictCatalog = small_catalog()
    variant: Variant = replace(catalog.add("lamp", "Lamp", "LAMP", 0), **stock)
    catalog.variants[variant.composite_id] = variant
    settings = tmp_path / "notify_me.toml"
    settings.write_text(toml({f"trigger.{setting}": allowed}), encoding="utf-8")
    config: dict[str, Any] = {**sandbox.environ(), "NOTIFY_ME_CONFIG": str(settings)}
    app = elsewhere(lambda: small_shop(tmp_path, catalog, **config))
    app.add_url_rule(
        "/", view_func=lambda: render_template_string(PAGE, variant=variant), endpoint="home"
    )
    with serve(app) as url:
        page.goto(url)
        expect(page.locator("main .notify-me__button")).to_have_count(int(allowed))
        expect(page.locator("aside .notify-me__button")).to_have_count(int(allowed))
        shows_own = own or not allowed
        expect(page.get_by_role("button", name="Order")).to_have_count(int(shows_own))
        address = f"{url}/notify-me/{variant.composite_id.path}"
        reply = requests.get(address, timeout=TIMEOUT)
        if allowed:
            assert 'name="email"' in reply.text
        else:
            words = "can be ordered now" if own else "No notices for this one"
            assert words in reply.text
            assert reply.status_code == (200 if own else 404)
            assert "in stock again" not in reply.text
