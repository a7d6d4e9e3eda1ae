"""Pictures of the shop: `python -m tests.screenshots` writes `screenshots/` and a contact sheet.

Every page and state of `tests/pages.py` at three widths, light and dark, as a real browser shows
it, with the sandbox as Klaviyo.
"""

from __future__ import annotations

import html
import logging
import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from app import ROOT
from tests.axe import show
from tests.browser.conftest import ARGUMENTS
from tests.pages import STATES, Visit
from tests.sites import sites
from tests.support import CHROMIUM

FOLDER = ROOT / "screenshots"
WIDTHS = {360: 740, 768: 1024, 1280: 900}
SCHEMES = ("light", "dark")

# to wait for a function is refused by a Content-Security-Policy without eval
_PICTURES = "() => Promise.all([...document.images].map((one) => one.decode().catch(() => null)))"

Picture = tuple[int, str, str]
"""Width, scheme and name."""


def main() -> None:
    """Start shops, sandbox and browser, take the pictures, and put them on one sheet."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    # all of it is on this machine, whatever proxy it has
    os.environ["NO_PROXY"] = "*"
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    with sites() as served, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_context(reduced_motion="reduce").new_page()
        taken: list[Picture] = []
        for name, reach in STATES.items():
            page.context.clear_cookies()
            served.sandbox.calm()
            reach(Visit(page, served))
            taken += shots(page, name)
        contact_sheet(browser, taken)
        browser.close()
    sys.stdout.write(f"{len(taken)} pictures and {FOLDER.name}/contact-sheet.png\n")


def shots(page: Page, name: str) -> list[Picture]:
    """Every width and scheme of the page as it is: the whole of it, but a dialog in its window."""
    whole = page.locator("dialog[open]").count() == 0
    taken: list[Picture] = []
    # pictures below the fold are fetched when they come near
    page.evaluate("document.querySelectorAll('img').forEach((one) => one.loading = 'eager')")
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        for scheme in SCHEMES:
            show(page, scheme)
            page.evaluate(_PICTURES)
            page.screenshot(path=file(width, scheme, name), full_page=whole)
            taken.append((width, scheme, name))
    return taken


def file(width: int, scheme: str, name: str) -> Path:
    """Where a picture lies."""
    return FOLDER / f"{name}-{width}-{scheme}.png"


def contact_sheet(browser: Browser, taken: list[Picture]) -> None:
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
