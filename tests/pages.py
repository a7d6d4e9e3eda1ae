"""Every page and state of shop, kit and sandbox, for axe, the HTML checker and screenshots.

A page with its own URL needs only a line in `STATES`; other states also need a function.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from urllib.parse import quote

from playwright.sync_api import Error, Locator, Page, Route, expect

from tests.notify_me.offers import double_opt_in
from tests.sites import Sites

PARKA = "/products/haar-parka?variant=HAAR-OIL-M"
"""A sold-out variant of a product that has others in stock."""
SOUWESTER = "/products/blatter-souwester"
"""A product whose variants are all sold out."""


@dataclass(frozen=True)
class Visit:
    """A browser tab, and the sites to open in it."""

    page: Page
    sites: Sites

    def goto(self, path: str, site: str = "shop") -> None:
        """Open a path of a site."""
        release_requests()
        self.page.goto(self.sites.url(site) + path)


_blocked_routes: list[Route] = []
_unroute_callbacks: list[Callable[[], None]] = []


def release_requests() -> None:
    """End the requests that `block_posts` blocks: Playwright must handle every request."""
    while _blocked_routes:
        with suppress(Error):
            _blocked_routes.pop().abort()
    while _unroute_callbacks:
        with suppress(Error):
            _unroute_callbacks.pop()()


SHOPPER = "isla@example.com"

State = Callable[[Visit], None]


def at(path: str, site: str = "shop") -> State:
    """A state that is reached by opening a path of a site."""
    return lambda visit: visit.goto(path, site)


def form_path(sku: str, more: str = "") -> str:
    """Return the path of a variant's form."""
    return f"/notify-me/{quote(f'$custom:::$default:::{sku}', safe='')}{more}"


def open_dialog(visit: Visit, path: str = PARKA, site: str = "shop") -> Locator:
    """Click the product page's Notify me button, and return the dialog."""
    visit.goto(path, site)
    visit.page.locator(".buy .notify-me__button").click()
    dialog = visit.page.get_by_role("dialog")
    expect(dialog.locator(".notify-me__submit")).to_be_visible()
    return dialog


def send(form: Locator | Page, email: str = SHOPPER) -> None:
    """Type an email address and press Enter."""
    field = form.locator("input[name=email]")
    # in a stock Firefox, Playwright's fill appends to the field's value
    field.select_text()
    field.press_sequentially(email)
    field.press("Enter")


def sign_up_by_keyboard(page: Page, email: str) -> None:
    """Sign up on the parka's page by keyboard, and check that the focus returns to the button."""
    button = page.get_by_role("link", name="Notify me: Haar Parka")
    for _ in range(60):
        if button.evaluate("link => link === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Email")).to_be_focused()
    page.keyboard.type(email)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="You’re on the list")).to_be_visible()

    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(button).to_be_focused()


def submit_invalid(form: Locator | Page) -> None:
    """Submit an invalid email address, and wait for the error."""
    send(form, "isla@")
    expect(form.locator("[aria-invalid=true]").first).to_be_visible()


def submit_valid(form: Locator | Page, email: str = SHOPPER) -> None:
    """Submit a valid email address, and wait for the confirmation."""
    send(form, email)
    expect(form.get_by_role("heading", name="You’re on the list")).to_be_visible()


def dialog_open(visit: Visit) -> None:
    """The dialog with an empty form."""
    open_dialog(visit)


def dialog_error(visit: Visit) -> None:
    """The dialog with an invalid address."""
    submit_invalid(open_dialog(visit))


def block_posts(page: Page) -> None:
    """Leave the form's POST requests without a response until `release_requests`."""

    def handle(route: Route) -> None:
        if route.request.method == "POST":
            _blocked_routes.append(route)
        else:
            route.continue_()

    page.route("**/notify-me/*", handle)
    # only after the requests are aborted: without a route, Chromium would send them
    _unroute_callbacks.append(lambda: page.unroute("**/notify-me/*", handle))


def dialog_sending(visit: Visit) -> None:
    """The dialog while its form is being submitted."""
    dialog = open_dialog(visit)
    block_posts(visit.page)
    send(dialog)
    expect(dialog.locator("form[aria-busy=true]")).to_be_visible()


def dialog_done(visit: Visit) -> None:
    """The dialog after a sign-up."""
    submit_valid(open_dialog(visit))


def listed(visit: Visit) -> None:
    """The product page after a sign-up in this tab."""
    dialog_done(visit)
    visit.page.keyboard.press("Escape")
    expect(visit.page.locator(".buy .notify-me__listed")).to_be_visible()


