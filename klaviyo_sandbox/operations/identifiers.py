"""Reads and validates the email address and the phone number of a profile."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..protocol.contacts import is_email, is_phone
from ..protocol.errors import ApiError, invalid
from ..state.account import AccountSettings

IDENTIFIER_OF: Mapping[str, str] = {
    "EMAIL": "email",
    "SMS": "phone_number",
    "WHATSAPP": "phone_number",
}
"""The identifier that each channel needs."""


def channels_of(contact: str) -> list[str]:
    """Return the channels that reach an email address or a phone number."""
    identifier = "email" if "@" in contact else "phone_number"
    return [channel for channel, needed in IDENTIFIER_OF.items() if needed == identifier]


def identifiers_in(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Return the email address and the phone number of a profile; null counts as missing."""
    names = ("email", "phone_number")
    return {name: attributes[name] for name in names if attributes.get(name) is not None}


def identifier_errors(
    attributes: Mapping[str, Any], pointer: str, sms_settings: AccountSettings | None
) -> Iterator[ApiError]:
    """Yield the errors in the identifiers of a profile.

    `pointer` is the JSON pointer to the profile's attributes in the body. `sms_settings` are the
    account's settings if the profile asks for SMS, otherwise None.
    """
    identifiers = identifiers_in(attributes)
    if not identifiers:
        yield invalid("At least one of email and phone_number is required.", pointer)
    if "email" in identifiers and not is_email(identifiers["email"]):
        yield invalid("The email address is not valid.", f"{pointer}/email")
    phone_number = identifiers.get("phone_number")
    if phone_number is None:
        return
    if not is_phone(phone_number):
        detail = "The phone number is not valid. It must be in E.164 format, such as +12025550143."
        yield invalid(detail, f"{pointer}/phone_number")
    elif sms_settings and (problem := sms_settings.sms_problem(phone_number)):
        yield invalid(problem, f"{pointer}/phone_number")
