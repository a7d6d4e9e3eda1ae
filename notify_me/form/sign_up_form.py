"""The sign-up form: the one validation of contact details, channels, consent and variants."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from email_validator import EmailNotValidError, validate_email
from wtforms import EmailField, Field, Form, HiddenField, SelectMultipleField, TelField
from wtforms.i18n import get_translations
from wtforms.validators import ValidationError

from ..channels import Channel
from ..i18n.catalogs import N_
from ..i18n.locales import current_locale
from ..i18n.text import gettext, ngettext
from ..klaviyo.calls import MAX_VARIANTS, SignUp
from ..variants import CompositeID, Variant
from .consent import FormOptions
from .email import translate_email_error
from .phone import e164

NO_CHANNEL = N_("Choose how you'd like to hear from us.")
NO_EMAIL = N_("Enter your email address, so that we can write to you.")
NO_PHONE = N_("Enter your phone number, so that we can reach you.")
NO_VARIANT = N_("Choose at least one option to be told about.")
OTHER_VARIANT = N_("One of the options chosen doesn't belong to this product. Please choose again.")
UNKNOWN_CHANNEL = N_("We can't reach you that way. Please choose one of the ways offered.")
TEXT_CHANGED = N_("What you agree to here has changed meanwhile. Please read it again.")


@cache
def wtforms_catalog(locale: str) -> Any:
    """WTForms' own words in a language."""
    return get_translations([locale])


AGREED = frozenset({"1", "on", "true", "y", "yes"})
"""What a ticked box of a shop's own form may send; nothing else counts as a tick."""


