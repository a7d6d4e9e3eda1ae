"""The Studio in Chromium: live with scripts, by pressing Preview without, and what it leads to."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FrameLocator, Locator, Page, expect

from app import create_app
from storefront.studio.presets import presets
from tests.axe import violations
from tests.browser.conftest import watched
from tests.browser.test_sign_up import PARKA
from tests.sites import elsewhere, environ
from tests.support import Sandbox, serve

LOOKS = [
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


def looks_of(element: Locator) -> dict[str, str]:
    """The computed style of an element, as far as settings reach it, and its words."""
    found: dict[str, str] = element.evaluate(
        "(one, names) => Object.fromEntries(names.map((n) => [n, getComputedStyle(one)[n]]))", LOOKS
    )
    return {**found, "words": element.inner_text()}


def opened(page: Page, url: str) -> list[dict[str, str]]:
    """How button, form and submit look on the real product page."""
    page.goto(url + PARKA)
    button = page.locator(".buy .notify-me__button")
    before = looks_of(button)
    button.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    parts = (dialog, dialog.locator(".notify-me__title"), dialog.locator(".notify-me__submit"))
    return [before, *map(looks_of, parts)]


def frame(page: Page) -> FrameLocator:
    """The preview."""
    return page.frame_locator("#frame iframe:not([data-coming])")


def open_section(page: Page, title: str) -> None:
    """Open a section of the panel."""
    page.locator("summary", has_text=title).click()


def test_a_look_from_the_first_change_to_a_shop_of_its_own(
    page: Page,
    browser: Browser,
    shop_url: str,
    tmp_path: Path,
    sandbox: Sandbox,
    shop_template: Path,
) -> None:
    """Changed, previewed, opened by its link in a fresh browser, downloaded, and started with."""
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{shop_url}/studio")
    page.get_by_role("button", name="Poster").click()
    expect(frame(page).locator(".notify-me__dialog")).to_have_css(
        "background-color", "rgb(255, 217, 26)"
    )
    label = page.get_by_label("Label", exact=True)
    label.fill("")
    label.press_sequentially('Say "when"')
    expect(frame(page).locator(".buy .notify-me__button")).to_have_text('Say "when"')
    expect(label).to_be_focused()
    expect(frame(page).locator("dialog:modal")).to_be_visible()
    expect(page.locator("#status")).to_contain_text("settings differ from the shop’s file")
    mine = opened(page, shop_url)
    assert mine[0]["words"] == 'Say "when"'
    assert mine[1]["backgroundColor"] == "rgb(255, 217, 26)"

    page.goto(f"{shop_url}/studio")
    page.get_by_role("button", name="Take it with you").click()
    link = page.get_by_label("A link to this look").input_value()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the link").click()
    expect(page.locator("#copied")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == link
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download notify_me.toml").click()
    path = tmp_path / "taken.toml"
    downloading.value.save_as(path)

    fresh = browser.new_context(viewport={"width": 1280, "height": 900})
    with watched(fresh) as other:
        assert opened(other, shop_url)[0]["words"] == "Notify me"
        other.goto(link)
        expect(other.get_by_label("Label", exact=True)).to_have_value('Say "when"')
        assert opened(other, shop_url) == mine
    fresh.close()

    database = Path(shutil.copy(shop_template, tmp_path / "own.db"))
    own = elsewhere(
        lambda: create_app(environ(database, sandbox.environ(), NOTIFY_ME_CONFIG=str(path)))
    )
    fresh = browser.new_context(viewport={"width": 1280, "height": 900})
    with serve(own) as own_url, watched(fresh) as other:
        assert opened(other, own_url) == mine
    fresh.close()
    elsewhere(lambda: _close(own))
    assert sandbox.requests() == []


def _close(app: object) -> None:
    with app.app_context():  # type: ignore[attr-defined]
        app.extensions["sqlalchemy"].engine.dispose()  # type: ignore[attr-defined]


def test_errors_undo_and_search_are_live(page: Page, shop_url: str) -> None:
    """Told beside the field as it is typed; undone by key; found by a word; focus where it was."""
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{shop_url}/studio")
    page.get_by_label("Find a setting").fill("background")
    color = page.get_by_label("Background colour", exact=True)
    expect(color).to_be_visible()
    expect(page.locator("#set-button-label")).to_be_hidden()
    expect(page.locator("#found")).to_contain_text("found")
    color.fill("rainbow")
    notes = page.locator("#set-modal-background_color-notes")
    expect(notes).to_contain_text("must be a colour")
    expect(color).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#status")).to_contain_text("Not applied: 1 thing needs mending")

    color.fill("#204060")
    expect(notes).to_contain_text("Changed from the shop’s look")
    expect(color).not_to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Pick: Background colour", exact=True)).to_have_value("#204060")
    expect(frame(page).locator("dialog")).to_have_css("background-color", "rgb(32, 64, 96)")
    page.get_by_label("Find a setting").fill("text colour")
    page.get_by_label("Text colour", exact=True).fill("#406080")
    expect(page.locator("#set-modal-text_color-notes")).to_contain_text("has a contrast of")

    page.locator("h1").click()
    for wanted in ("", "", "#204060"):
        page.keyboard.press("Control+z" if not wanted else "Control+Shift+z")
        expect(page.locator("#set-modal-text_color")).to_have_value("")
        if wanted:
            expect(page.locator("#set-modal-background_color")).to_have_value(wanted)
    page.get_by_role("button", name="Reset").click()
    expect(page.locator("#status")).to_have_text("The shop’s own look.")
    expect(page.get_by_role("button", name="Reset")).to_have_attribute("aria-disabled", "true")


def test_each_language_has_its_words_and_its_preview(page: Page, shop_url: str) -> None:
    """Chosen at the preview; its sections come and go by themselves, and the focus stays."""
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{shop_url}/studio")
    language = page.get_by_label("Language", exact=True)
    language.select_option("Arabic")
    expect(frame(page).locator("html")).to_have_attribute("dir", "rtl")
    expect(page.locator("summary", has_text="English:")).to_have_count(0)
    expect(language).to_have_value("ar")
    open_section(page, "Arabic: button")
    words = page.get_by_label("Label in Arabic", exact=True)
    expect(words).to_have_attribute("placeholder", "أعلمني")
    words.press_sequentially("نبّهني")
    expect(frame(page).locator(".buy .notify-me__button")).to_have_text("نبّهني")
    expect(words).to_be_focused()

    open_section(page, "Languages")
    offered = page.get_by_role("group", name="Offered").last
    for each in ("German", "French", "Spanish", "Arabic"):
        offered.get_by_label(each).uncheck(force=True)
    expect(page.locator("summary", has_text="Arabic:")).to_have_count(0)
    expect(language).to_be_hidden()
    expect(offered.get_by_label("Arabic")).to_be_focused()
    expect(frame(page).locator("html")).to_have_attribute("lang", "en")
    page.get_by_role("button", name="Undo").click()
    expect(language).to_be_visible()
    language.select_option("Arabic")
    expect(page.get_by_label("Label in Arabic", exact=True)).to_have_value("نبّهني")


def test_the_preview_is_the_shop_at_its_width_and_scheme(browser: Browser, shop_url: str) -> None:
    """375 px or a desktop's, light or dark whatever this browser prefers, in every state."""
    # what a test emulates would reach into the frame as well
    context = browser.new_context(
        viewport={"width": 1280, "height": 900},
        color_scheme="null",
    )
    with watched(context) as page:
        page.goto(f"{shop_url}/studio")
        body = frame(page).locator("body")
        for scheme, paper in (("Dark", "rgb(16, 25, 29)"), ("Light", "rgb(243, 241, 234)")):
            page.get_by_role("radio", name=scheme).check()
            expect(body).to_have_css("background-color", paper)
        for width, inner in (("Desktop", 1280), ("Phone", 375)):
            page.get_by_role("radio", name=width).check()
            expect(page.locator("#frame iframe")).to_have_css("width", f"{inner}px")
            assert body.evaluate("() => innerWidth") == inner
        for state, words in (
            ("Errors", "Enter your email address"),
            ("Done", "You're on the list"),
        ):
            page.get_by_role("radio", name=state).check()
            expect(frame(page).locator("dialog:modal")).to_contain_text(words)
        page.get_by_role("radio", name="Button").check()
        expect(frame(page).locator("dialog")).to_have_count(0)

        # as in real life, but for what is sent
        frame(page).locator(".buy .notify-me__button").click()
        dialog = frame(page).get_by_role("dialog")
        dialog.get_by_label("Email").fill("ada@lovelace.dev")
        dialog.get_by_role("button", name="Notify me").click()
        expect(dialog).to_contain_text("You're on the list")
        assert "state=button" in page.url
    context.close()