def dialog_failed(visit: Visit) -> None:
    """The dialog when Klaviyo refuses the shop's key."""
    visit.sites.sandbox.drill("401")
    dialog = open_dialog(visit)
    send(dialog)
    expect(dialog.get_by_role("alert")).to_contain_text("can’t take sign-ups right now")


def dialog_offline(visit: Visit) -> None:
    """The dialog without a connection."""
    dialog = open_dialog(visit)
    visit.page.route("**/notify-me/*", lambda route: route.abort())
    send(dialog)
    expect(dialog.get_by_role("alert")).to_contain_text("couldn’t send your request")
    visit.page.unroute_all(behavior="wait")


def dialog_unreachable(visit: Visit) -> None:
    """The dialog that is shown instead of a form that couldn't be loaded."""
    visit.goto(PARKA)
    visit.page.route("**/notify-me/%24*", lambda route: route.abort())
    visit.page.locator(".buy .notify-me__button").click()
    expect(visit.page.get_by_role("dialog")).to_contain_text("Check your connection")
    visit.page.unroute_all(behavior="wait")


def dialog_refused(visit: Visit) -> None:
    """The dialog when Klaviyo refuses the address."""
    visit.sites.sandbox.drill("400-email")
    dialog = open_dialog(visit)
    send(dialog)
    expect(dialog.locator(".notify-me__error")).to_be_visible()


def choosing(visit: Visit) -> None:
    """The dialog of a completely sold-out product, submitted without a selection."""
    dialog = open_dialog(visit, SOUWESTER)
    for box in dialog.get_by_role("checkbox").all():
        box.uncheck()
    dialog.get_by_role("button", name="Notify me").click()
    for box in dialog.get_by_role("checkbox").all():
        expect(box).to_have_accessible_description("Choose at least one option.")


def open_at(site: str) -> State:
    """The dialog of another site, with an empty form: `drawer` and `themed` look different."""

    def reach(visit: Visit) -> None:
        open_dialog(visit, site=site)

    return reach


def error_at(site: str) -> State:
    """The dialog of another site, with an invalid address."""
    return lambda visit: submit_invalid(open_dialog(visit, site=site))


def done_at(site: str) -> State:
    """The dialog of another site after a sign-up."""
    return lambda visit: submit_valid(open_dialog(visit, site=site))


def inline_error(visit: Visit) -> None:
    """The form in the product page, with an invalid address."""
    visit.goto(PARKA, "inline")
    submit_invalid(visit.page)


def inline_done(visit: Visit) -> None:
    """The form in the product page after a sign-up."""
    visit.goto(PARKA, "inline")
    submit_valid(visit.page)


def channels_open(visit: Visit) -> None:
    """The dialog of a shop that offers every channel, with all of them selected."""
    _choose_all(open_dialog(visit, site="channels"))


def channels_error(visit: Visit) -> None:
    """The dialog with all channels, submitted empty: every field has an error."""
    dialog = open_dialog(visit, site="channels")
    _choose_all(dialog)
    dialog.get_by_role("button", name="Notify me").click()
    expect(dialog.locator(".notify-me__error")).to_have_count(4)


def channels_done(visit: Visit, site: str = "channels", email: str = SHOPPER) -> None:
    """The dialog with all channels, after a sign-up."""
    dialog = open_dialog(visit, site=site)
    _choose_all(dialog)
    dialog.locator("input[name=phone_number]").fill("07400 123456")
    for box in dialog.locator(".notify-me__consent input").all():
        box.check()
    submit_valid(dialog, email)


def channels_half_done(visit: Visit) -> None:
    """The confirmation when no consent could be recorded."""
    visit.sites.sandbox.drill("415", operation="bulk_subscribe_profiles")
    # a consent that Klaviyo has accepted isn't sent again
    channels_done(visit, email="noor@example.com")
    expect(visit.page.get_by_text("Part of your sign-up didn’t go through")).to_be_visible()


def channels_confirming(visit: Visit) -> None:
    """The confirmation of a shop whose list has double opt-in."""
    double_opt_in(visit.sites.sandbox)
    channels_done(visit, "double-opt-in")
    expect(visit.page.get_by_text("We’re sending you")).to_be_visible()
    visit.sites.sandbox.set("list", opt_in_process="single_opt_in")


def _choose_all(dialog: Locator) -> None:
    for box in dialog.locator("input[name=channels]").all():
        box.check()


def page_error(visit: Visit) -> None:
    """The form page with an invalid email address."""
    visit.goto(form_path("HAAR-OIL-M"))
    submit_invalid(visit.page)


