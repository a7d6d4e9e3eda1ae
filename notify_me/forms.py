"""The sign-up form: the one validation of contact details, channels and variants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from email_validator import EmailNotValidError, validate_email
from wtforms import EmailField, Form, SelectMultipleField
from wtforms.validators import ValidationError

from .sign_up import MAX_VARIANTS, Channel, SignUp
from .variants import CompositeID, Variant

NO_CHANNEL = "Choose how you'd like to hear from us."
NO_EMAIL = "Enter your email address, so that we can write to you."
NO_VARIANT = "Choose at least one option to be told about."
TOO_MANY_VARIANTS = f"Choose {MAX_VARIANTS} options at most."
OTHER_VARIANT = "One of the options chosen doesn't belong to this product. Please choose again."
UNKNOWN_CHANNEL = "We can't reach you that way. Please choose one of the ways offered."


class SignUpForm(Form):
    """Validates a sign-up for variants of one product.

    `offered`: the product's variants, of which the shopper may name some. The field names are
    fixed, since forks, tests and the element rely on them.
    """

    # the choices differ by product: validate_variants and validate_channels check them
    variants = SelectMultipleField("Options", choices=[], validate_choice=False)
    channels = SelectMultipleField("Channels", choices=[], validate_choice=False)
    email = EmailField("Email")

    def __init__(
        self,
        formdata: Any = None,
        *,
        offered: Sequence[Variant],
        channels: Sequence[Channel] = (Channel.EMAIL,),
        **kwargs: Any,
    ) -> None:
        super().__init__(formdata, **kwargs)
        self._variants = frozenset(str(variant.composite_id) for variant in offered)
        self._channels = frozenset(channel.value for channel in channels)
        self._normalized_email: str | None = None

    @property
    def chosen(self) -> tuple[str, ...]:
        """The composite IDs named, each once, in the order given."""
        return tuple(dict.fromkeys(self.variants.data or ()))

    def validate_variants(self, field: SelectMultipleField) -> None:
        """One to ten of the product's own: each is one call, and all share one deadline."""
        if not self.chosen:
            raise ValidationError(NO_VARIANT)
        if not self._variants.issuperset(self.chosen):
            raise ValidationError(OTHER_VARIANT)
        if len(self.chosen) > MAX_VARIANTS:
            raise ValidationError(TOO_MANY_VARIANTS)

    def validate_channels(self, field: SelectMultipleField) -> None:
        """At least one of those that the shop offers."""
        if not field.data:
            raise ValidationError(NO_CHANNEL)
        if not self._channels.issuperset(field.data):
            raise ValidationError(UNKNOWN_CHANNEL)

    def validate_email(self, field: EmailField) -> None:
        """Needed for the EMAIL channel; its syntax by email-validator, without a DNS query."""
        if Channel.EMAIL not in (self.channels.data or ()):
            return
        typed = (field.data or "").strip()
        if not typed:
            raise ValidationError(NO_EMAIL)
        try:
            self._normalized_email = validate_email(typed, check_deliverability=False).normalized
        except EmailNotValidError as error:
            raise ValidationError(str(error)) from None

    def to_sign_up(self) -> SignUp:
        """The validated sign-up; call it after `validate()` was true."""
        return SignUp(
            variants=tuple(CompositeID.parse(text) for text in self.chosen),
            channels=tuple(Channel(value) for value in dict.fromkeys(self.channels.data or ())),
            email=self._normalized_email,
        )
