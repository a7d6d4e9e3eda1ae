"""The consent call, which follows the subscriptions, and replies to shoppers when it fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.notify_me.conftest import LogFile
from tests.notify_me.consent import (
    ASK,
    BLOCKED,
    BY_BOTH,
    BY_EMAIL,
    BY_SMS,
    EMAIL_REFUSED,
    NO_TEXTS,
    NOT_LISTED,
    PHONE_REFUSED,
    SUBSCRIBE,
    TRY_AGAIN,
    TRY_LATER,
    confirmation_text,
    consent_states,
    failure_messages,
    server_scenarios,
)
from tests.notify_me.markup import post_form, view
from tests.notify_me.offers import (
    BROWSER_PATHS,
    ELEMENT,
    FORM,
    PHONE_SHOWN,
    SERVER_PATHS,
    TYPED_PHONE,
    Scenario,
    all_scenarios,
    field_errors,
    profiles,
    sign_up_calls,
    submit_element,
    submit_in_client_mode,
    submit_page,
    valid_sign_up_calls,
)
from tests.support import Sandbox

FAILURES = {
    # the drill: the state in the log, and the reason that the shopper sees
    "400-email": ("refused", EMAIL_REFUSED),
    "400-phone": ("refused", PHONE_REFUSED),
    "409": ("failed", TRY_LATER),
    "415": ("failed", TRY_LATER),
}
# test_replies.py has every failure; here, one failure of each class is enough
TEMPORARY = ("429", "drop")
MISCONFIGURED = ("400-list", "403")


@pytest.mark.parametrize(("kind", "expected"), FAILURES.items(), ids=FAILURES)
def test_rejected_consent_call_is_reported(
    offering: Callable[..., Flask],
    sandbox: Sandbox,
    log_file: LogFile,
    kind: str,
    expected: tuple[str, str],
) -> None:
    """The confirmation says that texts may not arrive, and why."""
    sandbox.drill(kind, times=None, operation=SUBSCRIBE["api"])
    state, reason = expected

    reply = submit_element(offering("EMAIL", "SMS").test_client(), FORM, BY_SMS)

    assert reply.status_code == 200
    assert failure_messages(reply) == [NO_TEXTS, reason]
    assert [call["operation"] for call in sign_up_calls(sandbox)] == [
        "create_back_in_stock_subscription",
        SUBSCRIBE["api"],
    ]
    assert log_file.states() == ["accepted", state]
    # the consent stays in the log, with the state of its call
    assert consent_states(log_file) == [("SMS", state)]


@pytest.mark.parametrize("headers", [{}, ELEMENT], ids=["page", "element"])
@pytest.mark.parametrize("kind", [*TEMPORARY, *MISCONFIGURED])
def test_temporary_consent_failure_is_queued(
    offering: Callable[..., Flask],
    sandbox: Sandbox,
    log_file: LogFile,
    kind: str,
    headers: dict[str, str],
) -> None:
    """The shopper sees a plain confirmation."""
    sandbox.drill(kind, times=None, operation=SUBSCRIBE["api"])
    client = offering("EMAIL", "SMS").test_client()

    reply = (submit_element if headers else submit_page)(client, FORM, BY_SMS)

    assert reply.status_code == 200
    assert failure_messages(reply) == []
    assert confirmation_text(reply).startswith(
        f"We’ll text {PHONE_SHOWN if headers else '+1•••43'} "
    )
    assert [call["operation"] for call in sign_up_calls(sandbox)] == [
        "create_back_in_stock_subscription",
        SUBSCRIBE["api"],
    ]
    assert log_file.states() == ["accepted", "queued"]
    assert consent_states(log_file) == [("SMS", "queued")]


@pytest.mark.parametrize("kind", ["400-phone", "415"])
def test_rejection_in_the_browser_reads_as_in_server_mode(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, kind: str
) -> None:
    """In client mode, the server doesn't repeat a call that Klaviyo rejected."""
    client = offering("SMS", NOTIFY_ME_MODE="client").test_client()
    sandbox.drill(kind, times=None, operation=SUBSCRIBE["client"])
    state, reason = FAILURES[kind]

    reply = submit_in_client_mode(client, FORM, BY_SMS)

    assert failure_messages(reply) == [NO_TEXTS, reason]
    assert len(sign_up_calls(sandbox)) == 2
    assert log_file.states() == ["accepted", state]
    assert consent_states(log_file) == [("SMS", state)]


