"""A shop's page with the button in containers that hide or change what is inside them, and the
checks to run on that page in any browser.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
from flask import Flask, render_template_string
from playwright.sync_api import Page

from tests.notify_me.small_shop import engine_of, small_catalog, small_shop
from tests.sites import in_another_thread
from tests.support import Sandbox, eventually, serve

CONTAINERS = ("form", "hover", "details", "disabled", "small")
PAGE = """<!doctype html>
<html lang="en"><head><meta name="viewport" content="width=device-width"><title>Shop</title>
<style>
  html, body { margin: 0; block-size: 100% }
  body { overflow-x: hidden; padding-block: 1500px; box-sizing: border-box }
  #hover div { display: none }
  #hover:hover div { display: block }
  #hover { min-block-size: 4rem; background: silver }
  #disabled { pointer-events: none; opacity: .5 }
  #small { text-transform: uppercase; font-size: 10px; --notify-me-surface: rgb(0, 0, 90);
    --notify-me-text: white; color-scheme: dark }
  dialog { visibility: hidden; opacity: 0; transform: scale(.5) }
  body > * { margin: 1rem; padding: 1rem; display: flow-root }
</style>
{{ notify_me_head() }}</head><body>
<form id="form" action="/cart" method="post"><input name="sku" value="MUG">
  {{ notify_me(mug) }} <button>Add to cart</button></form>
<div id="hover">Mug <div>{{ notify_me(mug) }}</div></div>
<details id="details" open><summary>Mug</summary>{{ notify_me(mug) }}</details>
<div id="disabled">{{ notify_me(mug) }}</div>
<div id="small" role="link" onclick="location = '/other'">{{ notify_me(mug) }}</div>
<div class="inline">{{ notify_me(mug, inline=true) }}</div>
<div class="inline">{{ notify_me(mug, inline=true) }}</div>
<script>
  const details = document.querySelector("details");
  document.addEventListener("notify-me:open", () => { details.open = false });
