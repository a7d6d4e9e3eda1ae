"""The sign-up form: validates contact details, channels, consent and variants."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from wtforms import EmailField, Form, HiddenField, SelectMultipleField, TelField
from wtforms.i18n import get_translations
from wtforms.validators import ValidationError

from ..channels import Channel
from ..i18n.locales import language
from ..i18n.text import gettext, ngettext
from ..klaviyo.calls import MAX_VARIANTS, SignUp
from ..variants import CompositeID, Variant
from .consent import FormOptions
from .contacts import clean_email, clean_phone, email_address
from .phone import CAN_BE_CALLED, CAN_BE_TEXTED, e164

CHECKED_VALUES = frozenset({"1", "on", "true", "y", "yes"})
"""The values, besides the channel, that a consent checkbox in a shop's own form may send."""


@cache
def wtforms_translations(locale: str) -> Any:
    """Return WTForms' own messages in a language."""
    return get_translations([locale])


class SignUpForm(Form):
    """A sign-up for variants of one product.

    `offered_variants` are the product's variants, of which the shopper may select some; `options`
    has the channels and consent prompts. The field names are fixed, because forks, tests and
    `<notify-me>` rely on them. As in Klaviyo's own forms, `opt_in_promotional_sms` is the name of
    the checkboxes for SMS and for WhatsApp; the value is the channel. `shown` lists the versions of
    the consent wording that was on screen. A shop's own form may leave this field out; the shop is
    then responsible for the wording.
    """

    class Meta:
        """Translates WTForms' own messages, which may appear next to fields added by a shop."""

        def get_translations(self, form: Form) -> Any:
            """Return WTForms' catalog."""
            return wtforms_translations(language().name)

    # the choices differ by product and shop, so the methods below check them
    variants = SelectMultipleField("Options", choices=[], validate_choice=False)
    channels = SelectMultipleField("Channels", choices=[], validate_choice=False)
    email = EmailField("Email", filters=[clean_email])
    phone_number = TelField("Phone number", filters=[clean_phone])
    opt_in_promotional_email = SelectMultipleField(
        "Email marketing", choices=[], validate_choice=False
    )
    opt_in_promotional_sms = SelectMultipleField(
        "Text marketing", choices=[], validate_choice=False
    )
    shown = HiddenField("Versions of the consent wording")

    def __init__(
        self,
        formdata: Any = None,
        *,
        offered_variants: Sequence[Variant],
        options: FormOptions,
        **kwargs: Any,
    ) -> None:
        super().__init__(formdata, **kwargs)
        self.options = options
        self._variants = frozenset(str(variant.composite_id) for variant in offered_variants)
        self._normalized: dict[str, str] = {}

    @property
    def selected_variants(self) -> tuple[str, ...]:
        """The selected composite IDs, without duplicates, in the order submitted."""
        return tuple(dict.fromkeys(self.variants.data or ()))

    @property
    def selected_channels(self) -> tuple[Channel, ...]:
        """The offered channels that are selected, in the order of the form."""
        selected = self.channels.data or ()
        return tuple(channel for channel in self.options.channels if channel in selected)

    @property
    def checked_channels(self) -> frozenset[Channel]:
        """The channels whose consent checkbox was ticked when the current text was shown.

        A checkbox in a shop's own form may send a value such as `y` instead of the channel. That
        counts for SMS if the field serves SMS and WhatsApp, otherwise for its only channel.
        """
        checked: set[Channel] = set()
        for name in {channel.info.consent_field for channel in self.options.channels}:
            values = self[name].data or ()
            channels = [
                channel for channel in self.options.channels if channel.info.consent_field == name
            ]
            checked.update(channel for channel in channels if channel in values)
            if CHECKED_VALUES.intersection(value.lower() for value in values):
                checked.add(Channel.SMS if Channel.SMS in channels else channels[0])
        return frozenset(checked - self._outdated_channels)

    @property
    def _outdated_channels(self) -> frozenset[Channel]:
        """The channels whose consent wording has changed since the shopper saw it."""
        if not self.shown.raw_data:
            return frozenset()
        versions = str(self.shown.raw_data[0]).split()
        return frozenset(
            prompt.channel
            for prompt in self.options.prompts
            if prompt.statement.version not in versions
        )

    def validate_variants(self, field: SelectMultipleField) -> None:
        """Require one to ten of the product's variants."""
        if not self.selected_variants:
            raise ValidationError(gettext("Choose at least one option."))
        if not self._variants.issuperset(self.selected_variants):
            raise ValidationError(
                gettext(
                    "One of the selected options isn’t part of this product. Please choose again."
                )
            )
        if len(self.selected_variants) > MAX_VARIANTS:
            raise ValidationError(
                ngettext(
                    "Choose up to %(num)d option.", "Choose up to %(num)d options.", MAX_VARIANTS
                )
            )

    def validate_channels(self, field: SelectMultipleField) -> None:
        """Require at least one channel, and only channels that the shop offers."""
        if not field.data:
            raise ValidationError(gettext("Choose how you’d like to hear from us."))
        if not set(self.options.channels).issuperset(field.data):
            raise ValidationError(
                gettext("We can’t contact you that way. Please choose one of the options shown.")
            )

    def validate_email(self, field: EmailField) -> None:
        """Require an email address for EMAIL; only its syntax is checked."""
        if Channel.EMAIL not in self.selected_channels:
            return
        if not field.data:
            raise ValidationError(gettext("Enter your email address."))
        try:
            self._normalized["email"] = email_address(field.data)
        except ValueError as error:
            raise ValidationError(str(error)) from None

    def validate_phone_number(self, field: TelField) -> None:
        """Require a phone number for SMS and WHATSAPP, in national or international format."""
        by_phone = [
            channel
            for channel in self.selected_channels
            if channel.info.identifier == "phone_number"
        ]
        if not by_phone:
            return
        if not field.data:
            raise ValidationError(gettext("Enter your mobile number."))
        mobile_only = any(channel.info.mobile_only for channel in by_phone)
        types = CAN_BE_TEXTED if mobile_only else CAN_BE_CALLED
        try:
            number = e164(field.data, self.options.default_region, types=types)
        except ValueError as error:
            raise ValidationError(str(error)) from None
        self._normalized["phone_number"] = number

    def validate_opt_in_promotional_email(self, field: SelectMultipleField) -> None:
        """Require that the consent wording hasn't changed since it was shown. The checkbox may be
        unticked.
        """
        self._check_consent(field)

    def validate_opt_in_promotional_sms(self, field: SelectMultipleField) -> None:
        """Require that the consent checkbox of each selected channel that needs consent was ticked
        when the current text was shown.
        """
        self._check_consent(field)

    def _check_consent(self, field: SelectMultipleField) -> None:
        errors = [
            self.consent_error(channel)
            for channel in self.selected_channels
            if channel.info.consent_field == field.name
        ]
        if any(errors):
            raise ValidationError(" ".join(filter(None, errors)))

    def consent_error(self, channel: Channel) -> str:
        """Return the error for one channel's consent checkbox; empty if there is none or the form
        hasn't been submitted.
        """
        if channel not in self.selected_channels or not self.channels.raw_data:
            return ""
        if channel in self._outdated_channels:
            return gettext("These terms have changed. Please read them again.")
        unchecked = channel.info.needs_consent and channel not in self.checked_channels
        return gettext(channel.info.checkbox_required) if unchecked else ""

    def to_sign_up(self) -> SignUp:
        """Return the sign-up. Call this only after `validate()` has returned True."""
        return SignUp(
            variants=tuple(CompositeID.parse(text) for text in self.selected_variants),
            channels=self.selected_channels,
            email=self._normalized.get("email"),
            phone_number=self._normalized.get("phone_number"),
            consent=self.options.consent(self.selected_channels, self.checked_channels),
        )
