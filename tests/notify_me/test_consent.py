"""Consent: one call after the rest, what the shopper is told of it, and the proof in the log."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from werkzeug.test import TestResponse

from tests.notify_me.conftest import LogFile
from tests.notify_me.markup import post_form, view
from tests.notify_me.offers import (
    ADA,
    BROWSER_PATHS,
    ELEMENT,
    FORM,
    MUG,
    PHONE,
    PRIVACY,
    SERVER_PATHS,
    TERMS,
    TYPED_PHONE,
    WAYS,
    Way,
    beside,
    by_browser,
    by_element,
    by_page,
    double_opt_in,
    made,
    posts,
    profiles,
    settings_file,
    sound_posts,
    toml,
    words_of,
)
from tests.notify_me.small_shop import DATABASE
from tests.notify_me.test_log import shop_process
from tests.support import TIMEOUT, Sandbox, eventually

ways = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
by_the_server = pytest.mark.parametrize(
    "way",
    [each for each in WAYS.values() if not each.from_browser],
    ids=[name for name, each in WAYS.items() if not each.from_browser],
)
SUBSCRIBE = {"api": "bulk_subscribe_profiles", "client": "create_client_subscription"}
CANT_TAKE = "We can't take sign-ups just now. Please try again later."
TRY_AGAIN = "That didn't go through. Please try again in a moment."
BLOCKED = (
    "Your browser couldn't reach the service that sends the news. If a content blocker is on, "
    "please allow it for this page and try again."
)
PHONE_REFUSED = "This phone number wasn't accepted. Please check it."
EMAIL_REFUSED = "This email address wasn't accepted. Please check it."
NO_TEXTS = "Your consent to text messages couldn't be recorded, so they may not come."
NOT_LISTED = "You aren't on our email list yet."

BY_SMS: dict[str, Any] = {
    "channels": "SMS",
    "phone_number": TYPED_PHONE,
    "opt_in_promotional_sms": "SMS",
}
BY_EMAIL: dict[str, Any] = {
    "channels": "EMAIL",
    "email": ADA,
    "opt_in_promotional_email": "EMAIL",
}
BY_BOTH: dict[str, Any] = {**BY_EMAIL, **BY_SMS, "channels": ["EMAIL", "SMS"]}
ASK = {"email_list": "ask"}
GOES_TO_PHONE = "the news goes to +1•••43."


def consent_states(log_file: LogFile) -> list[tuple[str, str]]:
    """Channel and state of each consent in the log."""
    return [(each["channel"], each["state"]) for each in log_file.consents()]


def operation(way: Way) -> str:
    """Klaviyo's name for the consent call of this way."""
    return SUBSCRIBE["client" if way.from_browser else "api"]


def missed(reply: TestResponse) -> list[str]:
    """What the done view says that could not be taken, and the reason last."""
    root = view(reply)
    assert "Request received" in root.text
    within = [
        each.text
        for tag in ("li", "p")
        for each in root.all(tag)
        if "notify-me__alert" in _classes_above(each)
    ]
    told = [each for each in within if each != "Not everything could be taken:"]
    assert len(within) == len(told) + bool(told)
    return told


def _classes_above(element: Any) -> list[str]:
    found: list[str] = []
    while (element := element.parent) is not None:
        found += element.classes
    return found


FAILURES = {
    # the drill, how the log calls it, and the words after what is missing
    "400-email": ("refused", EMAIL_REFUSED),
    "400-phone": ("refused", PHONE_REFUSED),
    "400-unknown-pointer": ("failed", CANT_TAKE),
    "405": ("failed", CANT_TAKE),
    "409": ("failed", CANT_TAKE),
    "415": ("failed", CANT_TAKE),
}
PASSING = ("429", "500", "503", "html", "drop")
MISCONFIGURED = ("400-list", "401", "403", "404-revision", "410")


