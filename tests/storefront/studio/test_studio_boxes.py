"""The Studio's presets, the box for the old snippet, and the preview, which sends nothing."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from notify_me import studio as kit
from notify_me.web import theme
from storefront import db
from storefront.studio.changes import check
from storefront.studio.presets import applied, presets
from tests.notify_me.markup import read, view
from tests.storefront.page import Stock
from tests.storefront.studio.test_studio import PARKA, Studio

SNIPPETS = Path(__file__).parents[2] / "notify_me" / "snippet" / "snippets"
PREVIEW = "/studio/preview?state="


@pytest.fixture
def studio(client: FlaskClient) -> Studio:
    """The Studio, open."""
    return Studio(client)


def test_presets_hold_read_well_and_differ(app: Flask) -> None:
    """Four or more, each valid, without a warning, and with looks of its own."""
    assert len(presets()) >= 4
    looks = []
    with app.app_context():
        for name in presets():
            checked = check(applied(name, {}))
            assert (checked.problems, checked.warnings) == ({}, {})
            assert checked.settings is not None
            looks.append(theme.of(checked.settings).css)
    assert len({*looks}) == len(looks)


def test_a_preset_takes_the_place_of_another_and_leaves_the_words(studio: Studio) -> None:
    """Nothing of the one before stays; the shop's own takes all of them away."""
    studio.press("preset:midnight", button__label="Mine")
    studio.press("preset:sorbet")
    page = studio.page
    assert page.one("input", id="set-button-label")["value"] == "Mine"
    assert page.one("input", id="set-modal-background_color")["value"] == "#ffffff"
    assert "drawer" not in studio.client.get(f"{PREVIEW}form").text

    studio.press("preset:own")
    assert studio.status.startswith("1 setting differs")


def test_an_old_snippet_comes_over_with_a_report(studio: Studio) -> None:
    """What it says is applied to this visitor's shop; each option is told with its reason."""
    snippet = (SNIPPETS / "help_centre.html").read_text(encoding="utf-8")
    reply = studio.press("snippet", snippet=snippet)
    text = studio.page.one("div", class_="report").text

    assert reply.status_code == 200
    for title in ("Came over", "Changed on purpose", "Has no effect", "Not supported"):
        assert title in text
    assert "rgb(0 0 0 / 50%), since Klaviyo's script draws it half see-through" in text
    settings = kit_settings(snippet)
    assert settings["button"]["label"] in studio.client.get(PARKA).text
    assert "rgb(0 0 0 / 50%)" in studio.client.get("/notify-me/theme.css").text
    studio.press("undo")
    assert studio.status == "The shop’s own look."


def test_what_a_snippet_wants_and_the_shop_lacks_stays_behind(studio: Studio) -> None:
    """Without a list there is none to ask for; the rest comes over all the same."""
    snippet = """klaviyo.init({account: "XyZ123", list: "AbC123"});
        klaviyo.enable("backinstock", {trigger: {product_page_text: "Write to me"}});"""
    studio.press("snippet", snippet=snippet)
    text = studio.page.one("div", class_="report").text

    assert "Not applied here 1 consent.email_list" in text
    assert "needs KLAVIYO_LIST_ID" in text
    assert "KLAVIYO_PUBLIC_KEY=XyZ123" in text
    assert "Write to me" in studio.client.get(PARKA).text


def kit_settings(snippet: str) -> dict[str, Any]:
    """What the kit reads out of a snippet."""
    return dict(kit.read_snippet(snippet).settings)


def test_a_broken_snippet_is_refused_with_its_line(studio: Studio) -> None:
    """Beside the box, which keeps it, and so do the fields."""
    snippet = (SNIPPETS / "broken.html").read_text(encoding="utf-8")
    for text, words in (
        (snippet, "Line "),
        ("x" * (kit.SNIPPET_LIMIT + 1), "200,001 bytes, and 200,000 at most"),
        (" ", "Paste the part of the theme"),
        ("<p>Hello", "klaviyo"),
    ):
        reply = studio.press("snippet", snippet=text, button__label="Typed")
        assert reply.status_code == 422
        assert words in studio.page.one("p", id="snippet-error").text
        box = studio.page.one("textarea", id="snippet")
        assert box.text == " ".join(text.split())
        assert studio.page.one("input", id="set-button-label")["value"] == "Typed"
    assert "Typed" not in studio.client.get(PARKA).text

    reply = studio.press("snippet", snippet="é" * 1_000_000)
    assert reply.status_code == 422
    assert "That is too much" in studio.page.one("p", id="snippet-error").text


