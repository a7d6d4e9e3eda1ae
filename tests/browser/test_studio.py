"""The Studio in Chromium, with and without scripts."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from playwright.sync_api import Browser, FrameLocator, Locator, Page, Route, expect

from app import create_app
from storefront.studio.presets import presets
from tests.axe import COLOR_RULES, violations
from tests.browser.conftest import watched
from tests.browser.test_host_shops import CONTRAST
from tests.browser.test_sign_up import PARKA
from tests.sites import environ, in_another_thread
from tests.support import Sandbox, serve

CSS_PROPERTIES = [
    "color",
    "backgroundColor",
    "borderTopColor",
    "borderTopWidth",
    "borderRadius",
    "boxShadow",
    "fontFamily",
    "fontSize",
    "fontWeight",
    "textDecorationLine",
]


def style_of(element: Locator) -> dict[str, str]:
    """Return the text of an element, and the computed styles that settings affect."""
    style: dict[str, str] = element.evaluate(
        "(el, names) => Object.fromEntries(names.map((n) => [n, getComputedStyle(el)[n]]))",
        CSS_PROPERTIES,
    )
    return {**style, "text": element.inner_text()}


def styles_in_shop(page: Page, url: str) -> list[dict[str, str]]:
    """Return the styles of button, dialog, title and submit button on the product page."""
    page.goto(url + PARKA)
    button = page.locator(".buy .notify-me__button")
    button_style = style_of(button)
    button.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    parts = (dialog, dialog.locator(".notify-me__title"), dialog.locator(".notify-me__submit"))
    return [button_style, *map(style_of, parts)]


def frame(page: Page) -> FrameLocator:
    """Return the preview's frame."""
    return page.frame_locator("#frame iframe:not([data-loading])")


def open_section(page: Page, title: str) -> None:
    """Open a section of the panel."""
    page.locator("summary", has_text=title).click()


def test_changes_can_be_previewed_shared_and_exported(
    page: Page,
    browser: Browser,
    shop_url: str,
    tmp_path: Path,
    sandbox: Sandbox,
    catalog_db: Path,
) -> None:
    """A link shares the changes with another browser, and the settings file applies them to another
    shop.
    """
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{shop_url}/studio")
    page.get_by_role("button", name="Poster").click()
    expect(frame(page).locator(".notify-me__dialog")).to_have_css(
        "background-color", "rgb(255, 217, 26)"
    )
    label = page.get_by_label("Button text", exact=True)
    label.fill("")
    label.press_sequentially('Say "when"')
    expect(frame(page).locator(".buy .notify-me__button")).to_have_text('Say "when"')
    expect(label).to_be_focused()
    expect(frame(page).locator("dialog:modal")).to_be_visible()
    expect(page.locator("#status")).to_contain_text("changes, visible only to you")

    page.get_by_role("button", name="Export").click()
    link = page.get_by_label("Link to these settings").input_value()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("#copied")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == link
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download notify_me.toml").click()
    path = tmp_path / "exported.toml"
    downloading.value.save_as(path)

    changed_styles = styles_in_shop(page, shop_url)
    assert changed_styles[0]["text"] == 'Say "when"'
    assert changed_styles[1]["backgroundColor"] == "rgb(255, 217, 26)"
    fresh = browser.new_context(reduced_motion="reduce", viewport={"width": 1280, "height": 900})
    with watched(fresh) as other:
        assert styles_in_shop(other, shop_url)[0]["text"] == "Notify me"
        other.goto(link)
        expect(other.get_by_label("Button text", exact=True)).to_have_value('Say "when"')
        assert styles_in_shop(other, shop_url) == changed_styles

    database = Path(shutil.copy(catalog_db, tmp_path / "other.db"))
    other_shop = in_another_thread(
        lambda: create_app(environ(database, sandbox.environ(), NOTIFY_ME_CONFIG=str(path)))
    )
    # without the visitor's own changes
    fresh.clear_cookies()
    with serve(other_shop) as other_url, watched(fresh) as other:
        assert styles_in_shop(other, other_url) == changed_styles
    fresh.close()
    in_another_thread(lambda: _close(other_shop))
    assert sandbox.requests() == []


