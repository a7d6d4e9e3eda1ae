"""The sections of the Studio's panel, with a labelled field for every control."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from notify_me import studio
from notify_me.settings import Settings
from notify_me.settings.schema import all_tables

from .changes import sentence_from, value_at
from .controls import Control, controls, name_of, text_of

TITLES = {
    "button": "Button: placement",
    "button.text_styles": "Button: more text styles",
    "button.button_styles": "Button: size and alignment",
    "button.button_styles.border": "Button: border",
    "button.button_styles.drop_shadow": "Button: shadow",
    "button.product_page": "Button on product pages",
    "button.collection_page": "Button on product cards",
    "modal": "Form: other text",
    "modal style": "Form: colours and fonts",
    "channels": "Phone numbers",
    "consent": "Consent: company and email",
    "consent.sms": "Consent: text messages",
    "consent.whatsapp": "Consent: WhatsApp",
    "trigger": "When to show the button",
    "demand": "Social proof",
    "languages": "Languages",
}
"""The titles of the sections, in order. Sections that aren't listed here follow, named after their
tables.

A key is a table, a table followed by a prefix that some of its settings share, or `modal style`
for the colours and fonts of the form.
"""
BASICS = {
    "Button": (
        "button.label",
        "button.button_styles.color",
        "button.text_styles.font_color",
        "button.button_styles.border_radius",
        "button.text_styles.font_family",
        "button.text_styles.font_size",
        "button.display",
    ),
    "Form": (
        "modal.presentation",
        "modal.headline",
        "modal.body_content",
        "modal.subscription_success_label",
    ),
    "Channels": ("channels.offered",),
}
"""The sections that are always shown, with the settings that most merchants change. All other
sections are shown under Advanced.
"""
_LANGUAGE_SECTIONS = {
    "button": "button",
    "modal": "form",
    "consent": "consent",
    "demand": "social proof",
}
_TABLES = {".".join(path) for path, _ in all_tables(Settings)}


@dataclass(frozen=True, slots=True)
class Field:
    """A control with its value."""

    control: Control
    value: Any
    label: str
    error: str
    warning: str
    contrasts: Sequence[studio.Contrast]
    """The contrast between the setting's colour and other colours."""
    changed: bool
    """Whether the value differs from the merchant's."""
    merchant_value: str
    """The merchant's value as text, such as `on` or `“Notify me”`."""
    placeholder: str
    """The value or text that applies while the field is empty."""

    @property
    def text(self) -> str:
        """The text that the field shows for the value."""
        return text_of(self.value)


@dataclass(slots=True)
class Section:
    """Fields that belong together."""

    title: str
    is_basic: bool = False
    """Whether the section is always shown, rather than only under Advanced."""
    fields: list[Field] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The ID of the section's element."""
        return "section-" + "".join(char if char.isalnum() else "-" for char in self.title.lower())

    @property
    def changed(self) -> int:
        """The number of fields whose values differ from the merchant's."""
        return sum(field.changed for field in self.fields)

    @property
    def errors(self) -> int:
        """The number of fields with an error."""
        return sum(bool(field.error) for field in self.fields)


def values_of(settings: Settings) -> dict[str, Any]:
    """Return the JSON value of every control's setting by dotted key."""
    document = settings.model_dump(mode="json")
    return {control.key: value_at(document, control.key.split(".")) for control in controls()}


def as_json(values: Mapping[str, Any]) -> str:
    """Return the text of all values that aren't defaults, for `without_unchanged`."""
    defaults = values_of(Settings())
    return json.dumps({key: text_of(v) for key, v in values.items() if v != defaults[key]})


def without_unchanged(values: Mapping[str, Any], rendered: str) -> dict[str, Any]:
    """Return the values that differ from those in `rendered`, the result of `as_json`; all values
    if it isn't valid.
    """
    try:
        texts = {key: text_of(value) for key, value in values_of(Settings()).items()}
        texts |= json.loads(rendered)
    except (TypeError, ValueError, RecursionError):
        return dict(values)
    return {key: value for key, value in values.items() if text_of(value) != texts[key]}


def build_sections(
    values: Mapping[str, Any],
    merchant_values: Mapping[str, Any],
    problems: Mapping[str, str],
    warnings: Mapping[str, str],
    wording: Mapping[str, str],
    contrasts: Sequence[studio.Contrast],
) -> list[Section]:
    """Return the panel's sections. The keys of all mappings are the settings' dotted keys.

    `values` are the fields' values. `wording` is the result of `changes.wording_in` for the
    language that is being translated.
    """
    sections = {title: Section(title, is_basic=True) for title in BASICS}
    languages = {key.split(".")[1] for key in wording}
    for control in controls():
        if control.language and control.language not in languages:
            continue
        name = _section_name(control)
        section = sections.setdefault(name, Section(_title(name, control)))
        value, merchant_value = values[control.key], merchant_values[control.key]
        section.fields.append(
            Field(
                control=control,
                value=value,
                label=label(control),
                error=_own_problem(control.key, problems.get(control.key, "")),
                warning=warnings.get(control.key, ""),
                contrasts=[
                    pair
                    for pair in contrasts
                    if control.key in (pair.text_key, pair.background_key)
                ],
                # compared as text, since an invalid value is the text that was entered
                changed=text_of(value) != text_of(merchant_value),
                merchant_value=_describe(merchant_value, control),
                placeholder=_placeholder(control, wording),
            )
        )
    for title, keys in BASICS.items():
        sections[title].fields.sort(key=lambda field: keys.index(field.control.key))
    order = [*BASICS, *TITLES, *(name for name in sections if name not in TITLES | BASICS)]
    return [sections[name] for name in order if name in sections]


def _section_name(control: Control) -> str:
    """Return the control's section in `BASICS`, else the longest matching key in `TITLES`, else its
    table.
    """
    for title, keys in BASICS.items():
        if control.key in keys:
            return title
    if control.key.startswith("modal.") and (control.kind == "color" or control.is_font):
        return "modal style"
    names = [
        name
        for name in TITLES
        if control.key.startswith(f"{name}." if name in _TABLES else f"{name}_")
    ]
    return max(names, key=len, default=control.key.rpartition(".")[0])


def _title(section_name: str, control: Control) -> str:
    if control.language:
        return f"{name_of(control.language)}: {_LANGUAGE_SECTIONS[section_name.split('.')[2]]}"
    return TITLES.get(section_name) or name_of(section_name)


def label(control: Control) -> str:
    """Return the label of a control; if it sets a translation, with the language."""
    language = control.language
    return f"{control.label} in {name_of(language)}" if language else control.label


def _placeholder(control: Control, wording: Mapping[str, str]) -> str:
    if control.language:
        missing = f"Required to offer this channel in {name_of(control.language)}"
        return wording.get(control.key, missing)
    return "Shop’s default" if control.optional else text_of(control.empty_value)


def _describe(value: Any, control: Control) -> str:
    if value is None:
        return "not translated" if control.language else "default"
    if isinstance(value, bool):
        return "on" if value else "off"
    text = text_of(value).replace("\n", ", ")
    return f"“{text}”" if text else "empty"


def _own_problem(key: str, problem: str) -> str:
    """Return a setting's problem without the setting's key, which its control needn't repeat."""
    own = problem.removeprefix(f"{key}: ")
    return problem if own == problem else sentence_from(own)
