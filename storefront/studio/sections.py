"""The panel of the Studio: controls by section, each with its value and what is said about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from notify_me.settings import Settings
from notify_me.settings.schema import all_tables

from .controls import Control, controls, text_of, words

TITLES = {
    "button": "Button",
    "button.text_styles": "Button: lettering",
    "button.button_styles": "Button: box",
    "button.button_styles.border": "Button: border",
    "button.button_styles.drop_shadow": "Button: shadow",
    "button.product_page": "Button on product pages",
    "button.collection_page": "Button on listing cards",
    "modal": "Form: words and behaviour",
    "modal looks": "Form: colours and fonts",
    "channels": "Ways to be told",
    "consent": "Consent: brand and email",
    "consent.sms": "Consent: text messages",
    "consent.whatsapp": "Consent: WhatsApp",
    "trigger": "When the button shows",
    "demand": "How many asked",
    "languages": "Languages",
}
"""The sections in their order; one that isn't among them follows under its table's name."""
_OF_A_LANGUAGE = {
    "button": "button",
    "modal": "form",
    "consent": "consent",
    "demand": "how many asked",
}
_LOOKS = "looks"
_TABLES = {".".join(path) for path, _ in all_tables(Settings)}


@dataclass(frozen=True, slots=True)
class Field:
    """A control with its value."""

    control: Control
    value: Any
    label: str
    error: str
    warning: str
    changed: bool
    """Whether it is other than in the merchant's file."""
    before: str
    """The merchant's value."""
    placeholder: str
    """What an empty field shows: what then holds."""

    @property
    def text(self) -> str:
        """The value as a field of text shows it."""
        return text_of(self.value)


@dataclass(slots=True)
class Section:
    """Fields that belong together."""

    title: str
    fields: list[Field] = field(default_factory=list)

    @property
    def id(self) -> str:
        """Its ID in the page."""
        return "section-" + "".join(each if each.isalnum() else "-" for each in self.title.lower())

    @property
    def changed(self) -> int:
        """How many of its fields are other than in the merchant's file."""
        return sum(each.changed for each in self.fields)

    @property
    def wrong(self) -> int:
        """How many of its fields have an error."""
        return sum(bool(each.error) for each in self.fields)


def values_of(settings: Settings) -> dict[str, Any]:
    """The value of every control, by dotted key, as JSON has them."""
    document = settings.model_dump(mode="json")
    found = {}
    for control in controls():
        value: Any = document
        for part in control.key.split("."):
            value = value[part]
        found[control.key] = value
    return found


def sections(
    values: Mapping[str, Any],
    merchant_settings: Mapping[str, Any],
    problems: Mapping[str, str],
    warnings: Mapping[str, str],
    spoken: Mapping[str, str],
) -> list[Section]:
    """The panel. `values`: what the fields hold; `merchants`: what the merchant's file says;
    `spoken`: what is read in the language whose own words it shows, see `changes.in_language`.
    """
    found: dict[str, Section] = {}
    languages = {key.split(".")[1] for key in spoken}
    for control in controls():
        if control.language and control.language not in languages:
            continue
        name = _section(control)
        section = found.setdefault(name, Section(_title(name, control)))
        value, before = values[control.key], merchant_settings[control.key]
        section.fields.append(
            Field(
                control=control,
                value=value,
                label=_label(control, name),
                error=problems.get(control.key, ""),
                warning=warnings.get(control.key, ""),
                changed=_differ(value, before),
                before=_shown(before, control),
                placeholder=_placeholder(control, spoken),
            )
        )
    order = [*TITLES, *(name for name in found if name not in TITLES)]
    return [found[name] for name in order if name in found]


def _section(control: Control) -> str:
    """The longest known name that the key begins with; colours and fonts of a form apart."""
    looks = f"{control.key.split('.')[0]} {_LOOKS}"
    if looks in TITLES and (control.kind == "color" or control.is_font):
        return looks
    known = [
        name
        for name in TITLES
        if control.key.startswith(f"{name}." if name in _TABLES else f"{name}_")
    ]
    return max(known, key=len, default=control.key.rpartition(".")[0])


def _title(name: str, control: Control) -> str:
    if control.language:
        return f"{words(control.language)}: {_OF_A_LANGUAGE[name.split('.')[2]]}"
    return TITLES.get(name) or words(name)


def _placeholder(control: Control, spoken: Mapping[str, str]) -> str:
    if control.language:
        # a legal text that nobody can translate for the merchant
        return spoken.get(control.key, f"Needed before it is offered in {words(control.language)}")
    if control.optional:
        return "Follows the shop"
    return text_of(control.fallback)


def _label(control: Control, section: str) -> str:
    key = control.key
    if control.language:
        return f"{words(key.rpartition('.')[2])} in {words(control.language)}"
    if section not in _TABLES and key.startswith(f"{section}_"):
        return words(key[len(section) + 1 :])
    return words(key.rpartition(".")[2])


def _differ(value: Any, before: Any) -> bool:
    # a field that was refused holds what was typed
    return text_of(value) != text_of(before)


def _shown(value: Any, control: Control) -> str:
    if value is None and control.language:
        return "no words of its own"
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return "the shop’s look"
    text = text_of(value).replace("\n", ", ")
    return f"“{text}”" if text else "nothing"
