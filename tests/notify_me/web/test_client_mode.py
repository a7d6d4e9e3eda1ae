"""Client mode over HTTP: the calls for the element, and the handling of its report."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from tests.notify_me.conftest import LogFile
from tests.notify_me.offers import sign_up_calls
from tests.support import TIMEOUT, Sandbox

PREFIX = "$custom:::$default:::"
PARKA = "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3APARKA-M-MOSS"
ELEMENT = {"X-Notify-Me": "1"}
DATA = {"channels": "EMAIL", "email": "ada@example.org"}
ACCEPTED = {"status": 202, "body": None}


@pytest.fixture
def client(make_app: Callable[..., Flask]) -> FlaskClient:
    """The small shop in client mode, with a private key."""
    return make_app(NOTIFY_ME_MODE="client").test_client()


@pytest.fixture
def keyless(make_app: Callable[..., Flask]) -> FlaskClient:
    """The small shop in client mode, without a private key."""
    return make_app(NOTIFY_ME_MODE="client", KLAVIYO_PRIVATE_KEY="").test_client()


def post(client: FlaskClient, data: dict[str, Any] = DATA, **more: Any) -> dict[str, Any]:
    """Post as the element does, and return the JSON reply with its status."""
    reply = client.post(PARKA, data={**data, **more}, headers=ELEMENT)
    assert reply.json is not None
    return {**reply.json, "status": reply.status_code}


def report(client: FlaskClient, sent: dict[str, Any], *responses: Any) -> dict[str, Any]:
    """Report Klaviyo's responses as the element does, and return the reply."""
    return post(client, sign_up=sent["sign_up"], answers=json.dumps(responses))


def error(status: int, code: str, pointer: str) -> dict[str, Any]:
    """Return an error response from Klaviyo as the element reports it."""
    item = {"id": "1", "code": code, "title": "", "detail": "", "source": {"pointer": pointer}}
    return {"status": status, "body": {"errors": [item]}}


def test_calls_for_the_browser_are_ready_to_send(
    client: FlaskClient, sandbox: Sandbox, log_file: LogFile
) -> None:
    """The calls contain only the public key, and the sandbox accepts them unchanged."""
    sent = post(client)

    assert (sent["state"], sent["status"]) == ("send", 200)
    assert 'data-notify-me-state="done"' in sent["html"]
    assert sandbox.account.private_key not in json.dumps(sent)
    assert sandbox.requests() == []
    assert [call["state"] for call in log_file.calls()] == ["started"]
    [call] = sent["calls"]
    assert call["url"].endswith(f"?company_id={sandbox.account.public_key}")
    assert call["after_any"] is False
    headers = {**call["headers"], "Origin": "http://127.0.0.1:5000"}
    accepted = requests.post(call["url"], json=call["body"], headers=headers, timeout=TIMEOUT)
    assert accepted.status_code == 202
    [recorded] = sandbox.requests()
    assert recorded["problems"] == []


def test_report_of_an_acceptance_is_logged(client: FlaskClient, log_file: LogFile) -> None:
    """After the report, the server makes no call itself."""
    reply = report(client, post(client), ACCEPTED)

    assert reply["state"] == "done"
    assert [call["state"] for call in log_file.calls()] == ["accepted"]


@pytest.mark.parametrize(
    "responses",
    [
        "[null]",
        '[{"status": 429, "body": null}]',
        '[{"status": 500, "body": {}}]',
        '[{"status": "202"}]',
        "[]",
        "[null, null]",
        "nonsense",
        "[" * 5000,
    ],
    ids=["blocked", "throttled", "5xx", "no status", "too few", "too many", "not JSON", "nested"],
)
def test_server_sends_what_the_browser_could_not(
    client: FlaskClient, sandbox: Sandbox, log_file: LogFile, responses: str
) -> None:
    reply = post(client, sign_up=post(client)["sign_up"], answers=responses)

    assert reply["state"] == "done"
    [call] = sandbox.requests()
    assert call["path"] == "/api/back-in-stock-subscriptions"
    assert [call["state"] for call in log_file.calls()] == ["accepted"]


def test_repeated_report_changes_nothing(client: FlaskClient, sandbox: Sandbox) -> None:
    sent = post(client)
    first, again = report(client, sent, None), report(client, sent, None)

    assert first["state"] == again["state"] == "done"
    assert len(sandbox.requests()) == 1


