"""The stylesheet that is generated from the merchant's style settings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import notify_me
from notify_me.settings import Settings
from notify_me.web.theme import Theme, build_theme, contrast_warnings


def css_of(**tables: Any) -> str:
    """Return the stylesheet for these settings."""
    return build_theme(Settings.model_validate(tables)).css


def modal(**values: Any) -> str:
    """Return the stylesheet for these settings of `[modal]`."""
    return css_of(modal=values)


def test_no_stylesheet_without_style_settings() -> None:
    assert build_theme(Settings()) == Theme("", "")
    assert css_of(button={"label": "Tell me"}, trigger={"tag_blocklist": ["hats"]}) == ""


def test_version_follows_the_styles() -> None:
    red, blue = (
        build_theme(Settings.model_validate({"modal": {"text_color": color}}))
        for color in ("red", "blue")
    )

    assert red.version != blue.version
    assert red == build_theme(Settings.model_validate({"modal": {"text_color": "red"}}))


def test_custom_properties_have_no_specificity() -> None:
    css = css_of(
        button={"product_page_width": "50%", "collection_page_width": "40%"},
        modal={"z_index": 7},
    )

    assert css == (
        ":where(notify-me){--notify-me-z-index:7;}\n"
        ":where(notify-me:not(.notify-me--card,.notify-me--page)){--notify-me-button-width:50%;}\n"
        ":where(notify-me.notify-me--card){--notify-me-button-width:40%;}\n"
    )


@pytest.mark.parametrize(
    ("background", "text", "scheme"),
    [
        ("#ffffff", "#1d1d1f", "light"),
        ("#000", "#ffffff", "dark"),
        ("#1a0a2e", "#ffffff", "dark"),
        ("#777777", "#000000", "light"),
        ("#ffe08a", "#1d1d1f", "light"),
    ],
)
def test_background_gets_a_readable_text_colour(background: str, text: str, scheme: str) -> None:
    css = modal(background_color=background)

    assert f"--notify-me-text:{text};" in css
    assert f"--notify-me-scheme:{scheme};" in css


@pytest.mark.parametrize("background", ["rgb(0 0 0 / .5)", "transparent"])
def test_transparent_background_gets_no_text_colour(background: str) -> None:
    css = modal(background_color=background)

    assert "--notify-me-text" not in css
    assert "--notify-me-scheme" not in css


def test_configured_text_colour_is_used() -> None:
    settings = Settings.model_validate(
        {"modal": {"background_color": "#ffffff", "text_color": "#eeeeee"}}
    )

    assert "--notify-me-text:#eeeeee;" in build_theme(settings).css
    [sentence] = contrast_warnings(settings)
    assert sentence.startswith("modal.text_color on modal.background_color has a contrast of 1.2:1")


def test_contrast_warning_names_the_background() -> None:
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
def test_no_contrast_warning_without_a_problem(tables: dict[str, Any]) -> None:
    assert contrast_warnings(Settings.model_validate(tables)) == []


def test_every_modifier_class_of_the_stylesheet_is_set_somewhere() -> None:
    """A template, Python code or the script sets each class. A rule for another class is unused."""
    package = Path(notify_me.__file__).parent
    stylesheet = (package / "static" / "notify-me.css").read_text(encoding="utf-8")
    sources = [*package.rglob("*.html"), *package.rglob("*.py"), *package.rglob("*.js")]
    markup = "".join(file.read_text(encoding="utf-8") for file in sources)

    classes = set(re.findall(r"\.(notify-me--[a-z-]+)", stylesheet))

    assert classes
    assert {name for name in classes if name not in markup} == set()


def test_newer_css_functions_have_a_plain_value_for_older_browsers() -> None:
    """`light-dark()` is only in the block for browsers that have it: the text of the button and of
    the form must be readable without it.
    """
    stylesheet = Path(notify_me.__file__).parent / "static" / "notify-me.css"
    css = stylesheet.read_text(encoding="utf-8")
    block = re.search(r"@supports \(color: light-dark.*?\n}\n", css, re.DOTALL)
    assert block
    rest = re.sub("@supports .*", "", css.replace(block[0], ""))

    overridden = re.findall(r"(--_[a-z-]+):", block[0])

    assert "light-dark(" not in rest
    assert overridden
    assert {name for name in overridden if f"  {name}: " not in rest} == set()
