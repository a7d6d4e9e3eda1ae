"""Every option of Klaviyo's old script, and what becomes of it here: one table."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

Kind = Literal["taken", "no_effect", "changed", "not_supported"]
Shape = Literal["text", "yes_no", "number", "tags", "font"]


@dataclass(frozen=True)
class Target:
    """An option that comes over: its table and key in TOML, and how its value is read."""

    table: str
    key: str
    shape: Shape = "text"
    unused: str = ""  # why it has no effect in Klaviyo's own script, though it has one here


@dataclass(frozen=True)
class Left:
    """An option that stays behind, and the reason."""

    kind: Kind
    reason: str


_FAILURE = "Klaviyo's template reads failure_{0} where its script passes error_{0}"
_QUANTITY = "Klaviyo's script never shows a field for the quantity"
_CSP = (
    "a whole style sheet would pass by the shop's Content-Security-Policy and by the check of "
    "every value; use the settings of [modal], or a style sheet of the shop's"
)

TARGETS: dict[str, Target] = {
    "trigger.product_page_text": Target("button", "label"),
    **{
        f"trigger.{name}": Target("button", name)
        for name in (
            "alternate_anchor",
            "product_page_class",
            "product_page_text_align",
            "product_page_margin",
            "product_page_width",
            "collection_page_text",
            "collection_page_class",
            "collection_page_text_align",
            "collection_page_width",
            "collection_page_padding",
        )
    },
    "include_on_tags": Target("trigger", "tag_allowlist", "tags"),
    "exclude_on_tags": Target("trigger", "tag_blocklist", "tags"),
    "inventory_quantity_threshold": Target("trigger", "inventory_quantity_threshold", "number"),
    **{
        name: Target("trigger", name, "yes_no")
        for name in (
            "display_on_policy_continue",
            "is_allow_for_preorder",
            "is_allow_for_unmanaged_inventory",
        )
    },
    **{
        f"modal.{name}": Target("modal", name)
        for name in (
            "headline",
            "body_content",
            "email_field_label",
            "button_label",
            "subscription_success_label",
            "footer_content",
            "close_label",
        )
    },
    "modal.z_index": Target("modal", "z_index", "number"),
    "modal.background_color": Target("modal", "background_color"),
    "modal.text_color": Target("modal", "text_color"),
    "modal.font_family": Target("modal", "font_family", "font"),
    "modal.headers_font_family": Target("modal", "headers_font_family", "font"),
    "modal.drop_background_color": Target(
        "modal",
        "drop_background_color",
        unused="Klaviyo's template reads fade_color_rgb where its script passes "
        "drop_background_color",
    ),
    "modal.button_text_color": Target("modal", "button_text_color"),
    "modal.button_background_color": Target("modal", "button_background_color"),
    "modal.close_button_color": Target("modal", "close_button_color"),
    **{
        f"modal.error_{name}": Target("modal", f"error_{name}", unused=_FAILURE.format(name))
        for name in ("background_color", "text_color")
    },
    "modal.success_background_color": Target("modal", "success_background_color"),
    "modal.success_text_color": Target("modal", "success_text_color"),
}
"""What comes over; the order is that of the TOML."""

LEFT: dict[str, Left] = {
    "logging": Left(
        "no_effect",
        "Klaviyo's script asks klaviyo.logging(…) alone; the kit writes nothing to the console",
    ),
    "api_hostname": Left(
        "not_supported", "KLAVIYO_API_URL in the environment says where Klaviyo is"
    ),
    "variant_id_element": Left(
        "not_supported", "the shop's page names the variant itself, so none is looked for in it"
    ),
    "variant_id_attribute": Left(
        "not_supported", "the shop's page names the variant itself, so none is looked for in it"
    ),
    "is_quick_view": Left(
        "not_supported", "in a quick view the shop puts the button where it wants it"
    ),
    "collection_urls": Left(
        "not_supported", "the button stands on the cards whose template has it, at any address"
    ),
    "modal.is_quantity_field_enabled": Left("no_effect", _QUANTITY),
    "modal.quantity_field_label": Left("no_effect", _QUANTITY),
    "modal.is_powered_by_link": Left("not_supported", "the form never has a link to Klaviyo"),
    "modal.styles": Left("not_supported", _CSP),
    "modal.additional_styles": Left("not_supported", _CSP),
}
"""What stays behind whatever its value is."""

RULED = (
    "account",
    "list",
    "platform",
    "trigger.replace_anchor",
    "trigger.replace_sold_out",
    "modal.newsletter_subscribe_label",
    "modal.subscribe_checked",
)
"""What has a rule of its own in `convert`."""

KNOWN = (*RULED, *TARGETS, *LEFT, "trigger", "modal")


def nearest(option: str) -> str | None:
    """The known option whose name is most like one that isn't known."""
    name = option.rpartition(".")[2][:60].lower()
    names = {known.rpartition(".")[2]: known for known in KNOWN}
    found = difflib.get_close_matches(name, list(names), n=1, cutoff=0.6)
    return names[found[0]] if found else None