PHONE = "(202) 555-0143"
FULL_FORM: dict[str, Any] = {
    "variants": f"{PREFIX}PARKA-M-MOSS",
    "channels": ["EMAIL", "SMS"],
    "email": "ada@example.org",
    "phone_number": PHONE,
    "opt_in_promotional_email": "EMAIL",
    "opt_in_promotional_sms": ["SMS", "WHATSAPP"],
}
OTHER_FORMS: dict[str, dict[str, Any]] = {
    "another email address": {"email": "eve@example.org"},
    "another phone number": {"phone_number": "(202) 555-0199"},
    "email only": {"channels": "EMAIL"},
    "SMS only": {"channels": "SMS"},
    "WhatsApp in addition": {"channels": ["EMAIL", "SMS", "WHATSAPP"]},
    "WhatsApp instead of SMS": {"channels": ["EMAIL", "WHATSAPP"]},
    "one checkbox unticked": {"opt_in_promotional_email": []},
    "another variant": {"variants": f"{PREFIX}PARKA-L-MOSS"},
    "a second variant": {"variants": [f"{PREFIX}PARKA-M-MOSS", f"{PREFIX}PARKA-L-MOSS"]},
}
REPORTS = {
    "nothing got through": [None, None, None],
    "all accepted": [ACCEPTED, ACCEPTED, ACCEPTED],
    "refused": [{"status": 404, "body": None}, None, None],
}


@pytest.fixture
def every_channel(offering: Callable[..., Flask]) -> FlaskClient:
    """The small shop in client mode with every channel, and a checkbox for the email list."""
    offered = ("EMAIL", "SMS", "WHATSAPP")
    app = offering(*offered, consent={"email_list": "ask"}, NOTIFY_ME_MODE="client")
    return app.test_client()


def is_unchanged(sandbox: Sandbox, log_file: LogFile) -> bool:
    """Return whether the only sign-up is still in its initial state, and nothing was sent."""
    [row] = log_file.sign_ups()
    states = {*log_file.states(), *(consent["state"] for consent in log_file.consents())}
    return row["reported_at"] is None and states == {"started"} and sign_up_calls(sandbox) == []


@pytest.mark.parametrize("other", OTHER_FORMS.values(), ids=OTHER_FORMS)
def test_report_with_another_form_is_ignored(
    every_channel: FlaskClient, sandbox: Sandbox, log_file: LogFile, other: dict[str, Any]
) -> None:
    sent = post(every_channel, FULL_FORM)
    forged = {**FULL_FORM, **other, "sign_up": sent["sign_up"]}

    for report_name, responses in REPORTS.items():
        reply = post(every_channel, forged, answers=json.dumps(responses))

        state = (reply["status"], reply["state"], reply["calls"])
        assert state == (503, "failed", []), report_name
        assert 'data-notify-me-state="done"' not in reply["html"]
        assert is_unchanged(sandbox, log_file), report_name

    correct = json.dumps([ACCEPTED, ACCEPTED])
    assert (
        post(every_channel, FULL_FORM, sign_up=sent["sign_up"], answers=correct)["state"] == "done"
    )
    assert log_file.states() == ["accepted", "accepted"]
    assert sign_up_calls(sandbox) == []


@pytest.mark.parametrize("other", OTHER_FORMS.values(), ids=OTHER_FORMS)
def test_late_report_with_another_form_changes_nothing(
    every_channel: FlaskClient, sandbox: Sandbox, log_file: LogFile, other: dict[str, Any]
) -> None:
    """The confirmation shows the logged contacts, not the forged ones."""
    sent = post(every_channel, FULL_FORM)
    correct = json.dumps([ACCEPTED, ACCEPTED])
    post(every_channel, FULL_FORM, sign_up=sent["sign_up"], answers=correct)
    before = log_file.sign_ups(), log_file.calls(), log_file.consents()

    reply = post(
        every_channel, {**FULL_FORM, **other}, sign_up=sent["sign_up"], answers="[null, null]"
    )

    assert (reply["status"], reply["state"]) == (200, "done")
    assert "(M / Moss)" in reply["html"]
    assert "(L / Moss)" not in reply["html"]
    assert "a•••@e•••.org and text +1•••43" in reply["html"]
    assert (log_file.sign_ups(), log_file.calls(), log_file.consents()) == before
    assert sign_up_calls(sandbox) == []