def test_without_the_extra_the_boxes_say_how_to_come_by_it(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sentence with the command, where the libraries are missing."""
    real = importlib.import_module

    def missing(name: str, package: str | None = None) -> Any:
        if name.startswith(("tree_sitter", "tomlkit")):
            raise ModuleNotFoundError(name=name)
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", missing)
    studio.press("snippet", snippet='klaviyo.enable("backinstock", {});')
    assert "pip install restock-kit[import]" in studio.page.one("p", id="snippet-error").text
    assert "pip install restock-kit[import]" in studio.page.one("textarea", id="take-toml").text


def test_a_preview_shows_every_state_on_a_page_of_the_shop(client: FlaskClient) -> None:
    """Framed by the shop alone; the button's has no dialog, the others have it open."""
    replies = {state: client.get(PREVIEW + state) for state in (*kit.STATES, "cards")}
    for reply in replies.values():
        assert "frame-ancestors 'self'" in reply.headers["Content-Security-Policy"]
        assert reply.headers["Cache-Control"] == "private, no-store"
    pages = {state: read(reply.text) for state, reply in replies.items()}

    for state in ("button", "form", "errors", "done"):
        assert pages[state].one("h1").text == "Haar Parka"
        assert pages[state].one("div", class_="buy").all("a")[0].text == "Notify me"
    assert not pages["button"].all("dialog")
    assert "open" in pages["form"].one("dialog")
    assert not pages["form"].all("p", class_="notify-me__error")
    assert "Enter your email address" in pages["errors"].one("dialog").text
    assert "on the list" in pages["done"].one("dialog").text
    assert pages["cards"].all("notify-me", class_="notify-me--card")
    other = read(client.get(f"{PREVIEW}form&product=blatter-souwester").text)
    assert "Blatter" in other.one("dialog").text


def test_a_preview_inline_shows_every_state_in_its_place(studio: Studio) -> None:
    """With presentation = inline there is no dialog: the view itself is the state."""
    studio.press(modal__presentation="inline")
    for state, words in (
        ("form", "Email"),
        ("errors", "Enter your"),
        ("done", "You're on the list"),
    ):
        page = read(studio.client.get(PREVIEW + state).text)
        assert not page.all("dialog")
        assert words in page.one("notify-me", class_="notify-me--inline").text


def test_a_preview_sends_and_logs_nothing(app: Flask, client: FlaskClient) -> None:
    """Its forms lead to more of the preview: the real check, then a thanks as if."""
    page = read(client.get(f"{PREVIEW}form").text)
    link = page.one("div", class_="buy").all("a")[0]["href"]
    action = page.one("form", class_="notify-me__form")["action"]
    assert "preview=1" in link
    assert "preview=1" in action
    assert (
        "preview=1"
        in view(client.get(link, headers={"X-Notify-Me": "1"})).one(
            "form", class_="notify-me__form"
        )["action"]
    )

    for headers in ({"X-Notify-Me": "1"}, {}):
        wrong = client.post(action, data={"channels": "EMAIL"}, headers=headers)
        assert wrong.status_code == 422
        assert "Enter your email address" in view(wrong).text
        reply = client.post(
            action, data={"channels": "EMAIL", "email": "ada@lovelace.dev"}, headers=headers
        )
        if reply.status_code == 303:
            reply = client.get(reply.location)
        assert reply.status_code == 200
        assert "on the list" in view(reply).text
    with app.app_context():
        assert db.session.scalar(sa.text("SELECT count(*) FROM notify_me_sign_up")) == 0


def test_a_preview_says_when_no_button_shows(studio: Studio, stock: Stock) -> None:
    """By the trigger's settings, or since nothing is sold out."""
    studio.press(trigger__tag_allowlist=["nothing has this"])
    text = read(studio.client.get(f"{PREVIEW}form").text).text
    assert "No button shows here" in text

    with stock.app.app_context():
        db.session.execute(sa.text("UPDATE shop_variant SET quantity = 5"))
        db.session.commit()
    studio.press("reset")
    assert "Everything is in stock" in studio.page.text
    assert studio.client.get(f"{PREVIEW}form").status_code == 404


def test_what_is_previewed_stays_in_the_address(studio: Studio) -> None:
    """State, width, scheme and product are kept from one press to the next."""
    chosen = {"state": "done", "width": "phone", "scheme": "dark", "product": "haar-parka"}
    reply = studio.press(**chosen)
    assert (
        reply.location
        == "/studio?state=done&width=phone&scheme=dark&product=haar-parka&language=en"
    )
    assert "state=done" in studio.page.one("iframe")["src"]
    assert "frame-src 'self'" in studio.reply.headers["Content-Security-Policy"]
