"""Sign-ups for a sold-out variant in a real browser."""

from __future__ import annotations

import re
from typing import Any

import requests
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.browser.conftest import watched
from tests.support import TIMEOUT, Sandbox, eventually

PARKA = "/products/haar-parka?variant=HAAR-OIL-M"
PARKA_ID = "$custom:::$default:::HAAR-OIL-M"


def sign_up(page: Page | Locator, email: str = "ada@example.org") -> None:
    """Fill in the open form and send it."""
    page.get_by_label("Email").fill(email)
    page.get_by_role("button", name="Notify me").click()


def one_valid_call(sandbox: Sandbox) -> dict[str, Any]:
    """Return the only request to the sandbox, after checking that it is valid."""
    [call] = sandbox.requests()
    assert call["problems"] == []
    assert call["status"] == 202
    return call


def test_with_scripts_in_a_dialog(page: Page, shop_url: str, sandbox: Sandbox) -> None:
    """An invalid address gets the focus and an error, and can be corrected. The confirmation
    appears in the dialog on the same page, and no cookie is set.
    """
    page.goto(shop_url + PARKA)
    page.get_by_role("link", name="Notify me: Haar Parka").click()
    dialog = page.get_by_role("dialog", name="Haar Parka")
    field = dialog.get_by_label("Email")
    expect(field).to_be_focused()

    sign_up(page, "ada at example.org")

    expect(field).to_be_focused()
    expect(field).to_have_value("ada at example.org")
    expect(field).to_have_accessible_description(
        "Enter a full email address, like name@example.com."
    )
    assert sandbox.requests() == []

    sign_up(page)

    expect(page.get_by_role("dialog", name="You’re on the list")).to_be_visible()
    expect(page.get_by_role("heading", name="You’re on the list")).to_be_focused()
    assert page.url == shop_url + PARKA
    call = one_valid_call(sandbox)
    assert call["body"]["data"]["relationships"]["variant"]["data"]["id"] == PARKA_ID
    assert page.context.cookies() == []


def set_stock(shop_url: str, sku: str, quantity: str) -> None:
    stock = {"sku": sku, "quantity": quantity}
    requests.post(f"{shop_url}/merchant", data=stock, timeout=TIMEOUT).raise_for_status()


def is_listed(page: Page, element: str = ".buy notify-me") -> bool:
    return page.locator(element).first.get_by_text("You’re on the list").is_visible()


def test_button_shows_what_this_tab_has_signed_up_for(page: Page, shop_url: str) -> None:
    """The button shows the sign-up on all pages until the tab is closed or has shown the variant in
    stock. Its link opens the form again. The button doesn't change while the dialog is open.
    """
    page.goto(shop_url + PARKA)
    button = page.get_by_role("link", name="Notify me: Haar Parka (Oilskin / M)")
    button.click()
    sign_up(page)
    expect(page.get_by_role("heading", name="You’re on the list")).to_be_visible()
    assert not is_listed(page)
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    expect(page.locator(".buy").get_by_text("You’re on the list")).to_be_visible()

    page.goto(f"{shop_url}/products/blatter-souwester")
    assert not is_listed(page)
    page.goto(shop_url + PARKA)
    assert is_listed(page)
    button.click()
    expect(page.get_by_role("dialog").get_by_label("Email")).to_be_focused()
    page.keyboard.press("Escape")
    # the shop's script shows another variant
    button.evaluate("link => { link.href = '/notify-me/other' }")
    assert not is_listed(page)

    for quantity in ("4", "0"):
        set_stock(shop_url, "HAAR-OIL-M", quantity)
        page.goto(shop_url + PARKA)
    expect(page.locator(".buy .notify-me__button")).to_be_visible()
    assert not is_listed(page)


def test_listing_card_shows_a_sign_up_for_some_of_its_variants(page: Page, shop_url: str) -> None:
    """The page of a variant that wasn't chosen still offers the alert, even if the browser
    restores the page from its cache.
    """
    page.goto(f"{shop_url}/products/blatter-souwester?variant=BLAT-L")
    page.goto(f"{shop_url}/")
    page.get_by_role("link", name="Notify me: Blatter Sou’wester").click()
    page.get_by_role("dialog").locator("[value$=BLAT-L]").check()
    sign_up(page)
    expect(page.get_by_role("heading", name="You’re on the list")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".card").get_by_text("You’re on the list")).to_be_visible()

    page.go_back()
    expect(page.locator(".buy").get_by_text("You’re on the list")).to_be_visible()
    page.goto(f"{shop_url}/products/blatter-souwester?variant=BLAT-S")
    assert not is_listed(page)


