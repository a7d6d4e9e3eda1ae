"""Corrections in the confirmation: a suggested email address, and the way back to the form.

Both are forms that start a new sign-up, so they also work without scripts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..channels import Channel
from ..form.contacts import readable_address
from ..form.phone import international
from ..form.typos import suggested_address
from ..i18n.catalogs import N_
from ..i18n.text import gettext
from ..klaviyo.calls import SignUp
from ..variants import Variant

CHANGE = "change"
"""The name of a form field. A post with this field isn't a sign-up: the reply is the form, where
the shopper can change the contacts.
"""

WRONG_CONTACT = {
    frozenset({"email"}): N_("Wrong address?"),
    frozenset({"phone_number"}): N_("Wrong number?"),
    frozenset({"email", "phone_number"}): N_("Wrong address or number?"),
}


def has_suggestion(sign_up: SignUp) -> bool:
    """Return whether another email address is suggested in the confirmation."""
    return bool(sign_up.email and suggested_address(sign_up.email))


def corrections(
    channels: Sequence[Channel], variants: Sequence[Variant], sign_up: SignUp | None
) -> dict[str, Any]:
    """Return the part of the confirmation's context that is about corrections.

    The forms' fields are pairs of name and value. Contacts are among them only if `sign_up` is
    given, because the confirmation then goes to the person who has just typed them.
    """
    identifiers = frozenset(channel.info.identifier for channel in channels)
    variant_fields = [("variants", str(variant.composite_id)) for variant in variants]
    change_fields = [
        (CHANGE, "1"),
        *variant_fields,
        *(("channels", channel.value) for channel in channels),
    ]
    context = {
        "wrong_contact": gettext(WRONG_CONTACT[identifiers or frozenset({"email"})]),
        "change_fields": change_fields,
        "suggestion": "",
    }
    if sign_up is None:
        return context
    if sign_up.phone_number:
        change_fields.append(("phone_number", international(sign_up.phone_number)))
    if not sign_up.email:
        return context
    change_fields.append(("email", readable_address(sign_up.email)))
    if suggestion := suggested_address(sign_up.email):
        email_fields = [*variant_fields, ("channels", Channel.EMAIL.value), ("email", suggestion)]
        context |= {
            "suggestion": suggestion,
            "suggestion_fields": [*email_fields, *_email_consent(sign_up)],
        }
    return context


def _email_consent(sign_up: SignUp) -> list[tuple[str, str]]:
    """Return the fields that repeat the consent to email marketing, if the shopper gave it."""
    return [
        field
        for statement in (sign_up.consent.statements if sign_up.consent else ())
        if statement.channel is Channel.EMAIL
        for field in (
            (Channel.EMAIL.info.consent_field, Channel.EMAIL.value),
            ("shown", statement.version),
        )
    ]
