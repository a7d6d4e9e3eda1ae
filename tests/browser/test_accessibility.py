"""Accessibility that axe can't check: keyboard, focus, announcements, target sizes, layout."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from notify_me.settings.css import contrast_ratio
from tests.axe import show, violations
from tests.browser.conftest import watched
from tests.pages import PARKA, STATES, Visit, open_dialog, release_requests
from tests.sites import Sites, sites


@pytest.fixture(scope="module")
def served() -> Iterator[Sites]:
    """The shops and their sandbox."""
    with sites() as served:
        yield served


@pytest.fixture
def visit(browser: Browser, served: Sites) -> Iterator[Visit]:
    """A new tab of a phone's browser."""
    with (
        browser.new_context(
            reduced_motion="reduce", viewport={"width": 360, "height": 740}
        ) as context,
        watched(context) as page,
    ):
        yield Visit(page, served)
        release_requests()


def tab_to(page: Page, target: Locator, max_presses: int = 80) -> None:
    """Press Tab until the element has the focus; each focused element must visibly show it."""
    element = target.element_handle()
    for _ in range(max_presses):
        page.keyboard.press("Tab")
        is_target, shows_focus, html = element.evaluate(
            """target => {
              const focused = document.activeElement;
              const { outlineStyle } = getComputedStyle(focused);
              const shows = outlineStyle !== "none" && focused.checkVisibility();
              return [focused === target, shows, focused.outerHTML];
            }"""
        )
        assert shows_focus, html
        if is_target:
            return
    raise AssertionError(f"Tab doesn't reach {target}")


