"""What the kit's settings make of a snippet's value: its type, and the little that can be fixed."""

from __future__ import annotations

import re

import tinycss2.color5
from pydantic import ValidationError

from ..settings.errors import describe_error
from ..settings.models import Settings
from .options import Target

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

_TAG = re.compile(r"<\s*/?[a-zA-Z!]|&(?:#\d+|#x[0-9a-f]+|[a-z]+\d*);", re.IGNORECASE)
_AS_HTML = {"headline", "body_content", "subscription_success_label", "button_label", "close_label"}


def shaped(given: object, target: Target) -> tuple[object, str]:
    """A value as the setting wants it and what was changed, or None and why it can't be."""
    match target.shape:
        case "yes_no":
            return _yes_no(given)
        case "number":
            return _number(given)
        case "tags":
            return _tags(given)
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        return None, "it must be a text"
    text = str(given)
    if target.shape == "font" and text.rstrip().endswith(";"):
        return text.rstrip("; \t\r\n"), "the ; at its end belongs to a style sheet, not to a font"
    if target.key in _AS_HTML and _TAG.search(text):
        return text, (
            "it is shown as text, where Klaviyo's script takes it for HTML: "
            "write it without tags and &…; before you use it"
        )
    return text, ""


def _yes_no(given: object) -> tuple[object, str]:
    if isinstance(given, bool):
        return given, ""
    if isinstance(given, str | int | float):
        return bool(given), f"Klaviyo's script takes it for {str(bool(given)).lower()}"
    return None, "it must be true or false"


def _number(given: object) -> tuple[object, str]:
    if isinstance(given, int) and not isinstance(given, bool):
        return given, ""
    if isinstance(given, str) and re.fullmatch(r"-?\d{1,15}", given.strip(), re.ASCII):
        return int(given), "a number where the snippet has a text"
    return None, "it must be a whole number"


def _tags(given: object) -> tuple[object, str]:
    if isinstance(given, str):
        return [tag.strip() for tag in given.split(",") if tag.strip()], ""
    if isinstance(given, list):
        return None, "Klaviyo's script reads a text with commas, and takes no tag from a list"
    return None, "it must be a text with commas between the tags"


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
        return describe_error(Settings, detail, name=f"[{table}] {key}")
    return ""