@pytest.mark.parametrize(("kind", "expected"), FAILURES.items(), ids=FAILURES)
def test_a_refused_consent_call_is_told(
    offering: Callable[..., Flask],
    sandbox: Sandbox,
    log_file: LogFile,
    kind: str,
    expected: tuple[str, str],
) -> None:
    """What nobody will mend is told: the done view says that no text may come, and why."""
    sandbox.drill(kind, times=None, operation=SUBSCRIBE["api"])
    state, words = expected

    reply = by_element(offering("EMAIL", "SMS").test_client(), FORM, BY_SMS)

    assert reply.status_code == 200
    assert missed(reply) == [NO_TEXTS, words]
    assert [each["operation"] for each in posts(sandbox)] == [
        "create_back_in_stock_subscription",
        SUBSCRIBE["api"],
    ]
    assert log_file.states() == ["taken", state]
    # what was agreed to stays on record, with what became of the call
    assert consent_states(log_file) == [("SMS", state)]


@pytest.mark.parametrize("headers", [{}, ELEMENT], ids=["page", "element"])
@pytest.mark.parametrize("kind", [*PASSING, *MISCONFIGURED])
def test_a_consent_call_that_can_go_later_is_kept(
    offering: Callable[..., Flask],
    sandbox: Sandbox,
    log_file: LogFile,
    kind: str,
    headers: dict[str, str],
) -> None:
    """It will pass, or the merchant will mend it: the shopper is told nothing of it."""
    sandbox.drill(kind, times=None, operation=SUBSCRIBE["api"])
    client = offering("EMAIL", "SMS").test_client()

    reply = (by_element if headers else by_page)(client, FORM, BY_SMS)

    assert reply.status_code == 200
    assert missed(reply) == []
    assert GOES_TO_PHONE in view(reply).text
    assert [each["operation"] for each in posts(sandbox)] == [
        "create_back_in_stock_subscription",
        SUBSCRIBE["api"],
    ]
    assert log_file.states() == ["taken", "kept"]
    assert consent_states(log_file) == [("SMS", "kept")]


@pytest.mark.parametrize("kind", ["400-phone", "415"])
def test_what_klaviyo_refuses_to_the_browser_is_told_alike(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, kind: str
) -> None:
    """Client mode: what the browser was answered reads as in server mode; nobody asks again."""
    client = offering("SMS", NOTIFY_ME_MODE="client").test_client()
    sandbox.drill(kind, times=None, operation=SUBSCRIBE["client"])
    state, words = FAILURES[kind]

    reply = by_browser(client, FORM, BY_SMS)

    assert missed(reply) == [NO_TEXTS, words]
    assert len(posts(sandbox)) == 2
    assert log_file.states() == ["taken", state]
    assert consent_states(log_file) == [("SMS", state)]


@pytest.mark.parametrize("kind", ["400-list", "401", "403", "410"])
def test_a_misconfiguration_that_the_browser_meets_is_kept(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, kind: str
) -> None:
    """Client mode: once the merchant has mended it, the server sends it; nobody asks again."""
    client = offering("SMS", NOTIFY_ME_MODE="client").test_client()
    sandbox.drill(kind, times=None, operation=SUBSCRIBE["client"])

    reply = by_browser(client, FORM, BY_SMS)

    assert missed(reply) == []
    assert [each["path"] for each in posts(sandbox)] == [*BROWSER_PATHS]
    assert log_file.states() == ["taken", "kept"]
    assert consent_states(log_file) == [("SMS", "kept")]


@pytest.mark.parametrize("kind", PASSING)
def test_consent_that_gets_through_nowhere_is_kept(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, kind: str
) -> None:
    """Client mode: neither the browser's two tries nor the server's one."""
    client = offering("SMS", NOTIFY_ME_MODE="client").test_client()
    for each in SUBSCRIBE.values():
        sandbox.drill(kind, times=None, operation=each)

    reply = by_browser(client, FORM, BY_SMS)

    assert missed(reply) == []
    assert len(posts(sandbox)) == 4
    assert log_file.states() == ["taken", "kept"]


@pytest.mark.parametrize("kind", ["429", "500", "503", "html", "drop"])
def test_consent_that_does_not_get_through_goes_by_the_server(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, kind: str
) -> None:
    """Two tries of the browser's, then Subscribe Profiles: the subscription is not sent again."""
    client = offering("SMS", NOTIFY_ME_MODE="client").test_client()
    sandbox.drill(kind, times=2, operation=SUBSCRIBE["client"])

    reply = by_browser(client, FORM, BY_SMS)

    assert missed(reply) == []
    assert [each["operation"] for each in posts(sandbox)] == [
        "create_client_back_in_stock_subscription",
        SUBSCRIBE["client"],
        SUBSCRIBE["client"],
        SUBSCRIBE["api"],
    ]
    assert log_file.states() == ["taken", "taken"]
    [profile] = profiles(sandbox)
    assert profile["consent"]["sms"]["marketing"]["status"] == "subscribed"


