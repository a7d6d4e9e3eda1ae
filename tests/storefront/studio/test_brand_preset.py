"""The Studio's preset "Your Klaviyo brand", and the brand's colours in its colour controls."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.storefront.conftest import close, make_shop
from tests.storefront.studio.test_studio import Studio
from tests.support import Sandbox


@pytest.fixture
def app(tmp_path: Path, catalog_db: Path, sandbox: Sandbox) -> Iterator[Flask]:
    """A shop that is connected to the sandbox."""
    shutil.copy(catalog_db, tmp_path / "shop.db")
    app = make_shop(tmp_path / "shop.db", **sandbox.environ())
    yield app
    close(app)


def test_studio_has_a_preset_and_swatches_of_the_brand(app: Flask, sandbox: Sandbox) -> None:
    studio = Studio(app.test_client())
    assert "Your Klaviyo brand" in studio.response.text
    assert "Brand colours for" not in studio.response.text

    studio.press("preset:brand", button__label="Mine")

    assert studio.page.one("input", id="set-button-label")["value"] == "Mine"
    assert studio.page.one("input", id="set-modal-text_color")["value"] == "#33404d"
    assert studio.page.one("button", id="preset-brand")["aria-pressed"] == "true"
    assert "Brand colours for Button colour" in studio.response.text
    studio.press("color:button.button_styles.color=#8a5a12")
    assert studio.page.one("input", id="set-button-button_styles-color")["value"] == "#8a5a12"
    assert "--notify-me-button-background:#8a5a12" in studio.client.get("/notify-me/theme.css").text

    sandbox.set("account", brand="poppy")
    studio.press("preset:brand")
    assert studio.page.one("input", id="set-button-button_styles-color")["value"] == "#f0592a"
    assert studio.page.one("input", id="set-button-text_styles-font_color")["value"] == ""
    studio.press("preset:own")
    assert studio.status == "1 change, visible only to you"


def test_studio_says_why_the_brand_cannot_be_read(app: Flask, sandbox: Sandbox) -> None:
    sandbox.set("account", scopes=["accounts:read"])
    studio = Studio(app.test_client())

    response = studio.press("preset:brand")

    assert response.status_code == 422
    assert "lacks the brands:read scope" in response.text