def test_without_scripts_on_pages(plain_page: Page, shop_url: str, sandbox: Sandbox) -> None:
    """The button links to the form page, which shows invalid input again with an error. Reloading
    the confirmation page sends nothing.
    """
    plain_page.goto(shop_url + PARKA)
    plain_page.get_by_role("link", name="Notify me: Haar Parka").click()

    sign_up(plain_page, "ada@example")

    field = plain_page.get_by_label("Email")
    expect(field).to_have_value("ada@example")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(
        "Enter a full email address, like name@example.com."
    )
    assert sandbox.requests() == []

    sign_up(plain_page)

    expect(plain_page.get_by_role("heading", level=1)).to_have_text("You’re on the list")
    plain_page.reload()
    one_valid_call(sandbox)
    assert plain_page.context.cookies() == []
    plain_page.get_by_role("link", name="Back to Haar Parka").click()
    expect(plain_page.get_by_role("heading", level=1)).to_contain_text("Haar Parka")


def test_two_buttons_on_a_page_are_independent(page: Page, shop_url: str, sandbox: Sandbox) -> None:
    """Each button has its own dialog with its own variants, and no ID is used twice. A closed
    dialog keeps its input, and adds nothing to the history.
    """
    page.goto(shop_url + PARKA)
    entries = page.evaluate("history.length")
    button = page.get_by_role("link", name="Notify me: Haar Parka")
    for value in ("", "left@example.org"):
        button.click()
        field = page.get_by_label("Email")
        expect(field).to_have_value(value)
        field.fill("left@example.org")
        page.get_by_role("button", name="Close").click()
        expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.evaluate("history.length") == entries

    page.get_by_role("link", name="Notify me: Blatter Sou’wester").click()
    dialog = page.get_by_role("dialog", name="Blatter Sou’wester")
    expect(dialog.get_by_label("Email")).to_have_value("")
    boxes = dialog.get_by_role("checkbox")
    expect(boxes).to_have_count(2)
    for box in boxes.all():
        expect(box).not_to_be_checked()
        box.check()
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((element) => element.id)")
    assert len(ids) == len(set(ids))

    dialog.get_by_label("Email").fill("ada@example.org")
    dialog.get_by_role("button", name="Notify me").click()

    expect(page.get_by_role("heading", name="You’re on the list")).to_be_visible()
    sent = {
        call["body"]["data"]["relationships"]["variant"]["data"]["id"]
        for call in sandbox.requests()
    }
    assert sent == {"$custom:::$default:::BLAT-S", "$custom:::$default:::BLAT-L"}


def test_slow_form_does_not_replace_one_opened_later(page: Page, shop_url: str) -> None:
    slow: list[Route] = []
    page.route("**/notify-me/*HAAR*", lambda route: slow.append(route))
    page.goto(shop_url + PARKA)
    page.get_by_role("link", name="Notify me: Haar Parka").click()
    page.get_by_role("link", name="Notify me: Blatter Sou’wester").click()
    later = page.get_by_role("dialog", name="Blatter Sou’wester")
    later.get_by_label("Email").fill("ada@example.org")

    slow[0].continue_()
    expect(page.locator("[aria-busy]")).to_have_count(0)
    expect(later.get_by_label("Email")).to_be_focused()


def test_button_depends_on_the_selected_variant(page: Page, shop_url: str) -> None:
    """Variants in stock have Add to cart, and sold-out ones have Notify me in its place."""
    notify, add = (
        page.get_by_role("link", name="Notify me: Haar Parka"),
        page.get_by_role("button", name="Add"),
    )
    page.goto(shop_url + "/products/haar-parka?variant=HAAR-OIL-S")
    expect(add).to_be_visible()
    expect(notify).to_have_count(0)

    page.get_by_role("link", name=re.compile(r"^M\b.*sold out")).click()
    page.wait_for_url("**variant=HAAR-OIL-M")
    expect(notify).to_be_visible()
    expect(add).to_have_count(0)

    page.get_by_role("link", name="XL", exact=True).click()
    page.wait_for_url("**variant=HAAR-OIL-XL")
    expect(add).to_be_visible()
    expect(notify).to_have_count(0)


def test_double_click_sends_once(page: Page, shop_url: str, sandbox: Sandbox) -> None:
    """While the form is being sent, the form's button says so, and another click does nothing."""
    page.goto(shop_url + PARKA)
    page.get_by_role("link", name="Notify me: Haar Parka").click()
    page.get_by_label("Email").fill("ada@example.org")
    send = page.get_by_role("button", name="Notify me")
    pending: list[Route] = []
    page.route("**/notify-me/*", lambda route: pending.append(route))

    send.click()
    # Playwright only calls the route's function during another call
    eventually(lambda: page.locator("form[aria-busy=true]").is_visible() and pending)
    expect(page.get_by_role("button", name="Sending…")).to_be_visible()
    send.click()
    pending[0].continue_()

    expect(page.get_by_role("heading", name="You’re on the list")).to_be_visible()
    assert len(pending) == 1
    one_valid_call(sandbox)