@pytest.mark.parametrize(
    ("kind", "state", "words"),
    [
        ("500", "failed", TRY_AGAIN),
        # a throttled reply has no CORS headers, so to the browser it is none
        ("429", "failed", BLOCKED),
        ("drop", "failed", BLOCKED),
        ("403", "failed", CANT_TAKE),
        ("400-list", "failed", CANT_TAKE),
        ("400-phone", "refused", PHONE_REFUSED),
    ],
)
def test_without_a_private_key_lost_consent_is_told(
    offering: Callable[..., Flask],
    sandbox: Sandbox,
    log_file: LogFile,
    kind: str,
    state: str,
    words: str,
) -> None:
    """Client mode without a way by the server: nothing can be kept, so what is lost is told."""
    client = offering("SMS", NOTIFY_ME_MODE="client", KLAVIYO_PRIVATE_KEY="").test_client()
    sandbox.drill(kind, times=None, operation=SUBSCRIBE["client"])

    reply = by_browser(client, FORM, BY_SMS)

    assert missed(reply) == [NO_TEXTS, words]
    assert "the news goes to" not in view(reply).text
    assert log_file.states() == ["taken", state]
    assert consent_states(log_file) == [("SMS", state)]


def test_both_calls_blocked_are_both_sent_by_the_server(
    offering: Callable[..., Flask], sandbox: Sandbox
) -> None:
    """A tracker blocker lets neither through: the server makes them, consent after the rest."""
    client = offering("SMS", NOTIFY_ME_MODE="client").test_client()
    sent = by_element(client, FORM, BY_SMS).get_json()

    report = {**BY_SMS, "sign_up": sent["sign_up"], "answers": "[null, null]"}
    reply = by_element(client, FORM, report)

    assert missed(reply) == []
    assert [each["operation"] for each in sound_posts(sandbox)] == [
        "create_back_in_stock_subscription",
        SUBSCRIBE["api"],
    ]


@ways
def test_an_unknown_list(
    offering: Callable[..., Flask],
    sandbox: Sandbox,
    log_file: LogFile,
    lines: list[str],
    way: Way,
) -> None:
    """A real one's refusal: consent waits for the right list, which the operator's line names."""
    app = offering("EMAIL", "SMS", consent=ASK, KLAVIYO_LIST_ID="NoList", NOTIFY_ME_MODE=way.mode)

    reply = way.send(app.test_client(), FORM, BY_BOTH)

    assert reply.status_code == 200
    assert missed(reply) == []
    assert log_file.states() == ["taken", "kept"]
    assert consent_states(log_file) == [("EMAIL", "kept"), ("SMS", "kept")]
    [loud] = [line for line in lines if "Misconfigured" in line]
    # a browser's report is hearsay, which rings no alarm
    begin = "ERROR notify_me.delivery: Misconfigured"
    if way.from_browser:
        begin = "WARNING notify_me.delivery: the browser reports Misconfigured"
    assert loud.startswith(f"{begin}: {SUBSCRIBE['api']}, sign-up ")
    assert loud.endswith(": Klaviyo doesn't know the list: KLAVIYO_LIST_ID")
    assert "ada@" not in "".join(lines)
    assert "5550143" not in "".join(lines)


def test_a_refused_address_is_told_for_the_list(
    offering: Callable[..., Flask], sandbox: Sandbox
) -> None:
    """Email's part is named with the reason."""
    client = offering("EMAIL", consent=ASK).test_client()
    sandbox.drill("400-email", operation=SUBSCRIBE["api"])

    reply = by_element(client, FORM, BY_EMAIL)

    assert missed(reply) == [NOT_LISTED, EMAIL_REFUSED]


