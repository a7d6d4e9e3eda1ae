"""Every setting of looks, words and behaviour: a value in TOML, and what Chromium makes of it.

The list comes from the models: a setting without a case here fails.
"""

from __future__ import annotations

import json
import re
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
from tests.sites import elsewhere, environ
from tests.support import TIMEOUT, Sandbox, eventually, serve

PARKA = "/products/haar-parka?variant=HAAR-OIL-M"
PREFIX = "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3A"
TABLES = ("button", "trigger", "modal", "channels", "consent", "demand", "catalog")


class Shop:
    """The demo shop under some settings, and its pages, each opened once."""

    def __init__(self, url: str, browser: Browser, sandbox: Sandbox) -> None:
        self.url = url
        self.sandbox = sandbox
        self.context = browser.new_context(
            viewport={"width": 1280, "height": 900}, color_scheme="light", reduced_motion="reduce"
        )

    def page(self, path: str) -> Page:
        """A page in a tab of its own."""
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
        """The listing, on which one product has no variant left."""
        return self.page("/")

    def button(self) -> Locator:
        """The button on the product page."""
        return self.product.locator(".buy .notify-me__button")

    def card(self) -> Locator:
        """The button on that card."""
        return self.listing.locator(".card .notify-me__button")

    def opened(self) -> Page:
        """A product page with the form open."""
        page = self.page(PARKA)
        page.locator(".buy .notify-me__button").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        return page

    @cached_property
    def form(self) -> Page:
        """The form, open."""
        return self.opened()

    @cached_property
    def wrong(self) -> Page:
        """The form, sent empty."""
        page = self.opened()
        page.locator(".notify-me__submit").click()
        expect(page.locator(".notify-me__error").first).to_be_visible()
        return page

    @cached_property
    def done(self) -> Page:
        """The done view, after a sign-up by email and SMS."""
        page = self.opened()
        page.locator("[name=channels][value=EMAIL]").check()
        page.locator("[name=email]").fill("ada@example.org")
        page.locator("[name=channels][value=SMS]").check()
        page.locator("[name=phone_number]").fill("01512 3456789")
        page.locator("[name=opt_in_promotional_sms][value=SMS]").check()
        page.locator(".notify-me__submit").click()
        expect(page.locator(".notify-me__success")).to_be_visible()
        return page


Check = Callable[[Shop], None]


@dataclass(frozen=True)
class Case:
    """A setting, a value that isn't its default, and what must come of it."""

    key: str
    value: Any
    check: Check
    group: str = "looks"


def style(found: Locator, name: str, pseudo: str = "") -> str:
    """A computed style."""
    script = "(one, [name, pseudo]) => getComputedStyle(one, pseudo || null).getPropertyValue(name)"
    return str(found.first.evaluate(script, [name, pseudo]))


def looks(part: Callable[[Shop], Locator], **styles: str) -> Check:
    """A check that an element has these computed styles."""

    def check(shop: Shop) -> None:
        found = part(shop)
        named = {name.replace("_", "-"): value for name, value in styles.items()}
        assert {name: style(found, name) for name in named} == named

    return check


def both(**styles: str) -> Check:
    """A check that the button has these styles on the product page and on the card."""

    def check(shop: Shop) -> None:
        looks(Shop.button, **styles)(shop)
        looks(Shop.card, **styles)(shop)

    return check


def part(state: str, selector: str) -> Callable[[Shop], Locator]:
    """An element of a state: form, wrong, done, product or listing."""
    return lambda shop: getattr(shop, state).locator(selector)


def says(state: str, selector: str, words: str) -> Check:
    """A check that the first such element holds these words."""
    return lambda shop: expect(part(state, selector)(shop).first).to_contain_text(words)


def has(found: Callable[[Shop], Locator], name: str, value: str) -> Check:
    """A check that an element has an attribute."""
    return lambda shop: expect(found(shop).first).to_have_attribute(name, value)


def classes(found: Callable[[Shop], Locator], *names: str) -> Check:
    """A check that an element has these classes."""

    def check(shop: Shop) -> None:
        assert set(names) <= set(str(found(shop).first.get_attribute("class")).split())

    return check


def every(*checks: Check) -> Check:
    """A check that all of these hold."""

    def check(shop: Shop) -> None:
        for each in checks:
            each(shop)

    return check


