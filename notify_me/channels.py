"""The channels of a sign-up and their properties.

To add a channel, add a member to `Channel` and a case to `_info_of`; mypy reports a missing case.
These places also name channels:

- `settings/tables/consent.py`: the legal wording under `[consent]`, if the channel needs consent,
- `static/notify-me.css`: the rule that hides the channel's fields until it is selected,
- `web/confirmation.py`: the sentences for every combination of channels,
- `form/sign_up_form.py` and `klaviyo/outcomes.py`: the rule that SMS comes first among channels
  that share a consent field or a phone number,
- the translations (`make translations`),
- the descriptions and messages that name SMS and WhatsApp, in `settings/`, `check/advice.py` and
  `form/phone.py`,
- the starter shop's `studio/sections.py`, if the channel needs consent,
- the sandbox: `identifiers.py`, `back_in_stock.py`, `consent.py` and `profiles.py` in
  `operations/`, `state/subscriptions.py`, `pages/explanations.py`, the templates `_messages.html`
  and `profiles.html`, and its specification.

Tests cover the first three.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from .i18n.catalogs import N_


class Channel(StrEnum):
    """The channels of a back-in-stock subscription that a web shop can offer."""

    EMAIL = "EMAIL"
    SMS = "SMS"
    WHATSAPP = "WHATSAPP"

    @property
    def info(self) -> ChannelInfo:
        """The properties of this channel."""
        return _INFO[self]


@dataclass(frozen=True, slots=True)
class ChannelInfo:
    """The properties of a channel. Shopper-facing strings are in English here, and translated when
    they are shown.
    """

    name: str
    """Its name on the form, such as `Text message`."""
    short_name: str
    """Its name on the merchant's pages, such as `SMS`; not translated."""
    identifier: Literal["email", "phone_number"]
    """The kind of contact that it requires, named as in Klaviyo's profiles and in the form."""
    consent_field: Literal["opt_in_promotional_email", "opt_in_promotional_sms"]
    """The form field of its consent checkbox, named as in Klaviyo's own forms."""
    not_recorded: str
    """The message for the shopper when Klaviyo didn't record the consent."""
    refused: str
    """The message for the shopper when Klaviyo refused the channel for this contact."""
    legal_text_prefix: str = ""
    """The prefix of the two settings for its legal wording, such as `sms` for `sms_checkbox_text`
    and `sms_disclosure`; empty if the channel needs no consent. The defaults of these settings are
    in English only.
    """
    checkbox_required: str = ""
    """The error next to an unticked consent checkbox; empty if the channel needs no consent."""
    mobile_only: bool = False
    """Whether only mobile numbers can receive its messages."""
    first_revision: str = ""
    """The first API revision that has the channel; empty if every revision has it."""

    @property
    def needs_consent(self) -> bool:
        """Whether a sign-up for this channel needs explicit consent."""
        return bool(self.legal_text_prefix)

    @property
    def legal_wording(self) -> tuple[str, ...]:
        """The names of the settings under `[consent]` for its checkbox label and its disclosure;
        none if the channel needs no consent.
        """
        prefix = self.legal_text_prefix
        return (f"{prefix}_checkbox_text", f"{prefix}_disclosure") if prefix else ()


def _info_of(channel: Channel) -> ChannelInfo:
    match channel:
        case Channel.EMAIL:
            return ChannelInfo(
                name=N_("Email"),
                short_name="Email",
                identifier="email",
                consent_field="opt_in_promotional_email",
                not_recorded=N_("We couldn’t add you to our email list."),
                refused=N_("Email: this address wasn’t accepted."),
            )
        case Channel.SMS:
            return ChannelInfo(
                name=N_("Text message"),
                short_name="SMS",
                identifier="phone_number",
                consent_field="opt_in_promotional_sms",
                not_recorded=N_(
                    "We couldn’t record your consent to receive text messages, so you may not "
                    "get any."
                ),
                refused=N_("Text message: we can’t text this number."),
                legal_text_prefix="sms",
                checkbox_required=N_("Check this box to agree to receive texts."),
                mobile_only=True,
            )
        case Channel.WHATSAPP:
            return ChannelInfo(
                name=N_("WhatsApp"),
                short_name="WhatsApp",
                identifier="phone_number",
                consent_field="opt_in_promotional_sms",
                not_recorded=N_(
                    "We couldn’t record your consent to receive WhatsApp messages, so you "
                    "may not get any."
                ),
                refused=N_("WhatsApp: we can’t message this number."),
                legal_text_prefix="whatsapp",
                checkbox_required=N_("Check this box to agree to receive WhatsApp messages."),
                first_revision="2026-01-15",
            )


_INFO = {channel: _info_of(channel) for channel in Channel}