@ways
def test_no_consent_goes_when_the_subscription_was_refused(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, way: Way
) -> None:
    """Nothing was asked for in the end, so there is nothing to consent to."""
    sandbox.unknown(MUG)
    client = offering("SMS", NOTIFY_ME_MODE=way.mode).test_client()

    reply = way.send(client, FORM, BY_SMS)

    assert reply.status_code == 422
    assert [*beside(view(reply))] == ["variants"]
    assert [each["path"] for each in posts(sandbox)] == [way.paths[0]]
    assert log_file.states() == ["refused", "failed"]
    form = post_form(view(reply))
    assert form.one("input", name="phone_number")["value"] == TYPED_PHONE
    assert "checked" in form.one("input", name="opt_in_promotional_sms")


@pytest.mark.parametrize("kind", ["401", "403", "404-revision", "410", "405", "415"])
def test_no_consent_goes_when_the_subscription_failed(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, kind: str
) -> None:
    """503, one call alone was made, and nothing is kept: the shopper was told so."""
    sandbox.drill(kind, times=None)

    reply = by_element(offering("SMS").test_client(), FORM, BY_SMS)

    assert reply.status_code == 503
    assert len(posts(sandbox)) == 1
    assert log_file.states() == ["failed", "failed"]
    assert consent_states(log_file) == [("SMS", "failed")]


@ways
@pytest.mark.parametrize("kind", PASSING)
def test_consent_is_kept_with_the_subscription(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, kind: str, way: Way
) -> None:
    """Nothing gets through: both wait, consent behind the rest, and the shopper is thanked."""
    sandbox.drill(kind, times=None)
    client = offering("SMS", NOTIFY_ME_MODE=way.mode).test_client()

    reply = way.send(client, FORM, BY_SMS)

    assert reply.status_code == 200
    assert missed(reply) == []
    assert GOES_TO_PHONE in view(reply).text
    assert {each["path"] for each in posts(sandbox)} <= {way.paths[0], SERVER_PATHS[0]}
    assert log_file.states() == ["kept", "kept"]
    assert consent_states(log_file) == [("SMS", "kept")]


def test_a_repeat_counts_as_accepted(offering: Callable[..., Flask], sandbox: Sandbox) -> None:
    """409 on back in stock is a success, so consent goes."""
    sandbox.drill("409", operation="create_back_in_stock_subscription")

    reply = by_element(offering("SMS").test_client(), FORM, BY_SMS)

    assert missed(reply) == []
    assert [each["status"] for each in posts(sandbox)] == [409, 202]


@by_the_server
def test_a_phone_number_that_klaviyo_dropped_is_told(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, way: Way
) -> None:
    """X-Klaviyo-Partial-Failure on the subscription: the news comes by email alone."""
    sandbox.drill("partial", operation="create_back_in_stock_subscription")

    reply = way.send(offering("EMAIL", "SMS").test_client(), FORM, BY_BOTH)

    assert "Your phone number wasn't accepted, so the news comes by email alone." in missed(reply)
    assert "the news goes to a•••@e•••.org." in view(reply).text
    assert log_file.states() == ["taken", "taken"]


@by_the_server
def test_a_phone_number_dropped_from_consent_is_told(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, way: Way
) -> None:
    """X-Klaviyo-Partial-Failure on the consent call: no text can come, and the shopper reads so."""
    sandbox.drill("partial", operation=SUBSCRIBE["api"])

    reply = way.send(offering("EMAIL", "SMS", consent=ASK).test_client(), FORM, BY_BOTH)

    [profile] = profiles(sandbox)
    assert profile["consent"]["email"]["marketing"]["status"] == "subscribed"
    assert profile["consent"]["sms"]["marketing"]["status"] == "never_subscribed"
    assert missed(reply) == [NO_TEXTS, PHONE_REFUSED]
    assert "the news goes to a•••@e•••.org." in view(reply).text
    assert log_file.states() == ["taken", "taken"]


