"""Convert typed phone numbers to E.164, the format that Klaviyo requires."""

from __future__ import annotations

import re
from functools import cache
from typing import TypeGuard

import phonenumbers
from phonenumbers import (
    CountryCodeSource,
    NumberParseException,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
    ValidationResult,
)

from ..i18n.catalogs import N_
from ..i18n.text import gettext

NOT_A_NUMBER = N_("Enter a valid phone number, like %(example)s.")
TOO_SHORT = N_("This phone number is too short. Enter the full number, like %(example)s.")
TOO_LONG = N_("This phone number is too long. Please check it.")
UNKNOWN_COUNTRY = N_("That country code doesn’t exist. Please check the digits after the +.")
UNCLEAR_COUNTRY = N_("Start the number with + and the country code.")
NO_AREA_CODE = N_("The area code is missing. Enter the full number, like %(example)s.")
WRONG_LENGTH = N_("This phone number is too short or too long. Please check it.")
SEVERAL_NUMBERS = N_("Enter only one phone number.")
EXTENSION = N_("We can’t text an extension. Enter a number without one.")
LANDLINE = N_("This is a landline, which can’t receive texts. Enter a mobile number.")
NOT_MOBILE = N_("This number can’t receive messages. Enter a mobile number.")

_PARSING_MESSAGES = {
    NumberParseException.INVALID_COUNTRY_CODE: UNKNOWN_COUNTRY,
    NumberParseException.TOO_SHORT_AFTER_IDD: TOO_SHORT,
    NumberParseException.TOO_SHORT_NSN: TOO_SHORT,
    NumberParseException.TOO_LONG: TOO_LONG,
}
_LENGTH_MESSAGES = {
    ValidationResult.INVALID_COUNTRY_CODE: UNKNOWN_COUNTRY,
    ValidationResult.TOO_SHORT: TOO_SHORT,
    ValidationResult.TOO_LONG: TOO_LONG,
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: NO_AREA_CODE,
    ValidationResult.INVALID_LENGTH: WRONG_LENGTH,
}


CAN_BE_TEXTED = frozenset(
    {
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
        PhoneNumberType.PERSONAL_NUMBER,
        PhoneNumberType.UNKNOWN,
    }
)
"""The types of numbers for SMS. A personal number is forwarded to a phone; a number of unknown type
may be newly assigned.
"""
CAN_BE_CALLED = CAN_BE_TEXTED | {PhoneNumberType.FIXED_LINE, PhoneNumberType.VOIP}
"""The types of numbers for WhatsApp, which can also verify a number with a voice call. Toll-free,
premium-rate and other service numbers are left out, since they belong to companies.
"""

_DIGITS_AND_SEPARATORS = re.compile(r"[\d\s()+./-]+")
"""Digits and common separators. Letters are refused, since phonenumbers would read them as digits.
"""
_DOUBLE_ZERO = re.compile(r"[\s(+]*00")
_EXTENSION = re.compile(r"\d\s*(?:[x#,;pw]|[^\W\d_]{2,})\D{0,5}\d{1,6}$", re.IGNORECASE)

_OUTDATED_FORMATS = {
    # Mexico: mobile numbers began with 1, 044 or 045 until 2019
    52: (r"^(?:1|01|04[45])(\d{10})$", r"\1"),
    # Argentina: 15 after the area code is for calls within the country
    54: (r"^9(\d{2,4}?)15(\d{6,8})$", r"9\1\2"),
    # Brazil: mobile numbers had no 9 until 2016
    55: (r"^(\d{2})([6-9]\d{7})$", r"\g<1>9\2"),
    # Benin: numbers didn't begin with 01 until 2024
    229: (r"^(\d{8})$", r"01\1"),
}
"""By country code: the pattern of an old format that address books and WhatsApp still use, and its
replacement.
"""
_LEADING_ZERO = (r"^0+(\d{6,})$", r"\1")
"""The same for other countries, such as Poland and Chile, where numbers used to begin with 0."""
_LOCAL_MOBILE = re.compile(r"\+5415\d{6,8}")
"""An Argentine mobile number without its area code. No area code in Argentina begins with 15."""


def e164(typed: str, default_region: str, *, types: frozenset[int] | None = None) -> str:
    """Convert a cleaned phone number to E.164: in the US, `(202) 555-0143` to `+12025550143`.

    Only numbers that are certainly wrong, or whose country is unclear, are refused. Tables of
    assigned numbers go out of date quickly, so the rest is left to Klaviyo. With `types`, numbers
    of other types are refused as well.

    Raises `ValueError` with a message for the shopper.
    """

    def refusal(message: str) -> ValueError:
        return ValueError(gettext(message, example=example(default_region)))

    allowed = _DIGITS_AND_SEPARATORS.fullmatch(typed)
    parsed = _parse(typed, default_region) if allowed else NOT_A_NUMBER
    if isinstance(parsed, str):
        message = parsed
        if len([*phonenumbers.PhoneNumberMatcher(typed[:100], default_region)]) > 1:
            message = SEVERAL_NUMBERS
        elif extension := _EXTENSION.search(typed):
            before = _parse(typed[: extension.start() + 1], default_region)
            message = EXTENSION if isinstance(before, PhoneNumber) else message
        raise refusal(message)
    number_type = phonenumbers.number_type(parsed)
    if types is not None and number_type not in types:
        raise refusal(LANDLINE if number_type == PhoneNumberType.FIXED_LINE else NOT_MOBILE)
    return phonenumbers.format_number(parsed, PhoneNumberFormat.E164)