def test_without_scripts_preview_does_it(plain_page: Page, shop_url: str) -> None:
    """A press applies and shows; what is wrong is told beside its field, and nothing is lost."""
    page = plain_page
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{shop_url}/studio")
    page.get_by_label("Label", exact=True).fill("By hand")
    page.get_by_role("radio", name="Done").check(force=True)
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_label("Label", exact=True)).to_have_value("By hand")
    expect(frame(page).locator(".buy .notify-me__button")).to_have_text("By hand")
    expect(frame(page).locator("dialog")).to_contain_text("You're on the list")

    open_section(page, "Button: box")
    page.get_by_label("Border radius").fill("500")
    page.get_by_label("Label", exact=True).fill("Kept")
    # the key that sends a form presses Preview
    page.get_by_label("Label", exact=True).press("Enter")
    expect(page.get_by_label("Border radius")).to_have_value("500")
    expect(page.get_by_label("Border radius")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#set-button-button_styles-border_radius-error")).to_be_visible()
    expect(page.get_by_label("Label", exact=True)).to_have_value("Kept")

    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_label("Label", exact=True)).to_have_value("Notify me")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_the_studio_is_accessible_and_fits(
    browser: Browser, shop_url: str, scheme: str, width: int
) -> None:
    """axe finds nothing, with all sections open, an error, a report and the box that takes away."""
    context = browser.new_context(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    with watched(context) as page:
        page.set_viewport_size({"width": 768, "height": 1024})
        page.goto(f"{shop_url}/studio?state=button")
        assert page.evaluate("document.documentElement.scrollWidth") <= 768
        # the panel and the frame scroll, the bar stays
        assert page.evaluate("document.documentElement.scrollHeight") <= 1024
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        open_section(page, "From Klaviyo’s old snippet")
        page.get_by_label("The snippet").fill('klaviyo.enable("backinstock", {logging: 1});')
        page.get_by_role("button", name="Read the snippet").click()
        expect(page.locator(".report")).to_contain_text("What became of it")
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        page.get_by_label("Text colour", exact=True).fill("rainbow")
        expect(page.locator("#status")).to_contain_text("Not applied")
        assert violations(page) == {}
        page.get_by_role("button", name="Take it").click()
        assert violations(page, "#take") == {}
        page.get_by_role("button", name="Close", exact=True).click()
        if width < 768:
            page.get_by_role("radio", name="Preview").check()
            expect(page.locator("#frame")).to_be_visible()
            assert violations(page, ".stage") == {}
            assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_presets_can_be_read(browser: Browser, shop_url: str, scheme: str) -> None:
    """Measured in the page: button, form, errors and done view of each, light and dark."""
    context = browser.new_context(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    with watched(context) as page:
        page.route("**/drawings/**", lambda route: route.abort())
        for name in presets():
            page.request.post(f"{shop_url}/studio", form={"do": f"preset:{name}"})
            for state in ("button", "errors", "done"):
                page.goto(f"{shop_url}/studio/preview?state={state}")
                if state != "button":
                    expect(page.locator("dialog:modal, .notify-me--inline")).to_be_visible()
                contrast = {"type": "rule", "values": ["color-contrast"]}
                found = violations(page, "notify-me", runOnly=contrast)
                assert found == {}, (name, state)
    context.close()
