"""The confirmation's sentence about the list's opt-in, which must not disclose who is on it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import requests
from flask import Flask

from tests.notify_me.consent import (
    ASK,
    BY_BOTH,
    BY_EMAIL,
    BY_SMS,
    MAY_HAVE_TO_CONFIRM,
    failure_messages,
)
from tests.notify_me.markup import view
from tests.notify_me.offers import (
    ADA,
    FORM,
    PHONE,
    Scenario,
    all_scenarios,
    double_opt_in,
    make_calls,
    profiles,
    sign_up_calls,
    submit_element,
    submit_in_client_mode,
    valid_sign_up_calls,
)
from tests.support import TIMEOUT, Sandbox, eventually

BY_REPLY = "We’re sending you a message. Reply to it to start receiving texts."
CONFIRM = {
    "SMS": (BY_SMS, BY_REPLY),
    "EMAIL": (
        BY_EMAIL,
        "We’re sending you an email. Follow the link in it to join our email list.",
    ),
    "EMAIL+SMS": (
        BY_BOTH,
        "We’re sending you a text and an email. Reply to the text to start receiving texts, "
        "and follow the link in the email to join our email list.",
    ),
    "WHATSAPP": (
        {**BY_SMS, "channels": "WHATSAPP", "opt_in_promotional_sms": "WHATSAPP"},
        "We’re sending you a message. Reply to it to start receiving WhatsApp messages.",
    ),
    "SMS+WHATSAPP": (
        {**BY_SMS, "channels": ["SMS", "WHATSAPP"], "opt_in_promotional_sms": ["SMS", "WHATSAPP"]},
        "We’re sending you a text and a WhatsApp message. Reply to both to start "
        "receiving texts and WhatsApp messages.",
    ),
}


@pytest.mark.parametrize(("data", "pending_text"), CONFIRM.values(), ids=CONFIRM)
def test_confirmation_says_what_waits_for_a_double_opt_in(
    offering: Callable[..., Flask], sandbox: Sandbox, data: dict[str, Any], pending_text: str
) -> None:
    double_opt_in(sandbox)
    client = offering("EMAIL", "SMS", "WHATSAPP", consent=ASK).test_client()

    reply = submit_element(client, FORM, data)

    assert pending_text in view(reply).text
    [profile] = profiles(sandbox)
    pending = [
        channel
        for channel, purposes in profile["consent"].items()
        if purposes["marketing"]["status"] == "pending_confirmation"
    ]
    assert sorted(pending) == sorted(
        name.lower() for name in ("EMAIL", "SMS", "WHATSAPP") if name in data["channels"]
    )


@all_scenarios
def test_confirmation_follows_the_opt_in_of_the_list(
    offering: Callable[..., Flask], sandbox: Sandbox, scenario: Scenario
) -> None:
    single = offering("SMS", NOTIFY_ME_MODE=scenario.mode).test_client()
    assert "confirm" not in view(scenario.send(single, FORM, BY_SMS)).text

    double_opt_in(sandbox)
    double = offering("SMS", NOTIFY_ME_MODE=scenario.mode).test_client()
    assert BY_REPLY in view(scenario.send(double, FORM, BY_SMS)).text


def test_browser_gets_the_same_confirmation_before_its_report(
    offering: Callable[..., Flask], sandbox: Sandbox
) -> None:
    double_opt_in(sandbox)
    client = offering("SMS", NOTIFY_ME_MODE="client").test_client()
    sent = submit_element(client, FORM, BY_SMS).get_json()
    responses = json.dumps(make_calls(sent["calls"]))

    report = {**BY_SMS, "sign_up": sent["sign_up"], "answers": responses}
    reply = submit_element(client, FORM, report).get_json()

    assert reply["state"] == "done"
    assert BY_REPLY in sent["html"].replace("\n", " ")
    assert without_ids(sent["html"]) == without_ids(reply["html"])


@pytest.mark.parametrize("opt_in", ["single", "double"])
def test_confirmation_is_neutral_without_a_private_key(
    offering: Callable[..., Flask], sandbox: Sandbox, opt_in: str
) -> None:
    if opt_in == "double":
        double_opt_in(sandbox)
    client = offering("SMS", NOTIFY_ME_MODE="client", KLAVIYO_PRIVATE_KEY="").test_client()

    text = view(submit_in_client_mode(client, FORM, BY_SMS)).text

    assert MAY_HAVE_TO_CONFIRM in text
    assert BY_REPLY not in text


@pytest.mark.parametrize("kind", ["403", "drop"])
def test_confirmation_is_neutral_if_the_list_cannot_be_read(
    offering: Callable[..., Flask], sandbox: Sandbox, kind: str
) -> None:
    sandbox.drill(kind, times=None, operation="get_list")

    reply = submit_element(offering("SMS").test_client(), FORM, BY_SMS)

    assert failure_messages(reply) == []
    assert MAY_HAVE_TO_CONFIRM in view(reply).text
    assert [call["status"] for call in valid_sign_up_calls(sandbox)] == [202, 202]


def test_missing_scope_is_logged_once(
    offering: Callable[..., Flask],
    sandbox: Sandbox,
    lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("notify_me.klaviyo.list_opt_in.UNKNOWN_TTL", 0.0)
    sandbox.drill("403", times=None, operation="get_list")
    client = offering("SMS").test_client()

    for _ in range(3):
        assert failure_messages(submit_element(client, FORM, BY_SMS)) == []

    assert len(reads(sandbox)) == 3
    assert [line for line in lines if line.startswith("WARNING notify_me.klaviyo")] == [
        "WARNING notify_me.klaviyo.list_opt_in: can't read the list's opt-in process "
        "(status 403): the private key lacks the lists:read scope"
    ]


def test_known_opt_in_survives_a_failed_refresh(
    offering: Callable[..., Flask], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notify_me.klaviyo.list_opt_in.KNOWN_TTL", 0.0)
    double_opt_in(sandbox)
    client = offering("SMS").test_client()
    assert BY_REPLY in view(submit_element(client, FORM, BY_SMS)).text
    sandbox.drill("403", times=None, operation="get_list")

    assert BY_REPLY in view(submit_element(client, FORM, BY_SMS)).text
    eventually(lambda: len(finished(reads(sandbox))) >= 2)

    for _ in range(2):
        assert BY_REPLY in view(submit_element(client, FORM, BY_SMS)).text
    assert [call["status"] for call in reads(sandbox)[:2]] == [200, 403]


def reads(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return the calls of Get List."""
    return [call for call in sandbox.requests() if call["operation"] == "get_list"]


