"""Contact details as people copy and type them: cleaned and validated, or refused with a message.

Each table has one entry for each kind of fault that was reported for similar software.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any

import phonenumbers
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from notify_me.form.contacts import clean_email, clean_phone, email_address
from notify_me.form.phone import CAN_BE_TEXTED, e164
from tests.notify_me.markup import post_form, view
from tests.notify_me.offers import FORM, settings_file, submit_element, toml
from tests.notify_me.small_shop import engine_of, small_catalog, small_shop
from tests.support import Sandbox

EMAILS = {
    "zero-width space": "ada@exam\u200bple.org",
    "soft hyphen": "ada@exam\u00adple.org",
    "byte order mark": "\ufeffada@example.org",
    "bidi marks": "\u202aada@example.org\u202c",
    "variation selector": "ada\ufe0f@example.org",
    "no-break spaces around": "\u00a0ada@example.org\u202f",
    "full-width letters": "ａｄａ＠ｅｘａｍｐｌｅ．ｏｒｇ",
    "ideographic full stop": "ada@example。org",
    "link": "mailto:ada@example.org?subject=Back%20in%20stock",
    "escaped link": "MAILTO:ada%40example.org",
    "angle brackets": "<ada@example.org>",
    "quotation marks": "“ada@example.org”",
    "closing angle bracket only": "ada@example.org>",
    "list bullet": "• ada@example.org",
    "comma after": "ada@example.org,",
    "brackets and a full stop": "(ada@example.org).",
    "space after a suggested word": "ada@example. org ",
    "exclamation mark after": "ada@example.org!",
    "name added by a mail program": "Ada Lovelace <ada@example.org>",
    "spaces around the at sign": "ada @ example.org",
    "glyph from an icon font": "\ue0e0ada@example.org\ufffc",
    "label": "E-mail: ada@example.org",
    "remark": "ada@example.org (work)",
    "name before brackets": "Ada Lovelace (ada@example.org)",
    "name after the address": "<ada@example.org> Ada",
    "twice, as copied from Outlook": "'ada@example.org' <mailto:Ada@example.org>",
    "link in Markdown": "[ada@example.org](mailto:ada@example.org)",
    "bold in Markdown": "**ada@example.org**",
    "low quotation mark": "\u201aada@example.org\u2018",
    "corner brackets": "\u300eada@example.org\u300f",
    "opening bracket only": "(ada@example.org",
    "apostrophe added by a spreadsheet": "'ada@example.org",
    "Arabic comma": "ada@example.org\u060c",
    "ideographic comma": "ada@example.org\u3001",
    "dash before": "\u2013 ada@example.org",
    "emoji before and after": "\U0001f4e7 ada@example.org \u2764\ufe0f",
}
SEVERAL = "Enter only one email address."
FULL = "Enter a full email address"
REFUSED_EMAILS = {
    "two addresses with names": ("Ada <ada@example.org>; Bob <bob@example.org>", SEVERAL),
    "two addresses in a link": ("mailto:ada@example.org,bob@example.org", SEVERAL),
    "text after the address": ("ada@example.org thanks", FULL),
    "text before the address": ("Ada Lovelace ada@example.org", FULL),
    "leading full stop": (".ada@example.org", FULL),
    "IP address as the domain": ("ada@[127.0.0.1]", FULL),
}
PHONES = {
    "directional marks from Apple Contacts": ("US", "\u202d+1 202-555-0143\u202c"),
    "bidi isolates": ("US", "\u2068+1 202-555-0143\u2069"),
    "left-to-right mark": ("US", "\u200e+1 202-555-0143"),
    "zero-width space": ("US", "202\u200b555\u200b0143"),
    "soft hyphens": ("US", "202\u00ad555\u00ad0143"),
    "byte order mark": ("US", "\ufeff2025550143"),
    "variation selector": ("US", "+1 202-555-0143\ufe0d"),
    "keycap emoji": ("US", "2\ufe0f\u20e30\ufe0f\u20e32\ufe0f\u20e35550143"),
    "minus signs": ("US", "202\u2212555\u22120143"),
    "long vowel marks for dashes": ("JP", "+1\u30fc202\u30fc555\u30fc0143"),
    "middle dots": ("US", "202·555·0143"),
    "bullets": ("US", "202•555•0143"),
    "no-break spaces": ("US", "202\u00a0555\u202f0143"),
    "Arabic digits": ("US", "٢٠٢٥٥٥٠١٤٣"),
    "apostrophes and underscores": ("US", "202\u2019555_0143"),
    "wave dash and tildes": ("JP", "+1\u301c202~555~0143"),
    "link": ("US", "tel:+1-202-555-0143"),
    "label": ("US", "Tel.: +1 202 555 0143"),
    "comma after": ("US", "+1 202 555 0143,"),
    "in brackets": ("US", "(202 555 0143)"),
    "in quotation marks": ("US", "„202 555 0143“;"),
    "label in another language": ("US", "Tél. : +1 202 555 0143"),
    "link from another app": ("US", "facetime:+12025550143"),
    "link with a message": ("US", "sms:+12025550143?body=Hi"),
    "angle brackets": ("US", "<tel:+12025550143>"),
    "remark": ("US", "202-555-0143 (mobile)"),
    "emoji": ("US", "\U0001f4f1 202-555-0143"),
    "plus emoji": ("US", "\u279512025550143"),
    "blank Braille pattern": ("US", "202\u28005550143"),
    "+00": ("US", "+00 1 202 555 0143"),
    "00 without a + in the US": ("US", "(00 1) 202 555 0143"),
    "international number without its plus": ("FR", "12025550143"),
}
COUNTRIES = {
    "Singapore, exit code 001": ("SG", "001 65 8123 4567", "+6581234567"),
    "Singapore, to Britain": ("SG", "001 44 7911 123456", "+447911123456"),
    "Singapore, 00 for +": ("SG", "0065 8123 4567", "+6581234567"),
    "Australia, exit code 0011": ("AU", "0011 65 8123 4567", "+6581234567"),
    "Australia, to New Zealand": ("AU", "0011 64 21 123 456", "+6421123456"),
    "Australia, 00 for +": ("AU", "0064 21 1234567", "+64211234567"),
    "Hong Kong, exit code 001": ("HK", "001 65 9123 4567", "+6591234567"),
    "Hong Kong, to Hong Kong": ("HK", "001 852 9123 4567", "+85291234567"),
    "Russia, exit code 8~10": ("RU", "8~10 44 7911 123456", "+447911123456"),
    "South Korea, exit code 00700": ("KR", "00700 82 10 1234 5678", "+821012345678"),
    "Japan, 00 for +": ("JP", "0044 7911 123456", "+447911123456"),
    "Britain, typed in the US without +": ("US", "44 7911 123456", "+447911123456"),
    "Germany, without +": ("DE", "49 151 23456789", "+4915123456789"),
    "Indonesia, without +": ("ID", "62812345678", "+62812345678"),
    "Poland, with 0": ("PL", "+48 0 512 345 678", "+48512345678"),
    "Mexico, with WhatsApp's 1": ("US", "+52 1 55 1234 5678", "+525512345678"),
    "Mexico, with the 1, without +": ("US", "521 55 1234 5678", "+525512345678"),
    "Mexico, from a landline": ("MX", "044 55 1234 5678", "+525512345678"),
    "Argentina, with 15": ("AR", "011 15 2345-6789", "+5491123456789"),
    "Argentina, with 15, from abroad": ("US", "+54 11 15 2345 6789", "+5491123456789"),
    "Argentina, with 9 and 15": ("AR", "+54 9 11 15 2345 6789", "+5491123456789"),
    "Brazil, without the 9": ("US", "+55 11 8765-4321", "+5511987654321"),
    "Brazil, without the 9, in Brazil": ("BR", "(11) 8765-4321", "+5511987654321"),
    "Chile, with 09": ("CL", "09 6123 4567", "+56961234567"),
    "Benin, eight digits": ("US", "+229 97 12 34 56", "+2290197123456"),
}


def sent_profile(sandbox: Sandbox) -> dict[str, str]:
    attributes = sandbox.requests()[0]["body"]["data"]["attributes"]
    profile: dict[str, str] = attributes["profile"]["data"]["attributes"]
    return profile


@pytest.fixture(scope="module")
def offers(
    sandbox_server: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., FlaskClient]]:
    """Return a cached function that returns a client of a shop with this channel and region."""
    made: list[Flask] = []

    @cache
    def shop(channel: str, region: str = "US") -> FlaskClient:
        folder = tmp_path_factory.mktemp("shop")
        config: dict[str, Any] = {
            **sandbox_server.environ(),
            "NOTIFY_ME_CONFIG": settings_file(folder, toml([channel], region)),
            # the same contact signs up for each case
            "NOTIFY_ME_LIMITS__ALERTS_PER_CONTACT": 1000,
        }
        made.append(small_shop(folder, small_catalog(), **config))
        return made[-1].test_client()

    yield shop
    for app in made:
        engine_of(app).dispose()


@pytest.mark.parametrize("typed", EMAILS.values(), ids=EMAILS)
def test_copied_email_is_cleaned(
    offers: Callable[..., FlaskClient], sandbox: Sandbox, typed: str
) -> None:
    client = offers("EMAIL")

    assert submit_element(client, FORM, {"channels": "EMAIL", "email": typed}).status_code == 200
    assert sent_profile(sandbox) == {"email": "ada@example.org"}


@pytest.mark.parametrize(("typed", "message"), REFUSED_EMAILS.values(), ids=REFUSED_EMAILS)
def test_ambiguous_email_is_refused(typed: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        email_address(clean_email(typed))


@pytest.mark.parametrize("apostrophe", ["\u2019", "\u2018", "\u02bc", "\u00b4", "\uff07"])
def test_curly_apostrophe_becomes_a_straight_one(apostrophe: str) -> None:
    assert email_address(clean_email(f"o{apostrophe}brien@example.org")) == "o'brien@example.org"


UNCLEAR = {
    "Indonesia, 001, Singapore or Jamaica": ("ID", "001 65 8223 4567", "Start the number with +"),
    "Taiwan, 001": ("TW", "001 44 7911 123456", "Start the number with +"),
    "Australia, 001, Singapore or Jamaica": ("AU", "001 65 8223 4567", "Start the number with +"),
    "Indonesia, 007, Singapore or Russia": ("ID", "007 65 8123 4567", "Start the number with +"),
    "Argentina, 15 without an area code": ("AR", "15 2345 6789", "The area code is missing."),
    "zeros only, as phonenumbers reads it": ("CN", "+86 1 138 0000 0000", "Enter a valid phone"),
}


@pytest.mark.parametrize(("region", "typed", "message"), UNCLEAR.values(), ids=UNCLEAR)
def test_ambiguous_number_is_refused(region: str, typed: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        e164(clean_phone(typed), region)


@pytest.mark.parametrize(
    ("region", "typed", "sent"),
    [
        *[pytest.param(*case, "+12025550143", id=name) for name, case in PHONES.items()],
        *[pytest.param(*case, id=name) for name, case in COUNTRIES.items()],
    ],
)
def test_copied_phone_number_is_cleaned(
    offers: Callable[..., FlaskClient], sandbox: Sandbox, region: str, typed: str, sent: str
) -> None:
    """The reply isn't checked: Klaviyo decides whether it can text the country."""
    client = offers("SMS", region)

    submit_element(
        client,
        FORM,
        {"channels": "SMS", "phone_number": typed, "opt_in_promotional_sms": "SMS"},
    )

    assert sent_profile(sandbox) == {"phone_number": sent}


