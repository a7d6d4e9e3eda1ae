"""Repeated sign-ups: a daily limit for each contact, and consent that Klaviyo already has."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.notify_me.conftest import LogFile
from tests.notify_me.consent import ASK, BY_BOTH, BY_EMAIL
from tests.notify_me.markup import post_form, state, view
from tests.notify_me.offers import (
    ADA,
    FORM,
    PREFIX,
    Scenario,
    all_scenarios,
    sign_up_calls,
    submit_element,
)
from tests.support import Sandbox

PARKA = f"/notify-me/{PREFIX}PARKA-M-MOSS"
BOTH_PARKAS = {"variants": [f"{PREFIX}PARKA-M-MOSS", f"{PREFIX}PARKA-L-MOSS"]}
BY_EMAIL_ONLY = {"channels": "EMAIL", "email": ADA}


def is_limited(reply: TestResponse) -> bool:
    """Return whether a limit was reached. If so, the form must say so and keep what was typed."""
    if reply.status_code != 429:
        return False
    assert state(reply) == "failed"
    assert "Please try again tomorrow." in view(reply).one("p", class_="notify-me__alert").text
    assert post_form(view(reply)).one("input", name="email")["value"]
    return True


@all_scenarios
def test_alerts_for_one_contact_are_limited_per_day(
    offering: Callable[..., Flask], sandbox: Sandbox, scenario: Scenario
) -> None:
    """Each variant counts. Repeats count too, so that the limit doesn't reveal them."""
    mode, limit = scenario.mode, {"NOTIFY_ME_LIMITS__ALERTS_PER_CONTACT": "3"}
    client = offering("EMAIL", NOTIFY_ME_MODE=mode, **limit).test_client()

    assert not is_limited(scenario.send(client, PARKA, {**BY_EMAIL_ONLY, **BOTH_PARKAS}))
    assert is_limited(scenario.send(client, PARKA, {**BY_EMAIL_ONLY, **BOTH_PARKAS}))
    assert not is_limited(scenario.send(client, FORM, BY_EMAIL_ONLY))
    assert is_limited(scenario.send(client, FORM, {**BY_EMAIL_ONLY, "email": "ADA@example.org"}))
    assert not is_limited(scenario.send(client, FORM, {**BY_EMAIL_ONLY, "email": "b@example.org"}))
    assert len(sign_up_calls(sandbox)) == 4


def test_more_variants_than_the_daily_limit_are_accepted_once(
    offering: Callable[..., Flask],
) -> None:
    """If a contact has no earlier sign-up that day, a form with more variants than the limit is
    accepted: the form could never be sent otherwise.
    """
    client = offering("EMAIL", NOTIFY_ME_LIMITS__ALERTS_PER_CONTACT="1").test_client()

    assert not is_limited(submit_element(client, PARKA, {**BY_EMAIL_ONLY, **BOTH_PARKAS}))
    assert is_limited(submit_element(client, FORM, BY_EMAIL_ONLY))


def test_daily_limit_counts_only_the_last_day_and_what_klaviyo_may_have(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile
) -> None:
    client = offering("EMAIL", NOTIFY_ME_LIMITS__ALERTS_PER_CONTACT="1").test_client()
    sandbox.drill("401")
    assert submit_element(client, FORM, BY_EMAIL_ONLY).status_code == 503
    assert submit_element(client, FORM, BY_EMAIL_ONLY).status_code == 200
    assert is_limited(submit_element(client, FORM, BY_EMAIL_ONLY))

    a_day_passes(log_file)

    assert submit_element(client, FORM, BY_EMAIL_ONLY).status_code == 200


def a_day_passes(log_file: LogFile, *, hours: int = 24) -> None:
    with closing(sqlite3.connect(log_file.path)) as connection, connection:
        for table, column in (("sign_up", "created_at"), ("consent", "given_at")):
            connection.execute(
                f"UPDATE notify_me_{table} SET {column} = datetime({column}, '-{hours} hours')"
            )