def test_report_is_ignored_if_the_consent_wording_has_changed(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile
) -> None:
    before = offering("SMS", NOTIFY_ME_MODE="client").test_client()
    changed = {"sms_disclosure": "Now sent daily."}
    after = offering("SMS", consent=changed, NOTIFY_ME_MODE="client").test_client()
    data = {"channels": "SMS", "phone_number": PHONE, "opt_in_promotional_sms": "SMS"}
    sent = post(before, data)

    reply = post(after, data, sign_up=sent["sign_up"], answers="[null, null]")

    assert (reply["status"], reply["state"]) == (503, "failed")
    assert is_unchanged(sandbox, log_file)


@pytest.mark.parametrize("responses", ["[null]", json.dumps([ACCEPTED]), "nonsense"])
@pytest.mark.parametrize("forged", ["forged", "", "changed", "another key", "confirmation link"])
def test_forged_sign_up_id_is_refused(
    client: FlaskClient,
    make_app: Callable[..., Flask],
    sandbox: Sandbox,
    log_file: LogFile,
    forged: str,
    responses: str,
) -> None:
    """The reply doesn't contain the calls again."""
    sign_up = forged
    if forged == "changed":
        sent = post(client)["sign_up"]
        sign_up = ("A" if sent[0] != "A" else "B") + sent[1:]
    elif forged == "another key":
        other = make_app(NOTIFY_ME_MODE="client", SECRET_KEY="q" * 32).test_client()
        sign_up = post(other)["sign_up"]
    elif forged == "confirmation link":
        sign_up = client.post(PARKA, data=DATA).location.partition("done=")[2]
    rows, calls = log_file.calls(), sign_up_calls(sandbox)

    reply = post(client, sign_up=sign_up, answers=responses)

    assert (reply["status"], reply["state"], reply["calls"]) == (503, "failed", [])
    assert 'value="ada@example.org"' in reply["html"]
    assert log_file.calls() == rows
    assert sign_up_calls(sandbox) == calls


def test_report_on_a_deleted_sign_up_is_refused(
    client: FlaskClient, sandbox: Sandbox, log_file: LogFile
) -> None:
    sent = post(client)
    with closing(sqlite3.connect(log_file.path)) as connection, connection:
        connection.execute("DELETE FROM notify_me_call")
        connection.execute("DELETE FROM notify_me_sign_up")

    reply = report(client, sent, None)

    assert (reply["status"], reply["state"], reply["calls"]) == (503, "failed", [])
    assert sandbox.requests() == []
    assert log_file.sign_ups() == []


@pytest.mark.parametrize("headers", [{}, ELEMENT], ids=["page", "fragment"])
def test_sign_up_id_is_not_a_confirmation_link(
    client: FlaskClient, log_file: LogFile, headers: dict[str, str]
) -> None:
    """The browser gets the ID before Klaviyo has accepted anything."""
    sent = post(client)
    link = {"done": sent["sign_up"]}

    before = client.get(PARKA, query_string=link, headers=headers)
    report(client, sent, ACCEPTED)
    after = client.get(PARKA, query_string=link, headers=headers)

    assert log_file.states() == ["accepted"]
    assert before.status_code == after.status_code == 404
    assert 'data-notify-me-state="done"' not in before.text + after.text


PUBLIC_KEY = "Klaviyo rejected the public key: check KLAVIYO_PUBLIC_KEY"
REMEDIES = {
    400: "Klaviyo doesn't recognize the public key: check KLAVIYO_PUBLIC_KEY",
    401: PUBLIC_KEY,
    403: "Klaviyo doesn't accept the public key from this shop's domain: add the shop's domain to "
    "the allowed domains in Klaviyo",
    410: "Klaviyo has retired the API revision: set KLAVIYO_REVISION to a newer revision",
}


@pytest.mark.parametrize(("status", "remedy"), REMEDIES.items())
def test_server_sends_if_klaviyo_refuses_the_browsers_call(
    client: FlaskClient,
    sandbox: Sandbox,
    log_file: LogFile,
    lines: list[str],
    status: int,
    remedy: str,
) -> None:
    """Visitors can report anything, so the log line with the remedy is only a warning."""
    reply = report(client, post(client), error(status, "code", "/data"))

    assert (reply["status"], reply["state"]) == (200, "done")
    [waiting] = sandbox.waiting()
    assert waiting["profile"]["email"] == "ada@example.org"
    assert log_file.states() == ["accepted"]
    line, accepted = lines
    assert accepted.startswith("INFO notify_me.delivery: Accepted: ")
    assert line.startswith("WARNING notify_me.delivery: a browser reported Misconfigured: ")
    assert line.endswith(f"(status {status}, code code, error 1): {remedy}")
    assert "private" not in line


