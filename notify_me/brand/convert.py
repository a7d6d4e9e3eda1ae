"""Convert a brand to kit settings, with a note on each value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import tinycss2

from ..settings.css import MIN_CONTRAST, contrast_ratio
from ..settings.loader import value_problem
from ..snippet.errors import one_line
from .fonts import GENERIC, split_families
from .reading import Brand

Kind = Literal["imported", "changed", "not_imported"]
TITLES: dict[Kind, str] = {
    "imported": "Imported",
    "changed": "Imported with changes",
    "not_imported": "Not imported",
}
"""The groups of the report, in the order in which they appear."""

BUTTON_STYLES, TEXT_STYLES = "button.button_styles", "button.text_styles"
LINE_HEIGHT = 1.5
"""The line height of a button in Klaviyo's emails, as a multiple of the font size. The button's
height is the line height plus the padding.
"""
_DECORATIONS = {"": "none", "none": "none", "underline": "underline"}


@dataclass(frozen=True, slots=True)
class Note:
    """What the import did with one value of the brand, and why."""

    kind: Kind
    source: str
    """Where the value is in Klaviyo's response, such as `button text.color`."""
    reason: str


@dataclass(slots=True)
class ImportedBrand:
    """The result of an import."""

    settings: dict[str, Any] = field(default_factory=dict)
    """By dotted key, such as `modal.font_family`. None unsets a setting whose earlier value would
    not match the brand's other values.
    """
    notes: list[Note] = field(default_factory=list)


class _UnusableValue(ValueError):
    """A value of the brand can't be used. The message says why."""


def brand_settings(brand: Brand) -> ImportedBrand:
    """Return the settings that match the button and the form to the account's brand.

    Each value is checked like any other setting. A text colour whose contrast is less than 4.5:1
    isn't imported.
    """
    imported = ImportedBrand()
    if brand.button:
        _Button("button", brand.button, imported).convert()
    if brand.email_body:
        _Form("email", brand.email_body, imported).convert()
    return imported


def report(imported: ImportedBrand) -> str:
    """Return what happened to every value, as plain text."""
    blocks = []
    for kind, title in TITLES.items():
        if notes := [note for note in imported.notes if note.kind == kind]:
            lines = [f"{note.source}: {note.reason}" for note in notes]
            blocks.append("\n  ".join([f"{title} ({len(notes)})", *lines]))
    return "\n\n".join(blocks) + "\n"


