"""Convert phone numbers as people type them to E.164, as Klaviyo requires them."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers
from phonenumbers import (
    NumberParseException,
    PhoneNumberFormat,
    PhoneNumberType,
    ValidationResult,
)

from ..i18n.catalogs import N_
from ..i18n.text import gettext

NOT_A_NUMBER = N_("Enter a valid phone number, like %(example)s.")
TOO_SHORT = N_("This phone number is too short. Enter the full number, like %(example)s.")
TOO_LONG = N_("This phone number is too long. Please check it.")
UNKNOWN_COUNTRY = N_("That country code doesn't exist. Please check the digits after the +.")
NO_AREA_CODE = N_("The area code is missing. Enter the full number, like %(example)s.")
WRONG_LENGTH = N_("This phone number is too short or too long. Please check it.")
EXTENSION = N_("We can't text an extension. Enter a number without one.")
LANDLINE = N_("This is a landline, which can't receive texts. Enter a mobile number.")

_PARSING = {
    NumberParseException.INVALID_COUNTRY_CODE: UNKNOWN_COUNTRY,
    NumberParseException.TOO_SHORT_AFTER_IDD: TOO_SHORT,
    NumberParseException.TOO_SHORT_NSN: TOO_SHORT,
    NumberParseException.TOO_LONG: TOO_LONG,
}
_LENGTH = {
    ValidationResult.INVALID_COUNTRY_CODE: UNKNOWN_COUNTRY,
    ValidationResult.TOO_SHORT: TOO_SHORT,
    ValidationResult.TOO_LONG: TOO_LONG,
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: NO_AREA_CODE,
    ValidationResult.INVALID_LENGTH: WRONG_LENGTH,
}


_AS_TYPED = re.compile(r"[\d\s()+./\-\u2010-\u2015]+")
"""Digits and common separators. Letters are refused: phonenumbers would convert them."""
_EXTENSION = re.compile(r"\d\s*(?:x|ext|#|;ext=)\D{0,3}\d", re.IGNORECASE)


def e164(typed: str, default_region: str, *, mobile_only: bool = True) -> str:
    """Return `(202) 555-0143`, as typed in the US, as `+12025550143`.

    With `mobile_only`, landlines are refused. Raises `ValueError` with a message for the shopper.
    Only numbers that are certainly wrong are refused: which numbers are in use changes faster than
    any table, so Klaviyo decides that.
    """

    def refusal(message: str) -> ValueError:
        return ValueError(gettext(message, example=example(default_region)))

    # digits and signs of other scripts and widths
    typed = unicodedata.normalize("NFKC", typed)
    if not _AS_TYPED.fullmatch(typed):
        raise refusal(EXTENSION if _EXTENSION.search(typed) else NOT_A_NUMBER)
    # 00 is the international prefix in most countries, and no national number begins with it
    typed = re.sub(r"^\s*00", "+", typed)
    try:
        number = phonenumbers.parse(typed, default_region)
    except NumberParseException as error:
        raise refusal(_PARSING.get(error.error_type, NOT_A_NUMBER)) from None
    length = phonenumbers.is_possible_number_with_reason(number)
    if length != ValidationResult.IS_POSSIBLE:
        raise refusal(_LENGTH.get(length, WRONG_LENGTH))
    if mobile_only and phonenumbers.number_type(number) == PhoneNumberType.FIXED_LINE:
        raise refusal(LANDLINE)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def international(number: str) -> str:
    """Return `+12025550143` as `+1 202-555-0143`."""
    return phonenumbers.format_number(phonenumbers.parse(number), PhoneNumberFormat.INTERNATIONAL)


def example(region: str) -> str:
    """Return a mobile number of the region as people there write it, such as `(201) 555-0123`."""
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    number = number or phonenumbers.example_number(region)
    if number is None:
        return "+1 201-555-0123"
    return phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
