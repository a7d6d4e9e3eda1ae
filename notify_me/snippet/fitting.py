"""Whether the kit's settings take what a snippet says, and the little that can be mended."""

from __future__ import annotations

import re

import tinycss2.color5
from pydantic import ValidationError

from ..settings.errors import wrong
from ..settings.models import Settings

_COMMENT = re.compile(r"/\*[^*]{0,200}\*/")
_END = re.compile(r"(?:\s*!\s*important)?[;\s]*\Z", re.IGNORECASE)
_ALIKE = {
    "product_page_width": (
        "auto",
        'auto is no length; width = "fitToText" under [button.button_styles] is alike',
    ),
    "collection_page_width": (
        "auto",
        'auto is no length; width = "fitToText" under [button.button_styles] is alike',
    ),
    "collection_page_padding": ("inherit", "inherit is as if it were not set"),
    "product_page_margin": ("auto", "auto is no length"),
}


def fitted(table: str, key: str, value: object) -> tuple[object, str]:
    """The value as the setting takes it and what was changed, or None and why it can't be."""
    problem = _problem(table, key, value)
    if not problem:
        return value, ""
    if isinstance(value, str):
        if not value.strip():
            return None, "it is empty, and something must be shown: the kit's own words stand"
        alike, reason = _ALIKE.get(key, ("", ""))
        if alike and value.strip() == alike:
            return None, reason
        bare = _END.sub("", _COMMENT.sub("", value[:1000])).strip()
        if bare != value.strip() and not _problem(table, key, bare):
            return bare, "taken without what belongs to a style sheet"
    return None, problem


def half_see_through(color: str) -> str:
    """An opaque colour at half its strength; empty for one that is see-through or isn't known."""
    parsed = tinycss2.color5.parse_color(color)
    if not hasattr(parsed, "to") or parsed.alpha < 1:
        return ""
    try:
        channels = parsed.to("srgb").coordinates
    except NotImplementedError:
        return ""
    red, green, blue = (round(min(max(channel, 0), 1) * 255) for channel in channels)
    return f"rgb({red} {green} {blue} / 50%)"


def _problem(table: str, key: str, value: object) -> str:
    try:
        Settings.model_validate({table: {key: value}})
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        return wrong(Settings, detail, name=f"[{table}] {key}")
    return ""
