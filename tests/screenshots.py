"""Pictures of the shop: `python -m tests.screenshots` writes `screenshots/` and a contact sheet.

Every page at three widths, light and dark, as a real browser shows it, with the sandbox as Klaviyo.
"""

from __future__ import annotations

import html
import logging
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, expect, sync_playwright

from app import ROOT, create_app
from klaviyo_sandbox import create_app as create_sandbox
from klaviyo_sandbox import make_account
from tests.browser.conftest import ARGUMENTS, CHROMIUM, elsewhere, environ
from tests.support import Sandbox, serve

FOLDER = ROOT / "screenshots"
WIDTHS = {360: 740, 768: 1024, 1280: 900}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SOLD_OUT = "/products/haar-parka?variant=HAAR-OIL-M"
ADDRESSES = {
    "listing": "/",
    "search": "/?q=wool&in_stock=1",
    "in-stock": "/products/spate-pack",
    "sold-out": SOLD_OUT,
    "pre-order": "/products/howff-tarp",
    "404": "/no-such-page",
    "terms": "/terms",
    "studio": "/studio",
}
EVERY_CHANNEL = """\
[channels]
offered = ["EMAIL", "SMS", "WHATSAPP"]
[consent]
brand = "Smirr"
terms_of_service_url = "/terms"
privacy_policy_url = "/privacy"
email_list = "ask"
"""


def main() -> None:
    """Start shop, sandbox and browser, take the pictures, and put them on one sheet."""
    FOLDER.mkdir(exist_ok=True)
    # all of it is on this machine, whatever proxy it has
    os.environ["NO_PROXY"] = "*"
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    account = make_account()
    with (
        tempfile.TemporaryDirectory() as folder,
        serve(create_sandbox(account)) as sandbox_url,
    ):
        sandbox = Sandbox(sandbox_url, account)
        settings = Path(folder) / "notify_me.toml"
        settings.write_text(EVERY_CHANNEL, encoding="utf-8")
        klaviyo = {**sandbox.environ(), "RATELIMIT_ENABLED": "0"}
        shop = create_app(environ(Path(folder) / "shop.db", klaviyo))
        rich = create_app(
            environ(Path(folder) / "shop.db", klaviyo, NOTIFY_ME_CONFIG=str(settings))
        )
        with shop.app_context():
            shop.extensions["alembic"].upgrade()
            shop.cli.commands["storefront"].main(["load"], standalone_mode=False)
        with serve(shop) as url, serve(rich) as rich_url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            taken = [
                picture
                for width in WIDTHS
                for scheme in SCHEMES
                for picture in take(browser, url, rich_url, width, scheme)
            ]
            contact_sheet(browser, taken)
            browser.close()

        def close() -> None:
            for app in (shop, rich):
                with app.app_context():
                    app.extensions["sqlalchemy"].engine.dispose()

        elsewhere(close)
    sys.stdout.write(f"{len(taken)} pictures and {FOLDER.name}/contact-sheet.png\n")


def take(
    browser: Browser, url: str, rich_url: str, width: int, scheme: Literal["light", "dark"]
) -> list[tuple[int, str, str]]:
    """All pictures of one width and scheme: (width, scheme, name)."""
    context = browser.new_context(
        viewport={"width": width, "height": WIDTHS[width]},
        color_scheme=scheme,
        reduced_motion="reduce",
        base_url=url,
    )
    page = context.new_page()
    taken: list[tuple[int, str, str]] = []

    def shoot(name: str, *, whole: bool = True) -> None:
        if whole:
            # pictures below the fold are fetched when they come near
            page.evaluate(
                "document.querySelectorAll('img').forEach((one) => one.loading = 'eager')"
            )
        page.wait_for_load_state("networkidle")
        page.screenshot(path=file(width, scheme, name), full_page=whole)
        taken.append((width, scheme, name))

    for name, address in ADDRESSES.items():
        page.goto(address)
        shoot(name)
    sign_up(page, width, scheme, lambda name: shoot(name, whole=False))
    every_channel(page, rich_url, lambda name: shoot(name, whole=False))
    page.goto("/products/dreich-mug")
    page.get_by_role("button", name="Add to cart").click()
    shoot("cart")
    page.get_by_role("link", name="Check out").click()
    shoot("checkout")
    page.get_by_label("Name").fill("Isla Reid")
    page.get_by_label("Email").fill("isla@example.com")
    page.get_by_label("Address").fill("2 Shore Road\nCromarty")
    page.get_by_role("button", name="Order for").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    shoot("order")
    page.goto("/merchant?product=dreich-mug")
    shoot("merchant")
    page.goto("/merchant/demand")
    shoot("demand")
    right_to_left(page, lambda name: shoot(name, whole=False))
    context.close()
    return taken


