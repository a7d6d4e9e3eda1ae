"""What a browser is told: preflights, and which replies a page's script may read."""

import pytest

from tests.klaviyo_sandbox.conftest import BROWSER_PATH, SERVER_PATH, SHOP, Running

PREFLIGHT = {
    "Origin": SHOP,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type,revision",
}


def test_the_preflight_lets_a_sign_up_through(sandbox: Running) -> None:
    """The answer allows any origin, POST and the two headers, and is not cached."""
    reply = sandbox.ask("OPTIONS", f"{BROWSER_PATH}?company_id=X", headers=PREFLIGHT)

    assert reply.status_code == 200
    assert {
        name: value for name, value in reply.headers.items() if name.startswith("Access-Control")
    } == {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": "accept, content-type, revision",
        "Access-Control-Max-Age": "0",
    }


def test_the_preflight_is_recorded(sandbox: Running) -> None:
    """A preflight stands in the record with its origin, as the operation that it asks about."""
    sandbox.ask("OPTIONS", BROWSER_PATH, headers=PREFLIGHT)

    [entry] = sandbox.read("requests")
    assert (
        entry["method"],
        entry["origin"],
        entry["status"],
        entry["problems"],
        entry["operation"],
    ) == ("OPTIONS", SHOP, 200, [], "create_client_back_in_stock_subscription")


def test_authorization_is_not_allowed(sandbox: Running) -> None:
    """A page that would send a key is stopped by its browser, and the record says why."""
    headers = PREFLIGHT | {"Access-Control-Request-Headers": "authorization,revision"}

    reply = sandbox.ask("OPTIONS", BROWSER_PATH, headers=headers)

    assert "authorization" not in reply.headers["Access-Control-Allow-Headers"]
    [entry] = sandbox.read("requests")
    assert entry["problems"] == ["Browsers may not send the header authorization."]


def test_the_servers_side_has_no_cors(sandbox: Running) -> None:
    """A browser may not call `/api`: its preflight is refused, and no reply can be read."""
    reply = sandbox.ask("OPTIONS", SERVER_PATH, headers=PREFLIGHT)

    assert reply.status_code == 405
    for each in (reply, sandbox.server_call(Origin=SHOP)):
        assert not [name for name in each.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize(("sent", "status"), [(None, 202), ({}, 400)])
def test_replies_can_be_read(sandbox: Running, sent: object, status: int) -> None:
    """A page's script may read that it succeeded, and why it did not; but no header."""
    reply = sandbox.browser_call(sent)

    assert (status, "*") == (reply.status_code, reply.headers["Access-Control-Allow-Origin"])
    assert "Access-Control-Expose-Headers" not in reply.headers


def test_a_throttled_reply_cannot_be_read(sandbox: Running) -> None:
    """Over the limit a browser gets a 429 without CORS, which it shows as a network error."""
    for _ in range(350):
        sandbox.browser_call({})

    reply = sandbox.browser_call()

    assert reply.status_code == 429
    assert "Access-Control-Allow-Origin" not in reply.headers