@pytest.mark.parametrize("kind", MISCONFIGURED)
def test_misconfiguration_reported_by_the_browser_is_queued(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, kind: str
) -> None:
    client = offering("SMS", NOTIFY_ME_MODE="client").test_client()
    sandbox.drill(kind, times=None, operation=SUBSCRIBE["client"])

    reply = submit_in_client_mode(client, FORM, BY_SMS)

    assert failure_messages(reply) == []
    assert [call["path"] for call in sign_up_calls(sandbox)] == [*BROWSER_PATHS]
    assert log_file.states() == ["accepted", "queued"]
    assert consent_states(log_file) == [("SMS", "queued")]


@pytest.mark.parametrize("kind", TEMPORARY)
def test_consent_that_neither_browser_nor_server_can_send_is_queued(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, kind: str
) -> None:
    client = offering("SMS", NOTIFY_ME_MODE="client").test_client()
    for operation in SUBSCRIBE.values():
        sandbox.drill(kind, times=None, operation=operation)

    reply = submit_in_client_mode(client, FORM, BY_SMS)

    assert failure_messages(reply) == []
    assert len(sign_up_calls(sandbox)) == 3
    assert log_file.states() == ["accepted", "queued"]


@pytest.mark.parametrize("kind", TEMPORARY)
def test_server_sends_consent_that_the_browser_could_not(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, kind: str
) -> None:
    """The server doesn't send the subscription again."""
    client = offering("SMS", NOTIFY_ME_MODE="client").test_client()
    sandbox.drill(kind, operation=SUBSCRIBE["client"])

    reply = submit_in_client_mode(client, FORM, BY_SMS)

    assert failure_messages(reply) == []
    assert [call["operation"] for call in sign_up_calls(sandbox)] == [
        "create_client_back_in_stock_subscription",
        SUBSCRIBE["client"],
        SUBSCRIBE["api"],
    ]
    assert log_file.states() == ["accepted", "accepted"]
    [profile] = profiles(sandbox)
    assert profile["consent"]["sms"]["marketing"]["status"] == "subscribed"


@pytest.mark.parametrize(
    ("kind", "state", "reason"),
    [
        ("500", "failed", TRY_AGAIN),
        # a throttled reply has no CORS headers, so the browser can't read it
        ("429", "failed", BLOCKED),
        ("drop", "failed", BLOCKED),
        ("403", "failed", TRY_LATER),
        ("400-list", "failed", TRY_LATER),
        ("400-phone", "refused", PHONE_REFUSED),
    ],
)
def test_without_a_private_key_lost_consent_is_reported(
    offering: Callable[..., Flask],
    sandbox: Sandbox,
    log_file: LogFile,
    kind: str,
    state: str,
    reason: str,
) -> None:
    """Without a private key, nothing can be queued, so the shopper sees the failure."""
    client = offering("SMS", NOTIFY_ME_MODE="client", KLAVIYO_PRIVATE_KEY="").test_client()
    sandbox.drill(kind, times=None, operation=SUBSCRIBE["client"])

    reply = submit_in_client_mode(client, FORM, BY_SMS)

    assert failure_messages(reply) == [NO_TEXTS, reason]
    assert confirmation_text(reply) == ""
    assert log_file.states() == ["accepted", state]
    assert consent_states(log_file) == [("SMS", state)]


