"""All options of Klaviyo's script, and how the import treats them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..settings.base import closest_match

NoteKind = Literal["imported", "changed", "no_effect", "not_supported"]


@dataclass(frozen=True, slots=True)
class Target:
    """The setting that an option becomes."""

    table: str
    key: str
    type: Literal["text", "html", "some_html", "boolean", "integer", "tags"] = "text"
    """How the option's value is read. Klaviyo's script shows `html` as HTML; the kit shows it as
    text. In `some_html`, the kit keeps the tags in `FOOTER_TAGS`.
    """
    default: str | None = None
    """The default of Klaviyo's script, if the kit's default differs. It is None for shopper-facing
    text, since the kit's default is translated.
    """


@dataclass(frozen=True, slots=True)
class Skipped:
    """An option that isn't imported, and the reason."""

    kind: NoteKind
    reason: str


_VARIANT = "the shop's page passes the variant to the button"
_QUANTITY = "Klaviyo's script never shows a quantity field"
_STYLES = (
    "the kit can check individual values, but not whole stylesheets: use the settings under "
    "[modal], or the shop's own stylesheet"
)
_IGNORED = "Klaviyo's script passes this option to its form under a name that the form ignores"

TARGETS: dict[str, Target] = {
    "trigger.product_page_text": Target("button", "label", "html"),
    "trigger.alternate_anchor": Target("button", "alternate_anchor"),
    "trigger.product_page_class": Target("button", "product_page_class", default="btn"),
    "trigger.product_page_text_align": Target(
        "button", "product_page_text_align", default="center"
    ),
    "trigger.product_page_margin": Target("button", "product_page_margin"),
    "trigger.product_page_width": Target("button", "product_page_width"),
    "trigger.collection_page_text": Target("button", "collection_page_text", "html"),
    "trigger.collection_page_class": Target("button", "collection_page_class", default="btn"),
    "trigger.collection_page_text_align": Target(
        "button", "collection_page_text_align", default="center"
    ),
    "trigger.collection_page_width": Target("button", "collection_page_width", default="200px"),
    "trigger.collection_page_padding": Target("button", "collection_page_padding"),
    "include_on_tags": Target("trigger", "tag_allowlist", "tags"),
    "exclude_on_tags": Target("trigger", "tag_blocklist", "tags"),
    "inventory_quantity_threshold": Target("trigger", "inventory_quantity_threshold", "integer"),
    "display_on_policy_continue": Target("trigger", "display_on_policy_continue", "boolean"),
    "is_allow_for_preorder": Target("trigger", "is_allow_for_preorder", "boolean"),
    "is_allow_for_unmanaged_inventory": Target(
        "trigger", "is_allow_for_unmanaged_inventory", "boolean"
    ),
    "modal.headline": Target("modal", "headline", "html"),
    "modal.body_content": Target("modal", "body_content", "html"),
    "modal.email_field_label": Target("modal", "email_field_label", "html"),
    "modal.button_label": Target("modal", "button_label", "html"),
    "modal.subscription_success_label": Target("modal", "subscription_success_label", "html"),
    "modal.footer_content": Target("modal", "footer_content", "some_html"),
    "modal.close_label": Target("modal", "close_label", "html"),
    "modal.z_index": Target("modal", "z_index", "integer"),
    "modal.background_color": Target("modal", "background_color"),
    "modal.text_color": Target("modal", "text_color"),
    "modal.font_family": Target("modal", "font_family"),
    "modal.headers_font_family": Target("modal", "headers_font_family"),
    "modal.button_text_color": Target("modal", "button_text_color"),
    "modal.button_background_color": Target("modal", "button_background_color"),
    "modal.close_button_color": Target("modal", "close_button_color"),
    "modal.success_background_color": Target("modal", "success_background_color"),
    "modal.success_text_color": Target("modal", "success_text_color"),
    "modal.newsletter_subscribe_label": Target("consent", "email_checkbox_text", "html"),
}
"""The options that become a setting, in the order in which the settings are written."""

SKIPPED: dict[str, Skipped] = {
    "logging": Skipped("no_effect", "the kit writes nothing to the browser's console"),
    "api_hostname": Skipped("not_supported", "use KLAVIYO_API_URL in the environment"),
    "variant_id_element": Skipped("not_supported", _VARIANT),
    "variant_id_attribute": Skipped("not_supported", _VARIANT),
    "is_quick_view": Skipped("not_supported", "put the button in the quick view's template"),
    "collection_urls": Skipped(
        "not_supported", "put the button in the template of the product cards"
    ),
    "modal.is_quantity_field_enabled": Skipped("no_effect", _QUANTITY),
    "modal.quantity_field_label": Skipped("no_effect", _QUANTITY),
    "modal.is_powered_by_link": Skipped("not_supported", "the form has no link to Klaviyo"),
    "modal.styles": Skipped("not_supported", _STYLES),
    "modal.additional_styles": Skipped("not_supported", _STYLES),
    "modal.drop_background_color": Skipped("no_effect", _IGNORED),
    "modal.error_background_color": Skipped("no_effect", _IGNORED),
    "modal.error_text_color": Skipped("no_effect", _IGNORED),
}
"""The options that are never imported."""

DISPLAY_OPTIONS = ("trigger.replace_anchor", "trigger.replace_sold_out")
"""The options that become `[button] display`."""
SUBSCRIBE_CHECKED = "modal.subscribe_checked"
KNOWN_OPTIONS = (
    *TARGETS,
    *SKIPPED,
    *DISPLAY_OPTIONS,
    SUBSCRIBE_CHECKED,
    "account",
    "list",
    "platform",
    "trigger",
    "modal",
)


SECTIONS = {option.rpartition(".")[2]: option.rpartition(".")[0] for option in KNOWN_OPTIONS}
"""The section of every option, such as `modal` for `headline`; empty for one without a section."""


def closest_option(option: str) -> str | None:
    """Return the known option that is most similar to an unknown one, in any section."""
    match = closest_match(option.rpartition(".")[2].lower(), SECTIONS)
    return f"{SECTIONS[match]}.{match}".lstrip(".") if match else None
