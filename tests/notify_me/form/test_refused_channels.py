"""A channel that Klaviyo refuses, such as texts to a country, doesn't affect the others."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from notify_me import Channel
from notify_me.klaviyo.calls import Operation
from notify_me.klaviyo.outcomes import KlaviyoResponse, Refused, outcome_of
from tests.notify_me.conftest import LogFile
from tests.notify_me.consent import (
    ASK,
    BY_BOTH,
    BY_SMS,
    EMAIL_REFUSED,
    PHONE_REFUSED,
    confirmation_text,
    consent_states,
    failure_messages,
)
from tests.notify_me.markup import state, view
from tests.notify_me.offers import (
    ADA,
    FORM,
    Scenario,
    all_scenarios,
    field_errors,
    make_calls,
    profiles,
    sign_up_calls,
    submit_element,
)
from tests.support import Sandbox

ABROAD = "+52 55 1234 5678"
ANOTHER_WAY = "You can also choose another way to hear from us."
NO_TEXT = "Text message: we can’t text this number."


@pytest.fixture(autouse=True)
def _no_texts_abroad(sandbox: Sandbox) -> None:
    sandbox.set("regions", supported=["US"])


def subscribed(sandbox: Sandbox) -> list[list[str]]:
    """Return the channels that each profile has consented to."""
    return [
        [
            channel
            for channel, purposes in profile["consent"].items()
            if purposes["marketing"]["status"] == "subscribed"
        ]
        for profile in profiles(sandbox)
    ]


@all_scenarios
def test_email_remains_if_klaviyo_cannot_text_the_country(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, scenario: Scenario
) -> None:
    client = offering("EMAIL", "SMS", consent=ASK, NOTIFY_ME_MODE=scenario.mode).test_client()

    reply = scenario.send(client, FORM, {**BY_BOTH, "phone_number": ABROAD})

    assert failure_messages(reply) == [NO_TEXT]
    assert confirmation_text(reply).startswith("We’ll email a")
    assert "text" not in confirmation_text(reply)
    [waiting] = sandbox.waiting()
    assert (waiting["channels"], waiting["profile"]) == (["EMAIL"], {"email": ADA})
    assert subscribed(sandbox) == [["email"]]
    assert log_file.states() == ["accepted", "accepted"]
    assert consent_states(log_file) == [("EMAIL", "accepted"), ("SMS", "refused")]
    if reply.json is not None:
        assert reply.json["channels"] == {"EMAIL": "accepted", "SMS": "refused"}


@all_scenarios
def test_whatsapp_remains_if_klaviyo_cannot_text_the_country(
    offering: Callable[..., Flask], sandbox: Sandbox, scenario: Scenario
) -> None:
    client = offering("SMS", "WHATSAPP", NOTIFY_ME_MODE=scenario.mode).test_client()
    boxes = {"channels": ["SMS", "WHATSAPP"], "opt_in_promotional_sms": ["SMS", "WHATSAPP"]}

    reply = scenario.send(client, FORM, {**boxes, "phone_number": ABROAD})

    assert failure_messages(reply) == [NO_TEXT]
    assert confirmation_text(reply).startswith("We’ll message +5")
    assert [waiting["channels"] for waiting in sandbox.waiting()] == [["WHATSAPP"]]
    assert subscribed(sandbox) == [["whatsapp"]]


@all_scenarios
def test_refusal_of_the_only_channel_suggests_the_others(
    offering: Callable[..., Flask], sandbox: Sandbox, scenario: Scenario
) -> None:
    client = offering("EMAIL", "SMS", NOTIFY_ME_MODE=scenario.mode).test_client()

    reply = scenario.send(client, FORM, {**BY_SMS, "phone_number": ABROAD})

    assert (state(reply), reply.status_code) == ("invalid", 422)
    assert field_errors(view(reply)) == {"phone_number": f"{PHONE_REFUSED} {ANOTHER_WAY}"}
    assert sandbox.waiting() == []


@all_scenarios
def test_refused_consent_keeps_the_consent_to_the_other_channel(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, scenario: Scenario
) -> None:
    for operation in ("bulk_subscribe_profiles", "create_client_subscription"):
        sandbox.drill("400-phone", operation=operation)
    client = offering("EMAIL", "SMS", consent=ASK, NOTIFY_ME_MODE=scenario.mode).test_client()

    reply = scenario.send(client, FORM, BY_BOTH)

    assert failure_messages(reply) == [NO_TEXT]
    assert subscribed(sandbox) == [["email"]]
    assert consent_states(log_file) == [("EMAIL", "accepted"), ("SMS", "refused")]


def refusal_of(*pointers: str) -> dict[str, Any]:
    """Return a response in which Klaviyo refuses these parts of a body."""
    errors = [{"code": "invalid", "source": {"pointer": pointer}} for pointer in pointers]
    return {"status": 400, "body": {"errors": errors}}


PROFILE = "/data/attributes/profile/data/attributes"


def test_response_that_refuses_two_fields_shows_both(offering: Callable[..., Flask]) -> None:
    client = offering("EMAIL", "SMS", NOTIFY_ME_MODE="client").test_client()
    sent = submit_element(client, FORM, BY_BOTH).get_json()["sign_up"]
    responses = json.dumps([refusal_of(f"{PROFILE}/email", f"{PROFILE}/phone_number"), None])

    reply = submit_element(client, FORM, {**BY_BOTH, "sign_up": sent, "answers": responses})

    assert reply.status_code == 422
    assert field_errors(view(reply)) == {"email": EMAIL_REFUSED, "phone_number": PHONE_REFUSED}


def test_repeated_refusal_of_a_channel_that_was_left_out_ends_the_sign_up(
    offering: Callable[..., Flask], sandbox: Sandbox
) -> None:
    """A forged report can't make the server prepare calls forever."""
    client = offering("EMAIL", "SMS", NOTIFY_ME_MODE="client").test_client()
    refused = {"answers": json.dumps([refusal_of(f"{PROFILE}/phone_number"), None])}
    sent = submit_element(client, FORM, BY_BOTH).get_json()
    again = submit_element(client, FORM, {**BY_BOTH, "sign_up": sent["sign_up"], **refused})
    assert (state(again), again.get_json()["state"]) == ("done", "send")
    [call] = again.get_json()["calls"]
    assert call["body"]["data"]["attributes"]["channels"] == ["EMAIL"]

    refused = {"answers": json.dumps([refusal_of(f"{PROFILE}/phone_number")])}
    last = submit_element(client, FORM, {**BY_BOTH, "sign_up": sent["sign_up"], **refused})

    assert (state(last), last.status_code) == ("invalid", 422)
    assert sign_up_calls(sandbox) == []


