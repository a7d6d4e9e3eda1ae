"""The sections of the Studio's panel, with a labelled field for every setting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from notify_me.settings import Settings
from notify_me.settings.schema import all_tables

from .changes import value_at
from .controls import Control, controls, name_of, text_of

TITLES = {
    "button": "Button",
    "button.text_styles": "Button: text style",
    "button.button_styles": "Button: shape and colour",
    "button.button_styles.border": "Button: border",
    "button.button_styles.drop_shadow": "Button: shadow",
    "button.product_page": "Button on product pages",
    "button.collection_page": "Button on listing cards",
    "modal": "Form: content and behaviour",
    "modal style": "Form: colours and fonts",
    "channels": "Channels",
    "consent": "Consent: company and email",
    "consent.sms": "Consent: text messages",
    "consent.whatsapp": "Consent: WhatsApp",
    "trigger": "When to show the button",
    "demand": "Social proof",
    "languages": "Languages",
}
"""The sections in their order. Any others follow, named after their table.

The key of a section is a table, or a table and the beginning of its settings' names.
"""
LABELS = {
    "button.label": "Button text",
    "button.display": "Position",
    "button.alternate_anchor": "Anchor element ID",
    "button.text_styles.font_family": "Button font",
    "button.text_styles.font_color": "Button text colour",
    "button.button_styles.color": "Button colour",
    "button.button_styles.border_radius": "Corner radius",
    "button.button_styles.height": "Minimum height",
    "button.button_styles.border.enabled": "Show a border",
    "button.button_styles.border.color": "Border colour",
    "button.button_styles.border.style": "Border style",
    "button.button_styles.border.width": "Border width",
    "button.button_styles.drop_shadow.enabled": "Show a shadow",
    "button.button_styles.drop_shadow.color": "Shadow colour",
    "button.button_styles.drop_shadow.x_offset": "Horizontal offset",
    "button.button_styles.drop_shadow.y_offset": "Vertical offset",
    "button.product_page_class": "CSS classes",
    "button.product_page_text_align": "Text alignment",
    "button.product_page_margin": "Margin",
    "button.product_page_width": "Width",
    "button.collection_page_text": "Listing button text",
    "button.collection_page_class": "CSS classes",
    "button.collection_page_text_align": "Text alignment",
    "button.collection_page_width": "Width",
    "button.collection_page_padding": "Padding",
    "modal.presentation": "Show the form as",
    "modal.body_content": "Body text",
    "modal.phone_number_field_label": "Phone field label",
    "modal.button_label": "Submit button text",
    "modal.subscription_success_label": "Confirmation headline",
    "modal.footer_content": "Footer text",
    "modal.close_label": "Close button label",
    "modal.z_index": "Stacking order (z-index)",
    "modal.drop_background_color": "Overlay colour",
    "modal.font_family": "Font",
    "modal.headers_font_family": "Headline font",
    "modal.button_background_color": "Submit button colour",
    "modal.button_text_color": "Submit button text colour",
    "modal.success_background_color": "Confirmation background colour",
    "modal.success_text_color": "Confirmation text colour",
    "channels.offered": "Channels",
    "channels.default_region": "Default country",
    "consent.brand": "Company name",
    "consent.terms_of_service_url": "Terms of service link",
    "consent.terms_of_service_text": "Terms of service link text",
    "consent.privacy_policy_url": "Privacy policy link",
    "consent.privacy_policy_text": "Privacy policy link text",
    "consent.locale": "Language of the legal texts",
    "consent.program": "What the texts are about",
    "consent.frequency": "Frequency of text messages",
    "consent.email_list": "Email list sign-up",
    "consent.custom_source": "Consent source in Klaviyo",
    "consent.age_gated": "Klaviyo account is age-gated",
    "consent.sms_checkbox_text": "SMS checkbox text",
    "consent.sms_disclosure": "SMS disclosure",
    "consent.whatsapp_checkbox_text": "WhatsApp checkbox text",
    "consent.whatsapp_disclosure": "WhatsApp disclosure",
    "trigger.tag_allowlist": "Only on products tagged",
    "trigger.tag_blocklist": "Never on products tagged",
    "trigger.inventory_quantity_threshold": "Sold-out threshold",
    "trigger.display_on_policy_continue": "Show on products that can be oversold",
    "trigger.is_allow_for_preorder": "Show on pre-order products",
    "trigger.is_allow_for_unmanaged_inventory": "Show on products without tracked stock",
    "demand.public_count": "Show how many shoppers are interested",
    "demand.public_count_text": "Social proof text",
    "demand.public_count_floor": "Minimum number shown",
    "demand.public_count_days": "Period in days",
    "languages.offered": "Languages",
}
"""Labels by dotted key, where the name of the setting itself doesn't read well."""
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
    changed: bool
    """Whether its value differs from the merchant's."""
    merchant_value: str
    """The merchant's value, described."""
    placeholder: str
    """The value or text that applies while the field is empty."""

    @property
    def text(self) -> str:
        """The value as the text of its field."""
        return text_of(self.value)


@dataclass(slots=True)
class Section:
    """Fields that belong together."""

    title: str
    fields: list[Field] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The ID of its element."""
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
    """The value of every control by dotted key, as in JSON."""
    document = settings.model_dump(mode="json")
    return {control.key: value_at(document, control.key.split(".")) for control in controls()}


def build_sections(
    values: Mapping[str, Any],
    merchant_values: Mapping[str, Any],
    problems: Mapping[str, str],
    warnings: Mapping[str, str],
    texts: Mapping[str, str],
) -> list[Section]:
    """The panel's sections; all arguments are by dotted key.

    `values` are the fields' values. `texts` are the texts shoppers see in the language that is
    being translated (`changes.texts_in`).
    """
    sections: dict[str, Section] = {}
    languages = {key.split(".")[1] for key in texts}
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
                label=_label(control),
                error=problems.get(control.key, ""),
                warning=warnings.get(control.key, ""),
                # as text, since an invalid value is still the text that was entered
                changed=text_of(value) != text_of(merchant_value),
                merchant_value=_describe(merchant_value, control),
                placeholder=_placeholder(control, texts),
            )
        )
    order = [*TITLES, *(name for name in sections if name not in TITLES)]
    return [sections[name] for name in order if name in sections]


def _section_name(control: Control) -> str:
    """The most specific section in `TITLES` that the control fits, else its table."""
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


def _label(control: Control) -> str:
    prefix = f"texts.{control.language}."
    key = control.key.removeprefix(prefix)
    label = LABELS.get(key) or name_of(key.rpartition(".")[2])
    return f"{label} in {name_of(control.language)}" if control.language else label


def _placeholder(control: Control, texts: Mapping[str, str]) -> str:
    if control.language:
        missing = f"Required to offer this channel in {name_of(control.language)}"
        return texts.get(control.key, missing)
    return "Shop’s default" if control.optional else text_of(control.empty_value)


def _describe(value: Any, control: Control) -> str:
    if value is None:
        return "not translated" if control.language else "default"
    if isinstance(value, bool):
        return "on" if value else "off"
    text = text_of(value).replace("\n", ", ")
    return f"“{text}”" if text else "empty"
