"""The controls of the Studio, which are derived from the settings' models."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from babel import Locale
from werkzeug.datastructures import MultiDict

from notify_me import Channel
from notify_me.settings import Settings
from notify_me.settings.css import COLOR
from notify_me.settings.css import FONTS as FONT_FAMILIES
from notify_me.settings.schema import Setting, all_settings
from notify_me.studio import LANGUAGES

from .changes import CHANGEABLE_TABLES

Kind = Literal["text", "textarea", "checkbox", "select", "checkboxes", "number", "color", "list"]
"""The kind of control; `checkboxes` allow several values, and a `list` has one value per line."""
LONG_TEXT = 200
"""A setting that allows more characters gets a textarea."""
LONG_DEFAULT = 35
"""A setting whose default has more characters gets a textarea."""
FONTS = {
    "System": "system-ui, sans-serif",
    "Arial, Helvetica": "Helvetica, Arial, sans-serif",
    "Verdana": "Verdana, Geneva, sans-serif",
    "Trebuchet": "'Trebuchet MS', sans-serif",
    "Georgia": "Georgia, serif",
    "Palatino": "Palatino, 'Palatino Linotype', serif",
    "Times": "'Times New Roman', Times, serif",
    "Typewriter": "'Courier New', Courier, monospace",
}
"""Fonts that need no download, with fallbacks: the values of a font setting, by name."""
_NAMES = {
    **{channel.value: channel.info.short_name for channel in Channel},
    **{language: str(Locale.parse(language).english_name) for language in LANGUAGES},
    "center": "Centre",
    "REPLACE": "Instead of the shop’s button",
    "NEXT_TO": "After the shop’s button",
}


@dataclass(frozen=True, slots=True)
class Control:
    """The control for one setting."""

    key: str
    kind: Kind
    label: str
    help: str
    choices: tuple[tuple[str, str], ...]
    """The possible values, each with its name."""
    optional: bool
    """Whether the setting may be unset, so that the shop's style applies."""
    empty_value: Any
    """The value if the field is left empty."""
    is_font: bool
    unit: str
    """The unit of a number that gets a slider, such as px; otherwise empty."""
    schema: Mapping[str, Any]
    """The JSON Schema of the setting's values."""

    @property
    def id(self) -> str:
        """The ID of the control's element."""
        return f"set-{self.key.replace('.', '-')}"

    @property
    def language(self) -> str | None:
        """The language of the wording; None for a setting that applies to all languages."""
        table, _, rest = self.key.partition(".")
        return rest.partition(".")[0] if table == "texts" else None

    def name_of(self, choice: str) -> str:
        """Return the name of a choice."""
        return dict(self.choices).get(choice, choice)

    @property
    def first_field(self) -> str:
        """The name of the field that says which of the ticked choices comes first."""
        return f"{self.key}.first"

    @property
    def step(self) -> str:
        """The `step` attribute of a number field."""
        return str(self.schema.get("multipleOf", 1 if isinstance(self.empty_value, int) else "any"))

    def read(self, form: MultiDict[str, str], current: Any) -> Any:
        """Return the submitted value without validating it. `current` is the saved value."""
        text = form.getlist(self.key)[-1].replace("\r\n", "\n").strip()
        match self.kind:
            case "checkbox":
                return "on" in form.getlist(self.key)
            case "checkboxes":
                ticked = [value for value, _ in self.choices if value in form.getlist(self.key)]
                # checkboxes have no order: keep the current order, and append new values
                values = [value for value in current if value in ticked]
                values += [value for value in ticked if value not in values]
                return sorted(values, key=lambda value: value != form.get(self.first_field))
            case "list":
                return [line.strip() for line in text.split("\n") if line.strip()]
        return text if text else self.empty_value


@cache
def controls() -> tuple[Control, ...]:
    """Return the controls of all settings that visitors may change, in the order of the models."""
    return tuple(
        _control(setting)
        for setting in all_settings(Settings)
        if setting.path[0] in CHANGEABLE_TABLES
    )


def _control(setting: Setting) -> Control:
    kind = _kind(setting)
    must_have_value = setting.schema.get("minLength") or kind in ("number", "color", "select")
    empty_value = setting.default if must_have_value else ""
    return Control(
        key=setting.key,
        kind=kind,
        label=setting.title,
        help=setting.description,
        choices=tuple((choice, name_of(choice)) for choice in setting.choices),
        optional=setting.is_optional,
        empty_value=None if setting.is_optional else empty_value,
        is_font=setting.allowed == FONT_FAMILIES,
        unit=setting.unit,
        schema=setting.schema,
    )


def _kind(setting: Setting) -> Kind:
    if setting.type == "boolean":
        return "checkbox"
    if setting.type == "array":
        return "checkboxes" if setting.choices else "list"
    if setting.choices:
        return "select"
    if setting.type in ("integer", "number"):
        return "number"
    if setting.allowed == COLOR:
        return "color"
    if setting.allowed == FONT_FAMILIES:
        return "text"
    is_long = setting.schema.get("maxLength", 0) > LONG_TEXT
    return "textarea" if is_long or len(setting.default or "") > LONG_DEFAULT else "text"


def name_of(identifier: str) -> str:
    """Return the name to show for an identifier in the settings: Fit to text for `fitToText`."""
    if identifier in _NAMES:
        return _NAMES[identifier]
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", identifier).replace("_", " ").lower()
    spaced = spaced.replace("color", "colour")
    return spaced[:1].upper() + spaced[1:]


def text_of(value: Any) -> str:
    """Return the text that a field shows for a value."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return "\n".join(map(str, value))
    return str(value)


def read_form(form: MultiDict[str, str], current: Mapping[str, Any]) -> dict[str, Any]:
    """Return the submitted values by dotted key, without validating them.

    `current` are the saved values.
    """
    return {
        control.key: control.read(form, current[control.key])
        for control in controls()
        if control.key in form
    }
