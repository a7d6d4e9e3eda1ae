"""What axe can't tell: the keyboard, focus, announcements, targets, and a page that holds still."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import watched
from tests.pages import PARKA, SOUWESTER, STATES, Visit, let_go, opened
from tests.sites import Sites, sites


@pytest.fixture(scope="module")
def served() -> Iterator[Sites]:
    """The shops and their sandbox."""
    with sites() as served:
        yield served


@pytest.fixture
def visit(browser: Browser, served: Sites) -> Iterator[Visit]:
    """A phone's tab of its own."""
    with (
        browser.new_context(viewport={"width": 360, "height": 740}) as context,
        watched(context) as page,
    ):
        yield Visit(page, served)
        let_go()


def tab_to(page: Page, wanted: Locator, most: int = 80) -> None:
    """Press Tab until it has the focus; each stop on the way can be seen, and shows that it is."""
    for _ in range(most):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        assert focused.evaluate(
            "one => getComputedStyle(one).outlineStyle !== 'none' && one.checkVisibility()"
        ), focused.evaluate("one => one.outerHTML")
        if wanted.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError(f"Tab doesn't reach {wanted}")


def test_the_whole_story_by_keyboard(visit: Visit) -> None:
    """From the listing to a product, wrong, mended, thanked, back; then a thing is bought."""
    page = visit.page
    visit.goto("/?q=parka")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("link", name="Haar Parka", exact=True))
    page.keyboard.press("Enter")
    page.wait_for_url("**/products/haar-parka*")
    tab_to(page, page.get_by_role("link", name="M , sold out"))
    page.keyboard.press("Enter")
    page.wait_for_url("**variant=HAAR-OIL-M")
    button = page.get_by_role("link", name="Notify me: Haar Parka")
    tab_to(page, button)
    page.keyboard.press("Enter")
    field = page.get_by_role("dialog").get_by_label("Email")
    expect(field).to_be_focused()
    page.keyboard.type("isla@")
    page.keyboard.press("Enter")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.type("example.com")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="You're on the list")).to_be_focused()
    page.keyboard.press("Escape")
    expect(button).to_be_focused()

    visit.goto("/products/dreich-mug")
    tab_to(page, page.get_by_role("button", name="Add to cart"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/cart*")
    tab_to(page, page.get_by_role("link", name="Checkout"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/checkout*")
    for label, words in (
        ("Name", "Isla Reid"),
        ("Email", "isla@example.com"),
        ("Address", "2 Shore Road"),
    ):
        tab_to(page, page.get_by_label(label))
        page.keyboard.type(words)
    tab_to(page, page.get_by_role("button", name="Place order"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()


@pytest.mark.parametrize("site", ["shop", "drawer"])
def test_an_open_dialog_keeps_the_focus_and_gives_it_back(visit: Visit, site: str) -> None:
    """Tab stays off the page behind; Escape, the close button and the ground beside it close."""
    page = visit.page
    visit.goto(PARKA, site)
    page.set_viewport_size({"width": 1280, "height": 800})
    button = page.get_by_role("link", name="Notify me: Haar Parka")
    for close in ("Escape", "button", "ground"):
        button.click()
        expect(page.get_by_role("dialog").get_by_label("Email")).to_be_focused()
        for _ in range(6):
            page.keyboard.press("Tab")
            inside = "['BODY', 'HTML'].includes(one.tagName) || !!one.closest('dialog')"
            assert page.evaluate(f"(one => {inside})(document.activeElement)")
        if close == "Escape":
            page.keyboard.press("Escape")
        elif close == "button":
            page.get_by_role("button", name="Close").click()
        else:
            page.mouse.click(5, 5)
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(button).to_be_focused()


def test_nothing_moves_when_the_dialog_opens(visit: Visit) -> None:
    """The page behind stays where it is, to the pixel, and the browser notes no shift."""
    visit.goto(PARKA)
    page = visit.page
    page.wait_for_load_state("networkidle")
    page.evaluate(
        "window.shifts = 0; new PerformanceObserver((list) => list.getEntries().forEach("
        "(one) => { window.shifts += one.value })).observe({ type: 'layout-shift' })"
    )
    where = (
        "[...document.querySelectorAll('h1, .buy, footer')].map(e => e.getBoundingClientRect().y)"
    )
    page.locator(".buy .notify-me__button").scroll_into_view_if_needed()
    before = page.evaluate(where)

    page.locator(".buy .notify-me__button").click()
    expect(page.get_by_role("dialog")).to_be_visible()

    assert page.evaluate(where) == before
    assert page.evaluate("window.shifts") == 0


@pytest.mark.parametrize("state", ["channels-error", "dialog-choosing", "inline-error", "checkout"])
def test_fields_and_targets_suit_a_phone(visit: Visit, state: str) -> None:
    """No zoom on focus (16 px or more), the right keyboard, and targets of 24 px or more."""
    STATES[state](visit)
    # what an open dialog makes inert can't be pressed; a box counts with its label
    fields = visit.page.evaluate(
        """() => [...(document.querySelector("dialog[open]") ?? document.querySelector("main"))
          .querySelectorAll("input:not([type=hidden]), textarea, select, button, summary")]
          .filter(one => one.checkVisibility())
          .map(one => {
            const target = one.type === "checkbox" ? one.closest("label") : one;
            const { width, height } = target.getBoundingClientRect();
            return {
              name: one.name || one.className,
              typed: one.matches("input:not([type=checkbox]), textarea, select"),
              size: Math.min(width, height),
              font: parseFloat(getComputedStyle(one).fontSize),
              keyboard: one.inputMode || one.type,
              filled: one.autocomplete,
            };
          })"""
    )

    assert fields
    for each in fields:
        assert each["size"] >= 24, each
        assert each["font"] >= 16 or not each["typed"], each
        kind = {"email": "email", "phone_number": "tel"}.get(each["name"])
        if kind:
            assert (each["keyboard"], each["filled"]) == (kind, kind)


def test_what_happens_is_announced(visit: Visit) -> None:
    """The alert stands there, empty, before it speaks; a field is described by its error."""
    dialog = opened(visit)
    alert = dialog.locator("[role=alert]")
    expect(alert).to_be_hidden()
    visit.page.route("**/notify-me/*", lambda route: route.abort())
    dialog.get_by_label("Email").fill("isla@example.com")
    dialog.get_by_label("Email").press("Enter")
    expect(alert).to_be_visible()
    expect(alert).to_contain_text("Nothing you typed is lost")
    visit.page.unroute_all(behavior="wait")

    dialog = opened(visit, SOUWESTER)
    for box in dialog.get_by_role("checkbox").all():
        box.uncheck()
    dialog.get_by_role("button", name="Notify me").click()
    for box in dialog.get_by_role("checkbox").all():
        expect(box).to_have_accessible_description("Choose at least one option.")


def test_the_thanks_can_be_printed(visit: Visit) -> None:
    """The page of thanks is no blank sheet."""
    STATES["form-page-done"](visit)
    visit.page.emulate_media(media="print")

    expect(visit.page.get_by_role("heading", name="You're on the list")).to_be_visible()
    expect(visit.page.get_by_text("the news goes to")).to_be_visible()
    expect(visit.page.locator(".notify-me__back")).to_be_hidden()


def test_an_order_can_be_printed(visit: Visit) -> None:
    """On paper stands what was ordered, and nothing that can only be pressed."""
    STATES["order"](visit)
    visit.page.emulate_media(media="print", color_scheme="dark")

    expect(visit.page.get_by_role("heading", name="Thank you")).to_be_visible()
    expect(visit.page.get_by_text("Dreich Mug").first).to_be_visible()
    for part in (".menu", ".footer", ".cart-link"):
        expect(visit.page.locator(part)).to_be_hidden()
