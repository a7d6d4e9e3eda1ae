"""`[consent]`: who asks for it, and in which words."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ...i18n.catalogs import N_
from ..base import Allowed, SettingsTable, ShopperText, only_placeholders

PLACEHOLDERS = ("brand", "program", "frequency", "terms_of_service", "privacy_policy")
"""What `{…}` may name in a text of `[consent]`; the last two become links."""

ADDRESS = "an address that begins with https://, or with / for a page of the shop's"
# browsers read a backslash as /, and pass over tabs and line ends
_ADDRESS = re.compile(r"""(?:https?://[^/?#\\\x00-\x20"<>]|/(?!/))[^\\\x00-\x20"<>]*""")


def _address(value: str) -> str:
    if value and not _ADDRESS.fullmatch(value):
        raise ValueError(f"must be {ADDRESS}")
    return value


def _placeholders(value: str) -> str:
    return only_placeholders(value, PLACEHOLDERS)


Address = Annotated[str, AfterValidator(_address), Allowed(ADDRESS), ShopperText()]
"""A link of a consent text."""
Text = Annotated[str, AfterValidator(_placeholders), ShopperText()]
"""A text for consent, which is translated."""
LegalText = Annotated[str, AfterValidator(_placeholders), ShopperText(translated=False)]
"""A text for consent that must be the merchant's own in every language but English."""


class Consent(SettingsTable):
    """`[consent]`: who asks for it, and in which words. Klaviyo's own blocks for this are the
    form builder's `bis_promotional_email_checkbox`, `promotional_sms_checkbox`, `sms_disclosure`.
    """

    brand: str = Field("", max_length=100, description="Who writes: your company's name.")
    terms_of_service_url: Address = Field("", description="The address of your terms of service.")
    privacy_policy_url: Address = Field("", description="The address of your privacy policy.")
    terms_of_service_text: Annotated[str, ShopperText()] = Field(
        N_("Terms of Service"), min_length=1, max_length=100, description="The words of that link."
    )
    privacy_policy_text: Annotated[str, ShopperText()] = Field(
        N_("Privacy Policy"), min_length=1, max_length=100, description="The words of that link."
    )
    locale: Annotated[str, Allowed("a language, such as en or de-AT")] = Field(
        "en",
        pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        description="The language of the texts below, such as en or de-AT: it is kept with each "
        "consent. Change it together with the texts.",
    )
    program: Annotated[str, ShopperText(translated=False)] = Field(
        "back-in-stock alerts and offers",
        min_length=1,
        max_length=200,
        description="What text messages are about.",
    )
    frequency: Annotated[str, ShopperText(translated=False)] = Field(
        "Message frequency varies",
        min_length=1,
        max_length=200,
        description="How often text messages come.",
    )
    email_list: Literal["off", "ask", "always"] = Field(
        "off",
        description="Whether an email sign-up subscribes to the list KLAVIYO_LIST_ID as well: "
        "ask shows a box that isn't ticked, always shows a notice.",
    )
    email_checkbox_text: Text = Field(
        N_("Also email me news and offers from {brand}."),
        min_length=1,
        max_length=1000,
        description="The words of the box for email_list = ask.",
    )
    email_notice: Text = Field(
        N_(
            "By signing up, you also agree to receive marketing emails from {brand}. "
            "You can unsubscribe at any time."
        ),
        min_length=1,
        max_length=1000,
        description="The notice for email_list = always.",
    )
    sms_checkbox_text: LegalText = Field(
        "Yes, send me text messages from {brand}.",
        min_length=1,
        max_length=1000,
        description="The words of the box for text messages.",
    )
    sms_disclosure: LegalText = Field(
        "By checking this box, you agree to receive recurring automated marketing text messages "
        "({program}) from {brand} at the number you provided. Consent is not a condition of "
        "purchase. {frequency}. Message and data rates may apply. Reply HELP for help and STOP to "
        "cancel. See our {terms_of_service} and {privacy_policy}.",
        min_length=1,
        max_length=3000,
        description="The legal text beside the box for text messages.",
    )
    whatsapp_checkbox_text: LegalText = Field(
        "Yes, send me WhatsApp messages from {brand}.",
        min_length=1,
        max_length=1000,
        description="The words of the box for WhatsApp.",
    )
    whatsapp_disclosure: LegalText = Field(
        "By checking this box, you agree to receive recurring automated marketing messages on "
        "WhatsApp ({program}) from {brand} at the number you provided. Consent is not a condition "
        "of purchase. {frequency}. Data rates may apply. Reply HELP for help and STOP to cancel. "
        "See our {terms_of_service} and {privacy_policy}.",
        min_length=1,
        max_length=3000,
        description="The legal text beside the box for WhatsApp.",
    )
    custom_source: str = Field(
        "Back in Stock",
        min_length=1,
        max_length=100,
        description="Klaviyo's custom_source: where it shows the consent as coming from.",
    )
    age_gated: bool = Field(
        False,
        description="Whether the Klaviyo account asks SMS subscribers for their date of birth. "
        "This form doesn't, so SMS and WHATSAPP can't be offered then.",
    )
