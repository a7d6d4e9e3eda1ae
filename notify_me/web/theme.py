"""The merchant's looks as a stylesheet of custom properties: parsed values alone reach it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from ..settings import Settings
from ..settings.css import contrast_ratio
from ..settings.tables.button import Button
from ..settings.tables.modal import Modal

LEAST_CONTRAST = 4.5
"""Of text to its background, by WCAG 2.2 (1.4.3)."""

_SIDES = {"left": "start", "center": "center", "right": "end"}
"""Klaviyo's words for what turns round in a page that runs from right to left."""
_WHITE, _INK, _BLACK = "#ffffff", "#1d1d1f", "#000000"
_REDS = ("#b3261e", "#ffa49b")

_BUTTON = "notify-me a:where(.notify-me__button),notify-me button:where(.notify-me__submit)"
_SUBMIT = "notify-me button:where(.notify-me__submit)"
_TITLE = "notify-me :is(h1,h2):where(.notify-me__title)"
_FIRM = {
    "button-font-family": (_BUTTON, "font-family"),
    "button-font-size": (_BUTTON, "font-size"),
    "button-font-weight": (_BUTTON, "font-weight"),
    "button-color": (_BUTTON, "color"),
    "button-font-style": (_BUTTON, "font-style"),
    "button-text-decoration": (_BUTTON, "text-decoration"),
    "button-letter-spacing": (_BUTTON, "letter-spacing"),
    "button-background": (_BUTTON, "background"),
    "button-radius": (_BUTTON, "border-radius"),
    "button-border": (_BUTTON, "border"),
    "button-shadow": (_BUTTON, "box-shadow"),
    "submit-background": (_SUBMIT, "background"),
    "submit-color": (_SUBMIT, "color"),
    "headers-font": (_TITLE, "font-family"),
}
"""What a shop's rules for `a`, `button` and `h2` would else undo. Two elements outweigh those; any
class of the shop's outweighs them.
"""
_ROOM = {"error": "padding:.5rem .75rem;", "success": "clear:both;padding:1rem;"}
"""What has a ground of its own needs room around the words; the cross that closes stays off it."""


@dataclass(frozen=True, slots=True)
class Theme:
    """A stylesheet and the name of its version; both empty where the settings say nothing."""

    css: str
    version: str


@lru_cache(maxsize=64)
def of(settings: Settings) -> Theme:
    """The theme that these settings make."""
    everywhere = dict(_everywhere(settings))
    # without weight, so that a rule of the shop's for notify-me wins
    rules = {
        ":where(notify-me)": everywhere,
        ":where(notify-me:not(.notify-me--card,.notify-me--page))": dict(_product_page(settings)),
        ":where(notify-me.notify-me--card)": dict(_listing_card(settings)),
    }
    css = "".join(f"{selector}{{{_lines(found)}}}\n" for selector, found in rules.items() if found)
    firm: dict[str, str] = {}
    for name in everywhere:
        if name in _FIRM:
            selector, css_property = _FIRM[name]
            firm[selector] = f"{firm.get(selector, '')}{css_property}:var(--notify-me-{name});"
    if "text" in everywhere:
        # of the ground that it stands on: the form's or the done view's
        firm[_TITLE] = f"{firm.get(_TITLE, '')}color:inherit;"
    for name, room in _ROOM.items():
        if f"{name}-background" in everywhere:
            firm[f":where(.notify-me__{name})"] = room
    css += "".join(f"{selector}{{{lines}}}\n" for selector, lines in firm.items())
    return Theme(css, hashlib.sha256(css.encode()).hexdigest()[:12] if css else "")


def _lines(found: Mapping[str, str]) -> str:
    return "".join(f"--notify-me-{name}:{value};" for name, value in found.items())


def _everywhere(settings: Settings) -> Iterator[tuple[str, str]]:
    yield from _button(settings.button)
    yield from _form(settings.modal)


