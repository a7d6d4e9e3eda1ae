"""Types for settings whose values are CSS, and the contrast of two colours.

The values go into `/notify-me/theme.css`, so only plain values pass: no functions other than
colours, no comments, and nothing that could begin another declaration.
"""

from __future__ import annotations

import re
from typing import Annotated

import tinycss2
import tinycss2.color5
from pydantic import AfterValidator, Field

UNITS = frozenset({"px", "rem", "em", "ch", "%", "vw", "vi", "pt"})
"""The units that a length may have."""
MAX_CSS_LENGTH = 10_000
"""The largest number that a length may have, in any unit."""
MIN_CONTRAST = 4.5
"""The minimum contrast between text and its background (WCAG 2.2, criterion 1.4.3)."""
COLOR = "a colour, such as #1f4a46, teal or rgb(31 74 70)"
LENGTH = f"a length from 0 to {MAX_CSS_LENGTH}, such as 12px, 1.5rem or 50%"
LENGTHS = f"one to four lengths from 0 to {MAX_CSS_LENGTH}, such as 8px 0"
FONTS = "font families separated by commas, such as Inter, 'Open Sans', sans-serif"

_LINEAR_RGB = {
    "xyz-d65": (
        (3.2409699, -1.5373832, -0.4986108),
        (-0.9692436, 1.8759675, 0.0415551),
        (0.0556301, -0.2039770, 1.0569715),
    ),
    "xyz-d50": (
        (3.1341359, -1.6173863, -0.4906619),
        (-0.9787955, 1.9162544, 0.0334427),
        (0.0719554, -0.2289768, 1.4053861),
    ),
}
"""For each XYZ colour space, the matrix that converts it to linear sRGB, as in CSS Color 4."""

_COLOR = re.compile(r"[\w#]+|\w+\([\w#%., /+-]*\)", re.ASCII)
_LENGTH = re.compile(r"[\w.%+-]+", re.ASCII)
_FAMILY = re.compile(r"""(["'])[\w .&+-]+\1|-?[^\W\d][\w-]*(?: -?[^\W\d][\w-]*)*""")


def _color(text: str) -> str:
    text = " ".join(text.split())
    if not _COLOR.fullmatch(text) or tinycss2.color5.parse_color(text) is None:
        raise ValueError(f"must be {COLOR}")
    return text


def _is_length(text: str) -> bool:
    token = tinycss2.parse_one_component_value(text, skip_comments=False)
    if not _LENGTH.fullmatch(text) or token.type not in {"number", "dimension", "percentage"}:
        return False
    unit = "%" if token.type == "percentage" else getattr(token, "lower_unit", "")
    return token.value == 0 if not unit else unit in UNITS and 0 <= token.value <= MAX_CSS_LENGTH


def _length(text: str) -> str:
    if not _is_length(text):
        raise ValueError(f"must be {LENGTH}")
    return text


def _lengths(text: str) -> str:
    lengths = text.split()
    if not 1 <= len(lengths) <= 4 or not all(map(_is_length, lengths)):
        raise ValueError(f"must be {LENGTHS}")
    return " ".join(lengths)


def _font_family(text: str) -> str:
    families = [" ".join(family.split()) for family in text.split(",")]
    if not all(map(_FAMILY.fullmatch, families)):
        raise ValueError(f"must be {FONTS}")
    return ", ".join(families)


Color = Annotated[
    str, Field(max_length=100, json_schema_extra={"allowed": COLOR}), AfterValidator(_color)
]
Length = Annotated[
    str, Field(max_length=30, json_schema_extra={"allowed": LENGTH}), AfterValidator(_length)
]
Lengths = Annotated[
    str, Field(max_length=120, json_schema_extra={"allowed": LENGTHS}), AfterValidator(_lengths)
]
"""One to four lengths, as in CSS `margin` and `padding`."""
FontFamily = Annotated[
    str, Field(max_length=300, json_schema_extra={"allowed": FONTS}), AfterValidator(_font_family)
]


def contrast_ratio(text: str, background: str) -> float | None:
    """Return the contrast of two colours as WCAG 2.2 defines it, from 1 to 21.

    None if it can't be computed, for example for translucent colours and `currentcolor`.
    """
    first, second = _luminance(text), _luminance(background)
    if first is None or second is None:
        return None
    return (max(first, second) + 0.05) / (min(first, second) + 0.05)


def mix(color: str, share: float, background: str) -> str | None:
    """Return a mixture of two colours in sRGB, such as `rgb(10 20 30)`; None if one of them is
    translucent or unknown. `share` is the share of the first one, from 0 to 1.
    """
    first, second = _rgb(color), _rgb(background)
    if first is None or second is None:
        return None
    mixed = (255 * (a * share + b * (1 - share)) for a, b in zip(first, second, strict=True))
    return f"rgb({' '.join(f'{value:.1f}' for value in mixed)})"


def _rgb(text: str) -> tuple[float, ...] | None:
    """Return red, green and blue from 0 to 1; None for translucent and unknown colours."""
    color = tinycss2.color5.parse_color(text)
    # the parser returns a string for keywords such as currentcolor
    if not hasattr(color, "to") or color.alpha < 1:
        return None
    try:
        values = color.to("srgb").coordinates
    except NotImplementedError:
        values = _srgb_from_xyz(color)
    # browsers clip values that are out of range
    return tuple(min(max(value, 0.0), 1.0) for value in values) if values else None


def _srgb_from_xyz(color: tinycss2.color5.Color) -> tuple[float, ...] | None:
    """Convert a colour such as oklch() or lab() by way of XYZ; None for wide-gamut RGB spaces."""
    for space, matrix in _LINEAR_RGB.items():
        try:
            xyz = color.to(space).coordinates
        except NotImplementedError:
            continue
        linear = (max(sum(a * b for a, b in zip(row, xyz, strict=True)), 0.0) for row in matrix)
        return tuple(
            12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
            for value in linear
        )
    return None


def _luminance(text: str) -> float | None:
    values = _rgb(text)
    if values is None:
        return None
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
