"""The effect of every setting of style, text and behaviour in Chromium.

The list of settings comes from the models, so a setting without a case makes the test fail.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from flask import Flask
from playwright.sync_api import Browser, Locator, Page, expect
from pydantic import BaseModel

from app import create_app
from notify_me import SettingsError
from notify_me.settings import Settings
from tests.demand import insert_sign_ups
from tests.notify_me.markup import Element, read
from tests.sites import environ, in_another_thread
from tests.support import TIMEOUT, Sandbox, eventually, serve

PARKA = "/products/haar-parka?variant=HAAR-OIL-M"
PREFIX = "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3A"
TABLES = ("button", "trigger", "modal", "channels", "consent", "demand", "catalog")


class Shop:
    """A demo shop with certain settings, and its pages, each opened once."""

    def __init__(self, url: str, browser: Browser, sandbox: Sandbox) -> None:
        self.url = url
        self.sandbox = sandbox
        self.context = browser.new_context(
            viewport={"width": 1280, "height": 900},
            color_scheme="light",
            reduced_motion="reduce",
        )

    def markup(self, path: str) -> Element:
        """Return a page's markup, for effects that need no browser."""
        return read(requests.get(self.url + path, timeout=TIMEOUT).text)

    def page(self, path: str) -> Page:
        """Open a page in a new tab."""
        page = self.context.new_page()
        page.set_default_timeout(10_000)
        page.goto(self.url + path)
        return page

    @cached_property
    def product(self) -> Page:
        """The product page of a sold-out variant."""
        return self.page(PARKA)

    @cached_property
    def listing(self) -> Page:
        """The listing, with one product that is sold out completely."""
        return self.page("/")

    def button(self) -> Locator:
        """Return the button on the product page."""
        return self.product.locator(".buy .notify-me__button")

    def card(self) -> Locator:
        """Return the button on the card of the sold-out product."""
        return self.listing.locator(".card .notify-me__button")

    def open_form(self) -> Page:
        """Open the form on a product page."""
        page = self.page(PARKA)
        page.locator(".buy .notify-me__button").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        return page

    @cached_property
    def form(self) -> Page:
        """The open form."""
        return self.open_form()

    @cached_property
    def errors(self) -> Page:
        """The form after it was submitted empty."""
        page = self.open_form()
        page.locator(".notify-me__submit").click()
        expect(page.locator(".notify-me__error").first).to_be_visible()
        return page

    @cached_property
    def signed_up(self) -> tuple[Page, str]:
        """The confirmation of a sign-up by email and SMS, and the JSON of both calls to Klaviyo."""
        self.sandbox.reset()
        page = self.open_form()
        page.locator("[name=channels][value=EMAIL]").check()
        page.locator("[name=email]").fill("ada@example.org")
        page.locator("[name=channels][value=SMS]").check()
        page.locator("[name=phone_number]").fill("01512 3456789")
        page.locator("[name=opt_in_promotional_sms][value=SMS]").check()
        page.locator(".notify-me__submit").click()
        expect(page.locator(".notify-me__success")).to_be_visible()
        eventually(lambda: len(self.sandbox.requests()) >= 2)
        return page, json.dumps([call["body"] for call in self.sandbox.requests()])

    @property
    def done(self) -> Page:
        """The confirmation."""
        return self.signed_up[0]


Check = Callable[[Shop], None]


@dataclass(frozen=True)
class Case:
    """A setting, a value that isn't its default, and a check of its effect."""

    key: str
    value: Any
    check: Check
    group: str = "style"
    """Cases with the same group share a shop."""


def style(element: Locator, name: str, pseudo: str = "") -> str:
    """Return a computed style."""
    script = "(el, [name, pseudo]) => getComputedStyle(el, pseudo || null).getPropertyValue(name)"
    return str(element.first.evaluate(script, [name, pseudo]))


def has_style(part: Callable[[Shop], Locator], **styles: str) -> Check:
    """Check that an element has these computed styles."""

    def check(shop: Shop) -> None:
        element = part(shop)
        expected = {name.replace("_", "-"): value for name, value in styles.items()}
        assert {name: style(element, name) for name in expected} == expected

    return check


