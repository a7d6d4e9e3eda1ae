"""Helpers for the tests of consent: form data, expected sentences, and parts of replies."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.notify_me.conftest import LogFile
from tests.notify_me.markup import state, view
from tests.notify_me.offers import ADA, SCENARIOS, TYPED_PHONE, Scenario

server_scenarios = pytest.mark.parametrize(
    "scenario",
    [scenario for scenario in SCENARIOS.values() if not scenario.from_browser],
    ids=[name for name, scenario in SCENARIOS.items() if not scenario.from_browser],
)
SUBSCRIBE = {"api": "bulk_subscribe_profiles", "client": "create_client_subscription"}
TRY_LATER = "Please try again later."
TRY_AGAIN = "Your request didn’t go through. Please try again in a moment."
BLOCKED = (
    "Your browser couldn’t reach our alert service. If you use a content blocker, turn it off for "
    "this page and try again."
)
PHONE_REFUSED = "We can’t send messages to this phone number. Please check it."
EMAIL_REFUSED = "This email address wasn’t accepted. Please check it."
NO_TEXTS = "We couldn’t record your consent to receive text messages, so you may not get any."
NOT_LISTED = "We couldn’t add you to our email list."

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


def confirmation_text(reply: TestResponse) -> str:
    """Return the sentence of the confirmation about who will be alerted and how."""
    return " ".join(paragraph.text for paragraph in view(reply).all("p", class_="notify-me__body"))


def consent_states(log_file: LogFile) -> list[tuple[str, str]]:
    """Return the channel and state of each consent in the log."""
    return [(consent["channel"], consent["state"]) for consent in log_file.consents()]


def operation(scenario: Scenario) -> str:
    """Return Klaviyo's name of the scenario's consent call."""
    return SUBSCRIBE["client" if scenario.from_browser else "api"]


def failure_messages(reply: TestResponse) -> list[str]:
    """Return the confirmation's sentences about failed calls; the reason, if given, is last."""
    root = view(reply)
    assert state(reply) == "done"
    messages = [
        element.text
        for tag in ("li", "p")
        for element in root.all(tag)
        if "notify-me__alert" in _classes_above(element)
    ]
    reasons = [text for text in messages if text != "Part of your sign-up didn’t go through:"]
    assert len(messages) == len(reasons) + bool(reasons)
    return reasons


def _classes_above(element: Any) -> list[str]:
    classes: list[str] = []
    while (element := element.parent) is not None:
        classes += element.classes
    return classes


MAY_HAVE_TO_CONFIRM = "You may get a message asking you to confirm your subscription."
