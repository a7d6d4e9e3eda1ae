"""What the tests of consent have in common: who sends what, and what comes back."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.notify_me.conftest import LogFile
from tests.notify_me.markup import state, view
from tests.notify_me.offers import ADA, TYPED_PHONE, WAYS, Way

ways = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
by_the_server = pytest.mark.parametrize(
    "way",
    [way for way in WAYS.values() if not way.from_browser],
    ids=[name for name, way in WAYS.items() if not way.from_browser],
)
SUBSCRIBE = {"api": "bulk_subscribe_profiles", "client": "create_client_subscription"}
AGAIN = "Please try again later."
TRY_AGAIN = "Your request didn't go through. Please try again in a moment."
BLOCKED = (
    "Your browser couldn't reach our alert service. If you use a content blocker, turn it off for "
    "this page and try again."
)
PHONE_REFUSED = "This phone number wasn't accepted. Please check it."
EMAIL_REFUSED = "This email address wasn't accepted. Please check it."
NO_TEXTS = "We couldn't record your consent to text messages, so you may not receive them."
NOT_LISTED = "We couldn't add you to our email list."

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


def promised(reply: TestResponse) -> str:
    """What the confirmation says: whom the shop will alert, and how."""
    return " ".join(paragraph.text for paragraph in view(reply).all("p", class_="notify-me__body"))


def consent_states(log_file: LogFile) -> list[tuple[str, str]]:
    """Channel and state of each consent in the log."""
    return [(consent["channel"], consent["state"]) for consent in log_file.consents()]


def operation(way: Way) -> str:
    """Klaviyo's name for the consent call of this way."""
    return SUBSCRIBE["client" if way.from_browser else "api"]


def missed(reply: TestResponse) -> list[str]:
    """Return what the confirmation says about failed calls, the reason last."""
    root = view(reply)
    assert state(reply) == "done"
    within = [
        element.text
        for tag in ("li", "p")
        for element in root.all(tag)
        if "notify-me__alert" in _classes_above(element)
    ]
    messages = [text for text in within if text != "Some of your request didn't go through:"]
    assert len(within) == len(messages) + bool(messages)
    return messages


def _classes_above(element: Any) -> list[str]:
    found: list[str] = []
    while (element := element.parent) is not None:
        found += element.classes
    return found


PERHAPS = "You may get a message asking you to confirm your subscription. Please confirm it."
