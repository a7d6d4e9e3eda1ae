"""Client mode over HTTP: what the element is given, and what the kit makes of its report."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from tests.notify_me.conftest import LogFile
from tests.support import TIMEOUT, Sandbox

PREFIX = "$custom:::$default:::"
PARKA = "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3APARKA-M-MOSS"
ELEMENT = {"X-Notify-Me": "1"}
DATA = {"channels": "EMAIL", "email": "ada@example.org"}
ACCEPTED = {"status": 202, "body": None}


@pytest.fixture
def client(make_app: Callable[..., Flask]) -> FlaskClient:
    """The small shop in client mode, with a private key as the net."""
    return make_app(NOTIFY_ME_MODE="client").test_client()


@pytest.fixture
def keyless(make_app: Callable[..., Flask]) -> FlaskClient:
    """The small shop in client mode, without a private key."""
    return make_app(NOTIFY_ME_MODE="client", KLAVIYO_PRIVATE_KEY="").test_client()


def post(client: FlaskClient, data: dict[str, Any] = DATA, **more: Any) -> dict[str, Any]:
    """The JSON reply to the element's post."""
    reply = client.post(PARKA, data={**data, **more}, headers=ELEMENT)
    assert reply.json is not None
    return {**reply.json, "status": reply.status_code}


def report(client: FlaskClient, sent: dict[str, Any], *answers: Any) -> dict[str, Any]:
    """The reply to the element's report of what Klaviyo answered."""
    return post(client, sign_up=sent["sign_up"], answers=json.dumps(answers))


def error(status: int, code: str, pointer: str) -> dict[str, Any]:
    """An answer of Klaviyo's, as the element reports it."""
    told = {"id": "1", "code": code, "title": "", "detail": "", "source": {"pointer": pointer}}
    return {"status": status, "body": {"errors": [told]}}


def test_the_calls_are_ready_to_send(
    client: FlaskClient, sandbox: Sandbox, log_file: LogFile
) -> None:
    """They carry the public key alone, and Klaviyo's stand-in takes them as they are."""
    sent = post(client)

    assert (sent["state"], sent["status"]) == ("send", 200)
    assert "Request received" in sent["html"]
    assert sandbox.account.private_key not in json.dumps(sent)
    assert sandbox.requests() == []
    assert [call["state"] for call in log_file.calls()] == ["started"]
    [call] = sent["calls"]
    assert call["url"].endswith(f"?company_id={sandbox.account.public_key}")
    assert call["after_any"] is False
    headers = {**call["headers"], "Origin": "http://127.0.0.1:5000"}
    taken = requests.post(call["url"], json=call["body"], headers=headers, timeout=TIMEOUT)
    assert taken.status_code == 202
    [recorded] = sandbox.requests()
    assert recorded["problems"] == []


def test_an_accepted_report_settles_the_log(client: FlaskClient, log_file: LogFile) -> None:
    """The reply is the done view, and the server sends nothing itself."""
    reply = report(client, post(client), ACCEPTED)

    assert reply["state"] == "done"
    assert [call["state"] for call in log_file.calls()] == ["taken"]


@pytest.mark.parametrize(
    "answers",
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
    ids=["blocked", "throttled", "5xx", "no status", "too few", "too many", "no JSON", "deep"],
)
def test_what_did_not_get_through_goes_by_the_server(
    client: FlaskClient, sandbox: Sandbox, log_file: LogFile, answers: str
) -> None:
    """One call with the private key, whatever kept the browser's from an answer."""
    reply = post(client, sign_up=post(client)["sign_up"], answers=answers)

    assert reply["state"] == "done"
    [call] = sandbox.requests()
    assert call["path"] == "/api/back-in-stock-subscriptions"
    assert [call["state"] for call in log_file.calls()] == ["taken"]


def test_a_replay_and_a_second_tab_do_nothing(client: FlaskClient, sandbox: Sandbox) -> None:
    """The first report is acted on; the same one again reads the same and sends nothing."""
    sent = post(client)
    first, again = report(client, sent, None), report(client, sent, None)

    assert first["state"] == again["state"] == "done"
    assert len(sandbox.requests()) == 1


def test_a_report_for_another_form_starts_over(
    client: FlaskClient, sandbox: Sandbox, log_file: LogFile
) -> None:
    """A sign-up's ID can't be used to send or settle what was never logged under it."""
    sent = post(client)
    reply = post(
        client,
        {"channels": "EMAIL", "email": "eve@example.org"},
        sign_up=sent["sign_up"],
        answers="[null]",
    )

    assert reply["state"] == "failed"
    assert sandbox.requests() == []
    assert [call["state"] for call in log_file.calls()] == ["started"]


def test_a_forged_sign_up_counts_as_a_new_one(client: FlaskClient, sandbox: Sandbox) -> None:
    """An ID that we never signed brings the calls again, and nothing is sent."""
    assert post(client, sign_up="forged", answers="[null]")["state"] == "send"
    assert sandbox.requests() == []


@pytest.mark.parametrize(
    ("answer", "status", "state", "words"),
    [
        (error(400, "invalid", "/data/attributes/email"), 422, "invalid", "This email address"),
        (error(404, "variant_not_found", "/data"), 422, "invalid", "can&#39;t be watched"),
        (error(400, "invalid", "/data"), 503, "failed", "can&#39;t take sign-ups just now"),
        (error(403, "permission_denied", "/data/"), 503, "failed", "can&#39;t take sign-ups"),
        ({"status": 415, "body": None}, 503, "failed", "can&#39;t take sign-ups"),
    ],
    ids=["email", "variant", "company ID", "allow-list", "415"],
)
def test_a_refusal_reads_as_in_server_mode(
    client: FlaskClient, sandbox: Sandbox, answer: Any, status: int, state: str, words: str
) -> None:
    """What Klaviyo told the browser is told beside its field; the server doesn't ask again."""
    reply = report(client, post(client), answer)

    assert (reply["status"], reply["state"]) == (status, state)
    assert words in reply["html"]
    assert 'value="ada@example.org"' in reply["html"]
    assert sandbox.requests() == []


def test_without_a_private_key_the_failure_is_told(
    keyless: FlaskClient, sandbox: Sandbox, log_file: LogFile
) -> None:
    """The form says what happened and keeps what was typed."""
    reply = report(keyless, post(keyless), None)

    assert (reply["status"], reply["state"]) == (503, "failed")
    assert "content blocker" in reply["html"]
    assert 'value="ada@example.org"' in reply["html"]
    assert sandbox.requests() == []
    assert [call["state"] for call in log_file.calls()] == ["failed"]


def test_without_scripts_the_server_sends(client: FlaskClient, sandbox: Sandbox) -> None:
    """A plain post goes by the private key, to the done page."""
    reply = client.post(PARKA, data=DATA)

    assert reply.status_code == 303
    assert "Request received" in client.get(reply.location).text
    [call] = sandbox.requests()
    assert call["path"] == "/api/back-in-stock-subscriptions"


def test_without_scripts_and_private_key_javascript_is_asked_for(keyless: FlaskClient) -> None:
    """There is no way out: the page says so and keeps what was typed."""
    reply = keyless.post(PARKA, data=DATA)

    assert reply.status_code == 503
    assert "needs JavaScript" in reply.text
    assert 'value="ada@example.org"' in reply.text


def test_bad_input_is_told_before_anything_is_handed_out(client: FlaskClient) -> None:
    """The same validation as in server mode."""
    reply = post(client, {"channels": "EMAIL", "email": "ada"})

    assert (reply["status"], reply["state"], reply["calls"]) == (422, "invalid", [])
