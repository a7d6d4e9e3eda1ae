"""`[consent]`: what shoppers agree to."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from ...i18n.catalogs import N_
from ..base import TRANSLATED, UNTRANSLATED, SettingsTable, check_placeholders

PLACEHOLDERS = ("brand", "program", "frequency", "terms_of_service", "privacy_policy")
URL = "a URL that begins with https://, or with / for a page of the shop"

# browsers read a backslash as a slash, and ignore tabs and line breaks
_URL = re.compile(r"""(?:https?://[^/?#\\\x00-\x20"<>]|/(?!/))[^\\\x00-\x20"<>]*""")


def _url(text: str) -> str:
    if text and not _URL.fullmatch(text):
        raise ValueError(f"must be {URL}")
    return text


def _text(text: str) -> str:
    return check_placeholders(text, PLACEHOLDERS)


Link = Annotated[str, Field(json_schema_extra={"allowed": URL, **TRANSLATED}), AfterValidator(_url)]
LinkText = Annotated[str, Field(min_length=1, max_length=100, json_schema_extra=TRANSLATED)]
Phrase = Annotated[str, Field(min_length=1, max_length=200, json_schema_extra=UNTRANSLATED)]
EmailText = Annotated[
    str,
    Field(min_length=1, max_length=1000, json_schema_extra=TRANSLATED),
    AfterValidator(_text),
]
CheckboxText = Annotated[
    str,
    Field(min_length=1, max_length=1000, json_schema_extra=UNTRANSLATED),
    AfterValidator(_text),
]
LegalText = Annotated[
    str,
    Field(min_length=1, max_length=3000, json_schema_extra=UNTRANSLATED),
    AfterValidator(_text),
]


class Consent(SettingsTable):
    """`[consent]`: what shoppers agree to. The wording corresponds to the
    `bis_promotional_email_checkbox`, `promotional_sms_checkbox` and `sms_disclosure` blocks in
    Klaviyo's form builder. It may contain `{brand}`, `{program}`, `{frequency}` and the links
    `{terms_of_service}` and `{privacy_policy}`.
    """

    brand: str = Field("", max_length=100, title="Company name")
    """The name of your company. Empty: the shop's name, if your shop passes
    `NotifyMe(shop_name=…)`, as the starter shop does.
    """
    terms_of_service_url: Link = Field("", title="Terms of service link")
    """URL of your terms of service."""
    privacy_policy_url: Link = Field("", title="Privacy policy link")
    """URL of your privacy policy. The form links to it, unless modal.footer_content is set."""
    terms_of_service_text: LinkText = Field(
        N_("Terms of Service"), title="Terms of service link text"
    )
    """Text of the {terms_of_service} link."""
    privacy_policy_text: LinkText = Field(N_("Privacy Policy"), title="Privacy policy link text")
    """Text of the {privacy_policy} link, and of the link below the form."""
    locale: str = Field(
        "en",
        pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        json_schema_extra={"allowed": "a language tag, such as en or de-AT"},
        title="Language of the legal wording",
    )
    """Language of the wording in this table; it is stored with each consent. Change it if you write
    the wording in another language.
    """
    program: Phrase = Field("back-in-stock alerts and offers", title="Message topic")
    """What your text and WhatsApp messages are about: the value of {program}."""
    frequency: Phrase = Field("Message frequency varies", title="Message frequency")
    """How often you send text and WhatsApp messages: the value of {frequency}."""
    email_list: Literal["off", "ask", "always"] = Field("off", title="Email list sign-up")
    """Whether signing up by email also subscribes the shopper to the list in KLAVIYO_LIST_ID:
    never (off), if they tick a checkbox (ask), or always, with a notice in the form (always).
    """
    email_checkbox_text: EmailText = Field(
        N_("Also email me news and offers from {brand}."), title="Email checkbox text"
    )
    """Label of the checkbox for email_list = ask."""
    email_notice: EmailText = Field(
        N_(
            "By signing up, you also agree to receive marketing emails from {brand}. "
            "You can unsubscribe at any time."
        ),
        title="Email notice",
    )
    """The notice for email_list = always."""
    sms_checkbox_text: CheckboxText = Field(
        "Yes, send me text messages from {brand}.", title="SMS checkbox text"
    )
    """Label of the checkbox for text messages."""
    sms_disclosure: LegalText = Field(
        "By checking this box, you agree to receive recurring automated marketing text messages "
        "({program}) from {brand} at the number you provided. Consent is not a condition of "
        "purchase. {frequency}. Message and data rates may apply. Reply HELP for help and STOP to "
        "cancel. See our {terms_of_service} and {privacy_policy}.",
        title="SMS disclosure",
    )
    """The legal text for text messages."""
    whatsapp_checkbox_text: CheckboxText = Field(
        "Yes, send me WhatsApp messages from {brand}.", title="WhatsApp checkbox text"
    )
    """Label of the checkbox for WhatsApp."""
    whatsapp_disclosure: LegalText = Field(
        "By checking this box, you agree to receive recurring automated marketing messages on "
        "WhatsApp ({program}) from {brand} at the number you provided. Consent is not a condition "
        "of purchase. {frequency}. Data rates may apply. Reply HELP for help and STOP to cancel. "
        "See our {terms_of_service} and {privacy_policy}.",
        title="WhatsApp disclosure",
    )
    """The legal text for WhatsApp."""
    custom_source: str = Field(
        "Back in Stock", min_length=1, max_length=100, title="Consent source in Klaviyo"
    )
    """The source that Klaviyo shows for the consent (custom_source in Klaviyo's API)."""
    age_gated: bool = Field(False, title="Klaviyo account is age-gated")
    """Whether your Klaviyo account uses age gating for SMS. If it does, SMS and WHATSAPP can't be
    offered, because the form doesn't ask for a date of birth.
    """
