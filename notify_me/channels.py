"""All that the kit knows of each channel.

A new channel is a member of `Channel` and a case of `_info_of`, without which mypy fails. Three
things are named after it elsewhere, and a test looks for them: where it needs consent, its legal
texts under `[consent]` (`settings/tables/consent.py`); the rule in `static/notify-me.css` that
hides its fields until it is chosen; and the sentences of `web/confirmation.py` about a double
opt-in, for each combination of channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from .i18n.catalogs import N_


class Channel(StrEnum):
    """Klaviyo's `channels` of a back-in-stock subscription that a web shop can offer."""

    EMAIL = "EMAIL"
    SMS = "SMS"
    WHATSAPP = "WHATSAPP"

    @property
    def info(self) -> ChannelInfo:
        """All that the kit knows of this channel."""
        return _INFO[self]


@dataclass(frozen=True, slots=True)
class ChannelInfo:
    """One channel. Texts for shoppers are in English, to be translated where they are shown."""

    name: str
    """The channel on the form, such as `Text message`."""
    short_name: str
    """The channel on the merchant's pages, such as `SMS`; never translated."""
    identifier: Literal["email", "phone_number"]
    """The profile's attribute, and the form field, by which this channel reaches it."""
    consent_field: Literal["opt_in_promotional_email", "opt_in_promotional_sms"]
    """The form field of its box for consent, under the name of Klaviyo's own forms."""
    not_recorded: str
    """Says that the consent couldn't be recorded."""
    consent_settings: str = ""
    """Where consent is needed: the prefix of its two legal texts, such as `sms` of
    `sms_checkbox_text` and `sms_disclosure`; these ship in English alone.
    """
    box_not_ticked: str = ""
    """Where consent is needed: the error beside a box that isn't ticked."""
    mobile_only: bool = False
    """Whether a fixed line can't get its messages."""
    first_revision: str = ""
    """The first revision of Klaviyo's API that knows the channel, if not every one does."""

    @property
    def needs_consent(self) -> bool:
        """Whether a sign-up by this channel goes only with explicit consent."""
        return bool(self.consent_settings)

    @property
    def legal_texts(self) -> tuple[str, ...]:
        """The names under `[consent]` of the label of its box and of its disclosure."""
        prefix = self.consent_settings
        return (f"{prefix}_checkbox_text", f"{prefix}_disclosure") if prefix else ()


def _info_of(channel: Channel) -> ChannelInfo:
    match channel:
        case Channel.EMAIL:
            return ChannelInfo(
                name=N_("Email"),
                short_name="Email",
                identifier="email",
                consent_field="opt_in_promotional_email",
                not_recorded=N_("You aren't on our email list yet."),
            )
        case Channel.SMS:
            return ChannelInfo(
                name=N_("Text message"),
                short_name="SMS",
                identifier="phone_number",
                consent_field="opt_in_promotional_sms",
                not_recorded=N_(
                    "Your consent to text messages couldn't be recorded, so they may not come."
                ),
                consent_settings="sms",
                box_not_ticked=N_("Tick this box, so that we may text you."),
                mobile_only=True,
            )
        case Channel.WHATSAPP:
            return ChannelInfo(
                name=N_("WhatsApp"),
                short_name="WhatsApp",
                identifier="phone_number",
                consent_field="opt_in_promotional_sms",
                not_recorded=N_(
                    "Your consent to WhatsApp messages couldn't be recorded, so they may not come."
                ),
                consent_settings="whatsapp",
                box_not_ticked=N_("Tick this box, so that we may write to you on WhatsApp."),
                first_revision="2026-01-15",
            )


_INFO = {channel: _info_of(channel) for channel in Channel}
