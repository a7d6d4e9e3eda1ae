"""A sign-up from the form to Klaviyo's waiting list."""

from __future__ import annotations

import re
import time

import pytest
from flask.testing import FlaskClient

from tests.notify_me.small_shop import DictCatalog
from tests.support import Sandbox

PARKA = "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3APARKA-M-MOSS"
ELEMENT = {"X-Notify-Me": "1"}


def test_plain_post_redirects_to_the_confirmation(client: FlaskClient, sandbox: Sandbox) -> None:
    reply = client.post(PARKA, data={"channels": "EMAIL", "email": "Ada@Example.org"})

    assert reply.status_code == 303
    page = client.get(reply.location)
    assert page.status_code == 200
    assert 'data-notify-me-state="done"' in page.text
    assert "A•••@e•••.org" in page.text
    [call] = sandbox.requests()
    assert (call["method"], call["path"]) == ("POST", "/api/back-in-stock-subscriptions")
    assert call["problems"] == []
    [waiting] = sandbox.waiting()
    assert waiting["variant"] == "$custom:::$default:::PARKA-M-MOSS"
    assert waiting["profile"]["email"] == "Ada@example.org"


@pytest.mark.parametrize(("seconds", "status"), [(5, 200), (-23 * 3600, 200), (-25 * 3600, 404)])
def test_link_to_the_confirmation_is_valid_for_a_day(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, seconds: int, status: int
) -> None:
    """Another machine, whose clock is a few seconds ahead, may have signed the link."""
    signed_at = time.time() + seconds
    with monkeypatch.context() as other_clock:
        other_clock.setattr(time, "time", lambda: signed_at)
        reply = client.post(PARKA, data={"channels": "EMAIL", "email": "ada@example.org"})

    assert client.get(reply.location).status_code == status


def test_element_gets_the_confirmation_as_json(client: FlaskClient, sandbox: Sandbox) -> None:
    reply = client.post(
        PARKA, data={"channels": "EMAIL", "email": "ada@example.org"}, headers=ELEMENT
    )

    assert reply.status_code == 200
    assert reply.json is not None
    assert reply.json["state"] == "done"
    assert 'data-notify-me-state="done"' in reply.json["html"]
    assert len(sandbox.requests()) == 1


def test_repeat_sign_up_changes_nothing(client: FlaskClient, sandbox: Sandbox) -> None:
    """The reply doesn't disclose who is on the list."""
    data = {"channels": "EMAIL", "email": "ada@example.org"}

    first = client.post(PARKA, data=data, headers=ELEMENT)
    second = client.post(PARKA, data=data, headers=ELEMENT)

    ids = re.compile(r"notify-me-[0-9a-f]{6}")
    assert ids.sub("", first.text) == ids.sub("", second.text)
    assert len(sandbox.waiting()) == 1


def test_variant_back_in_stock_is_not_sent(
    client: FlaskClient, sandbox: Sandbox, catalog: DictCatalog
) -> None:
    """The reply is 409 with a link to the product."""
    [moss] = [
        variant for variant in catalog.variants.values() if variant.url.endswith("PARKA-M-MOSS")
    ]
    catalog.stock(moss, 2)
    data = {"channels": "EMAIL", "email": "ada@example.org"}

    page = client.post(PARKA, data=data)
    reply = client.post(PARKA, data=data, headers=ELEMENT)

    assert page.status_code == reply.status_code == 409
    assert reply.json is not None
    assert reply.json["state"] == "available"
    assert 'href="/products/parka?variant=PARKA-M-MOSS"' in page.text
    assert 'data-notify-me-state="available"' in page.text
    assert sandbox.requests() == []