</script>
</body></html>
"""
DIALOG = """(() => {
  const dialog = document.querySelector("dialog:modal");
  if (!dialog || !dialog.getClientRects().length) return null;
  const style = getComputedStyle(dialog), title = dialog.querySelector(".notify-me__title");
  return {
    inside: dialog.closest("form, details, div[id]")?.id ?? null,
    size: parseFloat(style.fontSize),
    transform: getComputedStyle(title).textTransform,
    background: style.backgroundColor,
    focused: document.activeElement.name,
    typed: dialog.querySelector("[name=email]").value,
    width: document.querySelector("#form").offsetWidth,
    scrolled: scrollY,
  };
})()"""


@contextmanager
def containers(folder: Path, sandbox: Sandbox) -> Iterator[str]:
    """Serve the page; yield its URL."""
    catalog = small_catalog()
    settings: dict[str, Any] = {**sandbox.environ()}
    app: Flask = in_another_thread(lambda: small_shop(folder, catalog, **settings))
    [mug] = [variant for variant in catalog.variants.values() if variant.product_id == "mug"]
    app.add_url_rule("/mug", "mug", lambda: render_template_string(PAGE, mug=mug))
    with serve(app) as url:
        yield f"{url}/mug"
    in_another_thread(lambda: engine_of(app).dispose())


class Tab(Protocol):
    """A tab of any browser."""

    def goto(self, url: str) -> None:
        """Open a page."""

    def hover(self, selector: str) -> None:
        """Move the pointer to the first element that matches."""

    def click(self, selector: str) -> None:
        """Move the pointer to the first element that matches, and click."""

    def click_at(self, x: int, y: int) -> None:
        """Click a point of the window."""

    def type(self, text: str) -> None:
        """Replace the text of the focused field."""

    def press(self, key: str) -> None:
        """Press Enter or Escape."""

    def wheel(self) -> None:
        """Turn the mouse wheel at the window's left edge."""

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression."""


class PlaywrightTab:
    """A tab of Chromium or Firefox."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def goto(self, url: str) -> None:
        """Open a page."""
        self.page.goto(url)

    def hover(self, selector: str) -> None:
        """Move the pointer to the first element that matches."""
        self.page.locator(selector).first.hover()

    def click(self, selector: str) -> None:
        """Move the pointer to the first element that matches, and click."""
        self.page.locator(selector).first.click()

    def click_at(self, x: int, y: int) -> None:
        """Click a point of the window."""
        self.page.mouse.click(x, y)

    def type(self, text: str) -> None:
        """Replace the text of the focused field."""
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.type(text)

    def press(self, key: str) -> None:
        """Press Enter or Escape."""
        self.page.keyboard.press(key)

    def wheel(self) -> None:
        """Turn the mouse wheel at the window's left edge."""
        self.page.mouse.move(2, 300)
        self.page.mouse.wheel(0, 400)

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression."""
        return self.page.evaluate(expression)


def press_button(tab: Tab, container: str) -> Any:
    """Click the button in a container, after showing the button if the container hides it. Return
    how far the page was scrolled, and the width of its form.
    """
    if container == "hover":
        tab.hover("#hover")
    elif container == "details":
        tab.evaluate("void (document.querySelector('details').open = true)")
    tab.hover(f"#{container} .notify-me__button")
    page = tab.evaluate("[scrollY, document.querySelector('#form').offsetWidth]")
    tab.click(f"#{container} .notify-me__button")
    return page


def check_containers(tab: Tab, url: str) -> None:
    """Check that the dialog opens, looks and works the same in each container, and that its close
    button submits no form. An invalid address keeps the focus, and can be corrected.
    """
    tab.goto(url)
    closed = "!document.querySelector('dialog')"
    invalid = "document.querySelector('dialog:modal [aria-invalid=true]')?.value"
    confirmed = "document.querySelector('dialog:modal h2')?.textContent == \"You’re on the list\""
    for container in CONTAINERS:
        scrolled, width = press_button(tab, container)
        dialog = eventually(lambda: tab.evaluate(DIALOG))
        expected = {"inside": None, "size": 16, "transform": "none", "focused": "email"}
        assert dialog.items() >= {**expected, "typed": "", "width": width}.items(), container
        # Firefox sometimes scrolls by a fraction of a pixel
        assert dialog["scrolled"] == pytest.approx(scrolled, abs=1), container
        assert (dialog["background"] == "rgb(0, 0, 90)") == (container == "small")

        tab.type("ada@exam")
        if container == "form":
            tab.press("Enter")
            eventually(lambda: tab.evaluate(f"{invalid} == 'ada@exam'"))
            assert tab.evaluate("document.activeElement.name") == "email"
        tab.click(".notify-me__close")
        eventually(lambda: tab.evaluate(closed))
        assert tab.evaluate("location.pathname") == "/mug"
        press_button(tab, container)
        dialog = eventually(lambda: tab.evaluate(DIALOG))
        assert dialog["typed"] == "ada@exam"

        assert tab.evaluate("getComputedStyle(document.documentElement).overflowY") == "hidden"
        tab.wheel()
        tab.type(f"{container}@example.org")
        tab.press("Enter")
        eventually(lambda: tab.evaluate(confirmed))
        assert tab.evaluate("scrollY") == pytest.approx(dialog["scrolled"], abs=1)
        assert dialog["scrolled"] > 0
        tab.click_at(2, 300)
        eventually(lambda: tab.evaluate(closed))

    ids = tab.evaluate("[...document.querySelectorAll('[id]')].map((element) => element.id)")
    assert len(ids) == len({*ids})
    tab.click(".inline:last-of-type [name=email]")
    tab.type("ada@")
    tab.press("Enter")
    second = "document.querySelectorAll('.notify-me--inline')[1]"
    eventually(lambda: tab.evaluate(f"{second}.querySelector('[aria-invalid]')?.value == 'ada@'"))
    assert tab.evaluate("document.querySelectorAll('[aria-invalid]').length") == 1
