"""Protection against abuse: rate limits by client and by contact, and the honeypot."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.notify_me.conftest import LogFile
from tests.notify_me.markup import post_form, view
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


def test_address_is_rate_limited(client: FlaskClient) -> None:
    """Thirty valid posts a minute."""
    assert {post(client, f"ada{number}@example.org") for number in range(30)} == {200}
    assert post(client, "ada@example.org") == 429

    assert post(client, "ada@example.org", "192.0.2.2") == 200


def test_failed_validation_has_its_own_higher_limit(client: FlaskClient) -> None:
    """A held Enter key makes 30 posts in a second. The corrected form must still get through."""
    assert {post(client, "nonsense") for _ in range(120)} == {422}
    assert post(client, "nonsense") == 429
    assert post(client, "ada@example.org") == 200


def test_ipv6_addresses_of_one_network_share_a_limit(client: FlaskClient) -> None:
    """Also for a single contact, whose limit is lower."""
    addresses = [f"2001:db8:1:2::{number:x}" for number in range(1, 12)]

    statuses = [post(client, "ada@example.org", address) for address in addresses]

    assert statuses == [200] * 10 + [429]
    assert post(client, "ada@example.org", "2001:db8:1:3::1") == 200


def test_ipv4_addresses_written_as_ipv6_are_counted_one_by_one(client: FlaskClient) -> None:
    assert [post(client, "ada@example.org", "::ffff:192.0.2.1") for _ in range(10)] == [200] * 10
    assert post(client, "ada@example.org", "192.0.2.1") == 429
    assert post(client, "ada@example.org", "::ffff:192.0.2.2") == 200


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


def test_filled_honeypot_is_never_confirmed(
    client: FlaskClient, sandbox: Sandbox, log_file: LogFile
) -> None:
    """A form filler may have filled it: the form comes back without it, and the next try works."""
    data = {"channels": "EMAIL", "email": "ada@example.org"}
    filled = {**data, "leave_blank": "https://example.org"}

    reply = client.post(PARKA, data=filled, headers=ELEMENT)
    page = client.post(PARKA, data=filled)

    assert reply.status_code == page.status_code == 422
    assert reply.json is not None
    assert reply.json["state"] == "invalid"
    assert sandbox.requests() == []
    assert log_file.sign_ups() == []
    for root in (view(reply), view(page)):
        assert "Your browser filled in a hidden field." in root.one("p", role="alert").text
        form = post_form(root)
        assert form.one("input", name="email")["value"] == "ada@example.org"
        assert "value" not in form.one("input", name="leave_blank")
    assert client.post(PARKA, data=data, headers=ELEMENT).status_code == 200


def test_dropped_posts_are_counted_for_the_merchant(client: FlaskClient) -> None:
    """Failed validation isn't counted: everybody mistypes."""
    for more in ({"leave_blank": "x"}, {"leave_blank": "x"}, {"email": "nonsense"}, {}):
        post(client, **{"email": "ada@example.org", **more})

    status = client.application.test_cli_runner().invoke(args=["notify-me", "status"])

    assert "dropped:       2 in 7 days, because a hidden field was filled in" in status.output


def test_honeypot_asks_form_fillers_to_leave_it_alone(client: FlaskClient) -> None:
    field = view(client.get(PARKA)).one("input", name="leave_blank")

    assert field["autocomplete"] == "off"
    assert field["data-lpignore"] == "true"
    assert field["data-form-type"] == "other"
    assert "data-1p-ignore" in field
    assert "data-bwignore" in field