def consent_calls(sandbox: Sandbox) -> int:
    return sum("subscription-bulk" in call["path"] for call in sign_up_calls(sandbox))


def test_recorded_consent_is_not_sent_again(
    offering: Callable[..., Flask],
    sandbox: Sandbox,
    log_file: LogFile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The log has every consent. Instead of sending a consent call, the kit waits as long as such a
    call takes: a faster reply would disclose that somebody is on the list.
    """
    client = offering("EMAIL", "SMS", consent=ASK).test_client()
    waits: list[float] = []
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=waits.append)
    monkeypatch.setattr("notify_me.klaviyo.circuit_breaker.time", clock)

    submit_element(client, FORM, BY_BOTH)
    assert waits == []
    submit_element(client, FORM, BY_BOTH)

    assert [seconds > 0 for seconds in waits] == [True]
    assert (len(sign_up_calls(sandbox)), consent_calls(sandbox)) == (3, 1)
    assert [consent["state"] for consent in log_file.consents()] == ["accepted"] * 4


CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "another wording": ({"email_checkbox_text": "Send me news and offers."}, {}),
    "another contact": ({}, {"email": "ida@example.org"}),
    "another channel": ({}, {**BY_BOTH}),
}


@pytest.mark.parametrize(("settings", "data"), CHANGES.values(), ids=CHANGES)
def test_other_consent_is_sent(
    offering: Callable[..., Flask],
    sandbox: Sandbox,
    settings: dict[str, Any],
    data: dict[str, Any],
) -> None:
    app = offering("EMAIL", "SMS", consent=ASK)
    submit_element(app.test_client(), FORM, BY_EMAIL)
    changed = offering("EMAIL", "SMS", consent={**ASK, **settings}) if settings else app

    submit_element(changed.test_client(), FORM, {**BY_EMAIL, **data})

    assert consent_calls(sandbox) == 2


def test_consent_is_sent_again_after_a_day_or_a_failure(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile
) -> None:
    """The shopper may have unsubscribed in the meantime."""
    client = offering("EMAIL", consent=ASK).test_client()
    sandbox.drill("400-list", operation="bulk_subscribe_profiles")
    for _ in range(3):
        submit_element(client, FORM, BY_EMAIL)
    assert consent_calls(sandbox) == 2

    a_day_passes(log_file)
    submit_element(client, FORM, BY_EMAIL)

    assert consent_calls(sandbox) == 3


def test_repeat_does_not_extend_the_day(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile
) -> None:
    """The day begins with the call that Klaviyo accepted, not with a call that was skipped."""
    client = offering("EMAIL", consent=ASK).test_client()

    for calls in (1, 1, 2):
        submit_element(client, FORM, BY_EMAIL)
        assert consent_calls(sandbox) == calls
        a_day_passes(log_file, hours=13)


def test_reported_consent_does_not_count(offering: Callable[..., Flask], sandbox: Sandbox) -> None:
    """Anyone could report that Klaviyo accepted consent for somebody else's address."""
    client = offering("EMAIL", consent=ASK, NOTIFY_ME_MODE="client").test_client()
    signed = submit_element(client, FORM, BY_EMAIL).get_json()["sign_up"]
    report = {"sign_up": signed, "answers": json.dumps([{"status": 202, "body": None}] * 2)}
    assert state(submit_element(client, FORM, {**BY_EMAIL, **report})) == "done"
    assert consent_calls(sandbox) == 0

    submit_element(offering("EMAIL", consent=ASK).test_client(), FORM, BY_EMAIL)

    assert consent_calls(sandbox) == 1


def test_browser_gets_the_same_calls_for_a_repeat(offering: Callable[..., Flask]) -> None:
    """If the consent call were left out, the calls would reveal who is on the list."""
    client = offering("EMAIL", consent=ASK, NOTIFY_ME_MODE="client").test_client()

    first, second = (submit_element(client, FORM, BY_EMAIL).get_json() for _ in range(2))

    assert first["calls"] == second["calls"]
    assert len(first["calls"]) == 2
