"""The controls of the Studio, derived from the settings' models: new settings get one, too."""

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
from notify_me.settings.css import COLOR, FONTS
from notify_me.settings.schema import Setting, all_settings
from notify_me.studio import LANGUAGES

from .changes import CHANGEABLE_TABLES

Kind = Literal["text", "long", "check", "one", "some", "number", "color", "list"]
"""The kind of control; `one` and `some` are choices, and `long` is a text of several lines."""
LONG_TEXT = 200
"""Settings that allow more characters than this get a field of several lines."""
_NAMES = {
    **{channel.value: channel.info.short_name for channel in Channel},
    **{language: str(Locale.parse(language).english_name) for language in LANGUAGES},
    "center": "Centre",
}


@dataclass(frozen=True, slots=True)
class Control:
    """The control for one setting."""

    key: str
    kind: Kind
    help: str
    choices: tuple[tuple[str, str], ...]
    """The possible values, each with its name."""
    optional: bool
    """Whether it may be unset, so that the shop's style applies."""
    empty_value: Any
    """The value if its field is left empty."""
    is_font: bool
    schema: Mapping[str, Any]
    """The JSON Schema of its values."""

    @property
    def id(self) -> str:
        """The ID of its element."""
        return f"set-{self.key.replace('.', '-')}"

    @property
    def language(self) -> str | None:
        """The language whose texts it sets; None for a setting of all languages."""
        table, _, rest = self.key.partition(".")
        return rest.partition(".")[0] if table == "texts" else None

    def name_of(identifier: str) -> str:
    """The name on screen of an identifier in the settings: `fitToText` is Fit to text."""
    if identifier in _NAMES:
        return _NAMES[identifier]
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", identifier).replace("_", " ").lower()
    spaced = spaced.replace("color", "colour")
    return spaced[:1].upper() + spaced[1:]


def text_of(value: Any) -> str:
    """The text of a value in its field."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return "\n".join(map(str, value))
    return str(value)


def read_form(form: MultiDict[str, str], current: Mapping[str, Any]) -> dict[str, Any]:
    """The submitted values by dotted key, not validated yet; `current` has the values until now."""
    return {
        control.key: control.read(form, current[control.key])
        for control in controls()
        if control.key in form
    }
