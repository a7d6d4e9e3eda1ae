"""Any brand that fits the API's schema, even a hostile one, gives valid and readable styles."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import tinycss2
from hypothesis import example, given, settings
from hypothesis import strategies as st

from notify_me.brand.convert import ImportedBrand, brand_settings, report
from notify_me.brand.reading import Brand
from notify_me.brand.toml_file import merged
from notify_me.settings import Settings
from notify_me.settings.css import contrast_ratio, mix
from notify_me.web.theme import build_theme, contrast_warnings

HOSTILE = [
    "red;}body{display:none",
    "url(javascript:alert(1))",
    "expression(alert(1))",
    "</style><script>alert(1)</script>",
    "var(--x)",
    "\x00\x1b[31m",
    "inherit",
    "currentcolor",
    "transparent",
    "#ffffff80",
    "rgb(300 -20 0)",
    'Arial\n"""\n[consent]\nbrand = "x',
    "'; --x: 1",
    "\\31 23",
    "",
]
hex_colors = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
colors = st.one_of(hex_colors, hex_colors.map(lambda color: color[1:]), st.sampled_from(HOSTILE))
fonts = st.one_of(
    st.sampled_from(
        ["Arial, sans-serif", "'Poppins', Arial", "Poppins", "Georgia, serif", "sans-serif"]
    ),
    st.sampled_from(HOSTILE),
    st.text(max_size=40),
)
integers = st.one_of(st.integers(-5, 130), st.sampled_from([999, 2**63, -1]))


def objects(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for an object that may be null, or have null or missing members."""
    optional = {name: st.none() | values for name, values in members.items()}
    return st.none() | st.fixed_dictionaries({}, optional=optional)


text_styles = objects(
    color=colors,
    font_size=integers,
    font_style=st.sampled_from(["italic", "normal", "oblique"]),
    font_family=fonts,
    font_weight=st.sampled_from([100, 400, 900, 1, 1000]),
    letter_spacing=st.one_of(integers, st.sampled_from(["1px", "0.5", "1em", "normal", *HOSTILE])),
    text_decoration=st.sampled_from(["", "none", "underline", "line-through underline", "blink"]),
)
shadows = st.one_of(
    st.builds("{}px {}px {}px {}".format, integers, integers, integers, colors),
    st.sampled_from(["none", "inset 0 0 4px #000", "0 0 4px #000, 0 0 8px red", *HOSTILE]),
)
buttons = objects(
    style=objects(
        background_color=colors,
        border_radius=integers,
        box_shadow=shadows,
        is_shadow_active=st.booleans(),
    ),
    border=objects(
        border_color=colors,
        border_style=st.sampled_from(["dashed", "dotted", "solid", "double"]),
        border_width=integers,
        is_border_active=st.booleans(),
    ),
    spacing=objects(padding_top=integers, padding_bottom=integers),
    text=text_styles,
)
emails = objects(body_background_color=colors, text=text_styles, h1_text=text_styles)
brands = st.builds(
    Brand, button=buttons.map(lambda button: button or {}), email_body=emails.map(lambda b: b or {})
)
BEFORE = """\
[button]
label = "Tell me"  # mine
text_styles.font_color = "#808080"

[modal]
text_color = "#808080"
error_text_color = "#808080"
button_text_color = "#808080"
"""
MID_GREYS = Brand(
    button={"style": {"background_color": "#767676"}, "text": {"color": "#ffffff"}},
    email_body={"body_background_color": "#767676", "text": {"color": "#fff"}},
)


@example(MID_GREYS)
@given(brands)
@settings(max_examples=2 * settings().max_examples, deadline=None)
def test_settings_are_valid_readable_and_only_those_of_the_brand(brand: Brand) -> None:
    imported = brand_settings(brand)
    text = merged(BEFORE, imported.settings)

    changed = Settings.model_validate(tomllib.loads(text))
    assert 'label = "Tell me"  # mine' in text
    assert changed.consent == Settings().consent
    css = build_theme(changed).css
    check_css(css)
    check_contrast(css, imported)
    assert not re.search("[\x00\x1b]", report(imported))
    if {"button.button_styles.color", "modal.background_color"} <= imported.settings.keys():
        assert contrast_warnings(changed) == []


@given(brands)
@settings(deadline=None)
def test_value_that_is_not_imported_has_a_reason(brand: Brand) -> None:
    imported = brand_settings(brand)

    noted = {note.source for note in imported.notes}
    assert all(note.reason for note in imported.notes)
    for name, part, path in (
        ("button", brand.button, "style.background_color"),
        ("button", brand.button, "text.font_family"),
        ("email", brand.email_body, "body_background_color"),
        ("email", brand.email_body, "text.font_family"),
    ):
        value: Any = part
        for key in path.split("."):
            value = (value or {}).get(key)
        assert (value is not None) == (f"{name} {path}" in noted)


def check_css(css: str) -> None:
    """Check that the stylesheet parses, and has nothing but the theme's rules."""
    for rule in tinycss2.parse_stylesheet(css, skip_whitespace=True):
        assert rule.type == "qualified-rule", css
        for declaration in tinycss2.parse_blocks_contents(rule.content, skip_whitespace=True):
            assert declaration.type == "declaration", css
            assert not any(token.type in ("error", "url") for token in declaration.value)
    assert not re.search("<|javascript", css)


def check_contrast(css: str, imported: ImportedBrand) -> None:
    """Check the contrast of each text with its background, as the stylesheet combines them."""
    values = dict(re.findall(r"--notify-me-([a-z-]+):([^;]+);", css))
    pairs = []
    if "button.button_styles.color" in imported.settings:
        pairs += [("button-color", values["button-background"])]
    if "modal.background_color" in imported.settings:
        surface = values["surface"]
        tint = values.get("error-background") or mix(values["error"], 0.1, surface) or ""
        pairs += [("text", surface), ("error", surface), ("alert", tint)]
        values.setdefault("alert", values["text"])
        if values["muted"] == "initial":
            values["muted"] = mix(values["text"], 0.7, surface) or ""
        pairs += [("muted", surface), ("alert", surface)]
    for name, background in pairs:
        assert (contrast_ratio(values[name], background) or 0) >= 4.5, (name, values)
