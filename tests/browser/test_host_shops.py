"""The kit in shops with other stylesheets and page scripts."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string
from playwright.sync_api import FloatRect, Page, expect

from tests.notify_me.small_shop import engine_of, small_catalog, small_shop
from tests.sites import in_another_thread
from tests.support import Sandbox, serve

ASSETS = Path(__file__).parents[1] / "host_shops" / "assets.zip"
"""Bootstrap 5.3.8, Bulma 1.0.4, Pico 2.1.1, Tailwind 3.4.19 (preflight), htmx 2.0.11, Turbo 8.0.23,
each under the MIT or Zero-Clause BSD licence.
"""
PLAIN = """
a { color: #377ba8; text-decoration: underline }
a:hover { color: #a00 }
button, input { background: #eee; color: #999; border: 0; padding: 0; width: 100%; font-size: 10px }
dialog { padding: 0; border: 0; max-width: none; width: 100vw; background: #ddd; color: #888 }
h2, label, p { color: #aaa; margin: 0 }
fieldset, ul { padding: 3rem; border: 2px solid red }
"""
LAYOUT = """<!doctype html>
<html lang="en"><head><meta name="viewport" content="width=device-width">
<title>{% block title %}Shop{% endblock %}</title>
{% for sheet in sheets %}<link rel="stylesheet" href="/static/{{ sheet }}">{% endfor %}
{{ notify_me_head() }}{% block head %}{% endblock %}
{% for script in scripts %}<script src="/static/{{ script }}" defer></script>{% endfor %}
</head><body{% if boost %} hx-boost="true"{% endif %}>
<main>{% block main %}{% endblock %}</main></body></html>
"""
PRODUCT = """{% extends "base.html" %}{% block main %}<h1>Mug</h1>
<div style="width: 900px; max-width: 100%">{{ notify_me(variant) }}</div>
<a href="{{ '/mug' if request.path == '/other' else '/other' }}">Other</a>{% endblock %}
"""
CONTRAST = """element => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const over = ([r, g, b, a], [R, G, B]) =>
    [[r, R], [g, G], [b, B]].map(([top, below]) => (top * a + below * (255 - a)) / 255);
  const ground = (node) => node
    ? over(rgba(getComputedStyle(node).backgroundColor), ground(node.parentElement))
    : [255, 255, 255];
  const luminance = (color) => {
    const [r, g, b] = color.map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const below = ground(element);
  const text = over(rgba(getComputedStyle(element).color), below);
  const [light, dark] = [luminance(text), luminance(below)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}"""


@contextmanager
def host_shop(
    folder: Path, sandbox: Sandbox, config: dict[str, str] | None = None, **context: Any
) -> Iterator[str]:
    """Serve a shop with these stylesheets (`sheets`) and page scripts (`scripts`)."""
    (folder / "templates").mkdir()
    (folder / "templates" / "base.html").write_text(LAYOUT)
    static = folder / "static"
    static.mkdir()
    with zipfile.ZipFile(ASSETS) as assets:
        for name in (*context.get("sheets", ()), *context.get("scripts", ())):
            if name in assets.namelist():
                (static / name).write_bytes(assets.read(name))
    (static / "plain.css").write_text(PLAIN)
    (static / "own.css").write_text(".own { background: rgb(0 80 0); border-radius: 3px }")
    catalog = small_catalog()
    settings: dict[str, Any] = {**sandbox.environ(), **(config or {})}
    app: Flask = in_another_thread(lambda: small_shop(folder, catalog, **settings))
    app.context_processor(lambda: {"sheets": (), "scripts": (), "boost": False, **context})
    [mug] = [variant for variant in catalog.variants.values() if variant.product_id == "mug"]
    app.add_url_rule("/mug", "mug", lambda: render_template_string(PRODUCT, variant=mug))
    app.add_url_rule("/other", "other", lambda: render_template_string(PRODUCT, variant=mug))
    with serve(app) as url:
        yield url
    in_another_thread(lambda: engine_of(app).dispose())


def box(page: Page, selector: str) -> FloatRect:
    """Return where an element is."""
    found = page.locator(selector).bounding_box()
    assert found
    return found


@pytest.mark.parametrize(
    "sheet", ["bootstrap.css", "bulma.css", "pico.css", "tailwind.css", "plain.css"]
)
def test_looks_survive_the_shops_stylesheet(
    page: Page, tmp_path: Path, sandbox: Sandbox, sheet: str
) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    with host_shop(tmp_path, sandbox, sheets=[sheet]) as url:
        page.goto(f"{url}/mug")
        button = page.locator(".notify-me__button")
        assert box(page, ".notify-me__button")["height"] >= 44
        assert box(page, ".notify-me__button")["width"] < 400
        assert button.evaluate(CONTRAST) >= 4.5
        button.hover()
        assert button.evaluate(CONTRAST) >= 4.5
        assert button.evaluate("it => getComputedStyle(it).textDecorationLine") == "none"

        button.click()
        page.locator(".notify-me__submit").click()
        expect(page.locator(".notify-me__error").first).to_be_visible()
        for part in ("title", "body", "label", "input", "error", "submit", "close"):
            for element in page.locator(f".notify-me__{part}:visible").all():
                assert element.evaluate(CONTRAST) >= 4.5, part
        page.locator(".notify-me__submit").hover()
        assert page.locator(".notify-me__submit").evaluate(CONTRAST) >= 4.5

        dialog, title = box(page, ".notify-me__dialog"), box(page, ".notify-me__title")
        close, field = box(page, ".notify-me__close"), box(page, ".notify-me__input")
        submit = box(page, ".notify-me__submit")
        rem = page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)")
        assert dialog["width"] == pytest.approx(27 * rem, abs=2)
        assert dialog["height"] < 700
        assert abs(dialog["x"] + dialog["width"] / 2 - 640) < 10
        assert title["x"] - dialog["x"] >= 20
        assert close["width"] == pytest.approx(close["height"], abs=1)
        assert close["x"] > title["x"]
        assert close["y"] + close["height"] <= field["y"]
        assert field["height"] >= 44
        assert submit["height"] >= 44
        assert submit["width"] == pytest.approx(field["width"], abs=1)


def test_the_shops_own_class_wins_if_it_comes_later(
    page: Page, tmp_path: Path, sandbox: Sandbox
) -> None:
    with host_shop(
        tmp_path, sandbox, config={"NOTIFY_ME_BUTTON__PRODUCT_PAGE_CLASS": "own"}
    ) as url:
        page.goto(f"{url}/mug")
        page.add_style_tag(url=f"{url}/static/own.css")
        style = page.locator(".notify-me__button").evaluate(
            "it => [getComputedStyle(it).backgroundColor, getComputedStyle(it).borderTopLeftRadius]"
        )
        assert style == ["rgb(0, 80, 0)", "3px"]


@pytest.mark.parametrize("script", ["htmx.js", "turbo.js"])
def test_page_scripts_that_swap_pages(
    page: Page, tmp_path: Path, sandbox: Sandbox, script: str
) -> None:
    """A sign-up works after a page swap, and Back shows no half-open dialog."""
    with host_shop(tmp_path, sandbox, scripts=[script], boost=script == "htmx.js") as url:
        page.goto(f"{url}/other")
        page.evaluate("window.sameDocument = true")
        page.get_by_role("link", name="Other").click()
        page.wait_for_url(f"{url}/mug")
        page.locator(".notify-me__button").click()
        dialog = page.locator("dialog.notify-me__dialog")
        expect(dialog).to_be_visible()
        page.evaluate("history.pushState({}, '', '#later')")
        dialog.get_by_role("textbox").fill("ada@example.org")
        page.locator(".notify-me__submit").click()
        expect(dialog.get_by_role("heading")).to_have_text("You’re on the list")
        assert page.evaluate("window.sameDocument")

        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
        page.locator(".notify-me__button").click()
        expect(dialog).to_be_visible()
        page.evaluate("document.querySelector('a[href=\"/other\"]').click()")
        page.wait_for_url(f"{url}/other")
        page.go_back()
        expect(page.locator(".notify-me__button")).to_be_visible()
        expect(dialog).to_have_count(0)
    assert len(sandbox.requests()) == 1
