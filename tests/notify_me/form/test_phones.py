"""Phone numbers: national formats are accepted and sent as E.164; messages give the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.notify_me.conftest import LogFile
from tests.notify_me.markup import post_form, view
from tests.notify_me.offers import (
    ADA,
    FORM,
    Scenario,
    all_scenarios,
    checked_boxes,
    field_errors,
    sign_up_calls,
    submit_element,
    submit_page,
    valid_sign_up_calls,
)
from tests.support import Sandbox


def by_sms(phone_number: str) -> dict[str, Any]:
    """Return the form data of a sign-up by SMS with consent."""
    return {"channels": "SMS", "phone_number": phone_number, "opt_in_promotional_sms": "SMS"}


ACCEPTED = {
    "national": ("US", "(202) 555-0143", "+12025550143"),
    "national, digits only": ("US", "2025550143", "+12025550143"),
    "national, with the trunk 1": ("US", "1-202-555-0143", "+12025550143"),
    "international, own country": ("US", "+1 202.555.0143", "+12025550143"),
    "international, another country": ("US", "+44 7400 123456", "+447400123456"),
    "dialled from the US": ("US", "011 44 7400 123456", "+447400123456"),
    "spaces around": ("US", "  202 555 0143 ", "+12025550143"),
    "full-width digits": ("US", "＋１ ２０２ ５５５ ０１４３", "+12025550143"),
    "British": ("GB", "07400 123456", "+447400123456"),
    "German": ("DE", "0151 23456789", "+4915123456789"),
    "German, with the optional 0": ("DE", "+49 (0)151 23456789", "+4915123456789"),
    "dialled from Germany": ("DE", "00 1 202 555 0143", "+12025550143"),
    "in the US, with Europe's prefix 00": ("US", "0044 7400 123456", "+447400123456"),
    "in the US, with 00 after spaces": ("US", "  00 49 151 23456789", "+4915123456789"),
    "dashes from a word processor": ("US", "202\u2013555\u20110143", "+12025550143"),
    "region in lower case": ("de", "0151 23456789", "+4915123456789"),
}


@pytest.mark.parametrize(("region", "typed", "sent"), ACCEPTED.values(), ids=ACCEPTED)
def test_phone_numbers_are_sent_as_e164(
    offering: Callable[..., Flask], sandbox: Sandbox, region: str, typed: str, sent: str
) -> None:
    client = offering("EMAIL", "SMS", region=region).test_client()

    reply = submit_element(client, FORM, by_sms(typed))

    assert reply.status_code == 200
    subscribe, consent = valid_sign_up_calls(sandbox)
    profile = subscribe["body"]["data"]["attributes"]["profile"]["data"]
    assert profile["attributes"] == {"phone_number": sent}
    [subscribed] = consent["body"]["data"]["attributes"]["profiles"]["data"]
    assert subscribed["attributes"]["phone_number"] == sent
    assert [entry["profile"] for entry in sandbox.waiting()] == [{"phone_number": sent}]


US, DE = "(201) 555-0123", "01512 3456789"
NOT_A_NUMBER = f"Enter a valid phone number, like {US}."
SHORT = "This phone number is too short. Enter the full number, like"
LONG = "This phone number is too long. Please check it."
NO_COUNTRY = "That country code doesn’t exist. Please check the digits after the +."
NO_AREA = f"The area code is missing. Enter the full number, like {US}."
EXTENSION = "We can’t text an extension. Enter a number without one."
FIXED = "This is a landline, which can’t receive texts. Enter a mobile number."
NOT_MOBILE = "This number can’t receive messages. Enter a mobile number."
SEVERAL = "Enter only one phone number."
UNCLEAR = "Start the number with + and the country code."
MISSING = "Enter your mobile number."
REFUSED = {
    "none": ("US", "", MISSING),
    "blank": ("US", "  ", MISSING),
    "too short": ("US", "202 555 014", f"{SHORT} {US}."),
    "German, too short": ("DE", "+49 1", f"{SHORT} {DE}."),
    "emergency number": ("US", "911", f"{SHORT} {US}."),
    "too long": ("US", "202 555 0143 33", LONG),
    "German, too long": ("US", "+49 151 2345678901234", LONG),
    "far too long": ("US", "1" * 8000, LONG),
    "two numbers": ("US", "202 555 0143 / 202 555 0199", SEVERAL),
    "two numbers, separated by a word": ("US", "202 555 0143 or 202 555 0199", SEVERAL),
    "one digit too many, as in an Australian number": ("US", "614 234 56789", LONG),
    "one digit too few, as in Saint-Pierre": ("US", "508 214 790", f"{SHORT} {US}."),
    "American, typed in Germany without +": ("DE", "1 202 555 0143", UNCLEAR),
    "French mobile, or a German landline": ("DE", "33612345678", UNCLEAR),
    "French mobile, or an Italian service number": ("IT", "33 6 12 34 56 78", UNCLEAR),
    "unknown country code": ("US", "+999 123456789", NO_COUNTRY),
    "country code that begins with 0": ("US", "+0 123456789", NO_COUNTRY),
    "words": ("US", "call me", NOT_A_NUMBER),
    "letters for digits": ("US", "1-800-FLOWERS", NOT_A_NUMBER),
    "letters after the number": ("US", "202 555 0143 mobile", NOT_A_NUMBER),
    "letters before the number": ("US", "mobile +1-202-555-0143", NOT_A_NUMBER),
    "letter O for a zero": ("US", "202 555 O143", NOT_A_NUMBER),
    "Greek letters": ("US", "202 555 αβγδ", NOT_A_NUMBER),
    "email address": ("US", "ada@example.org", NOT_A_NUMBER),
    "only a plus": ("US", "+", NOT_A_NUMBER),
    "markup": ("US", '"><script>alert(1)</script>', NOT_A_NUMBER),
    "without the area code": ("US", "555-0143", NO_AREA),
    "extension": ("US", "202-555-0143 ext. 5", EXTENSION),
    "extension as in a link": ("US", "+12025550143;ext=5", EXTENSION),
    "extension x12": ("US", "202-555-0143 x12", EXTENSION),
    "extension without a space": ("US", "2025550143X12", EXTENSION),
    "extension #12": ("US", "202-555-0143 #12", EXTENSION),
    "extension after a pause": ("US", "202-555-0143,,12", EXTENSION),
    "extension in another language": ("US", "202-555-0143 доб. 12", EXTENSION),
    "German landline": ("DE", "030 123456", FIXED),
    "German landline without its 0": ("DE", "30 12345678", FIXED),
    "German landline, from abroad": ("US", "+49 30 123456", FIXED),
    "British landline": ("US", "+44 20 7946 0958", FIXED),
    "toll-free": ("US", "800 234 5678", NOT_MOBILE),
    "premium rate": ("GB", "0909 879 0000", NOT_MOBILE),
    "shared cost": ("GB", "0844 412 3456", NOT_MOBILE),
    "VoIP": ("GB", "056 1234 5678", NOT_MOBILE),
    "two readings, of which one is valid": ("HK", "00 996 700 123 456", UNCLEAR),
    "footnote": ("US", "202 555 0143\u00b2", NOT_A_NUMBER),
}
BY_PAGE = ("none", "too short", "markup")


@pytest.mark.parametrize(
    ("send", "region", "typed", "reason"),
    [
        *[pytest.param(submit_element, *case, id=name) for name, case in REFUSED.items()],
        *[pytest.param(submit_page, *REFUSED[name], id=f"{name}, page") for name in BY_PAGE],
    ],
)
def test_invalid_number_shows_the_reason(
    offering: Callable[..., Flask],
    sandbox: Sandbox,
    log_file: LogFile,
    send: Callable[..., TestResponse],
    region: str,
    typed: str,
    reason: str,
) -> None:
    """The reply is 422 with the reason and the shopper's input, and nothing is sent."""
    client = offering("EMAIL", "SMS", region=region, consent={"email_list": "ask"}).test_client()
    chosen = {
        "channels": ["EMAIL", "SMS"],
        "email": ADA,
        "opt_in_promotional_email": "EMAIL",
        "opt_in_promotional_sms": "SMS",
    }

    reply = send(client, FORM, {**chosen, "phone_number": typed})

    assert reply.status_code == 422
    root = view(reply)
    assert field_errors(root) == {"phone_number": reason}
    form = post_form(root)
    assert form.one("input", name="phone_number")["value"] == typed.strip()
    assert form.one("input", name="email")["value"] == ADA
    assert checked_boxes(form) == {
        ("channels", "EMAIL"),
        ("channels", "SMS"),
        ("opt_in_promotional_email", "EMAIL"),
        ("opt_in_promotional_sms", "SMS"),
    }
    assert [script.text for script in root.all("script")] == ([""] if send is submit_page else [])
    assert sandbox.requests() == []
    assert log_file.sign_ups() == []