class _Part:
    """Converts one part of the brand, and adds its settings and notes to the import."""

    def __init__(self, name: str, values: Mapping[str, Any], imported: ImportedBrand) -> None:
        self._name, self._values, self._imported = name, values, imported

    def read(self, path: str) -> Any:
        """Return the value at a path such as `style.color`, or None."""
        value: Any = self._values
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        return value

    def note(self, kind: Kind, path: str, reason: str) -> None:
        """Add a note on the value at a path."""
        self._imported.notes.append(Note(kind, f"{self._name} {path}", reason))

    def set(self, path: str, key: str, value: Any, change: str = "") -> bool:
        """Set a setting, unless the value is missing or invalid. Return whether it was set.

        `change` says how and why the value differs from the brand's; empty if it doesn't.
        """
        if value is None:
            return False
        if problem := _problem(key, value):
            self.note("not_imported", path, problem)
            return False
        self._imported.settings[key] = value
        reason = f"{key}: {_shown(value)}"
        self.note(
            "changed" if change else "imported", path, f"{reason}; {change}" if change else reason
        )
        return True

    def set_table(self, path: str, key: str, values: Mapping[str, Any] | None, shown: str) -> None:
        """Set all settings of a table, such as a border's, or turn it off if `values` is None. If
        one of the values is invalid, change nothing. `shown` describes the values in the report.
        """
        values = values or {"enabled": False}
        problems = (_problem(f"{key}.{name}", value) for name, value in values.items())
        if problem := next(filter(None, problems), ""):
            self.note("not_imported", path, problem)
            return
        self._imported.settings |= {f"{key}.{name}": value for name, value in values.items()}
        self.note("imported", path, f"{key}: {shown if values['enabled'] else 'none'}")

    def unset(self, *keys: str) -> None:
        """Unset settings whose earlier values wouldn't match the brand's."""
        self._imported.settings |= dict.fromkeys(keys)

    def color(self, path: str, key: str) -> str | None:
        """Set a colour, and return it. If it is missing, invalid or not opaque, return None."""
        value = _with_hash(self.read(path))
        if value is None:
            return None
        if not _problem(key, value) and contrast_ratio("#000000", str(value)) is None:
            reason = (
                f"{key}: {_shown(value)} is translucent or not a fixed colour, so its contrast "
                "can't be checked"
            )
            self.note("not_imported", path, reason)
            return None
        return str(value) if self.set(path, key, value) else None

    def text_color(self, path: str, key: str, background: str | None) -> None:
        """Set a text colour if it is readable on the background; otherwise unset it, so that the
        kit chooses a readable one. Without a background, change nothing.
        """
        value = _with_hash(self.read(path))
        if background is None:
            if value is not None:
                self.note("not_imported", path, "its background isn't imported")
            return
        self.unset(key)
        if value is None:
            return
        ratio = None if _problem(key, value) else contrast_ratio(str(value), background)
        if ratio is not None and ratio < MIN_CONTRAST:
            # rounded down: 4.49 must not be shown as 4.5
            reason = (
                f"{_shown(value)} on {background} has a contrast of {int(ratio * 10) / 10}:1, less "
                f"than {MIN_CONTRAST}:1, so the kit chooses a readable colour"
            )
            self.note("not_imported", path, reason)
            return
        self.color(path, key)

    def fonts(self, path: str, key: str) -> None:
        """Set font families, leaving out web fonts, which a browser would have to load."""
        value = self.read(path)
        if value is None:
            return
        if problem := _problem(key, value):
            self.note("not_imported", path, problem)
            return
        installed, web_fonts = split_families(str(value))
        names = " and ".join(name.strip("\"'") for name in web_fonts)
        kind, pronoun = (
            ("is a web font", "it") if len(web_fonts) == 1 else ("are web fonts", "them")
        )
        remedy = (
            f"{names} {kind}, which the kit doesn't load: to use {pronoun}, add {pronoun} to the "
            f"shop's own stylesheet with @font-face, and put {pronoun} first in {key}"
        )
        if not web_fonts:
            self.set(path, key, value)
        elif not set(installed) - GENERIC:
            self.note("not_imported", path, remedy)
        else:
            self.set(path, key, ", ".join(installed), remedy)


class _Button(_Part):
    """The primary button. The form's submit button looks the same."""

    def convert(self) -> None:
        background = self.color("style.background_color", f"{BUTTON_STYLES}.color")
        self.text_color("text.color", f"{TEXT_STYLES}.font_color", background)
        if background:
            # so that the submit button takes the button's colours
            self.unset("modal.button_background_color", "modal.button_text_color")
        self._radius()
        self._border()
        self._shadow()
        self.fonts("text.font_family", f"{TEXT_STYLES}.font_family")
        for name in ("font_size", "font_weight", "font_style"):
            self.set(f"text.{name}", f"{TEXT_STYLES}.{name}", self.read(f"text.{name}"))
        self._text_decoration()
        self._letter_spacing()
        self._height()

    def _radius(self) -> None:
        radius = self.read("style.border_radius")
        largest = 100
        if isinstance(radius, int) and radius > largest:
            change = f"Klaviyo's {_shown(radius)} is more than the maximum"
            self.set("style.border_radius", f"{BUTTON_STYLES}.border_radius", largest, change)
        else:
            self.set("style.border_radius", f"{BUTTON_STYLES}.border_radius", radius)

    def _border(self) -> None:
        if self.read("border") is None:
            return
        parts = {name: self.read(f"border.border_{name}") for name in ("color", "style", "width")}
        parts["color"] = _with_hash(parts["color"])
        is_active = self.read("border.is_border_active") is True
        values = {"enabled": True, **parts} if is_active else None
        self.set_table(
            "border", f"{BUTTON_STYLES}.border", values, " ".join(map(str, parts.values()))
        )

    def _shadow(self) -> None:
        if self.read("style") is None:
            return
        text, values = self.read("style.box_shadow"), None
        if self.read("style.is_shadow_active") is True:
            try:
                values = {"enabled": True, **_parse_shadow(text)}
            except _UnusableValue as error:
                self.note("not_imported", "style.box_shadow", str(error))
                return
        self.set_table("style.box_shadow", f"{BUTTON_STYLES}.drop_shadow", values, _shown(text))

    def _text_decoration(self) -> None:
        value = self.read("text.text_decoration")
        if value is None:
            return
        if isinstance(value, str) and value in _DECORATIONS:
            self.set("text.text_decoration", f"{TEXT_STYLES}.text_decoration", _DECORATIONS[value])
        else:
            reason = f"{_shown(value)} isn't supported: the button's text can only be underlined"
            self.note("not_imported", "text.text_decoration", reason)

    def _letter_spacing(self) -> None:
        path, key = "text.letter_spacing", f"{TEXT_STYLES}.letter_spacing"
        value = self.read(path)
        if value is None or value == "":
            return
        text = str(value).strip().lower()
        if text == "normal":
            self.set(path, key, 0)
        elif match := re.fullmatch(
            r"(-?(?:\d{1,4}(?:\.\d{1,4})?|\.\d{1,4}))(?:px)?", text, re.ASCII
        ):
            number = float(match[1])
            self.set(path, key, int(number) if number.is_integer() else number)
        else:
            self.note("not_imported", path, f"{_shown(value)} is not a number of pixels")

    def _height(self) -> None:
        parts = [
            self.read(name)
            for name in ("spacing.padding_top", "spacing.padding_bottom", "text.font_size")
        ]
        if not all(type(part) is int for part in parts):
            return
        top, bottom, size = parts
        height = round(top + bottom + size * LINE_HEIGHT)
        change = "computed from the padding and the font size; the kit sets the horizontal padding"
        self.set("spacing", f"{BUTTON_STYLES}.height", height, change)