def test_refusal_is_shown_if_the_server_sends_the_rest(
    offering: Callable[..., Flask], sandbox: Sandbox
) -> None:
    client = offering("EMAIL", "SMS", NOTIFY_ME_MODE="client").test_client()
    sign_up = {**BY_BOTH, "phone_number": ABROAD}
    first = submit_element(client, FORM, sign_up).get_json()
    responses = {"answers": json.dumps(make_calls(first["calls"]))}
    second = submit_element(client, FORM, {**sign_up, "sign_up": first["sign_up"], **responses})
    assert second.get_json()["state"] == "send"

    # the browser's second attempt gets no response
    blocked = {"sign_up": second.get_json()["sign_up"], "answers": "[null]"}
    reply = submit_element(client, FORM, {**sign_up, **blocked})

    assert [waiting["channels"] for waiting in sandbox.waiting()] == [["EMAIL"]]
    assert failure_messages(reply) == [NO_TEXT]
    assert confirmation_text(reply).startswith(f"We’ll email {ADA} as soon as")
    assert reply.get_json()["channels"] == {"EMAIL": "accepted", "SMS": "refused"}


ALL = tuple(Channel)
POINTERS = {
    f"{PROFILE}/email": ("email", {Channel.EMAIL}),
    f"{PROFILE}/email/": ("email", {Channel.EMAIL}),
    "/data/attributes/email": ("email", {Channel.EMAIL}),
    f"{PROFILE}/phone_number": ("phone_number", {Channel.SMS}),
    "/data/attributes/channels/2": ("phone_number", {Channel.WHATSAPP}),
    "/data/attributes/channels/0": ("email", {Channel.EMAIL}),
    f"{PROFILE}/subscriptions/whatsapp/marketing": ("phone_number", {Channel.WHATSAPP}),
}


@pytest.mark.parametrize(("pointer", "expected"), POINTERS.items())
def test_pointer_names_the_refused_channel(
    pointer: str, expected: tuple[str, set[Channel]]
) -> None:
    """If the phone number is refused, SMS is left out first: WhatsApp may still accept it."""
    response = KlaviyoResponse(400, document=refusal_of(pointer)["body"])

    outcome = outcome_of(response, Operation.BACK_IN_STOCK, channels=ALL)

    assert isinstance(outcome, Refused)
    assert (*outcome.fields, {*outcome.refused_channels}) == expected