@by_the_server
@pytest.mark.parametrize("kind", ["400-phone", "415"])
def test_news_that_can_reach_nobody_is_not_promised(
    offering: Callable[..., Flask], sandbox: Sandbox, kind: str, way: Way
) -> None:
    """SMS alone, and its consent is lost: received, without a word of where the news goes."""
    sandbox.drill(kind, operation=SUBSCRIBE["api"])

    reply = way.send(offering("EMAIL", "SMS").test_client(), FORM, BY_SMS)

    [told, reason] = missed(reply)
    assert told == NO_TEXTS
    assert reason
    assert "the news goes to" not in view(reply).text
    assert "+1•••43" not in view(reply).text
    assert "confirm" not in view(reply).text


@pytest.mark.parametrize(
    ("kind", "operation", "data"),
    [
        ("415", SUBSCRIBE["api"], BY_SMS),
        ("415", SUBSCRIBE["api"], BY_BOTH),
        ("partial", "create_back_in_stock_subscription", BY_BOTH),
    ],
    ids=["SMS, no consent", "EMAIL+SMS, no consent", "EMAIL+SMS, phone dropped"],
)
def test_what_can_not_come_is_not_promised(
    offering: Callable[..., Flask],
    sandbox: Sandbox,
    kind: str,
    operation: str,
    data: dict[str, Any],
) -> None:
    """A text needs a number and its consent: without them, no news is said to go there."""
    sandbox.drill(kind, times=None, operation=operation)

    reply = by_element(offering("EMAIL", "SMS").test_client(), FORM, data)

    assert missed(reply) != []
    promised = [each.text for each in view(reply).all("p", class_="notify-me__body")]
    assert "+1•••43" not in " ".join(promised)


SURE = "We're sending a message that asks you to confirm. Please answer it: until you do, "
PERHAPS = "If a message asks you to confirm, please answer it."
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
    monkeypatch.setattr("notify_me.opt_in.UNKNOWN_FOR", 0.0)
    sandbox.drill("403", times=None, operation="get_list")
    client = offering("SMS").test_client()

    for _ in range(3):
        assert missed(by_element(client, FORM, BY_SMS)) == []

    assert len(reads(sandbox)) == 3
    assert [line for line in lines if line.startswith("WARNING")] == [
        "WARNING notify_me.opt_in: whether the list asks to confirm can't be read (status 403): "
        "the private key lacks the scope lists:read"
    ]


