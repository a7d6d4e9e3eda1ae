"""Screenshots of the shop: `python -m tests.screenshots` writes `screenshots/` and a contact sheet.

It covers every page and state of `tests/pages.py` at three widths, light and dark. The sandbox
stands in for Klaviyo.
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

# page.wait_for_function would need a Content-Security-Policy with unsafe-eval
_WAIT_FOR_IMAGES = (
    "() => Promise.all([...document.images].map((image) => image.decode().catch(() => null)))"
)

Screenshot = tuple[int, str, str]
"""Width, scheme and name."""


def main() -> None:
    """Take all screenshots and create the contact sheet."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    # all servers run on this machine, so a proxy must not be used
    os.environ["NO_PROXY"] = "*"
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    with sites() as served, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_context(reduced_motion="reduce").new_page()
        taken: list[Screenshot] = []
        for name, reach in STATES.items():
            for scheme in SCHEMES:
                # an open dialog keeps the colours that its button had
                if scheme == SCHEMES[0] or page.locator("dialog[open]").count():
                    show(page, scheme)
                    page.context.clear_cookies()
                    served.sandbox.end_drills()
                    reach(Visit(page, served))
                taken += shots(page, name, scheme)
        contact_sheet(browser, taken)
        browser.close()
    sys.stdout.write(f"{len(taken)} screenshots and {FOLDER.name}/contact-sheet.png\n")


def shots(page: Page, name: str, scheme: str) -> list[Screenshot]:
    """Take screenshots of the current page at every width, in a colour scheme.

    They show the full page, or the viewport if a dialog is open.
    """
    full_page = page.locator("dialog[open]").count() == 0
    taken: list[Screenshot] = []
    # load images below the fold
    page.evaluate("document.querySelectorAll('img').forEach((image) => image.loading = 'eager')")
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        show(page, scheme)
        page.evaluate(_WAIT_FOR_IMAGES)
        page.screenshot(path=file(width, scheme, name), full_page=full_page)
        taken.append((width, scheme, name))
    return taken


def file(width: int, scheme: str, name: str) -> Path:
    """Return the path of a screenshot."""
    return FOLDER / f"{name}-{width}-{scheme}.png"


def contact_sheet(browser: Browser, taken: list[Screenshot]) -> None:
    """Create one image of all screenshots, with a row for each page."""
    rows = []
    for name in dict.fromkeys(name for _width, _scheme, name in taken):
        cells = "".join(
            f'<figure><img class="at-{width}" src="{file(width, scheme, state).name}">'
            f"<figcaption>{width} px, {scheme}</figcaption></figure>"
            for width, scheme, state in sorted(taken, key=lambda shot: shot[0])
            if state == name
        )
        rows.append(f"<h2>{html.escape(name)}</h2><div>{cells}</div>")
    style = (
        "body{margin:24px;font:15px sans-serif;background:#8a8f8d}"
        "div{display:grid;grid-template-columns:.486fr .486fr .75fr .75fr 1.42fr 1.42fr;gap:12px}"
        "figure{margin:0}img{width:100%;object-fit:cover;object-position:0 0}"
        + "".join(
            f".at-{width}{{aspect-ratio:{width}/{height}}}" for width, height in WIDTHS.items()
        )
    )
    sheet = FOLDER / "contact-sheet.html"
    sheet.write_text(f"<!doctype html><style>{style}</style>{''.join(rows)}", encoding="utf-8")
    page = browser.new_page(viewport={"width": 2000, "height": 1000})
    page.goto(sheet.as_uri())
    # hundreds of images have to be decoded
    page.screenshot(path=FOLDER / "contact-sheet.png", full_page=True, timeout=300_000)


if __name__ == "__main__":
    main()