def test_sign_up_and_checkout_work_by_keyboard(visit: Visit) -> None:
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
    expect(page.get_by_role("heading", name="You’re on the list")).to_be_focused()
    page.keyboard.press("Escape")
    expect(button).to_be_focused()

    visit.goto("/products/dreich-mug")
    tab_to(page, page.get_by_role("button", name="Add to cart"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/cart*")
    tab_to(page, page.get_by_role("link", name="Checkout"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/checkout*")
    for label, text in (
        ("Name", "Isla Reid"),
        ("Email", "isla@example.com"),
        ("Address", "2 Shore Road"),
    ):
        tab_to(page, page.get_by_label(label))
        page.keyboard.type(text)
    tab_to(page, page.get_by_role("button", name="Place order"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()


@pytest.mark.parametrize("site", ["shop", "drawer"])
def test_dialog_keeps_focus_and_returns_it_to_the_button(visit: Visit, site: str) -> None:
    """Escape, the close button and a click on the backdrop close the dialog. Selecting text
    doesn't, even if the pointer leaves the dialog.
    """
    page = visit.page
    visit.goto(PARKA, site)
    page.set_viewport_size({"width": 1280, "height": 800})
    button = page.get_by_role("link", name="Notify me: Haar Parka")
    for close in ("Escape", "button", "backdrop"):
        button.click()
        expect(page.get_by_role("dialog").get_by_label("Email")).to_be_focused()
        for _ in range(6):
            page.keyboard.press("Tab")
            inside = "['BODY', 'HTML'].includes(element.tagName) || !!element.closest('dialog')"
            assert page.evaluate(f"(element => {inside})(document.activeElement)")
        if close == "Escape":
            page.get_by_role("dialog").get_by_label("Email").hover()
            page.mouse.down()
            page.mouse.move(5, 5)
            page.mouse.up()
            expect(page.get_by_role("dialog")).to_be_visible()
            page.keyboard.press("Escape")
        elif close == "button":
            page.get_by_role("button", name="Close").click()
        else:
            page.mouse.click(5, 5)
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(button).to_be_focused()


def test_opening_the_dialog_shifts_nothing(visit: Visit) -> None:
    visit.goto(PARKA)
    page = visit.page
    page.wait_for_load_state("networkidle")
    page.evaluate(
        "window.shifts = 0; new PerformanceObserver((list) => list.getEntries().forEach("
        "(entry) => { window.shifts += entry.value })).observe({ type: 'layout-shift' })"
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


# an open dialog makes the rest of the page inert; a checkbox is measured with its label
FIELDS = """() => [...(document.querySelector("dialog[open]") ?? document.querySelector("main"))
  .querySelectorAll("input:not([type=hidden]), textarea, select, button, summary")]
  .filter(element => element.checkVisibility())
  .map(element => {
    const target = element.type === "checkbox" ? element.closest("label") : element;
    const { width, height } = target.getBoundingClientRect();
    return {
      name: element.name || element.className,
      typed: element.matches("input:not([type=checkbox]), textarea, select"),
      size: Math.min(width, height),
      font: parseFloat(getComputedStyle(element).fontSize),
      keyboard: element.inputMode || element.type,
      filled: element.autocomplete,
    };
  })"""


def test_fields_and_targets_fit_a_phone(visit: Visit) -> None:
    """Fields have a font of at least 16 px, so that a phone doesn't zoom in on focus, and open the
    right keyboard. Targets are at least 24 px wide and high.
    """
    for state in ("channels-error", "dialog-choosing", "inline-error", "checkout"):
        STATES[state](visit)
        fields = visit.page.evaluate(FIELDS)

        assert fields
        for field in fields:
            assert field["size"] >= 24, (state, field)
            assert field["font"] >= 16 or not field["typed"], (state, field)
            kind = {"email": "email", "phone_number": "tel"}.get(field["name"])
            if kind:
                assert (field["keyboard"], field["filled"]) == (kind, kind)


def contrast_under_pointer(button: Locator) -> float:
    """Move the pointer to a button, and return the contrast of its text."""
    button.hover()
    text = button.evaluate("button => getComputedStyle(button).color")
    with Image.open(BytesIO(button.screenshot())) as picture:
        # a pixel between the button's edge and its text
        x, y = 8, picture.height // 2
        pixel = picture.convert("RGB").crop((x, y, x + 1, y + 1))
    return contrast_ratio(text, f"#{pixel.tobytes().hex()}") or 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_under_the_pointer_stays_readable(visit: Visit, scheme: str) -> None:
    """Axe tests no hovered elements. The text is white or dark, and the link that replaces the
    button after a sign-up has no background.
    """
    page = visit.page
    show(page, scheme)
    for site in ("shop", "themed"):
        submit = open_dialog(visit, site=site).locator(".notify-me__submit")
        assert contrast_under_pointer(submit) >= 4.5, site
        page.keyboard.press("Escape")
        assert contrast_under_pointer(page.locator(".buy .notify-me__button")) >= 4.5, site

    STATES["product-listed"](visit)
    page.locator(".buy .notify-me__button").hover()

    assert violations(page, ".buy notify-me", ["color-contrast"]) == {}


def test_confirmation_and_order_can_be_printed(visit: Visit) -> None:
    page = visit.page
    STATES["form-page-done"](visit)
    page.emulate_media(media="print")
    expect(page.get_by_role("heading", name="You’re on the list")).to_be_visible()
    expect(page.get_by_text("as soon as Haar Parka")).to_be_visible()
    expect(page.locator(".notify-me__back")).to_be_hidden()

    page.emulate_media(media="screen")
    STATES["order"](visit)
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    expect(page.get_by_text("Dreich Mug").first).to_be_visible()
    for part in (".menu", ".footer", ".cart-link"):
        expect(page.locator(part)).to_be_hidden()


def test_printed_product_page_starts_on_the_first_page(visit: Visit) -> None:
    """It fits on one page of A4."""
    visit.goto(PARKA)
    assert len(re.findall(rb"/Type /Page\b", visit.page.pdf(format="A4"))) == 1


@pytest.mark.parametrize(
    ("path", "items"),
    [
        (PARKA, ".chip"),
        (PARKA, ".demo__switch button"),
        ("/merchant/demand", ".merchant-nav a"),
        ("/merchant/demand", ".period a"),
        ("/studio", ".preset"),
    ],
)
def test_current_item_in_forced_colours(
    browser: Browser, served: Sites, path: str, items: str
) -> None:
    """The current item's border differs from the others', and its outline shows only focus."""
    context = browser.new_context(forced_colors="active", reduced_motion="reduce")
    with context, watched(context) as page:
        response = page.goto(served.url("shop") + path)
        assert response
        if response.status == 404:
            pytest.skip("an optional package was removed")
        current = page.locator(f"{items}:is([aria-current], [aria-pressed=true])")
        others = page.locator(f"{items}:not([aria-current], [aria-pressed=true])")
        read = "elements => elements.map(element => getComputedStyle(element).borderBottom)"
        borders = current.evaluate_all(read), others.evaluate_all(read)
        assert all(borders)
        assert not {*borders[0]} & {*borders[1]}
        expect(current.first).to_have_css("outline-style", "none")