def box(found: Locator) -> dict[str, float]:
    """Where an element stands."""
    found.first.scroll_into_view_if_needed()
    script = "(one) => one.getBoundingClientRect().toJSON()"
    measured: dict[str, float] = found.first.evaluate(script)
    return measured


def fits_its_words(shop: Shop) -> None:
    """The button is narrower than its place, on both pages."""
    for button in (shop.button(), shop.card()):
        assert box(button)["width"] < box(button.locator(".."))["width"] - 20


def stands_right(shop: Shop) -> None:
    """The button ends where its place ends, on both pages."""
    for button in (shop.button(), shop.card()):
        own, place = box(button), box(button.locator(".."))
        assert abs(own["x"] + own["width"] - place["x"] - place["width"]) < 1
        assert own["x"] > place["x"] + 20


def beside_the_shops_own(shop: Shop) -> None:
    """The shop's own button stays, and ours stands with it."""
    expect(shop.product.get_by_role("button", name="Sold out")).to_be_visible()
    expect(shop.button()).to_be_visible()


def in_its_anchor(shop: Shop) -> None:
    """The button moved once; without scripts it stays; a move of the shop's holds."""
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
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(shop.url + PARKA)
    expect(plain.locator(".buy .notify-me__button")).to_be_visible()
    context.close()


def at_the_side(shop: Shop) -> None:
    """As high as the window, at its end; on a phone at the bottom, as wide as it is."""
    page = shop.form
    sheet = box(page.get_by_role("dialog"))
    assert (sheet["y"], sheet["height"]) == (0, 900)
    assert sheet["x"] + sheet["width"] == page.evaluate("document.documentElement.clientWidth")
    assert sheet["width"] < 500
    # as in Arabic: page and dialog both say it
    turn = "dir => document.querySelectorAll('html, dialog').forEach((each) => (each.dir = dir))"
    page.evaluate(turn, "rtl")
    assert box(page.get_by_role("dialog"))["x"] == page.evaluate(
        "innerWidth - document.documentElement.clientWidth"
    )
    page.evaluate(turn, "ltr")
    page.set_viewport_size({"width": 360, "height": 740})
    sheet = box(page.get_by_role("dialog"))
    assert (sheet["x"], sheet["width"], sheet["y"] + sheet["height"]) == (0, 360, 740)
    assert sheet["height"] < 700
    page.set_viewport_size({"width": 1280, "height": 900})


def covers(color: str) -> Check:
    """A check of what covers the page behind the dialog."""

    def check(shop: Shop) -> None:
        dialog = shop.form.get_by_role("dialog")
        assert style(dialog, "background-color", "::backdrop") == color
        assert style(dialog, "opacity", "::backdrop") == "1"

    return check


def is_safe_markup(shop: Shop) -> None:
    """The footer's tags come through, its link opens safely, its script is gone."""
    footer = shop.form.locator(".notify-me__footer")
    expect(footer.locator("strong")).to_have_text("Haar Parka")
    link = footer.get_by_role("link", name="by post")
    assert link.get_attribute("target") == "_blank"
    assert "noopener" in str(link.get_attribute("rel"))
    assert footer.locator("script, [onclick], [style]").count() == 0
    assert shop.form.evaluate("window.hit") is None


def in_the_order_offered(shop: Shop) -> None:
    """The channels, in the order of the settings."""
    values = shop.form.locator("[name=channels]").evaluate_all("all => all.map((one) => one.value)")
    assert values == ["SMS", "EMAIL", "WHATSAPP"]


def called(shop: Shop) -> list[Any]:
    """The bodies of what Klaviyo got, once both calls are there."""
    shop.sandbox.reset()
    shop.__dict__.pop("done", None)
    assert shop.done
    eventually(lambda: len(shop.sandbox.requests()) >= 2)
    return [call["body"] for call in shop.sandbox.requests()]


def by_this_region(shop: Shop) -> None:
    """A national number is one of this country."""
    assert "+4915123456789" in json.dumps(called(shop))


def under_this_source(shop: Shop) -> None:
    """Klaviyo shows the consent as coming from there."""
    assert '"custom_source": "Aisle 7"' in json.dumps(called(shop))