def buttons_have_style(**styles: str) -> Check:
    """Check that the button has these styles on the product page and on the card."""

    def check(shop: Shop) -> None:
        has_style(Shop.button, **styles)(shop)
        has_style(Shop.card, **styles)(shop)

    return check


def part(state: str, selector: str) -> Callable[[Shop], Locator]:
    """Return an element in a state: form, errors, done, product or listing."""
    return lambda shop: getattr(shop, state).locator(selector)


def has_text(state: str, selector: str, text: str) -> Check:
    """Check that the first such element contains the text."""
    return lambda shop: expect(part(state, selector)(shop).first).to_contain_text(text)


def has_attribute(element: Callable[[Shop], Locator], name: str, value: str) -> Check:
    """Check that an element has an attribute."""
    return lambda shop: expect(element(shop).first).to_have_attribute(name, value)


def has_classes(element: Callable[[Shop], Locator], *names: str) -> Check:
    """Check that an element has these classes."""

    def check(shop: Shop) -> None:
        assert set(names) <= set(str(element(shop).first.get_attribute("class")).split())

    return check


def all_of(*checks: Check) -> Check:
    """Combine checks."""

    def check(shop: Shop) -> None:
        for check_part in checks:
            check_part(shop)

    return check


def bounding_box(element: Locator) -> dict[str, float]:
    """Return the position and size of an element."""
    element.first.scroll_into_view_if_needed()
    script = "(el) => el.getBoundingClientRect().toJSON()"
    box: dict[str, float] = element.first.evaluate(script)
    return box


def is_as_wide_as_its_text(shop: Shop) -> None:
    """Check that the button is narrower than its container, on both pages."""
    for button in (shop.button(), shop.card()):
        assert bounding_box(button)["width"] < bounding_box(button.locator(".."))["width"] - 20


def is_right_aligned(shop: Shop) -> None:
    """Check that the button is at the right end of its container, on both pages."""
    for button in (shop.button(), shop.card()):
        button_box, container = bounding_box(button), bounding_box(button.locator(".."))
        assert abs(button_box["x"] + button_box["width"] - container["x"] - container["width"]) < 1
        assert button_box["x"] > container["x"] + 20


def is_next_to_the_shops_button(shop: Shop) -> None:
    """Check that both buttons are shown."""
    expect(shop.product.get_by_role("button", name="Sold out")).to_be_visible()
    expect(shop.button()).to_be_visible()


def is_in_its_anchor(shop: Shop) -> None:
    """Check that the button moves once, and only with scripts; the shop may move it again."""
    page = shop.product
    expect(page.locator("#related > notify-me .notify-me__button")).to_be_visible()
    assert page.locator(".buy notify-me").count() == 0
    page.evaluate("document.querySelector('.buy').append(document.querySelector('notify-me'))")
    expect(page.locator(".buy notify-me")).to_have_count(1)
    page.locator(".buy .notify-me__button").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(shop.card()).to_be_visible()
    browser = shop.context.browser
    assert browser is not None
    context = browser.new_context(reduced_motion="reduce", java_script_enabled=False)
    plain = context.new_page()
    plain.goto(shop.url + PARKA)
    expect(plain.locator(".buy .notify-me__button")).to_be_visible()
    context.close()


def is_a_drawer(shop: Shop) -> None:
    """Check that the dialog is at the window's end edge, or on a phone at its bottom edge."""
    page = shop.form
    drawer = bounding_box(page.get_by_role("dialog"))
    assert (drawer["y"], drawer["height"]) == (0, 900)
    assert drawer["x"] + drawer["width"] == page.evaluate("document.documentElement.clientWidth")
    assert drawer["width"] < 500
    # as in Arabic, where page and dialog have the attribute
    set_dir = "dir => document.querySelectorAll('html, dialog').forEach((el) => (el.dir = dir))"
    page.evaluate(set_dir, "rtl")
    assert bounding_box(page.get_by_role("dialog"))["x"] == page.evaluate(
        "innerWidth - document.documentElement.clientWidth"
    )
    page.evaluate(set_dir, "ltr")
    page.set_viewport_size({"width": 360, "height": 740})
    drawer = bounding_box(page.get_by_role("dialog"))
    assert (drawer["x"], drawer["width"], drawer["y"] + drawer["height"]) == (0, 360, 740)
    assert drawer["height"] < 700
    page.set_viewport_size({"width": 1280, "height": 900})


