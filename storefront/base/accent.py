"""`/accent.css`: the accent colour and the font of `shop.toml` as CSS properties."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

from flask import Blueprint, Response, url_for

from notify_me.settings.css import MIN_CONTRAST, contrast_ratio

from .current_shop import shop

if TYPE_CHECKING:
    from coloraide import Color

blueprint = Blueprint("accent", __name__)

MAX_AGE = 31_536_000
"""Seconds a browser may cache the stylesheet. Its URL changes with its content."""
LIGHT, DARK, BLACK = "#ffffff", "#15242a", "#000000"
"""The colours of text on the accent colour."""
DARK_PAPER = "#10191d"
"""The background of pages in dark mode, as in `static/shop.css`."""


def stylesheet_url() -> str:
    """Return the URL of the stylesheet, or an empty string if the stylesheet would be empty."""
    css = stylesheet()
    if not css:
        return ""
    return url_for("accent.show", v=hashlib.sha256(css.encode()).hexdigest()[:10])


@blueprint.get("/accent.css")
def show() -> Response:
    """Return the stylesheet."""
    response = Response(stylesheet(), mimetype="text/css")
    response.cache_control.public = True
    response.cache_control.max_age = MAX_AGE
    response.cache_control.immutable = True
    return response


def stylesheet() -> str:
    """Return the properties that `shop.toml` sets; empty if it sets none."""
    font, accent = shop().font, shop().accent
    rules = []
    if font:
        rules.append(f":root {{ --display: {font}; --text: {font} }}")
    if accent:
        rules.append(f":root {{ {_properties(accent, readable_color(accent))} }}")
        lighter = dark_accent(accent)
        properties = _properties(lighter, readable_color(lighter, DARK, BLACK))
        rules.append(f"@media (prefers-color-scheme: dark) {{ :root {{ {properties} }} }}")
    return "\n".join(rules)


def dark_accent(accent: str) -> str:
    """Return the accent colour for dark mode: light enough for a contrast of at least 4.5:1, both
    with the page and with the dark text on a button.
    """
    # imported here, since this import takes 10% of the startup time, and most shops set no accent
    from coloraide import Color

    try:
        color = Color(accent).set("alpha", 1).convert("oklch")
    except ValueError:
        return accent  # a keyword such as currentcolor
    lightness = max(_lightness(color), 0.7)
    while True:
        candidate = (
            color.clone()
            .set("lightness", lightness)
            .fit("srgb")
            .convert("srgb")
            .to_string(hex=True)
        )
        if lightness >= 1 or (contrast_ratio(candidate, DARK_PAPER) or 0) >= MIN_CONTRAST:
            return str(candidate)
        lightness += 0.02


def _lightness(color: Color) -> float:
    lightness = color["lightness"]
    return 0.0 if math.isnan(lightness) else float(lightness)


def readable_color(background: str, *colors: str) -> str:
    """Return the first of `colors` that is readable on the background or, if none is, the most
    readable.

    The default colours are white, the shop's dark text colour and black.
    """
    contrasts = {
        color: contrast_ratio(color, background) or 0 for color in colors or (LIGHT, DARK, BLACK)
    }
    readable = [color for color, contrast in contrasts.items() if contrast >= MIN_CONTRAST]
    return readable[0] if readable else max(contrasts, key=lambda color: contrasts[color])


def _properties(accent: str, text: str) -> str:
    sky = "color-mix(in oklab, var(--accent) 8%, var(--paper))"
    # away from the text's colour, so that the text stays readable
    opposite = "black" if text == LIGHT else "white"
    hover = f"color-mix(in oklab, var(--accent) 86%, {opposite})"
    return (
        f"--accent: {accent}; --accent-ink: {text}; --accent-hover: {hover}; "
        f"--drop: {accent}; --sky: {sky}"
    )
