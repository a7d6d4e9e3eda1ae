"""Colours, lengths and fonts as CSS writes them, parsed: nothing else may reach a stylesheet."""

from __future__ import annotations

import re
from typing import Annotated

import tinycss2
import tinycss2.color5
from pydantic import AfterValidator, Field

from .base import Allowed

UNITS = frozenset({"px", "rem", "em", "ch", "%", "vw", "vi", "pt"})
"""The units that a length may have."""
MAX_LENGTH = 10_000.0
"""The largest number a length may have, in its unit."""
COLOR = "a colour, such as #1f4a46, teal or rgb(31 74 70)"
LENGTH = "a length, such as 12px, 1.5rem or 50%"
LENGTHS = "one to four lengths, such as 8px 0"
FONTS = "font families with commas between them, such as Inter, 'Open Sans', sans-serif"
# what CSS has besides, comments and escapes and open brackets among it, is in no value of ours
_COLOR = re.compile(r"[\w#]+|\w+\([\w#%., /+-]*\)", re.ASCII)
_LENGTH = re.compile(r"[\w.%+-]+", re.ASCII)
_FAMILY = re.compile(r"""(["'])[\w .&+-]+\1|-?[^\W\d][\w-]*(?: -?[^\W\d][\w-]*)*""")


def _color(text: str) -> str:
    text = " ".join(text.split())
    if not _COLOR.fullmatch(text) or tinycss2.color5.parse_color(text) is None:
        raise ValueError(f"must be {COLOR}")
    return text


def _length(text: str) -> str:
    token = tinycss2.parse_one_component_value(text, skip_comments=False)
    kind = getattr(token, "type", "")
    value = getattr(token, "value", None)
    unit = "%" if kind == "percentage" else getattr(token, "lower_unit", "")
    zero = kind == "number" and value == 0
    if not _LENGTH.fullmatch(text) or (
        not zero and (kind not in {"dimension", "percentage"} or unit not in UNITS)
    ):
        raise ValueError(f"must be {LENGTH}")
    if not isinstance(value, int | float) or not 0 <= value <= MAX_LENGTH:
        raise ValueError(f"must be a length between 0 and {MAX_LENGTH:.0f}")
    return text


def _lengths(text: str) -> str:
    parts = text.split()
    if not 1 <= len(parts) <= 4:
        raise ValueError(f"must be {LENGTHS}")
    return " ".join(_length(part) for part in parts)


def _font_family(text: str) -> str:
    families = [" ".join(part.split()) for part in text.split(",")]
    if not all(_FAMILY.fullmatch(family) for family in families):
        raise ValueError(f"must be {FONTS}")
    return ", ".join(families)


Color = Annotated[str, Field(max_length=100), AfterValidator(_color), Allowed(COLOR)]
"""A CSS colour that is a value of its own: no `var()`, no `url()`."""
Length = Annotated[str, Field(max_length=30), AfterValidator(_length), Allowed(LENGTH)]
"""One CSS length or percentage that isn't negative."""
Lengths = Annotated[str, Field(max_length=120), AfterValidator(_lengths), Allowed(LENGTHS)]
"""One to four CSS lengths, as `margin` and `padding` take them."""
FontFamily = Annotated[str, Field(max_length=300), AfterValidator(_font_family), Allowed(FONTS)]
"""A list of font families."""


def contrast(text: str, background: str) -> float | None:
    """The contrast of two colours by WCAG 2.2, from 1 to 21; None where it can't be known, such as
    for a colour that is see-through or follows another.
    """
    one, other = _luminance(text), _luminance(background)
    if one is None or other is None:
        return None
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def _luminance(text: str) -> float | None:
    color = tinycss2.color5.parse_color(text)
    # a keyword such as currentcolor, and light-dark(), are no colour yet
    if not hasattr(color, "to") or color.alpha < 1:
        return None
    try:
        channels = color.to("srgb").coordinates
    except NotImplementedError:
        return None
    red, green, blue = (_linear(channel) for channel in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