def test_confirmation_shows_the_domain_as_typed(offering: Callable[..., Flask]) -> None:
    client = offering("EMAIL").test_client()

    reply = submit_element(client, FORM, {"channels": "EMAIL", "email": "ada@münchen.de"})

    assert "We’ll email ada@münchen.de" in view(reply).text


def test_field_shows_the_cleaned_text_after_an_error(offering: Callable[..., Flask]) -> None:
    client = offering("EMAIL", "SMS").test_client()
    data = {
        "channels": ["EMAIL", "SMS"],
        "email": "<mailto:ada@example>,",
        "phone_number": "tel:202\u2212555\u200b\u2212014",
    }

    form = post_form(view(submit_element(client, FORM, data)))

    assert form.one("input", name="email")["value"] == "ada@example"
    assert form.one("input", name="phone_number")["value"] == "202-555-014"


REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
PIECES = (
    *"0123456789+-().,;:@<>\"'`{}[] \n",
    *"\u00ad\u200b\u200d\u200e\u202d\u2068\ufeff\ufe0f\u20e3\u0301\u00b2\u2019\u201c\u2212·•。＠１％",
    *("00", "011", "001", "tel:", "mailto:", "%40", "%E2%80%8B", "ada", "example.org", "münchen"),
    *("ﷺ", "…", "½", "2025550143", "7911 123456"),
)
# half of the strings contain pieces that the code handles; the rest contain any characters
any_strings = st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=20).map("".join)
regions = st.sampled_from(REGIONS)