def _button(button: Button) -> Iterator[tuple[str, str]]:
    text, box = button.text_styles, button.button_styles
    yield from _given(
        {
            "button-font-family": text.font_family,
            "button-font-size": _px(text.font_size),
            "button-font-weight": text.font_weight,
            "button-color": text.font_color or _readable(box.color),
            "button-font-style": text.font_style,
            "button-text-decoration": text.text_decoration,
            "button-letter-spacing": _px(text.letter_spacing),
            "button-background": box.color,
            "button-radius": _px(box.border_radius),
            "button-height": _px(box.height),
            "button-width": {"fitToText": "auto", "fullWidth": "100%"}.get(box.width or ""),
            "button-alignment": _SIDES.get(box.alignment or ""),
        }
    )
    if box.border.enabled:
        yield "button-border", f"{_px(box.border.width)} {box.border.style} {box.border.color}"
    if box.drop_shadow.enabled:
        shadow = box.drop_shadow
        lengths = " ".join(
            str(_px(each)) for each in (shadow.x_offset, shadow.y_offset, shadow.blur)
        )
        yield "button-shadow", f"{lengths} {shadow.color}"


def _form(modal: Modal) -> Iterator[tuple[str, str]]:
    ground = modal.background_color
    error = modal.error_text_color or _readable(modal.error_background_color, *_REDS)
    found: dict[str, object] = {
        "backdrop": modal.drop_background_color,
        "surface": ground,
        "text": modal.text_color or _readable(ground),
        "font": modal.font_family,
        "headers-font": modal.headers_font_family,
        "submit-background": modal.button_background_color,
        "submit-color": modal.button_text_color or _readable(modal.button_background_color),
        "close-color": modal.close_button_color,
        "error-background": modal.error_background_color,
        "error": modal.error_text_color or _readable(ground, *_REDS),
        "alert": error,
        "success-background": modal.success_background_color,
        "success": modal.success_text_color or _readable(modal.success_background_color),
        "z-index": modal.z_index,
    }
    if ground:
        # the shop's own were chosen for another ground: these are mixed from text and ground
        found |= dict.fromkeys(("muted", "border", "accent"), "initial")
        found["scheme"] = {_WHITE: "dark", None: None}.get(_readable(ground), "light")
    yield from _given(found)


def _readable(ground: str | None, *colors: str) -> str | None:
    """The first of the colours, of white and of black that can be read on this ground; None where
    that can't be known.
    """
    if ground is None or contrast_ratio(_WHITE, ground) is None:
        return None
    choice = (*colors, _WHITE, _INK, _BLACK)
    return next(each for each in choice if (contrast_ratio(each, ground) or 0) >= LEAST_CONTRAST)


def _product_page(settings: Settings) -> Iterator[tuple[str, str]]:
    button = settings.button
    align = button.product_page_text_align
    yield from _given(
        {
            "button-text-align": _SIDES.get(align or ""),
            "button-margin": button.product_page_margin,
            "button-width": button.product_page_width,
        }
    )


def _listing_card(settings: Settings) -> Iterator[tuple[str, str]]:
    button = settings.button
    align = button.collection_page_text_align
    yield from _given(
        {
            "button-text-align": _SIDES.get(align or ""),
            "button-width": button.collection_page_width,
            "button-padding": button.collection_page_padding,
        }
    )


def _given(found: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    return ((name, str(value)) for name, value in found.items() if value is not None)


def _px(value: float | None) -> str | None:
    return None if value is None else f"{value:g}px"


def contrast_warnings(settings: Settings) -> list[str]:
    """Sentences about text that is hard to read on its ground, as far as the settings tell."""
    text, box, modal = settings.button.text_styles, settings.button.button_styles, settings.modal
    button = "button.button_styles.color", box.color
    form = "modal.background_color", modal.background_color
    grounds = {
        ("button.text_styles.font_color", text.font_color): (button,),
        ("modal.text_color", modal.text_color): (form,),
        ("modal.button_text_color", modal.button_text_color): (
            ("modal.button_background_color", modal.button_background_color),
            button,
        ),
        ("modal.error_text_color", modal.error_text_color): (
            ("modal.error_background_color", modal.error_background_color),
            form,
        ),
        ("modal.success_text_color", modal.success_text_color): (
            ("modal.success_background_color", modal.success_background_color),
            form,
        ),
    }
    sentences = []
    for (front, color), places in grounds.items():
        back, ground = next((each for each in places if each[1]), ("", None))
        # words that aren't given follow their ground
        ratio = contrast_ratio(color, ground) if color and ground else None
        if ratio is not None and ratio < LEAST_CONTRAST:
            sentences.append(
                f"{front} on {back} has a contrast of {ratio:.1f}:1, which many can't read: "
                f"{LEAST_CONTRAST}:1 is the least"
            )
    return sentences