def has_backdrop(color: str) -> Check:
    """Check the colour of the dialog's backdrop."""

    def check(shop: Shop) -> None:
        dialog = shop.form.get_by_role("dialog")
        assert style(dialog, "background-color", "::backdrop") == color
        assert style(dialog, "opacity", "::backdrop") == "1"

    return check


def is_safe_markup(shop: Shop) -> None:
    """Check that the footer keeps safe markup, and loses its script."""
    footer = shop.form.locator(".notify-me__footer")
    expect(footer.locator("strong")).to_have_text("Haar Parka")
    link = footer.get_by_role("link", name="Terms")
    assert link.get_attribute("target") == "_blank"
    assert "noopener" in str(link.get_attribute("rel"))
    assert footer.locator("script, [onclick], [style]").count() == 0
    assert shop.form.evaluate("window.hit") is None


def has_channels_in_order(shop: Shop) -> None:
    """Check that the channels are in the order of the setting."""
    values = shop.form.locator("[name=channels]").evaluate_all(
        "fields => fields.map((field) => field.value)"
    )
    assert values == ["SMS", "EMAIL", "WHATSAPP"]


def uses_the_region(shop: Shop) -> None:
    """Check that a national phone number gets this country's code."""
    assert "+4915123456789" in shop.signed_up[1]


def sends_the_source(shop: Shop) -> None:
    """Check that Klaviyo gets the source of the consent."""
    assert '"custom_source": "Aisle 7"' in shop.signed_up[1]


def has_buttons(path: str, *, own: str = "", count: int = 1) -> Check:
    """Check how many buttons a product page has, and the name of the shop's own button."""

    def check(shop: Shop) -> None:
        buy = shop.markup(path).one(class_="buy")
        assert len(buy.all(class_="notify-me__button")) == count
        assert not own or own in [button.name for button in buy.all("button")]

    return check


def has_button_on_cards(*names: str, path: str = "/") -> Check:
    """Check which products have the button on their cards."""

    def check(shop: Shop) -> None:
        cards = shop.markup(path).all(class_="card")
        titles = {
            card.one(class_="card__title").text
            for card in cards
            if card.all(class_="notify-me__button")
        }
        assert titles == set(names)

    return check


def has_no_form(sku: str) -> Check:
    """Check that a sold-out variant has no form, and that nothing says it is back in stock."""

    def check(shop: Shop) -> None:
        url = f"{shop.url}{PREFIX}{sku}"
        data = {"channels": "EMAIL", "email": "ada@example.org"}
        headers = {"X-Notify-Me": "1"}
        response = requests.post(url, data=data, headers=headers, timeout=TIMEOUT)
        assert (response.status_code, response.json()["state"]) == (404, "failed")
        for html in (
            requests.get(url, timeout=TIMEOUT).text,
            requests.post(url, data=data, timeout=TIMEOUT).text,
            response.json()["html"],
        ):
            assert "available for this item" in html
            assert "Good news" not in html
            assert 'name="email"' not in html

    return check


def has_form(sku: str) -> Check:
    """Check that the URL of a variant's form shows it."""

    def check(shop: Shop) -> None:
        assert shop.markup(PREFIX + sku).one("input", name="email")

    return check


def links_to_catalog(catalog: str) -> Check:
    """Check the composite ID in the button's link."""

    def check(shop: Shop) -> None:
        link = shop.markup(PARKA).one(class_="buy").one(class_="notify-me__button")
        assert f"{quote(catalog)}HAAR-OIL-M" in link["href"]

    return check


def has_count(sku: str, text: str = "") -> Check:
    """Check the public count beside a variant's button; empty for none."""

    def check(shop: Shop) -> None:
        handle, variant = sku.split("?")
        buy = shop.markup(f"/products/{handle}?variant={variant}").one(class_="buy")
        assert buy.all(class_="notify-me__button")
        assert [line.text for line in buy.all(class_="notify-me__count")] == [text] * bool(text)

    return check


