"""Protection against abuse: rate limits by address and by contact, and the honeypot."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.notify_me.conftest import LogFile
from tests.support import Sandbox

PARKA = "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3APARKA-M-MOSS"
ELEMENT = {"X-Notify-Me": "1"}


@pytest.fixture
def client(make_app: Callable[..., Flask]) -> FlaskClient:
    """The small shop with rate limits."""
    return make_app(RATELIMIT_ENABLED=True).test_client()


def post(client: FlaskClient, email: str, address: str = "192.0.2.1", **more: str) -> int:
    """Sign up from this IP address, and return the status."""
    data = {"channels": "EMAIL", "email": email, **more}
    environ = {"REMOTE_ADDR": address}
    return client.post(PARKA, data=data, headers=ELEMENT, environ_base=environ).status_code


def test_contact_is_rate_limited_per_address(client: FlaskClient, sandbox: Sandbox) -> None:
    """Ten posts a minute, whatever the case of the email address."""
    assert [post(client, "ada@example.org") for _ in range(10)] == [200] * 10
    assert post(client, "Ada@Example.org") == 429

    assert post(client, "bob@example.org") == 200
    assert post(client, "ada@example.org", "192.0.2.2") == 200
    assert len(sandbox.requests()) == 12


def test_address_is_rate_limited(client: FlaskClient, sandbox: Sandbox) -> None:
    """Thirty posts a minute, valid or not."""
    assert {post(client, "nonsense") for _ in range(30)} == {422}
    assert post(client, "ada@example.org") == 429
    assert sandbox.requests() == []

    assert post(client, "ada@example.org", "192.0.2.2") == 200


def test_rate_limited_reply_has_retry_after_and_keeps_input(client: FlaskClient) -> None:
    for _ in range(10):
        post(client, "ada@example.org", "127.0.0.1")
    data = {"channels": "EMAIL", "email": "ada@example.org"}

    page = client.post(PARKA, data=data)
    reply = client.post(PARKA, data=data, headers=ELEMENT)

    assert page.status_code == reply.status_code == 429
    assert 1 <= int(page.headers["Retry-After"]) <= 60
    assert 'value="ada@example.org"' in page.text
    assert "Too many attempts. Try again in a minute." in page.text
    assert reply.json is not None
    assert reply.json["state"] == "failed"


def test_filled_honeypot_is_answered_like_a_success(
    client: FlaskClient, sandbox: Sandbox, log_file: LogFile
) -> None:
    """Nothing is logged or sent."""
    data = {"channels": "EMAIL", "email": "bot@example.org", "homepage": "http://spam.example.org"}

    reply = client.post(PARKA, data=data, headers=ELEMENT)
    page = client.post(PARKA, data=data)

    assert reply.json is not None
    assert reply.json["state"] == "done"
    assert page.status_code == 303
    assert 'data-notify-me-state="done"' in client.get(page.location).text
    assert sandbox.requests() == []
    assert log_file.sign_ups() == []
