"""The merchant's looks as a stylesheet."""

from __future__ import annotations

from typing import Any

import pytest

from notify_me.settings import Settings
from notify_me.web.theme import Theme, contrast_warnings, of


def themed(**tables: Any) -> str:
    """The stylesheet of these settings."""
    return of(Settings.model_validate(tables)).css


def modal(**values: Any) -> str:
    """The stylesheet of these settings of `[modal]`."""
    return themed(modal=values)


def test_without_settings_there_is_none() -> None:
    """Words and behaviour make no stylesheet either."""
    assert of(Settings()) == Theme("", "")
    assert themed(button={"label": "Tell me"}, trigger={"tag_blocklist": ["hats"]}) == ""


def test_the_version_follows_the_looks() -> None:
    """Another colour has another address; the same has the same."""
    red, blue = (
        of(Settings.model_validate({"modal": {"text_color": color}})) for color in ("red", "blue")
    )

    assert red.version != blue.version
    assert red == of(Settings.model_validate({"modal": {"text_color": "red"}}))


def test_properties_have_no_weight() -> None:
    """A shop's own `notify-me { … }` wins, wherever it stands."""
    found = themed(
        button={"product_page_width": "50%", "collection_page_width": "40%"},
        modal={"z_index": 7},
    )

    assert found == (
        ":where(notify-me){--notify-me-z-index:7;}\n"
        ":where(notify-me:not(.notify-me--card,.notify-me--page)){--notify-me-button-width:50%;}\n"
        ":where(notify-me.notify-me--card){--notify-me-button-width:40%;}\n"
    )


@pytest.mark.parametrize(
    ("ground", "text", "scheme"),
    [
        ("#ffffff", "#1d1d1f", "light"),
        ("#000", "#ffffff", "dark"),
        ("#1a0a2e", "#ffffff", "dark"),
        ("#777777", "#000000", "light"),
        ("#ffe08a", "#1d1d1f", "light"),
    ],
)
def test_a_ground_brings_words_that_can_be_read(ground: str, text: str, scheme: str) -> None:
    """White where that does, else black; whatever a visitor's scheme is."""
    found = modal(background_color=ground)

    assert f"--notify-me-text:{text};" in found
    assert f"--notify-me-scheme:{scheme};" in found


@pytest.mark.parametrize("ground", ["rgb(0 0 0 / .5)", "transparent"])
def test_a_see_through_ground_brings_none(ground: str) -> None:
    """What is behind it isn't known."""
    found = modal(background_color=ground)

    assert "--notify-me-text" not in found
    assert "--notify-me-scheme" not in found


def test_what_is_given_is_taken() -> None:
    """However hard to read; that is a warning's matter."""
    settings = Settings.model_validate(
        {"modal": {"background_color": "#ffffff", "text_color": "#eeeeee"}}
    )

    assert "--notify-me-text:#eeeeee;" in of(settings).css
    [sentence] = contrast_warnings(settings)
    assert sentence.startswith("modal.text_color on modal.background_color has a contrast of 1.2:1")


def test_a_warning_names_the_ground_that_is_meant() -> None:
    """An error without a ground of its own stands on the form's."""
    settings = Settings.model_validate(
        {"modal": {"background_color": "#ffffff", "error_text_color": "#ff8888"}}
    )

    [sentence] = contrast_warnings(settings)
    assert sentence.startswith("modal.error_text_color on modal.background_color")


@pytest.mark.parametrize(
    "tables",
    [
        {},
        {"modal": {"background_color": "#ffffff"}},
        {"modal": {"background_color": "#ffffff", "text_color": "#767676"}},
        {"button": {"button_styles": {"color": "#1f4a46"}, "text_styles": {"font_color": "#fff"}}},
        {"modal": {"background_color": "rgb(0 0 0 / .5)", "text_color": "#000"}},
    ],
)
def test_no_warning_without_a_reason(tables: dict[str, Any]) -> None:
    """Enough contrast, or one that can't be known."""
    assert contrast_warnings(Settings.model_validate(tables)) == []
