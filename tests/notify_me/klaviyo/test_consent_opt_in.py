"""A list that asks to confirm, and what a second sign-up must not give away."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import requests
from flask import Flask

from tests.notify_me.consent import ASK, BY_BOTH, BY_EMAIL, BY_SMS, PERHAPS, missed, ways
from tests.notify_me.markup import view
from tests.notify_me.offers import (
    ADA,
    FORM,
    PHONE,
    Way,
    by_browser,
    by_element,
    double_opt_in,
    made,
    posts,
    profiles,
    sound_posts,
)
from tests.support import TIMEOUT, Sandbox, eventually

SURE = "We're sending a message that asks you to confirm. Please answer it: until you do, "
CONFIRM = {
    "SMS": (BY_SMS, "no text messages can reach you."),
    "EMAIL": (BY_EMAIL, "you aren't on our email list."),
    "EMAIL+SMS": (BY_BOTH, "no text messages can reach you, and you aren't on our email list."),
    "WHATSAPP": (
        {**BY_SMS, "channels": "WHATSAPP", "opt_in_promotional_sms": "WHATSAPP"},
        "no WhatsApp messages can reach you.",
    ),
    "SMS+WHATSAPP": (
        {**BY_SMS, "channels": ["SMS", "WHATSAPP"], "opt_in_promotional_sms": ["SMS", "WHATSAPP"]},
        "no text messages and no WhatsApp messages can reach you.",
    ),
}


@pytest.mark.parametrize(("data", "words"), CONFIRM.values(), ids=CONFIRM)
def test_a_double_opt_in_list_must_be_answered(
    offering: Callable[..., Flask], sandbox: Sandbox, data: dict[str, Any], words: str
) -> None:
    """The done view says what doesn't come until the shopper has confirmed."""
    double_opt_in(sandbox)
    client = offering("EMAIL", "SMS", "WHATSAPP", consent=ASK).test_client()

    reply = by_element(client, FORM, data)

    assert SURE + words in view(reply).text
    [profile] = profiles(sandbox)
    pending = [
        channel
        for channel, purposes in profile["consent"].items()
        if purposes["marketing"]["status"] == "pending_confirmation"
    ]
    assert sorted(pending) == sorted(
        each.lower() for each in ("EMAIL", "SMS", "WHATSAPP") if each in data["channels"]
    )


@ways
def test_the_words_follow_the_list(
    offering: Callable[..., Flask], sandbox: Sandbox, way: Way
) -> None:
    """Double opt-in: a confirmation must be answered. Single: it isn't mentioned."""
    single = offering("SMS", NOTIFY_ME_MODE=way.mode).test_client()
    assert "confirm" not in view(way.send(single, FORM, BY_SMS)).text

    double_opt_in(sandbox)
    double = offering("SMS", NOTIFY_ME_MODE=way.mode).test_client()
    assert SURE in view(way.send(double, FORM, BY_SMS)).text


def test_the_view_that_the_browser_is_given_ahead_says_it_too(
    offering: Callable[..., Flask], sandbox: Sandbox
) -> None:
    """Client mode: the thanks that shows at once is the same as the reply to the report."""
    double_opt_in(sandbox)
    client = offering("SMS", NOTIFY_ME_MODE="client").test_client()
    sent = by_element(client, FORM, BY_SMS).get_json()
    answers = json.dumps(made(sent["calls"]))

    report = {**BY_SMS, "sign_up": sent["sign_up"], "answers": answers}
    reply = by_element(client, FORM, report).get_json()

    assert reply["state"] == "done"
    assert SURE in sent["html"].replace("&#39;", "'").replace("\n", " ")
    assert without_ids(sent["html"]) == without_ids(reply["html"])


@pytest.mark.parametrize("opt_in", ["single", "double"])
def test_without_a_private_key_nobody_can_know(
    offering: Callable[..., Flask], sandbox: Sandbox, opt_in: str
) -> None:
    """Client mode without one: the words hold either way."""
    if opt_in == "double":
        double_opt_in(sandbox)
    client = offering("SMS", NOTIFY_ME_MODE="client", KLAVIYO_PRIVATE_KEY="").test_client()

    text = view(by_browser(client, FORM, BY_SMS)).text

    assert PERHAPS in text
    assert SURE not in text