def _parse(typed: str, region: str) -> PhoneNumber | str:
    """Return the number, or the message that says why it can't be one.

    phonenumbers knows each region's own international prefixes, such as 001 and 0011, so its
    result takes precedence, unless messages could then reach the wrong person.
    """
    number = _read(typed, region)
    if double_zero := _DOUBLE_ZERO.match(typed):
        return _parse_double_zero(number, typed[double_zero.end() :], region)
    with_plus = _read(f"+{typed}", region)
    if not _is_valid(with_plus):
        return number
    if with_plus.country_code == phonenumbers.country_code_for_region(region):
        # 4915123456789 in Germany: the country code without its plus, rather than a landline
        return with_plus if _is_mobile(with_plus) and not _is_mobile(number) else number
    if isinstance(number, PhoneNumber):
        # 33612345678 in Germany: probably a French mobile number, although it could be a landline
        is_clear = _is_valid(number) and (_is_mobile(number) or not _is_mobile(with_plus))
        return number if is_clear else UNCLEAR_COUNTRY
    # with one digit too many or too few, it may be a mistyped national number
    corrected = (re.sub(r"\d\D*$", "", typed), f"{typed}0")
    may_be_national = any(isinstance(_read(text, region), PhoneNumber) for text in corrected)
    return number if may_be_national or number == NO_AREA_CODE else with_plus


def _parse_double_zero(number: PhoneNumber | str, rest: str, region: str) -> PhoneNumber | str:
    """Parse a number that begins with 00. No national number does.

    `number` is the result of `_read`, and `rest` is what follows the 00. 00 is read as a +, unless
    it may be the start of an exit code that phonenumbers doesn't know, such as 001.
    """
    with_plus = _read(f"+{rest}", region)
    after_001 = _is_valid(_read("+" + rest.partition("1")[2], region))
    if number == with_plus != UNKNOWN_COUNTRY and not after_001:
        return number
    if (
        isinstance(number, PhoneNumber)
        and number.country_code_source == CountryCodeSource.FROM_NUMBER_WITH_IDD
    ):
        return UNCLEAR_COUNTRY if _is_valid(with_plus) and not _is_valid(number) else number
    in_nanp = phonenumbers.country_code_for_region(region) == 1
    is_clear = _is_valid(with_plus) and (in_nanp or not re.match(r"\D*1", rest) or not after_001)
    return with_plus if is_clear else UNCLEAR_COUNTRY


def _is_mobile(number: PhoneNumber | str) -> bool:
    return isinstance(number, PhoneNumber) and phonenumbers.number_type(number) in (
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
    )


def _is_valid(number: PhoneNumber | str) -> TypeGuard[PhoneNumber]:
    return isinstance(number, PhoneNumber) and phonenumbers.is_valid_number(number)


def _read(text: str, region: str) -> PhoneNumber | str:
    """Parse a number, and update an outdated format; return a message if it can't be a number."""
    try:
        number = phonenumbers.parse(text, region, keep_raw_input=True)
    except NumberParseException as error:
        return _PARSING_MESSAGES.get(error.error_type, NOT_A_NUMBER)
    if not number.national_number:
        return NOT_A_NUMBER
    number = _updated(number)
    if _LOCAL_MOBILE.fullmatch(phonenumbers.format_number(number, PhoneNumberFormat.E164)):
        return NO_AREA_CODE
    length = phonenumbers.is_possible_number_with_reason(number)
    return (
        number
        if length == ValidationResult.IS_POSSIBLE
        else _LENGTH_MESSAGES.get(length, WRONG_LENGTH)
    )


def _updated(number: PhoneNumber) -> PhoneNumber:
    """Convert a number in an outdated format to the current one; return others unchanged."""
    if phonenumbers.is_valid_number(number):
        return number
    pattern, replacement = _OUTDATED_FORMATS.get(number.country_code or 0, _LEADING_ZERO)
    national = re.sub(pattern, replacement, phonenumbers.national_significant_number(number))
    updated = phonenumbers.parse(f"+{number.country_code}{national}")
    updated.country_code_source = number.country_code_source
    return updated if phonenumbers.is_valid_number(updated) else number


def international(number: str) -> str:
    """Return an E.164 number in international format: `+12025550143` as `+1 202-555-0143`."""
    return phonenumbers.format_number(phonenumbers.parse(number), PhoneNumberFormat.INTERNATIONAL)


@cache
def example(region: str) -> str:
    """Return an example of a mobile number, as people in the region write it: `(201) 555-0123`."""
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    number = number or phonenumbers.example_number(region)
    if number is None:
        return "+1 201-555-0123"
    return phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