def _close(app: object) -> None:
    with app.app_context():  # type: ignore[attr-defined]
        app.extensions["sqlalchemy"].engine.dispose()  # type: ignore[attr-defined]


def test_search_errors_and_undo_work_without_reloading(page: Page, shop_url: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{shop_url}/studio")
    page.get_by_label("Corner radius slider").fill("24")
    expect(page.get_by_label("Corner radius", exact=True)).to_have_value("24")
    fonts = page.get_by_label("Button font list")
    expect(page.get_by_label("Button font", exact=True)).to_be_hidden()
    fonts.select_option("Georgia")
    button = frame(page).locator(".buy .notify-me__button")
    expect(button).to_have_css("font-family", "Georgia, serif")
    expect(button).to_have_css("border-radius", "24px")
    fonts.select_option("Another font…")
    expect(page.get_by_label("Button font", exact=True)).to_be_focused()
    page.get_by_role("button", name="Reset").click()
    expect(page.locator("#status")).to_have_text("No changes")

    page.get_by_label("Find a setting").fill("background")
    color = page.get_by_label("Background colour", exact=True)
    expect(color).to_be_visible()
    expect(page.locator("#set-button-label")).to_be_hidden()
    expect(page.locator("#find-result")).to_contain_text("found")
    color.fill("rainbow")
    notes = page.locator("#set-modal-background_color-notes")
    expect(notes).to_contain_text("Must be a colour")
    expect(color).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#status")).to_contain_text("Not applied: fix 1 error")

    color.fill("#204060")
    expect(notes).to_contain_text("Shop’s setting: default.")
    expect(color).not_to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Background colour picker", exact=True)).to_have_value("#204060")
    expect(frame(page).locator("dialog")).to_have_css("background-color", "rgb(32, 64, 96)")
    page.get_by_label("Find a setting").fill("text colour")
    page.get_by_label("Text colour", exact=True).fill("#406080")
    expect(page.locator("#set-modal-text_color-notes")).to_contain_text("hard to read")

    page.locator("h1").click()
    for wanted in ("", "", "#204060"):
        page.keyboard.press("Control+z" if not wanted else "Control+Shift+z")
        expect(page.locator("#set-modal-text_color")).to_have_value("")
        if wanted:
            expect(page.locator("#set-modal-background_color")).to_have_value(wanted)
    page.get_by_role("button", name="Reset").click()
    expect(page.locator("#status")).to_have_text("No changes")
    expect(page.get_by_role("button", name="Reset")).to_have_attribute("aria-disabled", "true")


def test_changes_in_two_tabs_are_combined(page: Page, shop_url: str) -> None:
    """The field in use stays as it is, and the others are updated."""
    tabs = (page, page.context.new_page())
    for tab in tabs:
        tab.set_viewport_size({"width": 1280, "height": 900})
        tab.goto(f"{shop_url}/studio")
    first, second = tabs
    first.get_by_label("Button text", exact=True).fill("From one tab")
    expect(frame(first).locator(".buy .notify-me__button")).to_have_text("From one tab")

    second.get_by_label("Headline", exact=True).fill("Some ")
    expect(second.get_by_label("Button text", exact=True)).to_have_value("From one tab")
    second.keyboard.type("more")
    expect(frame(second).locator(".notify-me__dialog .notify-me__title")).to_have_text("Some more")
    expect(frame(second).locator(".buy .notify-me__button")).to_have_text("From one tab")


def test_translations_are_edited_and_previewed(page: Page, shop_url: str) -> None:
    """The sections of the preview's language appear without reloading, and the focus stays."""
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{shop_url}/studio")
    language = page.get_by_label("Language", exact=True)
    language.select_option("Arabic")
    expect(frame(page).locator("html")).to_have_attribute("dir", "rtl")
    expect(page.locator("summary", has_text="English:")).to_have_count(0)
    expect(language).to_have_value("ar")
    page.get_by_role("radio", name="Advanced").check()
    open_section(page, "Arabic: button")
    text = page.get_by_label("Button text in Arabic", exact=True)
    expect(text).to_have_attribute("placeholder", "أعلمني")
    text.press_sequentially("نبّهني")
    expect(frame(page).locator(".buy .notify-me__button")).to_have_text("نبّهني")
    expect(text).to_be_focused()

    open_section(page, "Languages")
    offered = page.get_by_role("group", name="Languages")
    for name in ("German", "French", "Spanish", "Arabic"):
        offered.get_by_label(name).uncheck(force=True)
    expect(page.locator("summary", has_text="Arabic:")).to_have_count(0)
    expect(language).to_be_hidden()
    expect(offered.get_by_label("Arabic")).to_be_focused()
    expect(frame(page).locator("html")).to_have_attribute("lang", "en")
    page.get_by_role("button", name="Undo").click()
    expect(language).to_be_visible()
    language.select_option("Arabic")
    expect(page.get_by_label("Button text in Arabic", exact=True)).to_have_value("نبّهني")


def test_preview_has_its_own_width_scheme_and_state(browser: Browser, shop_url: str) -> None:
    """The preview's width and colour scheme don't depend on those of the browser."""
    # an emulated scheme would also apply to the frame
    context = browser.new_context(
        reduced_motion="reduce",
        viewport={"width": 1280, "height": 900},
        color_scheme="null",
    )
    with watched(context) as page:
        page.goto(f"{shop_url}/studio")
        body = frame(page).locator("body")
        loading = page.locator("#frame iframe[data-loading]")
        for scheme, paper in (("Dark", "rgb(16, 25, 29)"), ("Light", "rgb(243, 241, 234)")):
            page.get_by_role("radio", name=scheme).check()
            expect(body).to_have_css("background-color", paper)
            expect(loading).to_have_count(0)
        # a choice that is taken back before its preview has loaded has no effect
        delayed: list[Route] = []
        dark = re.compile("preview.*scheme=dark")
        page.route(dark, lambda route: delayed.append(route))
        with page.expect_request(dark):
            page.get_by_role("radio", name="Dark").check()
        page.get_by_role("radio", name="Light").check()
        delayed.pop().continue_()
        page.unroute(dark)
        expect(loading).to_have_count(0)
        expect(page.locator("#frame iframe")).to_have_attribute("src", re.compile("scheme=light"))
        for width, inner in (("Desktop", 1280), ("Phone", 375)):
            page.get_by_role("radio", name=width).check()
            shown = page.locator("#frame iframe:not([data-loading])")
            expect(shown).to_have_css("width", f"{inner}px")
            expect(frame(page).locator("html")).to_have_css("width", f"{inner}px")
        for state, text in (
            ("Errors", "Enter your email address"),
            ("Confirmation", "You’re on the list"),
        ):
            page.get_by_role("radio", name=state).check()
            expect(frame(page).locator("dialog:modal")).to_contain_text(text)
        page.get_by_role("radio", name="Button", exact=True).check()
        expect(frame(page).locator("dialog")).to_have_count(0)

        # pressing a part opens its setting, even if only the preview is shown
        page.goto(f"{shop_url}/studio?state=form&width=phone")
        expect(page.get_by_role("radio", name="Basic")).to_be_checked()
        page.set_viewport_size({"width": 390, "height": 844})
        page.get_by_role("radio", name="Preview").check()
        frame(page).locator("dialog .notify-me__label").dispatch_event("click")
        expect(page.locator("#set-modal-email_field_label")).to_be_in_viewport()
        page.set_viewport_size({"width": 1280, "height": 900})
        page.get_by_role("radio", name="Button", exact=True).check()

        expect(loading).to_have_count(0)
        # the form in the preview works, but sends nothing
        frame(page).locator(".buy .notify-me__button").click()
        dialog = frame(page).get_by_role("dialog")
        dialog.get_by_label("Email").fill("ada@lovelace.dev")
        dialog.get_by_role("button", name="Notify me").click()
        expect(dialog).to_contain_text("You’re on the list")
        assert "state=button" in page.url

        # in WebKit, for example, the page in the frame doesn't get the scheme from the frame
        page.emulate_media(color_scheme="light")
        page.goto(f"{shop_url}/studio/preview?state=button&scheme=dark")
        expect(page.locator("body")).to_have_css("background-color", "rgb(16, 25, 29)")
    context.close()


def test_studio_without_scripts(plain_page: Page, shop_url: str) -> None:
    """The Preview button applies changes; invalid input stays in the form with its error."""
    page = plain_page
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{shop_url}/studio")
    page.get_by_label("Button text", exact=True).fill("Email me")
    page.get_by_role("radio", name="Confirmation").check(force=True)
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_label("Button text", exact=True)).to_have_value("Email me")
    expect(frame(page).locator(".buy .notify-me__button[rel]")).to_have_text("Email me")
    expect(frame(page).locator("dialog")).to_contain_text("You’re on the list")

    page.get_by_label("Corner radius", exact=True).fill("500")
    page.get_by_label("Button text", exact=True).fill("Entered")
    # Enter submits the form with its first button, Preview
    page.get_by_label("Button text", exact=True).press("Enter")
    expect(page.get_by_label("Corner radius", exact=True)).to_have_value("500")
    expect(page.get_by_label("Corner radius", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#set-button-button_styles-border_radius-error")).to_be_visible()
    expect(page.get_by_label("Button text", exact=True)).to_have_value("Entered")

    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_label("Button text", exact=True)).to_have_value("Notify me")


def test_studio_is_accessible_and_fits(page: Page, shop_url: str) -> None:
    """All sections, an error, an import report and the export dialog are open."""
    page.set_viewport_size({"width": 768, "height": 1024})
    page.goto(f"{shop_url}/studio?state=button")
    assert page.evaluate("document.documentElement.scrollWidth") <= 768
    # panel and frame scroll, not the page
    assert page.evaluate("document.documentElement.scrollHeight") <= 1024
    page.set_viewport_size({"width": 1280, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    open_section(page, "Import from Klaviyo’s script")
    page.get_by_label("Klaviyo’s script", exact=True).fill(
        'klaviyo.enable("backinstock", {logging: 1});'
    )
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.locator(".report")).to_contain_text("Import results")
    page.locator("label", has=page.get_by_role("radio", name="Advanced")).click()
    page.evaluate("for (const el of document.querySelectorAll('details')) el.open = true")
    page.get_by_label("Text colour", exact=True).fill("rainbow")
    # the error repeats the value
    page.get_by_label("Privacy policy link", exact=True).fill(f"www.shop.example/{'privacy' * 9}")
    expect(page.locator("#status")).to_contain_text("Not applied: fix 2 errors")
    assert page.locator("#panel").evaluate("panel => panel.scrollWidth <= panel.clientWidth")
    # the search field would cover part of a control
    page.locator("#panel").evaluate("panel => panel.scrollTo(0, 0)")
    assert violations(page, rules=COLOR_RULES) == {}
    page.get_by_role("button", name="Export").click()
    assert violations(page, "#export") == {}

    page.emulate_media(color_scheme="dark")
    assert violations(page, "#export", COLOR_RULES) == {}
    page.get_by_role("button", name="Close", exact=True).click()
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator("#panel").evaluate("panel => panel.scrollTo(0, 0)")
    assert violations(page) == {}
    page.get_by_role("radio", name="Preview").check()
    expect(page.locator("#frame")).to_be_visible()
    assert violations(page, ".stage") == {}
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


TEXT_CONTRASTS = """elements => elements
  .filter(({ childNodes }) => [...childNodes].some((node) => node.nodeValue?.trim()))
  .map((element) => [element.className || element.tagName, (CONTRAST)(element)])""".replace(
    "CONTRAST", CONTRAST
)
"""The contrast of each element that directly contains text."""


def test_presets_have_enough_contrast(page: Page, shop_url: str) -> None:
    """All text in the button, form, errors and confirmation is tested, in light and dark."""
    for name in presets():
        page.request.post(f"{shop_url}/studio", form={"do": f"preset:{name}"})
        # the button is on the page behind the dialog
        for state in ("errors", "done"):
            page.goto(f"{shop_url}/studio/preview?state={state}")
            expect(page.locator("dialog:modal, .notify-me--inline")).to_be_visible()
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                found = page.locator("notify-me *:visible").evaluate_all(TEXT_CONTRASTS)
                assert len(found) > 5
                assert [text for text in found if text[1] < 4.5] == [], (name, state, scheme)