@pytest.mark.parametrize("kind", ["403", "500", "drop"])
def test_a_list_that_can_not_be_read_leaves_it_open(
    offering: Callable[..., Flask], sandbox: Sandbox, kind: str
) -> None:
    """A key without the scope, or a failure: the words hold either way, and nothing is lost."""
    sandbox.drill(kind, times=None, operation="get_list")

    reply = by_element(offering("SMS").test_client(), FORM, BY_SMS)

    assert missed(reply) == []
    assert PERHAPS in view(reply).text
    assert [each["status"] for each in sound_posts(sandbox)] == [202, 202]


def test_a_scope_that_is_lacking_is_told_to_the_operator_once(
    offering: Callable[..., Flask],
    sandbox: Sandbox,
    lines: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However often it is asked for: one warning, which names the scope."""
    monkeypatch.setattr("notify_me.klaviyo.list_opt_in.UNKNOWN_TTL", 0.0)
    sandbox.drill("403", times=None, operation="get_list")
    client = offering("SMS").test_client()

    for _ in range(3):
        assert missed(by_element(client, FORM, BY_SMS)) == []

    assert len(reads(sandbox)) == 3
    assert [line for line in lines if line.startswith("WARNING")] == [
        "WARNING notify_me.klaviyo.list_opt_in: can't read the list's opt-in process "
        "(status 403): the private key lacks the scope lists:read"
    ]


def test_what_is_known_stays_when_it_can_not_be_refreshed(
    offering: Callable[..., Flask], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked again in the background, and refused: the words stay as sure as they were."""
    monkeypatch.setattr("notify_me.klaviyo.list_opt_in.KNOWN_TTL", 0.0)
    double_opt_in(sandbox)
    client = offering("SMS").test_client()
    assert SURE in view(by_element(client, FORM, BY_SMS)).text
    sandbox.drill("403", times=None, operation="get_list")

    assert SURE in view(by_element(client, FORM, BY_SMS)).text
    eventually(lambda: len(finished(reads(sandbox))) >= 2)

    for _ in range(2):
        assert SURE in view(by_element(client, FORM, BY_SMS)).text
    assert [each["status"] for each in reads(sandbox)[:2]] == [200, 403]


def reads(sandbox: Sandbox) -> list[dict[str, Any]]:
    """The times that the list was asked for."""
    return [each for each in sandbox.requests() if each["operation"] == "get_list"]


def finished(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that were answered."""
    return [each for each in calls if each["finished"]]


def test_without_consent_there_is_nothing_to_confirm(
    offering: Callable[..., Flask], sandbox: Sandbox
) -> None:
    """An email sign-up that joins no list says nothing of it, and the list isn't read."""
    double_opt_in(sandbox)
    client = offering("EMAIL", "SMS", consent=ASK).test_client()

    reply = by_element(client, FORM, {"channels": "EMAIL", "email": ADA})

    assert "confirm" not in view(reply).text
    assert len(sandbox.requests()) == 1


def without_ids(html: str) -> str:
    """The markup without the prefix that is random for each reply."""
    return re.sub(r"notify-me-[0-9a-f]{6}", "", html)


@ways
@pytest.mark.parametrize("opt_in", ["single", "double, unanswered", "double, confirmed"])
def test_a_second_sign_up_reads_as_the_first(
    offering: Callable[..., Flask], sandbox: Sandbox, way: Way, opt_in: str
) -> None:
    """Byte for byte, whatever Klaviyo knows by then: nobody learns who is on a list."""
    if opt_in != "single":
        double_opt_in(sandbox)
    app = offering("EMAIL", "SMS", consent=ASK, NOTIFY_ME_MODE=way.mode)

    first = way.send(app.test_client(), FORM, BY_BOTH)
    if opt_in == "double, confirmed":
        for contact in (ADA, PHONE):
            url = f"{sandbox.url}/_sandbox/confirm"
            assert requests.post(url, json={"contact": contact}, timeout=TIMEOUT).ok
    second = way.send(app.test_client(), FORM, BY_BOTH)

    assert first.status_code == second.status_code == 200
    assert without_ids(first.text) == without_ids(second.text)
    assert {*first.headers} - {"Set-Cookie"} == {*second.headers}
    assert len(posts(sandbox)) == 4
    assert len(sandbox.waiting()) == len(profiles(sandbox)) == 1