class SignUpForm(Form):
    """Validates a sign-up for variants of one product.

    `offered_variants` are the product's variants, of which the shopper may select some; `options`
    has the channels and consent prompts. The field names are fixed, because forks, tests and the
    element rely on them. As in Klaviyo's own forms, `opt_in_promotional_sms` is the name of the
    checkboxes for SMS and for WhatsApp; each has its channel as its value. `shown` lists the
    versions of the consent texts that were on screen. A shop's own form may leave it out, and is
    then responsible for its own wording.
    """

    class Meta:
        """WTForms' own words, of fields that a shop adds, are in the language of the request."""

        def get_translations(self, form: Form) -> Any:
            """WTForms' catalog."""
            return wtforms_catalog(str(current_locale()))

    # the choices differ by product and shop: the methods below check them
    variants = SelectMultipleField("Options", choices=[], validate_choice=False)
    channels = SelectMultipleField("Channels", choices=[], validate_choice=False)
    email = EmailField("Email")
    phone_number = TelField("Phone number")
    opt_in_promotional_email = SelectMultipleField(
        "Email marketing", choices=[], validate_choice=False
    )
    opt_in_promotional_sms = SelectMultipleField(
        "Text marketing", choices=[], validate_choice=False
    )

    shown = HiddenField("Consent texts")

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
        """The composite IDs named, each once, in the order given."""
        return tuple(dict.fromkeys(self.variants.data or ()))

    @property
    def selected_channels(self) -> tuple[Channel, ...]:
        """The channels chosen, each once, in the order offered; others are left out."""
        return tuple(each for each in self.options.channels if each in (self.channels.data or ()))

    @property
    def checked_channels(self) -> frozenset[Channel]:
        """The channels whose box for consent is ticked, under the text that is asked now."""
        fields = {each.info.consent_field for each in self.options.channels}
        checked = {each for name in fields for each in _checked(self[name], self.options.channels)}
        return frozenset(checked - self._outdated)

    @property
    def _outdated(self) -> frozenset[Channel]:
        """The channels whose text isn't the one that the shopper was shown."""
        if not self.shown.raw_data:
            return frozenset()
        shown = str(self.shown.raw_data[0]).split()
        return frozenset(
            ask.channel for ask in self.options.prompts if ask.statement.version not in shown
        )

    def validate_variants(self, field: SelectMultipleField) -> None:
        """One to ten of the product's own: each is one call, and all share one deadline."""
        if not self.selected_variants:
            raise ValidationError(gettext(NO_VARIANT))
        if not self._variants.issuperset(self.selected_variants):
            raise ValidationError(gettext(OTHER_VARIANT))
        if len(self.selected_variants) > MAX_VARIANTS:
            most = ngettext(
                "Choose %(num)d option at most.", "Choose %(num)d options at most.", MAX_VARIANTS
            )
            raise ValidationError(most)

    def validate_channels(self, field: SelectMultipleField) -> None:
        """At least one of those that the shop offers, and no other."""
        if not field.data:
            raise ValidationError(gettext(NO_CHANNEL))
        if not set(self.options.channels).issuperset(field.data):
            raise ValidationError(gettext(UNKNOWN_CHANNEL))

    def validate_email(self, field: EmailField) -> None:
        """Needed for the EMAIL channel; its syntax by email-validator, without a DNS query."""
        if Channel.EMAIL not in self.selected_channels:
            return
        typed = (field.data or "").strip()
        if not typed:
            raise ValidationError(gettext(NO_EMAIL))
        try:
            normalized = validate_email(typed, check_deliverability=False).normalized
        except EmailNotValidError as error:
            raise ValidationError(translate_email_error(str(error))) from None
        self._normalized["email"] = normalized

    def validate_phone_number(self, field: TelField) -> None:
        """Needed for SMS and WHATSAPP; national or international, by phonenumbers."""
        by_phone = [
            each for each in self.selected_channels if each.info.identifier == "phone_number"
        ]
        if not by_phone:
            return
        typed = (field.data or "").strip()
        if not typed:
            raise ValidationError(gettext(NO_PHONE))
        try:
            number = e164(
                typed,
                self.options.default_region,
                texts=any(each.info.mobile_only for each in by_phone),
            )
        except ValueError as error:
            raise ValidationError(str(error)) from None
        self._normalized["phone_number"] = number

    def validate_opt_in_promotional_email(self, field: SelectMultipleField) -> None:
        """A box may stay empty, but a text that has changed must be read first."""
        self._check_consent(field)

    def validate_opt_in_promotional_sms(self, field: SelectMultipleField) -> None:
        """SMS and WHATSAPP never go without a tick of their own box."""
        self._check_consent(field)

    def _check_consent(self, field: SelectMultipleField) -> None:
        channels = (
            each for each in self.selected_channels if each.info.consent_field == field.name
        )
        if problems := [text for each in channels if (text := self.consent_problem(each))]:
            raise ValidationError(" ".join(problems))

    def consent_problem(self, channel: Channel) -> str:
        """What is wrong with the consent to one channel, for its own box; empty when nothing is."""
        if channel not in self.selected_channels or not self.channels.raw_data:
            return ""
        if channel in self._outdated:
            return gettext(TEXT_CHANGED)
        unticked = channel.info.needs_consent and channel not in self.checked_channels
        return gettext(channel.info.checkbox_required) if unticked else ""

    @property
    def channels_without_consent(self) -> tuple[Channel, ...]:
        """The channels whose consent is what is wrong."""
        return tuple(each for each in self.selected_channels if self.consent_problem(each))

    def to_sign_up(self) -> SignUp:
        """The validated sign-up; call it after `validate()` was true."""
        return SignUp(
            variants=tuple(CompositeID.parse(text) for text in self.selected_variants),
            channels=self.selected_channels,
            email=self._normalized.get("email"),
            phone_number=self._normalized.get("phone_number"),
            consent=self.options.consent(self.selected_channels, self.checked_channels),
        )


def _checked(field: Field, channels_offered: Sequence[Channel]) -> set[Channel]:
    """The channels that the values of a field's boxes agree to. A single box with a value such as
    `y` is for the channel that gives the field its name, SMS, or else the first.
    """
    channels = [each for each in channels_offered if each.info.consent_field == field.name]
    checked = {each for each in channels if each.value in (field.data or ())}
    if channels and AGREED.intersection(each.lower() for each in field.data or ()):
        checked.add(Channel.SMS if Channel.SMS in channels else channels[0])
    return checked
