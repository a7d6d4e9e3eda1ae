"""The sandbox's own JSON, and who may use it."""

from typing import Any

import pytest

from klaviyo_sandbox import Account, create_app, make_account
from tests.klaviyo_sandbox.conftest import VARIANT, Running

CHANGES = [
    ("DELETE", "requests"),
    ("PUT", "unknown"),
    ("POST", "drills"),
    ("DELETE", "drills"),
    ("POST", "reset"),
    ("PUT", "account"),
    ("PUT", "list"),
    ("PUT", "regions"),
    ("POST", "confirm"),
    ("PUT", "flow"),
    ("POST", "clock"),
    ("POST", "messages/1/send"),
]


def test_the_account_can_be_read(sandbox: Running) -> None:
    """A launcher and a test read the keys here."""
    account = sandbox.account

    assert sandbox.ask("GET", "/_sandbox/account").json() == {
        "private_key": account.private_key,
        "public_key": account.public_key,
        "list_id": account.list_id,
        "name": "Klaviyo sandbox",
        "scopes": "all",
        "date_skew": 0.0,
    }


def test_unknown_variants_can_be_set(sandbox: Running) -> None:
    """The list is replaced as a whole."""
    sandbox.ask("PUT", "/_sandbox/unknown", json={"unknown": ["a", "b"]})
    reply = sandbox.ask("PUT", "/_sandbox/unknown", json={"unknown": [VARIANT]})

    assert (reply.status_code, reply.json()) == (200, {"unknown": [VARIANT]})
    assert sandbox.ask("GET", "/_sandbox/unknown").json() == {"unknown": [VARIANT]}


@pytest.mark.parametrize("sent", [None, [], {}, {"unknown": "x"}, {"unknown": [1]}])
def test_unknown_variants_must_be_a_list(sandbox: Running, sent: Any) -> None:
    """Anything else is a 400 that shows the form."""
    reply = sandbox.ask("PUT", "/_sandbox/unknown", json=sent)

    assert (
        reply.status_code,
        reply.json()["error"],
    ) == (400, 'Send {"unknown": [composite IDs]}.')


def test_reset_forgets_everything(sandbox: Running) -> None:
    """Record, waiting list, unknown variants, drills and rate limits begin afresh."""
    sandbox.ask("PUT", "/_sandbox/unknown", json={"unknown": ["x"]})
    for _ in range(350):
        sandbox.server_call()
    assert sandbox.server_call().status_code == 429
    sandbox.drill("500", times=None)

    reply = sandbox.ask("POST", "/_sandbox/reset")

    assert (reply.status_code, reply.json()) == (200, {"reset": True})
    assert sandbox.ask("GET", "/_sandbox/unknown").json() == {"unknown": []}
    assert [sandbox.read(name) for name in ("requests", "waiting", "drills")] == [[], [], []]
    assert sandbox.server_call().status_code == 202


@pytest.mark.parametrize(("method", "name"), CHANGES)
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Origin": "https://shop.example.org", "Sec-Fetch-Site": "none"},
    ],
    ids=["cross-site", "same-site", "another port", "null", "foreign origin"],
)
def test_another_sites_page_changes_nothing(
    sandbox: Running, method: str, name: str, headers: dict[str, str]
) -> None:
    """A page on another origin, the shop's own port included, is refused."""
    sandbox.server_call()

    reply = sandbox.ask(method, f"/_sandbox/{name}", headers=headers, json={"kind": "500"})

    assert reply.status_code == 403
    assert "Pages of other sites" in reply.json()["error"]
    assert len(sandbox.read("requests")) == 1
    assert sandbox.read("drills") == []


def test_its_own_pages_may_change_things(sandbox: Running) -> None:
    """A form on the sandbox's own pages is let through."""
    headers = {"Origin": sandbox.url, "Sec-Fetch-Site": "same-origin"}

    reply = sandbox.ask("POST", "/_sandbox/drills", json={"kind": "500"}, headers=headers)

    assert reply.status_code == 201


@pytest.mark.parametrize("host", ["evil.example.org", "10.0.0.1", "127.0.0.1.evil.org", "", "["])
@pytest.mark.parametrize("path", ["/_sandbox/account", "/", "/api/back-in-stock-subscriptions"])
def test_another_host_is_refused(sandbox: Running, host: str, path: str) -> None:
    """A name that somebody else points at this machine (DNS rebinding) opens nothing."""
    reply = sandbox.ask("GET", path, headers={"Host": host})

    assert reply.status_code == 403
    assert sandbox.account.private_key not in reply.text
    assert sandbox.account.public_key not in reply.text


@pytest.mark.parametrize("host", ["localhost", "localhost:5001", "127.0.0.1", "[::1]:5001"])
def test_this_machine_is_let_in(sandbox: Running, host: str) -> None:
    """Each loopback name, with or without a port, opens the sandbox."""
    assert sandbox.ask("GET", "/_sandbox/account", headers={"Host": host}).status_code == 200


def test_another_machine_is_refused(sandbox: Running) -> None:
    """Were it served to a network, it would answer nobody there; nor what was forwarded."""
    client = create_app(make_account()).test_client()

    far = client.get("/_sandbox/account", environ_base={"REMOTE_ADDR": "192.0.2.7"})
    forwarded = sandbox.ask("GET", "/_sandbox/account", headers={"X-Forwarded-For": "127.0.0.1"})

    assert (far.status_code, forwarded.status_code) == (403, 403)


@pytest.mark.parametrize(("method", "path"), [("GET", "nothing"), ("POST", "messages")])
def test_what_is_not_there_is_404_in_json(sandbox: Running, method: str, path: str) -> None:
    """A mistyped name is told as JSON."""
    reply = sandbox.ask(method, f"/_sandbox/{path}")

    assert (404, f"There is no /_sandbox/{path}.") == (reply.status_code, reply.json()["error"])


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/requests",
        "/waiting",
        "/profiles",
        "/missing",
        "/_sandbox/account",
        "/static/sandbox.css",
    ],
)
def test_every_reply_has_the_security_headers(sandbox: Running, path: str) -> None:
    """Pages, JSON, errors and files carry the policy, and no cookie is set."""
    headers = sandbox.ask("GET", path).headers

    assert headers["Content-Security-Policy"].startswith(
        "default-src 'none'; style-src 'self'; img-src 'self' http://127.0.0.1:* http://localhost:*;"
    )
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Set-Cookie" not in headers


def test_made_accounts_look_like_klaviyos() -> None:
    """The keys have the form of Klaviyo's, and no two accounts share one."""
    first, second = make_account(), make_account()

    assert first.public_key.isalnum()
    assert (
        len(first.public_key),
        len(first.private_key),
        first.private_key[:3],
        len(first.list_id),
    ) == (6, 37, "pk_", 6)
    assert first.private_key != second.private_key


@pytest.mark.parametrize(
    ("public_key", "private_key", "list_id"),
    [("pk_0", "pk_0", "L"), ("ABC123", "ABC123", "L"), ("", "pk_0", "L"), ("ABC123", "pk_0", "")],
)
def test_keys_in_each_others_place_are_refused(
    public_key: str, private_key: str, list_id: str
) -> None:
    """An account whose keys can't be right is not made."""
    with pytest.raises(ValueError, match=r"key|list"):
        Account(public_key, private_key, list_id)
