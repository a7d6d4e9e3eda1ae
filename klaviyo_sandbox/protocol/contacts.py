"""Validation of email addresses, phone numbers and composite IDs."""

import re

import phonenumbers
from email_validator import EmailNotValidError, validate_email

_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def is_email(text: str) -> bool:
    """Return whether the text is an email address. Its domain isn't looked up."""
    try:
        validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


def is_phone(text: str) -> bool:
    """Return whether the text is an E.164 phone number that its numbering plan allows."""
    if not _E164.fullmatch(text):
        return False
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(text))
    except phonenumbers.NumberParseException:
        return False


def region_of(phone_number: str) -> str:
    """Return the region of a valid phone number, as an ISO 3166 code.

    A number that belongs to no single region gets the main region of its country code, such as the
    USA for +1.
    """
    parsed = phonenumbers.parse(phone_number)
    region = phonenumbers.region_code_for_number(parsed)
    return str(region or phonenumbers.region_code_for_country_code(parsed.country_code or 0))


def is_composite_id(text: str) -> bool:
    """Return whether the text is `integrationType:::catalogId:::externalId`.

    No part may be blank, and control characters aren't allowed. Only the first two separators
    count: an external ID may contain more of them.
    """
    parts = text.split(":::", 2)
    return len(parts) == 3 and all(map(str.strip, parts)) and not _CONTROL.search(text)