LANDLINE = "+49 30 123456"


def test_landline_is_accepted_for_whatsapp_only(
    offering: Callable[..., Flask], sandbox: Sandbox
) -> None:
    client = offering("SMS", "WHATSAPP").test_client()
    both = ["SMS", "WHATSAPP"]
    data = {"phone_number": LANDLINE, "opt_in_promotional_sms": both}

    reply = submit_element(client, FORM, {**data, "channels": both})
    assert field_errors(view(reply)) == {"phone_number": FIXED}

    reply = submit_element(client, FORM, {**data, "channels": "WHATSAPP"})
    assert reply.status_code == 200
    [waiting] = sandbox.waiting()
    assert waiting["profile"] == {"phone_number": "+4930123456"}


def test_phone_number_is_ignored_without_its_channel(
    offering: Callable[..., Flask], sandbox: Sandbox
) -> None:
    client = offering("EMAIL", "SMS").test_client()

    reply = submit_element(
        client, FORM, {"channels": "EMAIL", "email": ADA, "phone_number": "call me"}
    )

    assert reply.status_code == 200
    [call] = valid_sign_up_calls(sandbox)
    assert "call me" not in str(call["body"])


@all_scenarios
def test_number_rejected_by_klaviyo_shows_an_error_beside_the_field(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, scenario: Scenario
) -> None:
    """If a number isn't in use, only one call is made, so no consent is sent. The form keeps the
    input.
    """
    client = offering("SMS", NOTIFY_ME_MODE=scenario.mode).test_client()

    reply = scenario.send(client, FORM, by_sms("+1 999 999 9999"))

    assert reply.status_code == 422
    root = view(reply)
    assert field_errors(root) == {
        "phone_number": "We can’t send messages to this phone number. Please check it."
    }
    assert post_form(root).one("input", name="phone_number")["value"] == "+1 999 999 9999"
    assert [call["path"] for call in sign_up_calls(sandbox)] == [scenario.paths[0]]
    assert log_file.states() == ["refused", "failed"]