def finished(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the calls that got a response."""
    return [call for call in calls if call["finished"]]


def test_sign_up_without_consent_does_not_read_the_list(
    offering: Callable[..., Flask], sandbox: Sandbox
) -> None:
    double_opt_in(sandbox)
    client = offering("EMAIL", "SMS", consent=ASK).test_client()

    reply = submit_element(client, FORM, {"channels": "EMAIL", "email": ADA})

    assert "confirm" not in view(reply).text
    assert len(sandbox.requests()) == 1


def without_ids(html: str) -> str:
    """Return the markup without the random prefix of its IDs."""
    return re.sub(r"notify-me-[0-9a-f]{6}", "", html)


@all_scenarios
@pytest.mark.parametrize("opt_in", ["single", "double, confirmed"])
def test_repeat_sign_up_reads_like_the_first(
    offering: Callable[..., Flask], sandbox: Sandbox, scenario: Scenario, opt_in: str
) -> None:
    """The reply doesn't disclose whether Klaviyo already has the consent."""
    if opt_in != "single":
        double_opt_in(sandbox)
    app = offering("EMAIL", "SMS", consent=ASK, NOTIFY_ME_MODE=scenario.mode)

    first = scenario.send(app.test_client(), FORM, BY_BOTH)
    if opt_in == "double, confirmed":
        for contact in (ADA, PHONE):
            url = f"{sandbox.url}/_sandbox/confirm"
            assert requests.post(url, json={"contact": contact}, timeout=TIMEOUT).ok
    second = scenario.send(app.test_client(), FORM, BY_BOTH)

    assert first.status_code == second.status_code == 200
    assert without_ids(first.text) == without_ids(second.text)
    assert {*first.headers} - {"Set-Cookie"} == {*second.headers}
    # only the server can leave the consent call out without disclosing it
    assert len(sign_up_calls(sandbox)) == (4 if scenario.from_browser else 3)
    assert len(sandbox.waiting()) == len(profiles(sandbox)) == 1