def check_any_text(text: str, region: str) -> None:
    """Check that cleaning is idempotent, and that any text is accepted or raises `ValueError`."""
    email, phone = clean_email(text), clean_phone(text)
    assert clean_email(email) == email
    assert clean_phone(phone) == phone
    with suppress(ValueError):
        address = email_address(email)
        assert address.isascii()
        assert len(address.rpartition("@")[0]) <= 64
    with suppress(ValueError):
        assert re.fullmatch(r"\+[1-9][0-9]{3,16}", e164(phone, region, types=CAN_BE_TEXTED))


def dialled(region: str, other: str) -> str:
    """Return the example mobile number of a country, as it is dialled in a region."""
    number = phonenumbers.example_number_for_type(other, phonenumbers.PhoneNumberType.MOBILE)
    number = number or phonenumbers.example_number(other)
    assert number is not None
    return phonenumbers.format_out_of_country_calling_number(number, region)


digits = st.text("0123456789", min_size=6, max_size=16)


def check_country(region: str, other: str, random_digits: str | None) -> None:
    """Check that an accepted number has the country that `phonenumbers` finds for the shop's
    region, if the number is possible there.

    An exception: `phonenumbers` may read a number that begins with 00 as a national one, but no
    country has such numbers.
    """
    text = clean_phone(random_digits or dialled(region, other))
    try:
        number = e164(text, region)
        expected = phonenumbers.parse(text, region, keep_raw_input=True)
    except (ValueError, phonenumbers.NumberParseException):
        return
    national = expected.country_code_source == phonenumbers.CountryCodeSource.FROM_DEFAULT_COUNTRY
    length = phonenumbers.is_possible_number_with_reason(expected)
    if length == phonenumbers.ValidationResult.IS_POSSIBLE and not (
        national and text.startswith("00")
    ):
        assert phonenumbers.parse(number).country_code == expected.country_code


sample = settings(
    max_examples=5 * settings().max_examples, deadline=None, database=None, derandomize=True
)
at_length = settings(max_examples=10_000, deadline=None, database=None)
any_text = given(text=any_strings, region=regions)
any_number = given(region=regions, other=regions, random_digits=st.none() | digits)


@sample
@any_text
def test_any_text_is_accepted_or_refused(text: str, region: str) -> None:
    check_any_text(text, region)


@sample
@any_number
def test_accepted_number_has_the_country_that_the_library_finds(
    region: str, other: str, random_digits: str | None
) -> None:
    check_country(region, other, random_digits)


@pytest.mark.slow
@at_length
@any_text
def test_ten_thousand_strings_are_accepted_or_refused(text: str, region: str) -> None:
    check_any_text(text, region)


@pytest.mark.slow
@at_length
@any_number
def test_ten_thousand_numbers_have_the_country_that_the_library_finds(
    region: str, other: str, random_digits: str | None
) -> None:
    check_country(region, other, random_digits)