def page_done(visit: Visit) -> None:
    """The confirmation page that a browser without scripts gets."""
    visit.goto(form_path("HAAR-OIL-M"))
    visit.page.locator(".notify-me__form").evaluate(
        "form => { form.elements.email.value = 'isla@example.com'; form.submit() }"
    )
    expect(visit.page.get_by_role("heading", name="You’re on the list")).to_be_visible()


def cart_filled(visit: Visit, site: str = "shop") -> None:
    """The cart with one product."""
    visit.goto("/products/dreich-mug", site)
    visit.page.get_by_role("button", name="Add to cart").click()
    expect(visit.page).to_have_url(re.compile("/cart"))


def checkout(visit: Visit, site: str = "shop") -> None:
    """The checkout, empty."""
    cart_filled(visit, site)
    visit.page.get_by_role("link", name="Checkout").click()
    expect(visit.page).to_have_url(re.compile("/checkout"))


def checkout_error(visit: Visit) -> None:
    """The checkout, submitted empty."""
    checkout(visit)
    visit.page.locator(".checkout").evaluate("form => { form.noValidate = true }")
    visit.page.get_by_role("button", name="Place order").click()
    expect(visit.page.locator("[aria-invalid=true]").first).to_be_visible()


def order(visit: Visit) -> None:
    """The order's page."""
    checkout(visit)
    _order(visit.page)
    expect(visit.page.get_by_role("heading", name="Thank you")).to_be_visible()


def _order(page: Page) -> None:
    page.get_by_label("Name").fill("Isla Reid")
    page.get_by_label("Email").fill("isla@example.com")
    page.get_by_label("Address").fill("2 Shore Road\nCromarty")
    page.get_by_role("button", name="Place order").click()


def _set_mug_stock(visit: Visit, quantity: int) -> None:
    """Set the mug's stock at the `short` site, in another tab."""
    with visit.page.context.new_page() as tab:
        tab.goto(f"{visit.sites.url('short')}/merchant?product=dreich-mug")
        tab.get_by_label("Stock of DREI-MIL").fill(str(quantity))
        tab.get_by_role("button", name="Save DREI-MIL").click()
        expect(tab.locator(".notice")).to_be_visible()


def cart_short(visit: Visit) -> None:
    """The cart with a quantity that is no longer in stock."""
    _set_mug_stock(visit, 3)
    cart_filled(visit, "short")
    _set_mug_stock(visit, 0)
    visit.goto("/cart", "short")


def checkout_short(visit: Visit) -> None:
    """The checkout after another shopper has bought the last one."""
    _set_mug_stock(visit, 3)
    checkout(visit, "short")
    _set_mug_stock(visit, 0)
    _order(visit.page)
    expect(
        visit.page.get_by_text("Some items aren’t available in the quantity you chose")
    ).to_be_visible()


def error_in(language: str) -> State:
    """The dialog in a language, with an invalid email address."""
    return lambda visit: submit_invalid(open_dialog(visit, f"{PARKA}&lang={language}", "languages"))


def _reset_demo(visit: Visit) -> None:
    reply = visit.page.request.post(f"{visit.sites.url('tour')}/demo/reset")
    assert reply.ok


def tour(step: int, *, developer: bool = False) -> State:
    """The tour at a step, after completing the earlier ones; 5 is its end."""

    def walk(visit: Visit) -> None:
        page, panel = visit.page, visit.page.locator(".tour")
        _reset_demo(visit)
        visit.goto("/", "tour")
        page.get_by_role("button", name="Take the tour").click()
        # a press before the page has loaded follows the link instead of opening the dialog
        page.wait_for_url("**/products/**")
        if step > 1:
            page.locator(".buy .notify-me__button").click()
            submit_valid(page.get_by_role("dialog"))
            page.keyboard.press("Escape")
            page.get_by_role("dialog").wait_for(state="hidden")
            panel.get_by_role("button", name="Restock 5").wait_for()
        if developer:
            panel.get_by_role("button", name="Show the API call").click()
        if step > 2:
            panel.get_by_role("button", name="Restock 5").click()
        if step > 3:
            panel.get_by_role("button", name="Shop now").click()
            page.get_by_role("button", name="Add to cart").click()
            page.get_by_role("link", name="Checkout").click()
            _order(page)
        title = "complete" if step == 5 else f"{step} of 4"
        expect(panel.locator(".tour__title")).to_contain_text(title)

    return walk


def deliveries(visit: Visit) -> None:
    """The deliveries page with a queued sign-up."""
    visit.sites.sandbox.drill("503", times=2)
    submit_valid(open_dialog(visit))
    visit.sites.sandbox.end_drills()
    visit.goto("/merchant/deliveries")
    expect(visit.page.get_by_role("heading", level=1)).to_be_visible()