def test_what_is_known_stays_when_it_can_not_be_refreshed(
    offering: Callable[..., Flask], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked again in the background, and refused: the words stay as sure as they were."""
    monkeypatch.setattr("notify_me.opt_in.KNOWN_FOR", 0.0)
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


def test_the_log_holds_what_the_form_showed(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile
) -> None:
    """For each channel: the text word for word with its links, version, locale, list, source."""
    app = offering("EMAIL", "SMS", "WHATSAPP", consent=ASK)
    root = view(app.test_client().get(FORM))
    shown = {}
    for box in root.all("input", type="checkbox"):
        if box["name"] != "channels":
            assert box.parent is not None
            label = words_of(box.parent)
            also = box.get("aria-describedby")
            shown[box["value"]] = "\n".join(
                [label, *([words_of(root.one(id=also))] if also else [])]
            )
    before = datetime.now(UTC).replace(tzinfo=None)

    by_element(
        app.test_client(),
        FORM,
        {
            **BY_BOTH,
            "channels": ["EMAIL", "SMS", "WHATSAPP"],
            "opt_in_promotional_sms": ["SMS", "WHATSAPP"],
        },
    )

    rows = log_file.consents()
    assert {row["channel"]: row["text"] for row in rows} == shown
    assert f"Terms of Service ({TERMS}) and Privacy Policy ({PRIVACY})." in shown["SMS"]
    [sign_up] = log_file.sign_ups()
    for row in rows:
        by_mail = row["channel"] == "EMAIL"
        assert (row["locale"], row["list_id"], row["custom_source"]) == (
            "en",
            sandbox.account.list_id,
            "Back in Stock",
        )
        assert row["sign_up_id"] == sign_up["id"]
        assert row["contact_hmac"] == sign_up["email_hmac" if by_mail else "phone_hmac"]
        assert re.fullmatch("[0-9a-f]{64}", row["contact_hmac"])
        assert row["contact_masked"] == ("a•••@e•••.org" if by_mail else "+1•••43")
        given = datetime.fromisoformat(row["given_at"])
        assert before <= given <= datetime.now(UTC).replace(tzinfo=None)
    assert len({row["version"] for row in rows}) == 3


def test_the_same_text_has_the_same_version(
    offering: Callable[..., Flask], log_file: LogFile
) -> None:
    """And another text another one: a word, a brand or a link makes it so."""
    changes: list[dict[str, object]] = [
        {},
        {"email_list": "off"},
        {"brand": "Haar"},
        {"terms_of_service_url": "/terms"},
        {"sms_checkbox_text": "Text me."},
    ]
    for change in changes:
        assert (
            by_element(offering("SMS", consent=change).test_client(), FORM, BY_SMS).status_code
            == 200
        )

    versions = [row["version"] for row in log_file.consents()]
    assert versions[0] == versions[1]
    assert len(set(versions)) == 4


@pytest.mark.parametrize("chosen", ["EMAIL", "SMS"])
def test_only_what_was_agreed_to_is_logged(
    offering: Callable[..., Flask], log_file: LogFile, chosen: str
) -> None:
    """A notice counts for the channel it is about, if that is chosen; a tick likewise."""
    client = offering("EMAIL", "SMS", consent={"email_list": "always"}).test_client()

    by_element(client, FORM, {**BY_BOTH, "channels": chosen})

    [row] = log_file.consents()
    assert row["channel"] == chosen
    if chosen == "EMAIL":
        assert row["text"] == (
            "By signing up you also join the email list of Smirr. You can leave it at any time."
        )


@ways
def test_no_contact_is_kept_that_can_be_read(
    offering: Callable[..., Flask], tmp_path: Path, lines: list[str], way: Way
) -> None:
    """The database's files and the log's lines hold neither the address nor the number."""
    app = offering("EMAIL", "SMS", consent=ASK, NOTIFY_ME_MODE=way.mode)
    for last in ("0143", "0144"):
        data = {**BY_BOTH, "email": f"ada.{last}@example.org", "phone_number": f"(202) 555-{last}"}
        assert way.send(app.test_client(), FORM, data).status_code == 200

    kept = b"".join(file.read_bytes() for file in tmp_path.glob(f"{DATABASE}*"))
    assert b"By ticking this box" in kept
    told = "\n".join(lines).encode()
    for secret in ("ada.01", "example.org", "+12025550", "2025550", "555-01", "5550143"):
        assert secret.encode() not in kept
        assert secret.encode() not in told


def holds_the_consent(log_file: LogFile, since: datetime) -> None:
    """The log has the consent's text, version, time and locale, and its calls have not ended."""
    [row] = log_file.consents()
    assert row["channel"] == "SMS"
    assert row["text"].startswith("Yes, send me text messages from Smirr.\nBy ticking this box")
    assert f"See our Terms of Service ({TERMS}) and Privacy Policy ({PRIVACY})." in row["text"]
    assert re.fullmatch("[0-9a-f]{12}", row["version"])
    assert row["locale"] == "en"
    given = datetime.fromisoformat(row["given_at"]).replace(tzinfo=UTC)
    assert since <= given <= datetime.now(UTC)
    assert log_file.states() == ["started", "started"]


@pytest.mark.parametrize("headers", [{}, ELEMENT], ids=["page", "element"])
def test_consent_is_on_the_disk_before_the_first_byte_leaves(
    tmp_path: Path, sandbox: Sandbox, log_file: LogFile, headers: dict[str, str]
) -> None:
    """Killed as its connection to Klaviyo arrives, the shop has the consent in its log.

    Klaviyo's address is one of TLS, and nobody answers: not a byte of the request can have left.
    """

    def sign_up(url: str) -> None:
        with suppress(requests.ConnectionError):
            requests.post(f"{url}{FORM}", data=BY_SMS, headers=headers, timeout=TIMEOUT)

    since = datetime.now(UTC)
    with socket.create_server(("127.0.0.1", 0)) as klaviyo:
        klaviyo.settimeout(TIMEOUT)
        config = {
            **sandbox.environ(),
            "KLAVIYO_API_URL": f"https://127.0.0.1:{klaviyo.getsockname()[1]}",
            "NOTIFY_ME_CONFIG": settings_file(tmp_path, toml(["SMS"])),
        }
        with shop_process(tmp_path, config) as (pid, url):
            shopper = threading.Thread(target=sign_up, args=(url,))
            shopper.start()
            connection, _ = klaviyo.accept()
            os.kill(pid, signal.SIGKILL)
            shopper.join(TIMEOUT)
        with connection:
            connection.settimeout(TIMEOUT)
            came = b""
            with suppress(ConnectionResetError):
                while chunk := connection.recv(4096):
                    came += chunk

    # at most a client's hello
    assert b"back-in-stock" not in came
    assert b"2025550143" not in came
    holds_the_consent(log_file, since)


def test_consent_is_on_the_disk_before_the_browser_is_given_the_calls(
    tmp_path: Path, sandbox: Sandbox, log_file: LogFile
) -> None:
    """Client mode: killed as its reply arrives, the shop has the consent in its log."""
    since = datetime.now(UTC)
    config = {
        **sandbox.environ(),
        "NOTIFY_ME_MODE": "client",
        "NOTIFY_ME_CONFIG": settings_file(tmp_path, toml(["SMS"])),
    }
    with shop_process(tmp_path, config) as (pid, url):
        reply = requests.post(f"{url}{FORM}", data=BY_SMS, headers=ELEMENT, timeout=TIMEOUT)
        os.kill(pid, signal.SIGKILL)

    assert len(reply.json()["calls"]) == 2
    assert posts(sandbox) == []
    holds_the_consent(log_file, since)


def consents(app: Flask, *arguments: str) -> tuple[int, str]:
    """Exit code and output of `flask notify-me consents`."""
    result = app.test_cli_runner().invoke(args=["notify-me", "consents", *arguments])
    return result.exit_code, result.output


@pytest.fixture
def asked(offering: Callable[..., Flask]) -> Flask:
    """A shop where Ada signed up by email and SMS, and Bob by email without the list."""
    app = offering("EMAIL", "SMS", consent=ASK)
    by_element(app.test_client(), FORM, BY_BOTH)
    by_page(app.test_client(), FORM, {"channels": "EMAIL", "email": "bob@example.org"})
    return app


@pytest.mark.parametrize("contact", ["(202) 555-0143", "+1 202 555 0143", "2025550143"])
def test_a_data_request_by_phone(asked: Flask, sandbox: Sandbox, contact: str) -> None:
    """Sign-up and consent under a number, typed as people type it, in words."""
    code, output = consents(asked, contact)

    assert code == 0
    assert output.startswith("Sign-ups: 1\n")
    for part in (
        "EMAIL, SMS",
        "contact    a•••@e•••.org, +1•••43 (masked; else kept as a hash)",
        f"taken      {MUG}",
        "taken      consent",
        "Consents: 1\n",
        "UTC  SMS  +1•••43",
        "at Klaviyo taken\n",
        f"list       {sandbox.account.list_id}, source 'Back in Stock'",
        "  | Yes, send me text messages from Smirr.\n  | By ticking this box you agree",
        f"See our Terms of Service ({TERMS}) and Privacy Policy ({PRIVACY}).",
    ):
        assert part in output
    assert re.search(r"version    [0-9a-f]{12} \(en\)", output)
    assert "email me news" not in output
    assert "2025550143" not in output


@pytest.mark.parametrize("contact", [ADA, "Ada@Example.ORG", f" {ADA} "])
def test_a_data_request_by_email_as_json(
    asked: Flask, sandbox: Sandbox, log_file: LogFile, contact: str
) -> None:
    """The same for a program, under the address in whatever case."""
    code, output = consents(asked, "--json", contact)

    assert code == 0
    held = json.loads(output)
    [sign_up] = held["sign_ups"]
    assert sign_up["channels"] == ["EMAIL", "SMS"]
    assert sign_up["contacts"] == ["a•••@e•••.org", "+1•••43"]
    assert sign_up["calls"] == [
        ["create_back_in_stock_subscription", MUG, "taken"],
        ["bulk_subscribe_profiles", None, "taken"],
    ]
    [consent] = held["consents"]
    [row] = [each for each in log_file.consents() if each["channel"] == "EMAIL"]
    assert consent == {
        "when": datetime.fromisoformat(row["given_at"]).replace(tzinfo=UTC).isoformat(),
        "channel": "EMAIL",
        "state": "taken",
        "contact": "a•••@e•••.org",
        "text": "Also email me news and offers from Smirr.",
        "version": row["version"],
        "locale": "en",
        "list_id": sandbox.account.list_id,
        "custom_source": "Back in Stock",
    }
    assert sign_up["when"] == consent["when"]


STATES = {
    "taken": ("taken", None, BY_SMS),
    "kept": ("kept", "500", BY_SMS),
    "kept until it is mended": ("kept", "403", BY_SMS),
    "refused": ("refused", "400-phone", BY_SMS),
    "failed": ("failed", "415", BY_SMS),
    "of two channels": ("kept", "503", BY_BOTH),
}


@pytest.mark.parametrize(("state", "kind", "data"), STATES.values(), ids=STATES)
def test_a_data_request_tells_what_became_of_consent(
    offering: Callable[..., Flask],
    sandbox: Sandbox,
    state: str,
    kind: str | None,
    data: dict[str, Any],
) -> None:
    """What stands in the log is what was agreed to; whether Klaviyo knows is told beside it."""
    if kind:
        sandbox.drill(kind, times=None, operation=SUBSCRIBE["api"])
    app = offering("EMAIL", "SMS", consent=ASK)
    by_element(app.test_client(), FORM, data)

    for contact in [TYPED_PHONE, *([ADA] if "email" in data else [])]:
        code, output = consents(app, contact)
        assert code == 0
        assert f"  at Klaviyo {state}\n" in output
        _, output = consents(app, "--json", contact)
        assert [each["state"] for each in json.loads(output)["consents"]] == [state]


def test_a_data_request_about_consent_that_nobody_reported(
    offering: Callable[..., Flask], log_file: LogFile
) -> None:
    """Client mode, and the tab was closed: whether Klaviyo has it is unknown."""
    app = offering("SMS", NOTIFY_ME_MODE="client")
    by_element(app.test_client(), FORM, BY_SMS)
    assert consent_states(log_file) == [("SMS", "started")]

    code, output = consents(app, TYPED_PHONE)
    assert code == 0
    assert "  at Klaviyo unknown\n" in output
    _, output = consents(app, "--json", TYPED_PHONE)
    assert [each["state"] for each in json.loads(output)["consents"]] == ["unknown"]


def test_a_data_request_for_a_sign_up_without_consent(asked: Flask) -> None:
    """The sign-up is shown, and that there is no consent."""
    code, output = consents(asked, "bob@example.org")

    assert code == 0
    assert output.startswith("Sign-ups: 1\n")
    assert output.endswith("\nConsents: 0\n")


@pytest.mark.parametrize("contact", ["eve@example.org", "+12025550199"])
def test_a_data_request_about_somebody_unknown(asked: Flask, contact: str) -> None:
    """A sentence, or empty lists: the contact is right, and there is nothing."""
    assert consents(asked, contact) == (0, "The log holds nothing about this contact.\n")
    code, output = consents(asked, contact, "--json")
    assert (code, json.loads(output)) == (0, {"sign_ups": [], "consents": []})


@pytest.mark.parametrize(
    ("contact", "words"),
    [
        ("ada@", "There must be something after the @-sign."),
        ("call me", "That doesn't look like a phone number."),
        ("555-0143", "The area code is missing."),
    ],
)
def test_a_data_request_that_names_nobody(asked: Flask, contact: str, words: str) -> None:
    """Exit code 2 with the reason: it must not pass for "nothing is held"."""
    code, output = consents(asked, contact)

    assert code == 2
    assert f"Invalid value for CONTACT: {words}" in output


def test_a_data_request_reads_numbers_by_the_shops_region(
    offering: Callable[..., Flask],
) -> None:
    """A national number is that of `default_region`; landlines may be asked for, too."""
    app = offering("SMS", "WHATSAPP", region="DE")
    landline = {
        "channels": "WHATSAPP",
        "phone_number": "+49 30 123456",
        "opt_in_promotional_sms": "WHATSAPP",
    }
    by_element(app.test_client(), FORM, landline)

    code, output = consents(app, "030 123456")

    assert code == 0
    assert "Consents: 1\n" in output
