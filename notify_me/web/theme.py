"""The merchant's styles, as a stylesheet of custom properties. Their values are valid CSS."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from ..settings import Settings
from ..settings.css import MIN_CONTRAST, contrast_ratio, mix
from ..settings.tables.button import Button
from ..settings.tables.modal import Modal

_LOGICAL_SIDES = {"left": "start", "center": "center", "right": "end"}
"""CSS's logical sides, which are swapped on a right-to-left page, by Klaviyo's names."""
_WHITE, _DARK_GREY, _BLACK = "#ffffff", "#1d1d1f", "#000000"
_REDS = ("#b3261e", "#ffa49b")

MUTED_SHARE, TINT_SHARE = 0.7, 0.1
"""The share of the text colour in the colour of hints, and of the error colour in the background of
alerts. The stylesheet mixes both with the form's background.
"""

DARK_PAGE, DARK_EDGE = "#16191c", "1px solid light-dark(transparent,rgb(255 255 255/35%))"
"""A typical background in dark mode, and the border of a button that would not stand out from it.
"""
MIN_EDGE_CONTRAST = 2

_BUTTON = "notify-me a:where(.notify-me__button),notify-me button:where(.notify-me__submit)"
_SUBMIT = "notify-me button:where(.notify-me__submit)"
_TITLE = "notify-me :is(h1,h2):where(.notify-me__title)"
_RULES = {
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
"""Properties that a shop's rules for `a`, `button` and `h2` would override. The selectors have two
elements, so they are more specific than such rules, but less specific than the shop's classes.
"""
_PADDING = {"error": "padding:.5rem .75rem;", "success": "clear:both;padding:1rem;"}
"""Padding for parts that have their own background; they must not overlap the close button."""


@dataclass(frozen=True, slots=True)
class Theme:
    """A stylesheet and its version; both empty if the settings have no styles."""

    css: str
    version: str


@lru_cache(maxsize=64)
def build_theme(settings: Settings) -> Theme:
    """Return the stylesheet for these settings."""
    button = settings.button
    properties = _button(button) | _form(settings.modal)
    custom_properties = {
        # with zero specificity, so that a shop's rule for notify-me takes precedence
        ":where(notify-me)": properties,
        ":where(notify-me:not(.notify-me--card,.notify-me--page))": _without_none(
            {
                "button-text-align": _LOGICAL_SIDES.get(button.product_page_text_align or ""),
                "button-margin": button.product_page_margin,
                "button-width": button.product_page_width,
            }
        ),
        ":where(notify-me.notify-me--card)": _without_none(
            {
                "button-text-align": _LOGICAL_SIDES.get(button.collection_page_text_align or ""),
                "button-width": button.collection_page_width,
                "button-padding": button.collection_page_padding,
            }
        ),
    }
    rules = {
        selector: "".join(f"--notify-me-{name}:{value};" for name, value in values.items())
        for selector, values in custom_properties.items()
        if values
    }
    for name in properties:
        if name in _RULES:
            selector, css_property = _RULES[name]
            rule = f"{css_property}:var(--notify-me-{name});"
            rules[selector] = rules.get(selector, "") + rule
    if "text" in properties:
        # the colour of the form or of the confirmation, whichever the title is in
        rules[_TITLE] = rules.get(_TITLE, "") + "color:inherit;"
    for name, padding in _PADDING.items():
        if f"{name}-background" in properties:
            rules[f":where(.notify-me__{name})"] = padding
    css = "".join(f"{selector}{{{declarations}}}\n" for selector, declarations in rules.items())
    return Theme(css, hashlib.sha256(css.encode()).hexdigest()[:12] if css else "")


def _button(button: Button) -> dict[str, str]:
    text, box = button.text_styles, button.button_styles
    border, shadow = box.border, box.drop_shadow
    offsets = f"{shadow.x_offset:g}px {shadow.y_offset:g}px {shadow.blur:g}px"
    return _without_none(
        {
            "button-font-family": text.font_family,
            "button-font-size": _px(text.font_size),
            "button-font-weight": text.font_weight,
            "button-color": text.font_color or _readable_color(box.color),
            "button-font-style": text.font_style,
            "button-text-decoration": text.text_decoration,
            "button-letter-spacing": _px(text.letter_spacing),
            "button-background": box.color,
            "button-radius": _px(box.border_radius),
            "button-height": _px(box.height),
            "button-width": {"fitToText": "auto", "fullWidth": "100%"}.get(box.width or ""),
            "button-alignment": _LOGICAL_SIDES.get(box.alignment or ""),
            "button-border": f"{border.width:g}px {border.style} {border.color}"
            if border.enabled
            else _edge(box.color),
            "button-shadow": f"{offsets} {shadow.color}" if shadow.enabled else None,
        }
    )


def _edge(color: str | None) -> str | None:
    """Return a border that keeps a dark button visible on a dark page; None for other buttons."""
    ratio = contrast_ratio(color, DARK_PAGE) if color else None
    return DARK_EDGE if ratio is not None and ratio < MIN_EDGE_CONTRAST else None


def _form(modal: Modal) -> dict[str, str]:
    background = modal.background_color
    text = modal.text_color or _readable_color(background)
    error = modal.error_text_color or _readable_color(background, *_REDS)
    alert_color = _readable_color(modal.error_background_color, *_REDS)
    properties: dict[str, object] = {
        "backdrop": modal.drop_background_color,
        "surface": background,
        "text": text,
        "font": modal.font_family,
        "headers-font": modal.headers_font_family,
        "submit-background": modal.button_background_color,
        "submit-color": modal.button_text_color or _readable_color(modal.button_background_color),
        "close-color": modal.close_button_color,
        "error-background": modal.error_background_color,
        "error": error,
        "alert": modal.error_text_color or alert_color,
        "success-background": modal.success_background_color,
        "success": modal.success_text_color or _readable_color(modal.success_background_color),
        "z-index": modal.z_index,
    }
    if background:
        # the shop's own values for these properties suit a different background; `initial` makes
        # the stylesheet derive them from the text and background colours
        properties |= dict.fromkeys(("muted", "border", "accent"), "initial")
        if text and not _is_readable(mix(text, MUTED_SHARE, background), background):
            properties["muted"] = text
        has_error_colors = modal.error_background_color or modal.error_text_color
        tint = mix(error, TINT_SHARE, background) if error else None
        if error and not has_error_colors and not _is_readable(text, tint):
            # the text of an alert wouldn't be readable on a tint of the error colour, so the alert
            # has no tint, and its text has the error colour
            properties |= {"error-background": background, "alert": error}
        text_color = _readable_color(background)
        properties["scheme"] = {_WHITE: "dark", None: None}.get(text_color, "light")
    return _without_none(properties)


def _is_readable(color: str | None, background: str | None) -> bool:
    """Return whether text is readable; True if that is unknown."""
    ratio = contrast_ratio(color, background) if color and background else None
    return ratio is None or ratio >= MIN_CONTRAST


def _readable_color(background: str | None, *preferred: str) -> str | None:
    """Return the first colour that is readable on this background: one of `preferred`, or else
    white, dark grey or black. Return None if the background's luminance is unknown.
    """
    if background is None or contrast_ratio(_WHITE, background) is None:
        return None
    for color in (*preferred, _WHITE, _DARK_GREY):
        if (contrast_ratio(color, background) or 0) >= MIN_CONTRAST:
            return color
    return _BLACK


def _without_none(properties: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in properties.items() if value is not None}


def _px(value: float | None) -> str | None:
    return None if value is None else f"{value:g}px"


@dataclass(frozen=True, slots=True)
class Contrast:
    """The contrast between two settings: a text colour and its background."""

    text_key: str
    background_key: str
    ratio: float
    """From 1 to 21, as WCAG defines it."""

    @property
    def is_readable(self) -> bool:
        """Whether it is at least `MIN_CONTRAST`."""
        return self.ratio >= MIN_CONTRAST


def contrast_warnings(settings: Settings) -> list[str]:
    """Return a sentence for each text colour whose contrast with its background is too low."""
    return [
        f"{pair.text_key} on {pair.background_key} has a contrast of {pair.ratio:.1f}:1, which is "
        f"hard to read: use at least {MIN_CONTRAST}:1"
        for pair in contrasts(settings)
        if not pair.is_readable
    ]


def contrasts(settings: Settings) -> list[Contrast]:
    """Return the contrast of each text colour whose background is set. If the text colour isn't
    set, the colour that the kit uses instead is compared.
    """
    text, box, modal = settings.button.text_styles, settings.button.button_styles, settings.modal
    button = ("button.button_styles.color", box.color)
    submit = ("modal.button_background_color", modal.button_background_color)
    form = ("modal.background_color", modal.background_color)
    error = ("modal.error_background_color", modal.error_background_color)
    success = ("modal.success_background_color", modal.success_background_color)
    # each text's background is the first of these that is set
    pairs = (
        ("button.text_styles.font_color", text.font_color, (button,)),
        ("modal.text_color", modal.text_color, (form,)),
        ("modal.button_text_color", modal.button_text_color, (submit, button)),
        ("modal.error_text_color", modal.error_text_color, (error, form)),
        ("modal.success_text_color", modal.success_text_color, (success, form)),
    )
    result = []
    for text_key, color, backgrounds in pairs:
        background_key, background = next((pair for pair in backgrounds if pair[1]), ("", None))
        preferred = _REDS if text_key == "modal.error_text_color" else ()
        text_color = color or _readable_color(background, *preferred)
        ratio = contrast_ratio(text_color, background) if text_color and background else None
        if ratio is not None:
            result.append(Contrast(text_key, background_key, ratio))
    return result
