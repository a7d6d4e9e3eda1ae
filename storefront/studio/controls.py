"""The controls of the Studio, made from the models: a new setting has one without further work."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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

from .changes import CHANGEABLE

Kind = Literal["text", "long", "check", "one", "some", "number", "color", "list"]
LONG = 200
"""From so many characters on, a text has several lines."""
_PLAIN_WORDS = {
    **{channel.value: channel.info.short_name for channel in Channel},
    **{each: str(Locale.parse(each).english_name) for each in LANGUAGES},
}


@dataclass(frozen=True, slots=True)
class Control:
    """One setting as a person sets it."""

    key: str
    kind: Kind
    help: str
    choices: tuple[tuple[str, str], ...]
    """What it may be, each with its words."""
    optional: bool
    """Whether it may be left to the shop's own look."""
    fallback: Any
    """What an empty field stands for."""
    is_font: bool
    bounds: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The control's ID in the page."""
        return f"set-{self.key.replace('.', '-')}"

    @property
    def language(self) -> str | None:
        """The language whose own words it sets; None for a setting of all languages."""
        table, _, rest = self.key.partition(".")
        return rest.partition(".")[0] if table == "texts" else None

    def words(self, choice: str) -> str:
        """A choice as a person reads it; one that it can't be, as it is."""
        return dict(self.choices).get(choice, choice)

    @property
    def first(self) -> str:
        """The name of the field that says which of a list's choices is the first."""
        return f"{self.key}.first"

    @property
    def step(self) -> str:
        """By how much an arrow changes a number."""
        return str(self.bounds.get("multipleOf", 1 if isinstance(self.fallback, int) else "any"))

    def read(self, form: MultiDict[str, str], now: Any) -> Any:
        """The value that was sent for it, `now` being the one before; wrong ones as they are."""
        typed = form.getlist(self.key)[-1].replace("\r\n", "\n").strip()
        match self.kind:
            case "check":
                return "on" in form.getlist(self.key)
            case "some":
                ticked = [each for each, _ in self.choices if each in form.getlist(self.key)]
                # boxes have no order, and the merchant's list may have one that means something
                kept = [each for each in now if each in ticked]
                found = [*kept, *(each for each in ticked if each not in kept)]
                return sorted(found, key=lambda each: each != form.get(self.first))
            case "list":
                return [line.strip() for line in typed.split("\n") if line.strip()]
        return typed if typed else self.fallback


@cache
def controls() -> tuple[Control, ...]:
    """A control for each setting that a visitor may have of their own, in the models' order."""
    found = (_control(each) for each in all_settings(Settings) if each.path[0] in CHANGEABLE)
    return tuple(each for each in found if each)


def _control(known: Setting) -> Control | None:
    """None for a shape that no control is made for."""
    kind = _kind(known)
    if kind is None:
        return None
    default = known.default
    empty = default if known.schema.get("minLength") or kind in ("number", "color", "one") else ""
    return Control(
        key=known.key,
        kind=kind,
        help=known.description,
        choices=tuple((each, words(each)) for each in known.choices),
        optional=known.is_optional,
        fallback=None if known.is_optional else empty,
        is_font=known.allowed == FONTS,
        bounds=known.schema,
    )


def _kind(known: Setting) -> Kind | None:
    if known.type == "boolean":
        return "check"
    if known.type == "array":
        return "some" if known.choices else "list"
    if known.choices:
        return "one"
    if known.type in ("integer", "number"):
        return "number"
    if known.allowed == COLOR:
        return "color"
    return "long" if known.schema.get("maxLength", 0) > LONG and known.allowed != FONTS else "text"


def words(name: str) -> str:
    """A name out of the settings as a person reads it: `NEXT_TO` is Next to."""
    if name in _PLAIN_WORDS:
        return _PLAIN_WORDS[name]
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").lower()
    spaced = spaced.replace("color", "colour").replace(" url", " address")
    return spaced[:1].upper() + spaced[1:]


def text_of(value: Any) -> str:
    """A value as a field shows it."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return "\n".join(map(str, value))
    return str(value)


def changes_in(
    form: MultiDict[str, str], now: Mapping[str, Any], chosen: Sequence[Control] | None = None
) -> dict[str, Any]:
    """What was sent, by dotted key; what wasn't is left out. `now` has the values before it."""
    return {
        each.key: each.read(form, now[each.key])
        for each in chosen or controls()
        if each.key in form
    }