@all_scenarios
def test_unsupported_sms_region_reads_as_a_refused_number(
    offering: Callable[..., Flask], sandbox: Sandbox, scenario: Scenario
) -> None:
    sandbox.set("regions", supported=["US"])
    client = offering("SMS", "WHATSAPP", NOTIFY_ME_MODE=scenario.mode).test_client()
    data = {"phone_number": "+49 151 23456789", "opt_in_promotional_sms": ["SMS", "WHATSAPP"]}

    refused = scenario.send(client, FORM, {**data, "channels": "SMS"})
    accepted = scenario.send(client, FORM, {**data, "channels": "WHATSAPP"})

    assert field_errors(view(refused)) == {
        "phone_number": "We can’t send messages to this phone number. Please check it. You can "
        "also choose another way to hear from us."
    }
    assert "You’re on the list" in view(accepted).text


@pytest.mark.parametrize(
    ("region", "example"), [("US", "(201) 555-0123"), ("DE", "01512 3456789"), ("AC", "40123")]
)
def test_form_shows_an_example_number(
    offering: Callable[..., Flask], region: str, example: str
) -> None:
    root = view(offering("SMS", region=region).test_client().get(FORM))

    field = root.one("input", name="phone_number")
    hint = root.one("p", class_="notify-me__hint")
    assert hint["id"] in field["aria-describedby"].split()
    assert (
        hint.text
        == f"For example {example}. From another country? Start with + and the country code."
    )
    assert (field["type"], field["autocomplete"], field["inputmode"]) == ("tel", "tel", "tel")