def test_server_sends_both_calls_if_both_are_blocked(
    offering: Callable[..., Flask], sandbox: Sandbox
) -> None:
    client = offering("SMS", NOTIFY_ME_MODE="client").test_client()
    sent = submit_element(client, FORM, BY_SMS).get_json()

    report = {**BY_SMS, "sign_up": sent["sign_up"], "answers": "[null, null]"}
    reply = submit_element(client, FORM, report)

    assert failure_messages(reply) == []
    assert [call["operation"] for call in valid_sign_up_calls(sandbox)] == [
        "create_back_in_stock_subscription",
        SUBSCRIBE["api"],
    ]


@all_scenarios
def test_unknown_list_queues_the_consent(
    offering: Callable[..., Flask],
    sandbox: Sandbox,
    log_file: LogFile,
    lines: list[str],
    scenario: Scenario,
) -> None:
    app = offering(
        "EMAIL", "SMS", consent=ASK, KLAVIYO_LIST_ID="NoList", NOTIFY_ME_MODE=scenario.mode
    )

    reply = scenario.send(app.test_client(), FORM, BY_BOTH)

    assert reply.status_code == 200
    assert failure_messages(reply) == []
    assert log_file.states() == ["accepted", "queued"]
    assert consent_states(log_file) == [("EMAIL", "queued"), ("SMS", "queued")]
    [line] = [line for line in lines if "Misconfigured" in line]
    # a browser's report can't be trusted, so it is only a warning
    start = "ERROR notify_me.delivery: Misconfigured"
    if scenario.from_browser:
        start = "WARNING notify_me.delivery: a browser reported Misconfigured"
    assert line.startswith(f"{start}: {SUBSCRIBE['api']}, sign-up ")
    assert line.endswith(": Klaviyo has no list with this ID: check KLAVIYO_LIST_ID")
    assert "ada@" not in "".join(lines)
    assert "5550143" not in "".join(lines)


def test_rejected_address_is_reported_for_the_list(
    offering: Callable[..., Flask], sandbox: Sandbox
) -> None:
    """The message names the email list and the reason."""
    client = offering("EMAIL", consent=ASK).test_client()
    sandbox.drill("400-email", operation=SUBSCRIBE["api"])

    reply = submit_element(client, FORM, BY_EMAIL)

    assert failure_messages(reply) == [NOT_LISTED, EMAIL_REFUSED]


@all_scenarios
def test_consent_is_not_sent_after_a_refused_subscription(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, scenario: Scenario
) -> None:
    name = "create_client_back_in_stock" if scenario.from_browser else "create_back_in_stock"
    sandbox.drill("400-phone", operation=f"{name}_subscription")
    client = offering("SMS", NOTIFY_ME_MODE=scenario.mode).test_client()

    reply = scenario.send(client, FORM, BY_SMS)

    assert reply.status_code == 422
    assert [*field_errors(view(reply))] == ["phone_number"]
    assert [call["path"] for call in sign_up_calls(sandbox)] == [scenario.paths[0]]
    assert log_file.states() == ["refused", "failed"]
    form = post_form(view(reply))
    assert form.one("input", name="phone_number")["value"] == TYPED_PHONE
    assert "checked" in form.one("input", name="opt_in_promotional_sms")


@pytest.mark.parametrize("kind", ["401", "415"])
def test_consent_is_not_sent_after_a_failed_subscription(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, kind: str
) -> None:
    """After a failed subscription, the reply is 503, and nothing is queued."""
    sandbox.drill(kind, times=None)

    reply = submit_element(offering("SMS").test_client(), FORM, BY_SMS)

    assert reply.status_code == 503
    assert len(sign_up_calls(sandbox)) == 1
    assert log_file.states() == ["failed", "failed"]
    assert consent_states(log_file) == [("SMS", "failed")]


