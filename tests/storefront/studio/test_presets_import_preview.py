"""The Studio's presets, the import of Klaviyo's script, and the preview."""

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
from storefront.studio.presets import apply_preset, presets
from tests.notify_me.markup import read, view
from tests.storefront.page import Stock
from tests.storefront.studio.test_studio import PARKA, Studio

SNIPPETS = Path(__file__).parents[2] / "notify_me" / "snippet" / "snippets"
PREVIEW = "/studio/preview?state="


@pytest.fixture
def studio(client: FlaskClient) -> Studio:
    """The Studio, open."""
    return Studio(client)


def test_presets_are_valid_and_distinct(app: Flask) -> None:
    """No preset causes a contrast warning."""
    styles = []
    with app.app_context():
        for name in presets():
            checked = check(apply_preset(name, {}))
            assert (checked.problems, checked.warnings) == ({}, {})
            assert checked.settings is not None
            styles.append(theme.build_theme(checked.settings).css)
    assert len({*styles}) == len(styles)


def test_preset_replaces_another_and_keeps_the_wording(studio: Studio) -> None:
    studio.press("preset:midnight", button__label="Mine")
    studio.press("preset:sorbet")
    page = studio.page
    assert page.one("input", id="set-button-label")["value"] == "Mine"
    assert page.one("input", id="set-modal-background_color")["value"] == "#ffffff"
    assert "drawer" not in studio.client.get(f"{PREVIEW}form").text

    studio.press("preset:own")
    assert studio.status == "1 change, visible only to you"


def test_klaviyos_script_is_imported_with_a_report(studio: Studio) -> None:
    snippet = (SNIPPETS / "help_centre.html").read_text(encoding="utf-8")
    response = studio.press("snippet", snippet=snippet)
    text = studio.page.one("div", class_="report").text

    assert response.status_code == 200
    for title in ("Imported", "Nothing to import", "Not imported"):
        assert title in text
    label = kit.read_snippet(snippet).settings["button"]["label"]
    assert label in studio.client.get(PARKA).text
    assert "#439fdb" in studio.client.get("/notify-me/theme.css").text
    studio.press("undo")
    assert studio.status == "No changes"


def test_settings_that_this_shop_cannot_use_are_not_imported(studio: Studio) -> None:
    """The script asks for consent to a list, which this shop doesn't have."""
    snippet = """klaviyo.init({account: "XyZ123", list: "AbC123"});
        klaviyo.enable("backinstock", {trigger: {product_page_text: "Email me"}});"""
    studio.press("snippet", snippet=snippet)
    text = studio.page.one("div", class_="report").text

    assert "Not applied 1 consent.email_list" in text
    assert "needs KLAVIYO_LIST_ID" in text
    assert "KLAVIYO_PUBLIC_KEY=XyZ123" in text
    assert "Email me" in studio.client.get(PARKA).text


def test_invalid_script_is_an_error_and_keeps_all_input(studio: Studio) -> None:
    snippet = (SNIPPETS / "broken.html").read_text(encoding="utf-8")
    for text, problem in (
        (snippet, "Line "),
        ("x" * (kit.SNIPPET_LIMIT + 1), "This script is 200,001 bytes; the limit is 200,000."),
        (" ", "Paste the part of the theme"),
        ("<p>Hello", "klaviyo"),
    ):
        response = studio.press("snippet", snippet=text, button__label="Typed")
        assert response.status_code == 422
        assert problem in studio.page.one("p", id="snippet-error").text
        field = studio.page.one("textarea", id="snippet")
        assert field.text == " ".join(text.split())
        assert studio.page.one("input", id="set-button-label")["value"] == "Typed"
    assert "Typed" not in studio.client.get(PARKA).text

    response = studio.press("snippet", snippet="é" * 1_000_000)
    assert response.status_code == 422
    assert "This script is too long" in studio.page.one("p", id="snippet-error").text


def test_without_the_import_extra_the_command_to_install_it_is_shown(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.import_module

    def missing(name: str, package: str | None = None) -> Any:
        if name.startswith(("tree_sitter", "tomlkit")):
            raise ModuleNotFoundError(name=name)
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", missing)
    studio.press("snippet", snippet='klaviyo.enable("backinstock", {});')
    assert 'pip install "restock-kit[import]"' in studio.page.one("p", id="snippet-error").text
    assert 'pip install "restock-kit[import]"' in studio.page.one("textarea", id="export-toml").text


def test_preview_shows_every_state_on_a_page_of_the_shop(client: FlaskClient) -> None:
    """Only the shop may frame the preview; `form`, `errors` and `done` have an open dialog."""
    responses = {state: client.get(PREVIEW + state) for state in (*kit.STATES, "cards")}
    for response in responses.values():
        assert "frame-ancestors 'self'" in response.headers["Content-Security-Policy"]
        assert response.headers["Cache-Control"] == "private, no-store"
    pages = {state: read(response.text) for state, response in responses.items()}

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


def test_preview_of_an_inline_form_has_no_dialog(studio: Studio) -> None:
    studio.press(modal__presentation="inline")
    for state, text in (
        ("form", "Email"),
        ("errors", "Enter your"),
        ("done", "You’re on the list"),
    ):
        page = read(studio.client.get(PREVIEW + state).text)
        assert not page.all("dialog")
        assert text in page.one("notify-me", class_="notify-me--inline").text


def test_preview_validates_but_neither_sends_nor_logs(app: Flask, client: FlaskClient) -> None:
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
        invalid = client.post(action, data={"channels": "EMAIL"}, headers=headers)
        assert invalid.status_code == 422
        assert "Enter your email address" in view(invalid).text
        response = client.post(
            action, data={"channels": "EMAIL", "email": "ada@lovelace.dev"}, headers=headers
        )
        if response.status_code == 303:
            response = client.get(response.location)
        assert response.status_code == 200
        assert "on the list" in view(response).text
    with app.app_context():
        assert db.session.scalar(sa.text("SELECT count(*) FROM notify_me_sign_up")) == 0


def test_preview_without_a_button_says_why(studio: Studio, stock: Stock) -> None:
    """The reason is either the trigger's settings, or that nothing is sold out."""
    studio.press(trigger__tag_allowlist=["nothing has this"])
    text = read(studio.client.get(f"{PREVIEW}form").text).text
    assert "No button to preview" in text

    with stock.app.app_context():
        db.session.execute(sa.text("UPDATE shop_variant SET quantity = 5"))
        db.session.commit()
    studio.press("reset")
    assert "Everything is in stock" in studio.page.text
    assert studio.client.get(f"{PREVIEW}form").status_code == 404
    # the listing shows a product as sold out, without changing the stock
    listing = read(studio.client.get(f"{PREVIEW}cards").text)
    assert len(listing.all("notify-me", class_="notify-me--card")) == 1
    assert not read(studio.client.get("/").text).all("notify-me", class_="notify-me--card")


def test_preview_options_stay_in_the_url(studio: Studio) -> None:
    options = {"state": "done", "width": "phone", "scheme": "dark", "product": "haar-parka"}
    response = studio.press(**options)
    assert (
        response.location
        == "/studio?state=done&width=phone&scheme=dark&product=haar-parka&language=en&level=basic"
    )
    assert "state=done" in studio.page.one("iframe")["src"]
    assert "scheme=dark" in studio.page.one("iframe")["src"]
    assert "frame-src 'self'" in studio.response.headers["Content-Security-Policy"]