class _Form(_Part):
    """The form, which is matched to the body of the brand's emails."""

    def convert(self) -> None:
        background = self.color("body_background_color", "modal.background_color")
        self.text_color("text.color", "modal.text_color", background)
        if background:
            # without these settings, the kit derives the colours from the background
            self.unset(
                "modal.error_background_color",
                "modal.error_text_color",
                "modal.success_background_color",
                "modal.success_text_color",
                "modal.close_button_color",
            )
        self.fonts("text.font_family", "modal.font_family")
        self.fonts("h1_text.font_family", "modal.headers_font_family")


def _with_hash(value: object) -> object:
    """Add the # that some of Klaviyo's colours lack; return any other value unchanged."""
    if isinstance(value, str) and re.fullmatch(r"(?:[0-9a-fA-F]{3}){1,2}", value.strip()):
        return f"#{value.strip()}"
    return value


def _problem(key: str, value: object) -> str:
    """Return why a setting can't have this value; empty if it can."""
    # pydantic would read True as the number 1
    if isinstance(value, bool) and not key.endswith(".enabled"):
        return f"{key}: {_shown(value)} is not a valid value"
    return value_problem(key, value, name=key)


def _parse_shadow(text: object) -> dict[str, Any]:
    """Return the settings for a CSS `box-shadow` such as `0px 4px 12px rgba(0, 0, 0, 0.3)`.

    Raises `_UnusableValue` for anything but one such shadow.
    """
    unusable = _UnusableValue(
        f"{_shown(text)} is not a single shadow with two offsets, a blur and a colour"
    )
    if not isinstance(text, str) or len(text) > 200:
        raise unusable
    lengths: list[float] = []
    colors: list[str] = []
    for token in tinycss2.parse_component_value_list(text, skip_comments=True):
        if token.type == "whitespace":
            continue
        if token.type == "number" and token.value == 0:
            lengths.append(0)
        elif token.type == "dimension" and token.lower_unit == "px":
            lengths.append(token.value)
        elif token.type in {"hash", "ident", "function"}:
            colors.append(token.serialize())
        else:
            raise unusable
    if len(lengths) not in (2, 3, 4) or len(colors) > 1 or lengths[3:] not in ([], [0]):
        raise unusable
    x_offset, y_offset, blur = (
        int(length) if float(length).is_integer() else length for length in [*lengths, 0][:3]
    )
    color = colors[0] if colors else "#000000"
    return {"color": color, "blur": blur, "x_offset": x_offset, "y_offset": y_offset}


def _shown(value: object) -> str:
    """Return a value of the brand on one line, for messages."""
    return one_line(str(value))