def sample(path: str) -> State:
    """A merchant's page with the demo's sample data."""

    def reach(visit: Visit) -> None:
        _reset_demo(visit)
        visit.goto(path, "tour")

    return reach


STUDIO: dict[str, State] = {"studio": at("/studio")}
IMPORTING: dict[str, State] = {"import": at("/merchant/import")}
DEMO: dict[str, State] = {
    "reset": at("/demo/reset"),
    "demand-samples": sample("/merchant/demand"),
    "stock-samples": sample("/merchant?product=plowter-boots"),
    "tour-start": tour(1),
    "tour-restock": tour(2),
    "tour-request": tour(2, developer=True),
    "tour-message": tour(3),
    "tour-end": tour(5),
    "your-shop": at("/demo/your-shop"),
}
STATES: dict[str, State] = {
    "listing": at("/"),
    "listing-search": at("/?q=wool&in_stock=1"),
    "arabic-listing": at("/?lang=ar", "languages"),
    "arabic-product": at(f"{PARKA}&lang=ar", "languages"),
    "arabic-error": error_in("ar"),
    "german-listing": at("/?lang=de", "languages"),
    "german-product": at(f"{PARKA}&lang=de", "languages"),
    "german-error": error_in("de"),
    "french-listing": at("/?lang=fr", "languages"),
    "french-error": error_in("fr"),
    "listing-none": at("/?q=nothing-like-it"),
    "product": at("/products/spate-pack"),
    "product-sold-out": at(PARKA),
    "product-all-sold-out": at(SOUWESTER),
    "product-listed": listed,
    "product-pre-order": at("/products/howff-tarp"),
    "dialog-open": dialog_open,
    "dialog-error": dialog_error,
    "dialog-sending": dialog_sending,
    "dialog-done": dialog_done,
    "dialog-failed": dialog_failed,
    "dialog-offline": dialog_offline,
    "dialog-unreachable": dialog_unreachable,
    "dialog-refused": dialog_refused,
    "dialog-choosing": choosing,
    "drawer-open": open_at("drawer"),
    "drawer-error": error_at("drawer"),
    "drawer-done": done_at("drawer"),
    "themed-open": open_at("themed"),
    "themed-error": error_at("themed"),
    "themed-done": done_at("themed"),
    "inline": at(PARKA, "inline"),
    "inline-error": inline_error,
    "inline-done": inline_done,
    "channels-open": channels_open,
    "channels-error": channels_error,
    "channels-done": channels_done,
    "channels-half-done": channels_half_done,
    "channels-confirming": channels_confirming,
    "form-page": at(form_path("HAAR-OIL-M")),
    "form-page-choosing": at(form_path("BLAT-S", "?choose=1")),
    "form-page-channels": at(form_path("HAAR-OIL-M"), "channels"),
    "form-page-error": page_error,
    "form-page-done": page_done,
    "form-page-available": at(form_path("HAAR-OIL-S")),
    "cart-empty": at("/cart"),
    "cart": cart_filled,
    "checkout": checkout,
    "checkout-error": checkout_error,
    "cart-short": cart_short,
    "checkout-short": checkout_short,
    "order": order,
    "merchant": at("/merchant"),
    "merchant-product": at("/merchant?product=dreich-mug"),
    "merchant-login": at("/merchant", "password"),
    "deliveries": deliveries,
    "demand": at("/merchant/demand"),
    **(STUDIO if find_spec("storefront.studio") else {}),
    **(IMPORTING if find_spec("storefront.importing") else {}),
    **(DEMO if find_spec("demo") else {}),
    "terms": at("/terms"),
    "privacy": at("/privacy"),
    "404": at("/no-such-page"),
    "form-page-404": at(form_path("NO-SUCH")),
    "sandbox": at("/", "sandbox"),
    "sandbox-requests": at("/requests", "sandbox"),
    "sandbox-request": at("/requests/2", "sandbox"),
    "sandbox-request-consent": at("/requests/6", "sandbox"),
    "sandbox-waiting": at("/waiting", "sandbox"),
    "sandbox-flow": at("/flow", "sandbox"),
    "sandbox-mailbox": at("/mailbox", "sandbox"),
    **{f"sandbox-message-{number}": at(f"/mailbox/{number}", "sandbox") for number in range(1, 6)},
    "sandbox-profiles": at("/profiles", "sandbox"),
    "sandbox-drills": at("/drills", "sandbox"),
    "sandbox-404": at("/missing", "sandbox"),
}