LINKS = "{terms_of_service} / {privacy_policy}"
SOUWESTER, TARP = "Blatter Sou’wester", "Howff Tarp"
DISCLOSURE = "[aria-describedby$=disclosure]"
CASES = [
    Case(
        "button.label",
        "Ping me",
        all_of(
            has_text("product", ".buy .notify-me__button", "Ping me"),
            has_attribute(Shop.button, "aria-label", "Ping me: Haar Parka (Oilskin / M)"),
        ),
    ),
    Case("button.display", "NEXT_TO", is_next_to_the_shops_button, "next to"),
    Case("button.alternate_anchor", "related", is_in_its_anchor, "anchor"),
    Case(
        "button.product_page_class", "btn btn--wide", has_classes(Shop.button, "btn", "btn--wide")
    ),
    Case(
        "button.product_page_text_align",
        "right",
        has_style(Shop.button, text_align="end", justify_content="end"),
    ),
    Case(
        "button.product_page_margin",
        "11px 7px",
        has_style(part("product", ".buy notify-me"), padding="11px 7px"),
    ),
    Case("button.product_page_width", "260px", has_style(Shop.button, width="260px")),
    Case(
        "button.collection_page_text",
        "Tell me",
        all_of(
            has_text("listing", ".card .notify-me__button", "Tell me"),
            has_attribute(Shop.card, "aria-label", f"Tell me: {SOUWESTER}"),
        ),
    ),
    Case("button.collection_page_class", "tile-btn", has_classes(Shop.card, "tile-btn")),
    Case(
        "button.collection_page_text_align",
        "left",
        has_style(Shop.card, text_align="start", justify_content="start"),
    ),
    Case("button.collection_page_width", "180px", has_style(Shop.card, width="180px")),
    Case("button.collection_page_padding", "9px 13px", has_style(Shop.card, padding="9px 13px")),
    Case(
        "button.text_styles.font_family",
        "Georgia, serif",
        buttons_have_style(font_family="Georgia, serif"),
    ),
    Case("button.text_styles.font_size", 19, buttons_have_style(font_size="19px")),
    Case("button.text_styles.font_weight", 300, buttons_have_style(font_weight="300")),
    Case(
        "button.text_styles.font_color", "#fefefe", buttons_have_style(color="rgb(254, 254, 254)")
    ),
    Case("button.text_styles.font_style", "italic", buttons_have_style(font_style="italic")),
    Case(
        "button.text_styles.text_decoration",
        "underline",
        buttons_have_style(text_decoration_line="underline"),
    ),
    Case("button.text_styles.letter_spacing", 2, buttons_have_style(letter_spacing="2px")),
    Case(
        "button.button_styles.color",
        "#123456",
        buttons_have_style(background_color="rgb(18, 52, 86)"),
    ),
    Case("button.button_styles.border_radius", 9, buttons_have_style(border_radius="9px")),
    Case("button.button_styles.height", 61, buttons_have_style(height="61px")),
    Case("button.button_styles.width", "fitToText", is_as_wide_as_its_text, "fit"),
    Case("button.button_styles.alignment", "right", is_right_aligned, "fit"),
    Case("button.button_styles.border.enabled", True, buttons_have_style(border_style="dashed")),
    Case(
        "button.button_styles.border.color",
        "#654321",
        buttons_have_style(border_color="rgb(101, 67, 33)"),
    ),
    Case("button.button_styles.border.style", "dashed", buttons_have_style(border_style="dashed")),
    Case("button.button_styles.border.width", 3, buttons_have_style(border_width="3px")),
    *(
        Case(
            f"button.button_styles.drop_shadow.{name}",
            value,
            buttons_have_style(box_shadow="rgb(1, 2, 3) 3px 4px 7px 0px"),
        )
        for name, value in {
            "enabled": True,
            "color": "#010203",
            "blur": 7,
            "x_offset": 3,
            "y_offset": 4,
        }.items()
    ),
    Case(
        "trigger.tag_allowlist",
        ["coats"],
        all_of(
            has_buttons(PARKA), has_form("HAAR-OIL-M"), has_button_on_cards(), has_no_form("BLAT-S")
        ),
        "allowed",
    ),
    Case(
        "trigger.tag_blocklist",
        ["hats"],
        all_of(
            has_buttons(PARKA),
            has_button_on_cards(),
            has_buttons("/products/blatter-souwester", count=0, own="Sold out"),
            has_no_form("BLAT-S"),
        ),
        "blocked",
    ),
    Case(
        "trigger.inventory_quantity_threshold",
        5,
        all_of(
            has_buttons("/products/haar-parka?variant=HAAR-OIL-XL"),
            has_buttons("/products/haar-parka?variant=HAAR-OIL-S", count=0, own="Add to cart"),
            has_form("HAAR-OIL-XL"),
            has_button_on_cards(SOUWESTER),
            has_button_on_cards("The Falling Glass", path="/?q=glass"),
        ),
        "threshold",
    ),
    Case(
        "trigger.display_on_policy_continue",
        True,
        all_of(
            has_buttons("/products/howff-tarp", own="Pre-order"),
            has_form("HOWF-BRA"),
            has_button_on_cards(SOUWESTER, TARP),
        ),
        "continue",
    ),
    Case("modal.presentation", "drawer", is_a_drawer, "drawer"),
    Case(
        "modal.headline",
        "Sold out: {product_name}, {variant_name}",
        has_text("form", ".notify-me__title", "Sold out: Haar Parka, Oilskin / M"),
    ),
    Case(
        "modal.body_content",
        "Get news about {product_name} in {variant_name}.",
        has_text("form", ".notify-me__body", "Get news about Haar Parka in Oilskin / M."),
    ),
    Case(
        "modal.email_field_label",
        "Your address",
        lambda shop: expect(shop.form.get_by_label("Your address")).to_have_count(1),
    ),
    Case(
        "modal.phone_number_field_label",
        "Your number",
        lambda shop: expect(shop.form.get_by_label("Your number")).to_have_count(1),
    ),
    Case("modal.button_label", "Sign me up", has_text("form", ".notify-me__submit", "Sign me up")),
    Case(
        "modal.subscription_success_label",
        "Signed up: {product_name}, {variant_name}",
        has_text("done", ".notify-me__title", "Signed up: Haar Parka, Oilskin / M"),
    ),
    Case(
        "modal.footer_content",
        '<p><strong>{product_name}</strong> <a href="/terms" target="_blank" style="top:0" '
        'onclick="window.hit=1">Terms</a></p><script>window.hit = 1</script>',
        is_safe_markup,
    ),
    Case(
        "modal.close_label",
        "Dismiss",
        lambda shop: expect(shop.form.get_by_role("button", name="Dismiss")).to_be_visible(),
    ),
    Case("modal.z_index", 77, has_style(part("form", "dialog"), z_index="77")),
    Case("modal.drop_background_color", "rgb(9 8 7 / .25)", has_backdrop("rgba(9, 8, 7, 0.25)")),
    Case(
        "modal.background_color",
        "#fffae6",
        has_style(part("form", "dialog"), background_color="rgb(255, 250, 230)"),
    ),
    Case(
        "modal.text_color",
        "#201030",
        all_of(
            has_style(part("form", "dialog"), color="rgb(32, 16, 48)"),
            has_style(part("form", ".notify-me__title"), color="rgb(32, 16, 48)"),
        ),
    ),
    Case(
        "modal.font_family",
        "Verdana, sans-serif",
        has_style(part("form", ".notify-me__input"), font_family="Verdana, sans-serif"),
    ),
    Case(
        "modal.headers_font_family",
        "Courier, monospace",
        has_style(part("form", ".notify-me__title"), font_family="Courier, monospace"),
    ),
    Case(
        "modal.button_background_color",
        "#004400",
        has_style(part("form", ".notify-me__submit"), background_color="rgb(0, 68, 0)"),
    ),
    Case(
        "modal.button_text_color",
        "#eeffee",
        has_style(part("form", ".notify-me__submit"), color="rgb(238, 255, 238)"),
    ),
    Case(
        "modal.close_button_color",
        "#440000",
        has_style(part("form", ".notify-me__close"), color="rgb(68, 0, 0)"),
    ),
    Case(
        "modal.error_background_color",
        "#fde0e0",
        has_style(part("errors", ".notify-me__error"), background_color="rgb(253, 224, 224)"),
    ),
    Case(
        "modal.error_text_color",
        "#8a0000",
        has_style(part("errors", ".notify-me__error"), color="rgb(138, 0, 0)"),
    ),
    Case(
        "modal.success_background_color",
        "#e0f4e0",
        has_style(part("done", ".notify-me__success"), background_color="rgb(224, 244, 224)"),
    ),
    Case(
        "modal.success_text_color",
        "#003300",
        has_style(part("done", ".notify-me__success"), color="rgb(0, 51, 0)"),
    ),
    Case("channels.offered", ["SMS", "EMAIL", "WHATSAPP"], has_channels_in_order),
    Case("channels.default_region", "DE", uses_the_region),
    Case(
        "consent.brand",
        "Brae",
        has_text("form", "[data-for=SMS] .notify-me__choice", "Texts from Brae"),
    ),
    Case(
        "consent.terms_of_service_url",
        "/terms?here",
        has_attribute(part("form", "a:text('Our terms')"), "href", "/terms?here"),
    ),
    Case(
        "consent.privacy_policy_url",
        "/privacy?here",
        has_attribute(part("form", "a:text('Our privacy')"), "href", "/privacy?here"),
    ),
    Case(
        "consent.terms_of_service_text",
        "Our terms",
        has_text("form", "[data-for=SMS] .notify-me__disclosure", "Our terms"),
    ),
    Case(
        "consent.privacy_policy_text",
        "Our privacy",
        has_text("form", "[data-for=SMS] .notify-me__disclosure", "Our privacy"),
    ),
    Case(
        "consent.locale",
        "en-GB",
        has_attribute(part("form", ".notify-me__consent"), "lang", "en-GB"),
    ),
    Case(
        "consent.program",
        "restock alerts only",
        has_text("form", "[data-for=SMS] .notify-me__disclosure", "restock alerts only"),
    ),
    Case(
        "consent.frequency",
        "One message a week",
        has_text("form", "[data-for=SMS] .notify-me__disclosure", "One message a week"),
    ),
    Case(
        "consent.email_list",
        "ask",
        lambda shop: expect(
            shop.form.locator("[name=opt_in_promotional_email]")
        ).not_to_be_checked(),
    ),
    Case(
        "consent.email_checkbox_text",
        "Newsletter from {brand}",
        has_text("form", "[data-for=EMAIL] .notify-me__choice", "Newsletter from Brae"),
    ),
    Case(
        "consent.email_notice",
        "You'll also get {brand}'s newsletter",
        has_text("form", ".notify-me__consent", "You'll also get Brae's newsletter"),
        "always",
    ),
    Case(
        "consent.sms_checkbox_text",
        "Texts from {brand}",
        has_text("form", "[data-for=SMS] .notify-me__choice", "Texts from Brae"),
    ),
    Case(
        "consent.sms_disclosure",
        "SMS: {program}. {frequency}. " + LINKS,
        has_text(
            "form",
            "[data-for=SMS] .notify-me__disclosure",
            "SMS: restock alerts only. One message a week.",
        ),
    ),
    Case(
        "consent.whatsapp_checkbox_text",
        "WhatsApp messages from {brand}",
        has_text("form", "[data-for=WHATSAPP] .notify-me__choice", "WhatsApp messages from Brae"),
    ),
    Case(
        "consent.whatsapp_disclosure",
        "WhatsApp: {program}. " + LINKS,
        has_text(
            "form", "[data-for=WHATSAPP] .notify-me__disclosure", "WhatsApp: restock alerts only."
        ),
    ),
    Case("consent.custom_source", "Aisle 7", sends_the_source),
    Case(
        "demand.public_count",
        True,
        has_count("haar-parka?HAAR-OIL-M", "10 people are waiting"),
        "count",
    ),
    Case(
        "demand.public_count_text",
        "{count} people are waiting",
        has_count("haar-parka?HAAR-OIL-M", "10 people are waiting"),
        "count",
    ),
    Case("demand.public_count_floor", 10, has_count("blatter-souwester?BLAT-S"), "count"),
    Case("demand.public_count_days", 7, has_count("blatter-souwester?BLAT-L"), "count"),
    Case(
        "catalog.integration", "$magento_two", links_to_catalog("$magento_two:::1-1:::"), "catalog"
    ),
    Case("catalog.catalog_id", "1-1", links_to_catalog("$magento_two:::1-1:::"), "catalog"),
]
OTHER_TESTS = {
    "trigger.is_allow_for_preorder",
    "trigger.is_allow_for_unmanaged_inventory",
    "consent.age_gated",
}
"""Settings that are tested elsewhere: the demo shop has no such stock, or wouldn't start."""
GROUP_SETTINGS = {"always": {"consent.email_list": "always", "consent.brand": "Brae"}}
"""Additional settings for the shops of some groups."""