def test_missing_connection_shows_an_error_and_keeps_the_input(
    page: Page, shop_url: str, sandbox: Sandbox
) -> None:
    """The alert's element exists before it has text. Once the connection is back, the form can be
    sent.
    """
    page.goto(shop_url + PARKA)
    page.get_by_role("link", name="Notify me: Haar Parka").click()
    alert = page.get_by_role("dialog").locator("[role=alert]")
    expect(page.get_by_label("Email")).to_be_focused()
    expect(alert).to_be_hidden()
    page.route("**/notify-me/**", lambda route: route.abort())
    sign_up(page)
    expect(page.get_by_role("alert")).to_contain_text("couldn’t send your request")
    expect(alert).to_contain_text("Check your connection and try again.")
    expect(page.get_by_label("Email")).to_have_value("ada@example.org")

    # a response that isn't the kit's doesn't mean that the shopper's connection failed
    page.unroute_all(behavior="wait")
    page.route("**/notify-me/*", lambda route: route.fulfill(status=403, body="<p>No</p>"))
    page.get_by_role("button", name="Notify me").click()
    expect(alert).to_contain_text("Please try again in a moment.")

    page.unroute_all(behavior="wait")
    page.get_by_role("button", name="Notify me").click()

    expect(page.get_by_role("heading", name="You’re on the list")).to_be_visible()
    one_valid_call(sandbox)


def test_without_the_fragment_the_link_is_followed(page: Page, shop_url: str) -> None:
    """If the form can't be fetched, the form page is opened instead."""

    def refuse(route: Route) -> None:
        if route.request.headers.get("x-notify-me"):
            route.fulfill(status=500, body="")
        else:
            route.continue_()

    page.goto(shop_url + PARKA)
    page.route("**/notify-me/**", refuse)

    page.get_by_role("link", name="Notify me: Haar Parka").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Haar Parka")
    expect(page.get_by_label("Email")).to_be_visible()
    page.unroute_all(behavior="ignoreErrors")


SWAPS = {
    "removed": "element.remove()",
    "moved": "main.append(element)",
    "copied": "element.replaceWith(element.cloneNode(true))",
    "emptied": "element.replaceChildren()",
    "page copied": "document.body.replaceWith(document.body.cloneNode(true))",
    "dialog emptied": "host.replaceChildren()",
    "dialog moved": "main.append(host)",
}


def test_swapped_content_while_sending(page: Page, shop_url: str, sandbox: Sandbox) -> None:
    """Whatever a shop's script does to the button or the dialog, the sign-up is sent, no script
    fails, and no open dialog stops being modal.
    """
    for number, (name, swap) in enumerate(SWAPS.items(), 1):
        page.goto(shop_url + PARKA)
        page.get_by_role("link", name="Notify me: Haar Parka").click()
        page.get_by_label("Email").fill(f"ada{number}@example.org")
        page.evaluate(
            f"""() => {{
                const element = document.querySelector(".buy notify-me");
                const host = document.querySelector("notify-me:has(> dialog)");
                const main = document.querySelector("main");
                const swap = () => {{ {swap} }};
                window.heard = [];
                for (const name of ["done", "error"])
                    for (const target of [element, host])
                        target.addEventListener(`notify-me:${{name}}`, () => heard.push(name));
                document.addEventListener("notify-me:submit", () => queueMicrotask(swap));
            }}"""
        )

        page.get_by_role("button", name="Notify me").click()

        eventually(lambda: page.evaluate("window.heard.length") == 1)
        assert page.evaluate("window.heard") == ["done"], name
        assert page.locator("dialog[open]:not(:modal)").count() == 0, name
        assert len(sandbox.requests()) == number, name


def test_form_page_shows_the_confirmation_in_place(
    page: Page, shop_url: str, sandbox: Sandbox
) -> None:
    """The form page is enhanced as well, for example when it is opened in a new tab."""
    page.goto(shop_url + PARKA)
    href = page.get_by_role("link", name="Notify me: Haar Parka").get_attribute("href")
    page.goto(f"{shop_url}{href}")
    address = page.url

    sign_up(page)

    expect(page.get_by_role("heading", name="You’re on the list", level=1)).to_be_focused()
    assert page.url == address
    one_valid_call(sandbox)