def shows(path: str, *, own: str = "", count: int = 1) -> Check:
    """A check of how many buttons a product page has, and of the shop's own beside them."""

    def check(shop: Shop) -> None:
        page = shop.page(path)
        expect(page.locator(".buy .notify-me__button")).to_have_count(count)
        if own:
            expect(page.locator(".buy").get_by_role("button", name=own)).to_be_visible()

    return check


def cards(*names: str, path: str = "/") -> Check:
    """A check of which products' cards have the button."""

    def check(shop: Shop) -> None:
        page = shop.listing if path == "/" else shop.page(path)
        found = page.locator(".card:has(.notify-me__button) .card__title").all_inner_texts()
        assert set(found) == set(names)

    return check


def blocked(sku: str) -> Check:
    """A check that a sold-out variant which isn't watched has no form, and no word of stock."""

    def check(shop: Shop) -> None:
        address = f"{shop.url}{PREFIX}{sku}"
        typed = {"channels": "EMAIL", "email": "ada@example.org"}
        element = {"X-Notify-Me": "1"}
        posted = requests.post(address, data=typed, headers=element, timeout=TIMEOUT)
        assert (posted.status_code, posted.json()["state"]) == (404, "failed")
        for html in (
            requests.get(address, timeout=TIMEOUT).text,
            requests.post(address, data=typed, timeout=TIMEOUT).text,
            posted.json()["html"],
        ):
            assert "No notices for this one" in html
            assert "back in stock" not in html.lower()
            assert 'name="email"' not in html

    return check


def takes_the_form(sku: str) -> Check:
    """A check that a variant's own address has a form."""
    return lambda shop: expect(shop.page(PREFIX + sku).locator("[name=email]")).to_be_visible()


def asks_for(catalog: str) -> Check:
    """A check of the composite ID that the form is asked for: the catalog's, then the variant's."""

    def check(shop: Shop) -> None:
        link = shop.product.locator(".buy .notify-me__button")
        expect(link).to_have_attribute("href", re.compile(re.escape(f"{quote(catalog)}HAAR-OIL-M")))

    return check


def counted(sku: str, words: str = "") -> Check:
    """A check of the line by a variant's button that says how many people asked."""

    def check(shop: Shop) -> None:
        page = shop.page(f"/products/{sku.split('?')[0]}?variant={sku.split('?')[1]}")
        line = page.locator(".buy notify-me .notify-me__count")
        if words:
            expect(line).to_have_text(words)
        else:
            expect(page.locator(".buy .notify-me__button")).to_be_visible()
            expect(line).to_have_count(0)

    return check


