"""A strict account: what its private key may do, how far its time is off, and no flow at all."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.klaviyo_sandbox.conftest import MEDIA_TYPE, SERVER_PATH, SUBSCRIBE_PATH, Running


def test_a_key_does_what_its_scopes_allow(sandbox: Running) -> None:
    """A call that needs another is 403, and names it; a browser's needs none."""
    sandbox.set("account", scopes=["lists:read", "catalogs:write"])

    assert sandbox.api("GET", "lists").status_code == 200
    reply = sandbox.server_call()
    assert (reply.status_code, reply.json()["errors"][0]["code"]) == (403, "permission_denied")
    assert reply.json()["errors"][0]["detail"] == (
        "Your API key is missing required scopes: profiles:write."
    )
    assert sandbox.browser_call().status_code == 202
    assert len(sandbox.read("waiting")) == 1


@pytest.mark.parametrize("path", [SERVER_PATH, SUBSCRIBE_PATH])
@pytest.mark.parametrize(("scopes", "status"), [("all", 400), ([], 403)])
def test_an_empty_body_tells_whether_the_key_may(
    sandbox: Running, path: str, scopes: Any, status: int
) -> None:
    """The key is looked at before the body, and nothing comes of either."""
    sandbox.set("account", scopes=scopes)

    reply = sandbox.api("POST", path.removeprefix("/api/"), {}, Content_Type=MEDIA_TYPE)

    assert reply.status_code == status
    assert (sandbox.read("waiting"), sandbox.read("profiles")) == ([], [])


def test_the_time_of_replies_can_be_off(sandbox: Running) -> None:
    """A caller sees it in `Date`, as if its own clock were wrong."""
    sandbox.set("account", date_skew=3600)

    told = parsedate_to_datetime(sandbox.api("GET", "accounts").headers["Date"])

    assert 3500 < (told - datetime.now(UTC)).total_seconds() < 3700


def test_an_account_without_a_flow(sandbox: Running) -> None:
    """Nothing is listed, nobody waits, and the record says why."""
    sandbox.set("flow", status="none")

    assert sandbox.api("GET", "flows").json()["data"] == []
    assert sandbox.api("GET", "metrics/SBMET1/flow-triggers").json()["data"] == []
    assert sandbox.server_call().status_code == 202
    assert sandbox.notes() == ["ignored: there is no flow"]
    assert sandbox.read("waiting") == []


@pytest.mark.parametrize(
    "sent",
    [None, [], {}, {"scopes": "some"}, {"scopes": ["lists"]}, {"date_skew": "1"}, {"name": "x"}],
)
def test_a_setting_that_cannot_be_is_refused(sandbox: Running, sent: Any) -> None:
    """The error says what can be sent, and nothing has changed."""
    reply = sandbox.ask("PUT", "/_sandbox/account", json=sent)

    assert reply.status_code == 400
    assert any(word in reply.json()["error"] for word in ("scopes", "date_skew"))
    assert sandbox.ask("GET", "/_sandbox/account").json()["scopes"] == "all"


def test_a_reset_gives_full_access_again(sandbox: Running) -> None:
    """With the right time."""
    sandbox.set("account", scopes=[], date_skew=5)
    sandbox.ask("POST", "/_sandbox/reset")

    found = sandbox.ask("GET", "/_sandbox/account").json()
    assert (found["scopes"], found["date_skew"]) == ("all", 0.0)
