"""Phone numbers as people type them, to E.164 as Klaviyo wants them."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers
from phonenumbers import (
    NumberParseException,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
    ValidationResult,
)

from ..i18n.catalogs import N_
from ..i18n.text import gettext

NOT_A_NUMBER = N_(
    "That doesn't look like a phone number. Please enter digits, such as %(example)s."
)
TOO_SHORT = N_("This phone number is too short. Please enter all of it, such as %(example)s.")
TOO_LONG = N_("This phone number is too long. Please check it.")
UNKNOWN_COUNTRY = N_(
    "No country has the code this number begins with. Please check the digits after +."
)
NO_AREA_CODE = N_("The area code is missing. Please enter the whole number, such as %(example)s.")
WRONG_LENGTH = N_("This phone number is too short or too long. Please check it.")
EXTENSION = N_("A text can't reach an extension. Please enter a number without one.")
FIXED_LINE = N_("This is a fixed line, which can't get texts. Please enter a mobile number.")

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
"""Digits and what people put between them: letters would become digits."""
_EXTENSION = re.compile(r"\d\s*(?:x|ext|#|;ext=)\D{0,3}\d", re.IGNORECASE)


def e164(typed: str, default_region: str, *, texts: bool = True) -> str:
    """`(202) 555-0143` in the US as `+12025550143`.

    `texts`: whether the number is to get SMS, which a fixed line can't. Raises `ValueError` with
    a sentence for the shopper. Refused is what is certainly wrong: which numbers are in use
    changes faster than any table, so that is Klaviyo's to say.
    """
    # digits and signs of other scripts and widths
    typed = unicodedata.normalize("NFKC", typed)
    if not _AS_TYPED.fullmatch(typed):
        extension = _EXTENSION.search(typed)
        raise _refusal(EXTENSION if extension else NOT_A_NUMBER, default_region)
    # the sign for "abroad" in most countries, and no country's own numbers begin with it
    typed = re.sub(r"^\s*00", "+", typed)
    try:
        number = phonenumbers.parse(typed, default_region)
    except NumberParseException as error:
        raise _refusal(_PARSING.get(error.error_type, NOT_A_NUMBER), default_region) from None
    length = phonenumbers.is_possible_number_with_reason(number)
    if length != ValidationResult.IS_POSSIBLE:
        raise _refusal(_LENGTH.get(length, WRONG_LENGTH), default_region)
    if texts and phonenumbers.number_type(number) == PhoneNumberType.FIXED_LINE:
        raise _refusal(FIXED_LINE, default_region)
    return _e164(number)


def _refusal(words: str, region: str) -> ValueError:
    return ValueError(gettext(words, example=example(region)))


def _e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def example(region: str) -> str:
    """A mobile number of the region as people there write it, such as `(201) 555-0123`."""
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    if number is None:
        number = phonenumbers.example_number(region)
    if number is None:
        return "+1 201-555-0123"
    return phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