LINKS = "{terms_of_service} / {privacy_policy}"
SOUWESTER, TARP = "Blatter Sou’wester", "Howff Tarp"
DISCLOSURE = "[aria-describedby$=disclosure]"
CASES = [
    Case(
        "button.label",
        "Ping me",
        every(
            says("product", ".buy .notify-me__button", "Ping me"),
            has(Shop.button, "aria-label", "Ping me: Haar Parka, Oilskin / M"),
        ),
    ),
    Case("button.display", "NEXT_TO", beside_the_shops_own, "next to"),
    Case("button.alternate_anchor", "related", in_its_anchor, "anchor"),
    Case("button.product_page_class", "btn btn--wide", classes(Shop.button, "btn", "btn--wide")),
    Case(
        "button.product_page_text_align",
        "right",
        looks(Shop.button, text_align="end", justify_content="end"),
    ),
    Case(
        "button.product_page_margin",
        "11px 7px",
        looks(part("product", ".buy notify-me"), padding="11px 7px"),
    ),
    Case("button.product_page_width", "260px", looks(Shop.button, width="260px")),
    Case(
        "button.collection_page_text",
        "Tell me",
        every(
            says("listing", ".card .notify-me__button", "Tell me"),
            has(Shop.card, "aria-label", f"Tell me: {SOUWESTER}"),
        ),
    ),
    Case("button.collection_page_class", "tile-btn", classes(Shop.card, "tile-btn")),
    Case(
        "button.collection_page_text_align",
        "left",
        looks(Shop.card, text_align="start", justify_content="start"),
    ),
    Case("button.collection_page_width", "180px", looks(Shop.card, width="180px")),
    Case("button.collection_page_padding", "9px 13px", looks(Shop.card, padding="9px 13px")),
    Case("button.text_styles.font_family", "Georgia, serif", both(font_family="Georgia, serif")),
    Case("button.text_styles.font_size", 19, both(font_size="19px")),
    Case("button.text_styles.font_weight", 300, both(font_weight="300")),
    Case("button.text_styles.font_color", "#fefefe", both(color="rgb(254, 254, 254)")),
    Case("button.text_styles.font_style", "italic", both(font_style="italic")),
    Case("button.text_styles.text_decoration", "underline", both(text_decoration_line="underline")),
    Case("button.text_styles.letter_spacing", 2, both(letter_spacing="2px")),
    Case("button.button_styles.color", "#123456", both(background_color="rgb(18, 52, 86)")),
    Case("button.button_styles.border_radius", 9, both(border_radius="9px")),
    Case("button.button_styles.height", 61, both(height="61px")),
    Case("button.button_styles.width", "fitToText", fits_its_words, "fit"),
    Case("button.button_styles.alignment", "right", stands_right, "fit"),
    Case("button.button_styles.border.enabled", True, both(border_style="dashed")),
    Case("button.button_styles.border.color", "#654321", both(border_color="rgb(101, 67, 33)")),
    Case("button.button_styles.border.style", "dashed", both(border_style="dashed")),
    Case("button.button_styles.border.width", 3, both(border_width="3px")),
    *(
        Case(
            f"button.button_styles.drop_shadow.{name}",
            value,
            both(box_shadow="rgb(1, 2, 3) 3px 4px 7px 0px"),
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
        every(shows(PARKA), takes_the_form("HAAR-OIL-M"), cards(), blocked("BLAT-S")),
        "allowed",
    ),
    Case(
        "trigger.tag_blocklist",
        ["hats"],
        every(
            shows(PARKA),
            cards(),
            shows("/products/blatter-souwester", count=0, own="Sold out"),
            blocked("BLAT-S"),
        ),
        "blocked",
    ),
    Case(
        "trigger.inventory_quantity_threshold",
        5,
        every(
            shows("/products/haar-parka?variant=HAAR-OIL-XL"),
            shows("/products/haar-parka?variant=HAAR-OIL-S", count=0, own="Add to cart"),
            takes_the_form("HAAR-OIL-XL"),
            cards(SOUWESTER),
            cards("The Falling Glass", path="/?q=glass"),
        ),
        "threshold",
    ),
    Case(
        "trigger.display_on_policy_continue",
        True,
        every(
            shows("/products/howff-tarp", own="Pre-order"),
            takes_the_form("HOWF-BRA"),
            cards(SOUWESTER, TARP),
        ),
        "continue",
    ),
    Case("modal.presentation", "drawer", at_the_side, "drawer"),
    Case(
        "modal.headline",
        "Out: {product_name}, {variant_name}",
        says("form", ".notify-me__title", "Out: Haar Parka, Oilskin / M"),
    ),
    Case(
        "modal.body_content",
        "News of {product_name} in {variant_name}.",
        says("form", ".notify-me__body", "News of Haar Parka in Oilskin / M."),
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
    Case("modal.button_label", "Send it", says("form", ".notify-me__submit", "Send it")),
    Case(
        "modal.subscription_success_label",
        "Noted: {product_name}, {variant_name}",
        says("done", ".notify-me__title", "Noted: Haar Parka, Oilskin / M"),
    ),
    Case(
        "modal.footer_content",
        '<p><strong>{product_name}</strong> <a href="/terms" target="_blank" style="top:0" '
        'onclick="window.hit=1">by post</a></p><script>window.hit = 1</script>',
        is_safe_markup,
    ),
    Case(
        "modal.close_label",
        "Shut",
        lambda shop: expect(shop.form.get_by_role("button", name="Shut")).to_be_visible(),
    ),
    Case("modal.z_index", 77, looks(part("form", "dialog"), z_index="77")),
    Case("modal.drop_background_color", "rgb(9 8 7 / .25)", covers("rgba(9, 8, 7, 0.25)")),
    Case(
        "modal.background_color",
        "#fffae6",
        looks(part("form", "dialog"), background_color="rgb(255, 250, 230)"),
    ),
    Case(
        "modal.text_color",
        "#201030",
        every(
            looks(part("form", "dialog"), color="rgb(32, 16, 48)"),
            looks(part("form", ".notify-me__title"), color="rgb(32, 16, 48)"),
        ),
    ),
    Case(
        "modal.font_family",
        "Verdana, sans-serif",
        looks(part("form", ".notify-me__input"), font_family="Verdana, sans-serif"),
    ),
    Case(
        "modal.headers_font_family",
        "Courier, monospace",
        looks(part("form", ".notify-me__title"), font_family="Courier, monospace"),
    ),
    Case(
        "modal.button_background_color",
        "#004400",
        looks(part("form", ".notify-me__submit"), background_color="rgb(0, 68, 0)"),
    ),
    Case(
        "modal.button_text_color",
        "#eeffee",
        looks(part("form", ".notify-me__submit"), color="rgb(238, 255, 238)"),
    ),
    Case(
        "modal.close_button_color",
        "#440000",
        looks(part("form", ".notify-me__close"), color="rgb(68, 0, 0)"),
    ),
    Case(
        "modal.error_background_color",
        "#fde0e0",
        looks(part("wrong", ".notify-me__error"), background_color="rgb(253, 224, 224)"),
    ),
    Case(
        "modal.error_text_color",
        "#8a0000",
        looks(part("wrong", ".notify-me__error"), color="rgb(138, 0, 0)"),
    ),
    Case(
        "modal.success_background_color",
        "#e0f4e0",
        looks(part("done", ".notify-me__success"), background_color="rgb(224, 244, 224)"),
    ),
    Case(
        "modal.success_text_color",
        "#003300",
        looks(part("done", ".notify-me__success"), color="rgb(0, 51, 0)"),
    ),
    Case("channels.offered", ["SMS", "EMAIL", "WHATSAPP"], in_the_order_offered),
    Case("channels.default_region", "DE", by_this_region),
    Case(
        "consent.brand", "Brae", says("form", "[data-for=SMS] .notify-me__choice", "Texts by Brae")
    ),
    Case(
        "consent.terms_of_service_url",
        "/terms?here",
        has(part("form", "a:text('Our terms')"), "href", "/terms?here"),
    ),
    Case(
        "consent.privacy_policy_url",
        "/privacy?here",
        has(part("form", "a:text('Our privacy')"), "href", "/privacy?here"),
    ),
    Case(
        "consent.terms_of_service_text",
        "Our terms",
        says("form", "[data-for=SMS] .notify-me__disclosure", "Our terms"),
    ),
    Case(
        "consent.privacy_policy_text",
        "Our privacy",
        says("form", "[data-for=SMS] .notify-me__disclosure", "Our privacy"),
    ),
    Case("consent.locale", "en-GB", has(part("form", ".notify-me__consent"), "lang", "en-GB")),
    Case(
        "consent.program",
        "alerts alone",
        says("form", "[data-for=SMS] .notify-me__disclosure", "alerts alone"),
    ),
    Case(
        "consent.frequency",
        "One a week",
        says("form", "[data-for=SMS] .notify-me__disclosure", "One a week"),
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
        "Letters by {brand}",
        says("form", "[data-for=EMAIL] .notify-me__choice", "Letters by Brae"),
    ),
    Case(
        "consent.email_notice",
        "You join the letters of {brand}",
        says("form", ".notify-me__consent", "You join the letters of Brae"),
        "always",
    ),
    Case(
        "consent.sms_checkbox_text",
        "Texts by {brand}",
        says("form", "[data-for=SMS] .notify-me__choice", "Texts by Brae"),
    ),
    Case(
        "consent.sms_disclosure",
        "SMS: {program}. {frequency}. " + LINKS,
        says("form", "[data-for=SMS] .notify-me__disclosure", "SMS: alerts alone. One a week."),
    ),
    Case(
        "consent.whatsapp_checkbox_text",
        "Chats by {brand}",
        says("form", "[data-for=WHATSAPP] .notify-me__choice", "Chats by Brae"),
    ),
    Case(
        "consent.whatsapp_disclosure",
        "Chats: {program}. " + LINKS,
        says("form", "[data-for=WHATSAPP] .notify-me__disclosure", "Chats: alerts alone."),
    ),
    Case("consent.custom_source", "Aisle 7", under_this_source),
    Case("demand.public_count", True, counted("haar-parka?HAAR-OIL-M", "10 wait for it"), "count"),
    Case(
        "demand.public_count_text",
        "{count} wait for it",
        counted("haar-parka?HAAR-OIL-M", "10 wait for it"),
        "count",
    ),
    Case("demand.public_count_floor", 10, counted("blatter-souwester?BLAT-S"), "count"),
    Case("demand.public_count_days", 7, counted("blatter-souwester?BLAT-L"), "count"),
    Case("catalog.integration", "$magento_two", asks_for("$magento_two:::1-1:::"), "catalog"),
    Case("catalog.catalog_id", "1-1", asks_for("$magento_two:::1-1:::"), "catalog"),
]
ELSEWHERE = {
    "trigger.is_allow_for_preorder",
    "trigger.is_allow_for_unmanaged_inventory",
    "consent.age_gated",
}
"""Settings with a test of their own below: the demo shop has no such stock, or doesn't start."""
ALSO = {"always": {"consent.email_list": "always", "consent.brand": "Brae"}}
"""What a group needs besides its cases."""


ASKED = {"HAAR-OIL-M": (14, 2), "BLAT-S": (9, 2), "BLAT-L": (14, 9)}
"""What the log of every shop here holds: so many people asked for it so many days ago."""


def keys(model: type[BaseModel], before: str = "") -> Iterator[str]:
    """Every setting of a model, such as `button.border.color`."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from keys(field.annotation, f"{before}{name}.")
        else:
            yield before + name


def default(key: str) -> Any:
    """A setting's default."""
    found: Any = Settings()
    for name in key.split("."):
        found = getattr(found, name)
    return found


def toml(values: dict[str, Any]) -> str:
    """Settings as a file."""
    # JSON's strings, numbers and lists are TOML's too
    return "".join(
        f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items()
    )


def test_every_setting_has_a_case() -> None:
    """A new setting needs one; and none is a setting's default."""
    wanted = {key for key in keys(Settings) if key.split(".")[0] in TABLES}

    assert {case.key for case in CASES} | ELSEWHERE == wanted
    assert [case.key for case in CASES if case.value == default(case.key)] == []


def fill_log(app: Flask) -> None:
    """Put `ASKED` into the log."""
    with app.app_context():
        for sku, (people, days) in ASKED.items():
            insert_sign_ups(
                app.extensions["sqlalchemy"].engine, [sku], people, timedelta(days=days)
            )


Start = Callable[[dict[str, Any]], Shop]


@pytest.fixture(scope="module")
def start(
    browser: Browser,
    shop_template: Path,
    sandbox_server: Sandbox,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Start]:
    """Starts a demo shop under settings."""
    sandbox_server.reset()
    apps: list[Flask] = []
    with ExitStack() as stack:

        def started(values: dict[str, Any]) -> Shop:
            folder = tmp_path_factory.mktemp("settings")
            database = Path(shutil.copy(shop_template, folder / "shop.db"))
            settings = folder / "notify_me.toml"
            settings.write_text(toml(values), encoding="utf-8")
            more = {"NOTIFY_ME_CONFIG": str(settings), "RATELIMIT_ENABLED": "0"}
            app = elsewhere(lambda: create_app(environ(database, sandbox_server.environ(), **more)))
            apps.append(app)
            elsewhere(lambda: fill_log(app))
            shop = Shop(stack.enter_context(serve(app)), browser, sandbox_server)
            stack.callback(shop.context.close)
            return shop

        yield started

    def close() -> None:
        for app in apps:
            with app.app_context():
                app.extensions["sqlalchemy"].engine.dispose()

    elsewhere(close)


@pytest.fixture(scope="module")
def shops(start: Start) -> Callable[[str], Shop]:
    """The shop of a group of cases, started once."""
    found: dict[str, Shop] = {}

    def of(group: str) -> Shop:
        if group not in found:
            values = {case.key: case.value for case in CASES if case.group == group}
            found[group] = start({**ALSO.get(group, {}), **values})
        return found[group]

    return of


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.key)
def test_a_setting(case: Case, shops: Callable[[str], Shop]) -> None:
    """It does what it says."""
    case.check(shops(case.group))


def test_a_form_that_cannot_ask_for_age_is_refused(start: Start) -> None:
    """`consent.age_gated` with text messages stops the start."""
    values = {case.key: case.value for case in CASES if case.group == "looks"}

    with pytest.raises(SettingsError, match="age_gated"):
        start({**values, "consent.age_gated": True})