SIGN_UPS = {"HAAR-OIL-M": (14, 2), "BLAT-S": (9, 2), "BLAT-L": (14, 9)}
"""The sign-ups in the log of every shop: the number, and how many days ago."""


def keys(model: type[BaseModel], before: str = "") -> Iterator[str]:
    """Return every setting of a model, such as `button.border.color`."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys(field.annotation, f"{before}{name}.")
        else:
            yield before + name


def default(key: str) -> Any:
    """Return a setting's default."""
    value: Any = Settings()
    for name in key.split("."):
        value = getattr(value, name)
    return value


def toml(values: dict[str, Any]) -> str:
    """Return the text of a settings file."""
    # strings, numbers and lists have the same syntax in JSON and TOML
    return "".join(
        f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items()
    )


def test_every_setting_has_a_case() -> None:
    """No case uses the setting's default as its value."""
    expected = {key for key in keys(Settings) if key.split(".")[0] in TABLES}

    assert {case.key for case in CASES} | OTHER_TESTS == expected
    assert [case.key for case in CASES if case.value == default(case.key)] == []


def fill_log(app: Flask) -> None:
    """Add `SIGN_UPS` to the log."""
    with app.app_context():
        for sku, (people, days) in SIGN_UPS.items():
            insert_sign_ups(
                app.extensions["sqlalchemy"].engine, [sku], people, timedelta(days=days)
            )