def right_to_left(page: Page, shoot: Callable[[str], None]) -> None:
    """In Arabic: the listing, a product, and the dialog with an error."""
    page.goto("/?lang=ar")
    shoot("arabic-listing")
    page.goto(f"{SOLD_OUT}&lang=ar")
    shoot("arabic-sold-out")
    page.locator(".notify-me__button").first.click()
    page.get_by_role("dialog").locator(".notify-me__submit").click()
    expect(page.get_by_role("dialog").locator("[aria-invalid=true]").first).to_be_visible()
    shoot("arabic-error")


def sign_up(page: Page, width: int, scheme: str, shoot: Callable[[str], None]) -> None:
    """The dialog: as it opens, with an error, and done."""
    page.goto(SOLD_OUT)
    page.locator(".notify-me__button").first.click()
    dialog = page.get_by_role("dialog")
    email = dialog.get_by_label("Email", exact=False).first
    expect(email).to_be_visible()
    shoot("dialog-open")
    email.fill("isla@")
    email.press("Enter")
    expect(dialog.locator("[aria-invalid=true]").first).to_be_visible()
    shoot("dialog-error")
    email.fill(f"isla.{width}.{scheme}@example.com")
    email.press("Enter")
    expect(dialog).to_contain_text("Request received")
    shoot("dialog-done")


def every_channel(page: Page, url: str, shoot: Callable[[str], None]) -> None:
    """The dialog of a shop that offers every channel: as it opens, filled in, wrong, and done."""
    page.goto(url + SOLD_OUT)
    page.locator(".notify-me__button").first.click()
    dialog = page.get_by_role("dialog")
    email = dialog.get_by_role("checkbox", name="Email", exact=True)
    expect(email).to_be_visible()
    shoot("channels-open")
    email.check()
    dialog.get_by_role("checkbox", name="Text message", exact=True).check()
    dialog.get_by_label("Email", exact=True).last.fill("isla@example.com")
    dialog.get_by_label("Mobile number").fill("202 555")
    dialog.get_by_label("Mobile number").press("Enter")
    expect(dialog.locator("[aria-invalid=true]").first).to_be_visible()
    shoot("channels-error")
    dialog.get_by_label("Mobile number").fill("(202) 555-0143")
    dialog.get_by_label("Yes, send me text messages").check()
    shoot("channels-filled")
    dialog.get_by_label("Mobile number").press("Enter")
    expect(dialog).to_contain_text("Request received")
    shoot("channels-done")


def file(width: int, scheme: str, name: str) -> Path:
    """Where a picture lies."""
    return FOLDER / f"{name}-{width}-{scheme}.png"


def contact_sheet(browser: Browser, taken: list[tuple[int, str, str]]) -> None:
    """One picture of them all: a row for each page, widths and schemes side by side."""
    rows = []
    for name in dict.fromkeys(name for _width, _scheme, name in taken):
        cells = "".join(
            f'<figure><img class="at-{width}" src="{file(width, scheme, one).name}">'
            f"<figcaption>{width} px, {scheme}</figcaption></figure>"
            for width, scheme, one in taken
            if one == name
        )
        rows.append(f"<h2>{html.escape(name)}</h2><div>{cells}</div>")
    style = (
        "body{margin:24px;font:15px sans-serif;background:#8a8f8d}"
        "div{display:grid;grid-template-columns:.486fr .486fr .75fr .75fr 1.42fr 1.42fr;gap:12px}"
        "figure{margin:0}img{width:100%;object-fit:cover;object-position:0 0}"
        + "".join(f".at-{width}{{aspect-ratio:{width}/{high}}}" for width, high in WIDTHS.items())
    )
    sheet = FOLDER / "contact-sheet.html"
    sheet.write_text(f"<!doctype html><style>{style}</style>{''.join(rows)}", encoding="utf-8")
    page = browser.new_page(viewport={"width": 2000, "height": 1000})
    page.goto(sheet.as_uri())
    page.screenshot(path=FOLDER / "contact-sheet.png", full_page=True)


if __name__ == "__main__":
    main()
