"""`/accent.css`: the accent color and the font of `shop.toml` as CSS properties."""

from __future__ import annotations

import hashlib

from flask import Blueprint, Response, url_for

from notify_me.settings.css import contrast_ratio

from .current_shop import shop

blueprint = Blueprint("accent", __name__)

MAX_AGE = 31_536_000
"""Seconds a browser may cache the stylesheet; with other values it has a new URL."""
DARK, LIGHT = "#15242a", "#ffffff"
"""The text colors on the accent color."""


def stylesheet_url() -> str:
    """Return the URL of the stylesheet, or an empty text if there is nothing to set."""
    css = stylesheet()
    if not css:
        return ""
    return url_for("accent.show", v=hashlib.sha256(css.encode()).hexdigest()[:10])


@blueprint.get("/accent.css")
def show() -> Response:
    """The stylesheet."""
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
        # a translucent color has no contrast of its own
        text = max((LIGHT, DARK), key=lambda color: contrast_ratio(color, accent) or 0)
        rules.append(f":root {{ --accent: {accent}; --accent-ink: {text}; --drop: {accent} }}")
        # a lighter tone, which is readable on the dark background
        lighter = f"color-mix(in oklab, {accent} 50%, white)"
        rules.append(
            "@media (prefers-color-scheme: dark) "
            f"{{ :root {{ --accent: {lighter}; --accent-ink: {DARK}; --drop: {lighter} }} }}"
        )
    return "\n".join(rules)