@pytest.mark.parametrize(
    "injected", ["ada@example.org", "+1 202 555 0143", "x" * 200, "a\nERROR b"]
)
def test_report_cannot_inject_text_into_the_log(
    client: FlaskClient, lines: list[str], injected: str
) -> None:
    """Klaviyo's code and ID as reported by a browser are logged only if they are well-formed."""
    response = error(403, injected, "/data")
    response["body"]["errors"][0]["id"] = injected

    report(client, post(client), response)

    line = lines[0]
    assert "(status 403, code (unreadable), error (unreadable))" in line
    assert injected not in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("response", "status", "state", "text"),
    [
        (error(400, "invalid", "/data/attributes/email"), 422, "invalid", "This email address"),
        ({"status": 415, "body": None}, 503, "failed", "can’t take sign-ups"),
    ],
    ids=["refused email address", "status 415"],
)
def test_reported_refusal_reads_as_in_server_mode(
    client: FlaskClient, sandbox: Sandbox, response: Any, status: int, state: str, text: str
) -> None:
    reply = report(client, post(client), response)

    assert (reply["status"], reply["state"]) == (status, state)
    assert text in reply["html"]
    assert 'value="ada@example.org"' in reply["html"]
    assert sandbox.requests() == []


def test_server_asks_again_about_a_variant_that_a_browser_found_unknown(
    client: FlaskClient, sandbox: Sandbox, log_file: LogFile
) -> None:
    """The sign-up is queued only if the server gets the same response, since anyone can report
    anything.
    """
    unknown = error(404, "variant_not_found", "/data")

    assert report(client, post(client), unknown)["state"] == "done"
    sandbox.unknown("$custom:::$default:::PARKA-M-MOSS")
    assert report(client, post(client), unknown)["state"] == "done"

    assert log_file.states() == ["accepted", "queued"]


@pytest.mark.parametrize(
    ("response", "status", "text", "state"),
    [
        (None, 503, "content blocker", "failed"),
        (error(404, "variant_not_found", "/data"), 422, "available for this option", "refused"),
        (error(400, "invalid", "/data"), 503, "can’t take sign-ups right now", "failed"),
        (error(403, "permission_denied", "/data/"), 503, "can’t take sign-ups", "failed"),
    ],
    ids=["blocked", "unknown variant", "company ID", "allowed domains"],
)
def test_without_a_private_key_the_failure_is_shown(
    keyless: FlaskClient,
    sandbox: Sandbox,
    log_file: LogFile,
    response: Any,
    status: int,
    text: str,
    state: str,
) -> None:
    """The form shows the reason and keeps the input."""
    reply = report(keyless, post(keyless), response)

    assert reply["status"] == status
    assert text in reply["html"]
    assert 'value="ada@example.org"' in reply["html"]
    assert sandbox.requests() == []
    assert log_file.states() == [state]


def test_server_sends_for_browsers_without_scripts(client: FlaskClient, sandbox: Sandbox) -> None:
    reply = client.post(PARKA, data=DATA)

    assert reply.status_code == 303
    assert 'data-notify-me-state="done"' in client.get(reply.location).text
    [call] = sandbox.requests()
    assert call["path"] == "/api/back-in-stock-subscriptions"


def test_without_private_key_javascript_is_required(keyless: FlaskClient) -> None:
    """The empty form already says that JavaScript is required."""
    form, reply = keyless.get(PARKA), keyless.post(PARKA, data=DATA)

    assert re.search("<noscript>.*needs JavaScript.*</noscript>", form.text)
    assert reply.status_code == 503
    assert "needs JavaScript" in reply.text
    assert "<noscript>" not in reply.text
    assert 'value="ada@example.org"' in reply.text


def test_reply_to_invalid_input_contains_no_calls(client: FlaskClient) -> None:
    """Validation is the same as in server mode."""
    reply = post(client, {"channels": "EMAIL", "email": "ada"})

    assert (reply["status"], reply["state"], reply["calls"]) == (422, "invalid", [])