@all_scenarios
@pytest.mark.parametrize("kind", TEMPORARY)
def test_consent_is_queued_with_the_subscription(
    offering: Callable[..., Flask],
    sandbox: Sandbox,
    log_file: LogFile,
    kind: str,
    scenario: Scenario,
) -> None:
    sandbox.drill(kind, times=None)
    client = offering("SMS", NOTIFY_ME_MODE=scenario.mode).test_client()

    reply = scenario.send(client, FORM, BY_SMS)

    assert reply.status_code == 200
    assert failure_messages(reply) == []
    assert confirmation_text(reply).startswith("We’ll text +1")
    assert {call["path"] for call in sign_up_calls(sandbox)} <= {scenario.paths[0], SERVER_PATHS[0]}
    assert log_file.states() == ["queued", "queued"]
    assert consent_states(log_file) == [("SMS", "queued")]


def test_repeat_counts_as_accepted(offering: Callable[..., Flask], sandbox: Sandbox) -> None:
    """Consent is sent after a 409 for the back-in-stock call."""
    sandbox.drill("409", operation="create_back_in_stock_subscription")

    reply = submit_element(offering("SMS").test_client(), FORM, BY_SMS)

    assert failure_messages(reply) == []
    assert [call["status"] for call in sign_up_calls(sandbox)] == [409, 202]


@server_scenarios
def test_phone_number_dropped_by_klaviyo_is_reported(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, scenario: Scenario
) -> None:
    """With X-Klaviyo-Partial-Failure on the subscription, the alert is only sent by email."""
    sandbox.drill("partial", operation="create_back_in_stock_subscription")

    reply = scenario.send(offering("EMAIL", "SMS").test_client(), FORM, BY_BOTH)

    assert "Text message: we can’t text this number." in failure_messages(reply)
    assert confirmation_text(reply).startswith("We’ll email a")
    assert log_file.states() == ["accepted", "accepted"]


@server_scenarios
def test_phone_number_dropped_from_consent_is_reported(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, scenario: Scenario
) -> None:
    """With X-Klaviyo-Partial-Failure on the consent call, no texts can be sent."""
    sandbox.drill("partial", operation=SUBSCRIBE["api"])

    reply = scenario.send(offering("EMAIL", "SMS", consent=ASK).test_client(), FORM, BY_BOTH)

    [profile] = profiles(sandbox)
    assert profile["consent"]["email"]["marketing"]["status"] == "subscribed"
    assert profile["consent"]["sms"]["marketing"]["status"] == "never_subscribed"
    assert failure_messages(reply) == ["Text message: we can’t text this number."]
    assert confirmation_text(reply).startswith("We’ll email a")
    assert log_file.states() == ["accepted", "accepted"]


@server_scenarios
@pytest.mark.parametrize("kind", ["400-phone", "415"])
def test_unreachable_shopper_gets_no_promise(
    offering: Callable[..., Flask], sandbox: Sandbox, kind: str, scenario: Scenario
) -> None:
    """The shopper's only channel is SMS, and consent to texts couldn't be recorded."""
    sandbox.drill(kind, operation=SUBSCRIBE["api"])

    reply = scenario.send(offering("EMAIL", "SMS").test_client(), FORM, BY_SMS)

    [message, reason] = failure_messages(reply)
    assert message == NO_TEXTS
    assert reason
    assert view(reply).one(class_="notify-me__title").text == "We couldn’t finish your sign-up"
    assert confirmation_text(reply) == ""


@pytest.mark.parametrize(
    ("kind", "operation", "data"),
    [
        ("415", SUBSCRIBE["api"], BY_SMS),
        ("415", SUBSCRIBE["api"], BY_BOTH),
        ("partial", "create_back_in_stock_subscription", BY_BOTH),
    ],
    ids=["SMS, no consent", "EMAIL+SMS, no consent", "EMAIL+SMS, phone number dropped"],
)
def test_confirmation_promises_only_reachable_channels(
    offering: Callable[..., Flask],
    sandbox: Sandbox,
    kind: str,
    operation: str,
    data: dict[str, Any],
) -> None:
    sandbox.drill(kind, times=None, operation=operation)

    reply = submit_element(offering("EMAIL", "SMS").test_client(), FORM, data)

    assert failure_messages(reply) != []
    assert "text" not in confirmation_text(reply)
    assert "+1" not in confirmation_text(reply)
