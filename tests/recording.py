"""Images for the docs: `python -m tests.recording` writes `docs/tour.webp` and `docs/studio.png`.

The recording is an animation of the demo's tour, made of screenshots of the real pages.
"""

from __future__ import annotations

import logging
import os
import sys
from io import BytesIO

from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect, sync_playwright

from app import ROOT
from tests.browser.conftest import ARGUMENTS
from tests.sites import Sites, sites
from tests.support import CHROMIUM

TOUR = ROOT / "docs" / "tour.webp"
STUDIO = ROOT / "docs" / "studio.png"
SIZE: ViewportSize = {"width": 1000, "height": 680}
EMAIL = "isla@example.com"
READING, PRESSING, TYPING = 2600, 700, 90
"""How long a frame is shown, in ms: a page, what is about to be pressed, and a typed letter."""
POINTER_RADIUS = 16
MAX_BYTES = 2_000_000


class Recording:
    """The frames of a page, and how long each is shown."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._frames: list[Image.Image] = []
        self._durations: list[int] = []

    def show(self, duration: int = READING, pressed: Locator | None = None) -> None:
        """Add the page as it is, with a pointer at the centre of what is about to be pressed."""
        self._page.wait_for_load_state("networkidle")
        frame = Image.open(BytesIO(self._page.screenshot())).convert("RGB")
        box = pressed.bounding_box() if pressed else None
        if box:
            centre = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            ImageDraw.Draw(frame, "RGBA").circle(
                centre, POINTER_RADIUS, fill=(20, 24, 28, 90), outline=(255, 255, 255, 230), width=3
            )
        self._frames.append(frame)
        self._durations.append(duration)

    def press(self, control: Locator, reading: int = READING) -> None:
        """Show the page long enough to read it, then press one of its controls."""
        control.scroll_into_view_if_needed()
        if reading:
            self.show(reading)
        self.show(PRESSING, pressed=control)
        control.click()

    def save(self) -> None:
        """Write the recording. Raises `ValueError` if it is too large for the README."""
        first, *others = self._frames
        first.save(
            TOUR,
            save_all=True,
            append_images=others,
            duration=self._durations,
            loop=0,
            quality=78,
            # every frame is complete, since differences would leave traces of earlier frames
            kmax=1,
            method=6,
        )
        if (size := TOUR.stat().st_size) > MAX_BYTES:
            raise ValueError(f"{TOUR.name} is {size:,} bytes; the limit is {MAX_BYTES:,}")


def main() -> None:
    """Record the tour, and take the screenshot of the Studio."""
    # all servers run on this machine, so a proxy must not be used
    os.environ["NO_PROXY"] = "*"
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    with sites() as served, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        record_tour(browser, served)
        screenshot_studio(browser, served)
        browser.close()
    for file in (TOUR, STUDIO):
        sys.stdout.write(f"{file.relative_to(ROOT)}: {file.stat().st_size:,} bytes\n")


def record_tour(browser: Browser, served: Sites) -> None:
    """Walk through the tour as a merchant does."""
    page = browser.new_context(viewport=SIZE, reduced_motion="reduce").new_page()
    recording = Recording(page)
    target = page.locator(".tour-target")
    title = page.locator(".tour__title")
    page.goto(served.url("tour"))
    recording.press(page.locator(".welcome").get_by_role("button", name="Take the tour"))

    expect(title).to_contain_text("1 of 4")
    recording.press(target)
    dialog = page.get_by_role("dialog")
    field = dialog.get_by_role("textbox", name="Email")
    expect(field).to_be_focused()
    recording.show(PRESSING)
    for letter in EMAIL:
        field.press_sequentially(letter)
        recording.show(TYPING)
    recording.press(dialog.get_by_role("button", name="Notify me"), reading=0)
    expect(dialog.get_by_role("link", name="Continue shopping")).to_be_visible()
    recording.press(dialog.get_by_role("link", name="Continue shopping"))

    expect(title).to_contain_text("2 of 4")
    recording.press(target)
    expect(title).to_contain_text("3 of 4")
    expect(page.locator(".tour-phone article")).to_be_visible()
    recording.show(READING)
    recording.press(target)
    expect(title).to_contain_text("4 of 4")
    for path in ("/cart", "/checkout", "/orders/"):
        recording.press(target, reading=PRESSING)
        page.wait_for_url(f"**{path}**")
    expect(title).to_contain_text("complete")
    recording.show(2 * READING)
    recording.save()
    page.context.close()


def screenshot_studio(browser: Browser, served: Sites) -> None:
    """Take the screenshot of the Studio, with the form in its preview."""
    page = browser.new_page(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    page.goto(f"{served.url('shop')}/studio")
    expect(page.frame_locator("iframe").get_by_role("dialog")).to_be_visible()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=STUDIO)


if __name__ == "__main__":
    main()