Start = Callable[[dict[str, Any]], Shop]


@pytest.fixture(scope="module")
def start(
    browser: Browser,
    catalog_db: Path,
    sandbox_server: Sandbox,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Start]:
    """Starts a demo shop with certain settings."""
    sandbox_server.reset()
    apps: list[Flask] = []
    with ExitStack() as stack:

        def start_shop(values: dict[str, Any]) -> Shop:
            folder = tmp_path_factory.mktemp("settings")
            database = Path(shutil.copy(catalog_db, folder / "shop.db"))
            settings = folder / "notify_me.toml"
            settings.write_text(toml(values), encoding="utf-8")
            config = {"NOTIFY_ME_CONFIG": str(settings), "RATELIMIT_ENABLED": "0"}
            app = in_another_thread(
                lambda: create_app(environ(database, sandbox_server.environ(), **config))
            )
            apps.append(app)
            in_another_thread(lambda: fill_log(app))
            shop = Shop(stack.enter_context(serve(app)), browser, sandbox_server)
            stack.callback(shop.context.close)
            return shop

        yield start_shop

    def close() -> None:
        for app in apps:
            with app.app_context():
                app.extensions["sqlalchemy"].engine.dispose()

    in_another_thread(close)


@pytest.fixture(scope="module")
def shops(start: Start) -> Callable[[str], Shop]:
    """The shop of a group of cases, started once."""
    shops: dict[str, Shop] = {}

    def shop_of(group: str) -> Shop:
        if group not in shops:
            values = {case.key: case.value for case in CASES if case.group == group}
            shops[group] = start({**GROUP_SETTINGS.get(group, {}), **values})
        return shops[group]

    return shop_of


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.key)
def test_setting_has_its_effect(case: Case, shops: Callable[[str], Shop]) -> None:
    case.check(shops(case.group))


def test_age_gated_account_with_text_messages_prevents_startup(start: Start) -> None:
    """An age-gated account needs a date of birth, for which the form can't ask."""
    values = {case.key: case.value for case in CASES if case.group == "style"}

    with pytest.raises(SettingsError, match="age_gated"):
        start({**values, "consent.age_gated": True})