def test_shop_scripts_get_events_and_can_cancel_a_submit(
    page: Page, shop_url: str, sandbox: Sandbox
) -> None:
    """The events of <notify-me> cross shadow DOM boundaries and name the variant; a cancelled
    submit sends nothing.
    """
    page.goto(shop_url + PARKA)
    page.evaluate(
        """() => {
            window.heard = [];
            window.stop = true;
            for (const name of ["open", "submit", "done", "error"])
                document.addEventListener(`notify-me:${name}`, (event) => {
                    if (event.composed) window.heard.push(name);
                    window.variant = event.detail.variant;
                    if (name === "submit" && window.stop) event.preventDefault();
                });
        }"""
    )
    page.get_by_role("link", name="Notify me: Haar Parka").click()
    eventually(lambda: page.evaluate("window.variant") == PARKA_ID)
    sign_up(page)
    eventually(lambda: page.evaluate("window.heard.includes('submit')"))
    assert sandbox.requests() == []

    page.evaluate("window.stop = false")
    sign_up(page, "ada@example")
    expect(page.get_by_label("Email")).to_have_attribute("aria-invalid", "true")
    sign_up(page)
    expect(page.get_by_role("heading", name="You’re on the list")).to_be_visible()

    assert page.evaluate("window.heard") == ["open", "submit", "submit", "error", "submit", "done"]
    assert page.evaluate("window.variant") == PARKA_ID


def test_variant_back_in_stock_while_the_dialog_is_open(
    page: Page, shop_url: str, sandbox: Sandbox
) -> None:
    """The shopper gets a link to the product, and nothing is sent to Klaviyo."""
    page.goto(shop_url + PARKA)
    page.get_by_role("link", name="Notify me: Haar Parka").click()
    # wait for the form: if fetched after the restock, it would have no field
    expect(page.get_by_role("dialog").get_by_label("Email")).to_be_visible()
    set_stock(shop_url, "HAAR-OIL-M", "4")

    sign_up(page)

    link = page.get_by_role("dialog").get_by_role("link", name="Shop now")
    expect(link).to_be_visible()
    assert [call for call in sandbox.requests() if "back-in-stock" in call["path"]] == []
    link.click()
    expect(page.get_by_role("button", name="Add")).to_be_visible()


def test_script_loaded_twice_and_unusual_clicks(page: Page, shop_url: str) -> None:
    """Another copy of the script changes nothing, a Control-click opens the form in a new tab, and
    two clicks while the form loads open one dialog.
    """
    page.goto(shop_url + PARKA)
    page.evaluate("() => import('/notify-me/static/notify-me.js?copy')")
    assert page.evaluate("() => NotifyMe === customElements.get('notify-me')")

    # shoppers need a tab if, for example, a browser extension can't reach the fields of a dialog
    with page.context.expect_page() as tab:
        page.get_by_role("link", name="Notify me: Haar Parka").click(modifiers=["ControlOrMeta"])
    expect(tab.value.get_by_label("Email")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)

    page.evaluate(
        """() => {
            const link = document.querySelector("notify-me > a");
            link.click();
            link.click();
        }"""
    )
    expect(page.get_by_role("dialog")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert page.locator("dialog").count() == 1


def test_form_follows_a_link_changed_by_the_shop(
    page: Page, shop_url: str, sandbox: Sandbox
) -> None:
    """If a variant picker changes the link, the sign-up is for the new variant."""
    page.goto(shop_url + PARKA)
    button = page.get_by_role("link", name="Notify me: Haar Parka")
    button.click()
    expect(page.get_by_role("dialog", name="Haar Parka")).to_be_visible()
    page.keyboard.press("Escape")
    page.evaluate(
        """() => {
            const link = document.querySelector("notify-me > a");
            link.href = link.href.replace("HAAR-OIL-M", "BLAT-S");
        }"""
    )

    button.click()

    expect(page.get_by_role("dialog", name="Blatter Sou’wester")).to_be_visible()
    sign_up(page)
    expect(page.get_by_role("heading", name="You’re on the list")).to_be_visible()
    assert one_valid_call(sandbox)["body"]["data"]["relationships"]["variant"]["data"]["id"] == (
        "$custom:::$default:::BLAT-S"
    )


def test_link_in_the_dialog_does_not_bring_the_page_to_the_front(
    browser: Browser, shop_url: str
) -> None:
    """While another page replaces it, the page behind the dialog stays behind it."""
    with browser.new_context(reduced_motion="no-preference") as context, watched(context) as page:
        page.goto(shop_url + PARKA)
        page.locator(".buy .notify-me__button").click()
        sign_up(page.get_by_role("dialog"))
        expect(page.get_by_role("heading", name="You’re on the list")).to_be_visible()
        parts = page.evaluate(
            """async () => {
                await document.startViewTransition().ready;
                const parts = document.getAnimations().map(({ effect }) => effect.pseudoElement);
                return parts.filter((part) => part?.includes("-old("));
            }"""
        )
        assert {*parts} == {"::view-transition-old(root)"}
