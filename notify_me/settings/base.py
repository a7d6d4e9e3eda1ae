"""What every table of settings is made of: its base model, and types for CSS values and names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import tinycss2
import tinycss2.color5
from pydantic import AfterValidator, BaseModel, ConfigDict, Field


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a setting may be, in words that follow "must be", where its type doesn't tell."""

    words: str


@dataclass(frozen=True, slots=True)
class ShopperText:
    """Marks what shoppers read, and the links in it: `[texts.<locale>]` may set it by language."""

    translated: bool = True
    """Whether the default is in the kit's catalogs; legal texts ship in English alone."""


CLASS_NAMES = "class names with spaces between them, such as btn btn--wide"
ELEMENT_ID = "the id of an element, such as buy-box, without #"


class SettingsTable(BaseModel):
    """A table of `notify_me.toml`. Unknown keys are refused, and nothing changes it later."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


def closest_match(name: str, names: Sequence[str], cutoff: float = 0.6) -> str | None:
    """The name that is most like one that isn't known."""
    found = difflib.get_close_matches(name[:100], names, n=1, cutoff=cutoff)
    return found[0] if found else None


def only_placeholders(text: str, known: Sequence[str]) -> str:
    """`text`, if every placeholder such as `{brand}` is known; raises `ValueError` otherwise."""
    unknown = [name for name in re.findall(r"\{(\w+)\}", text) if name not in known]
    if unknown:
        names = ", ".join(f"{{{name}}}" for name in known)
        raise ValueError(f"holds {{{unknown[0]}}}, which is none of {names}")
    return text


def _class_names(text: str) -> str:
    if not all(re.fullmatch(r"-?[A-Za-z_][\w-]*", name) for name in text.split()):
        raise ValueError(f"must be {CLASS_NAMES}")
    return " ".join(text.split())


def _element_id(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z][\w:.-]*|", text):
        raise ValueError(f"must be {ELEMENT_ID}")
    return text


ClassNames = Annotated[
    str, Field(max_length=200), AfterValidator(_class_names), Allowed(CLASS_NAMES)
]
"""Names for `class`, or none."""
ElementID = Annotated[str, Field(max_length=100), AfterValidator(_element_id), Allowed(ELEMENT_ID)]
"""An element's `id`, or none."""


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


def contrast_ratio(text: str, background: str) -> float | None:
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
