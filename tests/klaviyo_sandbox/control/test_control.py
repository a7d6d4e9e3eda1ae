"""The JSON API under `/_sandbox/`, and who may use it."""

from typing import Any

import pytest

from klaviyo_sandbox import Account, create_app, make_account
from tests.klaviyo_sandbox.conftest import VARIANT, RunningSandbox

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


def test_account_can_be_read(sandbox: RunningSandbox) -> None:
    """Launchers and tests read the account's keys from this endpoint."""
    assert sandbox.get("account") == {
        "private_key": sandbox.account.private_key,
        "public_key": sandbox.account.public_key,
        "list_id": sandbox.account.list_id,
        "name": "Klaviyo sandbox",
        "scopes": "all",
        "date_skew": 0.0,
        "brand": "harbour",
    }


def test_unknown_variants_are_replaced(sandbox: RunningSandbox) -> None:
    sandbox.set("unknown", unknown=["a", "b"])
    sandbox.set("unknown", unknown=[VARIANT])

    assert sandbox.get("unknown") == {"unknown": [VARIANT]}


def rows(method: str, name: str, message: str, *bodies: Any) -> list[tuple[str, str, Any, str]]:
    """Return one row for each invalid body, with the beginning of its error message."""
    return [(method, name, body, message) for body in bodies]


INVALID = [
    *rows("PUT", "unknown", 'Send {"unknown": [composite IDs]}.',
          None, [], {}, {"unknown": "x"}, {"unknown": [1]}),
    *rows("POST", "confirm", 'Send {"contact":', None, [], {}, {"contact": 7}),
    *rows("PUT", "regions", 'Send {"supported":',
          None, {}, {"supported": "US"}, {"supported": [1]}),
    *rows("PUT", "regions", "There is no region 'us'.", {"supported": ["us"]}),
    *rows("PUT", "list", 'Send {"opt_in_process":',
          None, [], {}, {"opt_in_process": "double"}, {"opt_in_process": 2}),
    *rows("PUT", "account", "Send one or more of: scopes, date_skew, brand.",
          None, [], {}, {"name": "x"}),
    *rows("PUT", "account", "brand must be one of: harbour, poppy, none.", {"brand": "x"}),
    *rows("PUT", "account", 'scopes must be "all", or a list of: ',
          {"scopes": "some"}, {"scopes": ["lists"]}),
    *rows("PUT", "account", "date_skew must be a number", {"date_skew": "1"}),
    *rows("POST", "clock", 'Send {"advance": seconds}',
          None, {}, {"advance": -1}, {"advance": "1"}, {"advance": True}, {"advance": 1e9}),
    *rows("PUT", "flow", "Send one or more of: status", [], {}),
    *rows("PUT", "flow", "The flow has no setting 'speed'", {"speed": 1}),
    *rows("PUT", "flow", "status must be one of: none, draft, manual, live", {"status": "paused"}),
    *rows("PUT", "flow", "minimum_inventory must be",
          {"minimum_inventory": 0}, {"minimum_inventory": True}),
    *rows("PUT", "flow", "customers_per_unit must be",
          {"customers_per_unit": 0}, {"customers_per_unit": "some"}),
    *rows("PUT", "flow", "wait_seconds must be",
          {"wait_seconds": -1}, {"wait_seconds": 1.5, "status": "draft"}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "name", "sent", "message"), INVALID)
def test_invalid_settings_change_nothing(
    sandbox: RunningSandbox, method: str, name: str, sent: Any, message: str
) -> None:
    """The error says which values can be sent."""
    names = ("account", "clock", "flow", "list", "regions", "unknown")
    before = [sandbox.get(name) for name in names]

    reply = sandbox.request(method, f"/_sandbox/{name}", json=sent)

    assert reply.status_code == 400
    assert reply.json()["error"].startswith(message)
    assert [sandbox.get(name) for name in names] == before


def test_deeply_nested_json_is_refused() -> None:
    client = create_app(make_account()).test_client()

    reply = client.post("/_sandbox/drills", data="[" * 50_000, base_url="http://localhost")

    assert reply.status_code == 400


def test_reset_restores_the_initial_state(sandbox: RunningSandbox) -> None:
    names = ("account", "clock", "flow", "list", "regions", "unknown")
    lists = ("requests", "waiting", "drills", "messages", "profiles", "catalog")
    before = [sandbox.get(name) for name in names]
    sandbox.add("jacket-m", stock=3)
    sandbox.sign_up("ada@shop.example.org")
    sandbox.stock("jacket-m", 4)
    sandbox.sign_up("ada@shop.example.org")
    sandbox.subscribe()
    assert [sandbox.api("GET", "accounts").status_code for _ in range(2)] == [200, 429]
    sandbox.drill("500", times=None)
    sandbox.set("account", scopes=[], date_skew=5)
    sandbox.set("flow", status="manual", wait_seconds=60)
    sandbox.set("list", opt_in_process="double_opt_in")
    sandbox.set("regions", supported=["GB"])
    sandbox.set("unknown", unknown=["x"])
    sandbox.advance(5)
    assert all(sandbox.read(name) for name in lists)

    reply = sandbox.request("POST", "/_sandbox/reset")

    assert (reply.status_code, reply.json()) == (200, {"reset": True})
    assert [sandbox.get(name) for name in names] == before
    assert [sandbox.read(name) for name in lists] == [[]] * len(lists)
    assert sandbox.api("GET", "accounts").status_code == 200
    list_path = f"lists/{sandbox.account.list_id}?additional-fields[list]=profile_count"
    mailing_list = sandbox.api("GET", list_path).json()["data"]
    assert mailing_list["attributes"]["profile_count"] == 0
    sandbox.subscribe()
    assert (sandbox.consent("email")["status"], sandbox.notes()) == ("subscribed", [])


def test_reset_can_keep_the_catalog(sandbox: RunningSandbox) -> None:
    sandbox.add("jacket-m", stock=3)
    sandbox.sign_up("ada@shop.example.org")

    sandbox.reset(keep_catalog=True)

    assert [variant["quantity"] for variant in sandbox.read("catalog")] == [3]
    assert (sandbox.read("waiting"), sandbox.read("requests")) == ([], [])


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
def test_pages_of_other_sites_cannot_change_anything(
    sandbox: RunningSandbox, headers: dict[str, str]
) -> None:
    """The shop, on another port, counts as another site."""
    sandbox.server_call()

    for method, name in CHANGES:
        reply = sandbox.request(method, f"/_sandbox/{name}", headers=headers, json={"kind": "500"})
        assert reply.status_code == 403, name
        assert "Pages from other sites" in reply.json()["error"]

    assert len(sandbox.read("requests")) == 1
    assert sandbox.read("drills") == []


def test_own_pages_may_change_settings(sandbox: RunningSandbox) -> None:
    headers = {"Origin": sandbox.url, "Sec-Fetch-Site": "same-origin"}

    reply = sandbox.request("POST", "/_sandbox/drills", json={"kind": "500"}, headers=headers)

    assert reply.status_code == 201


@pytest.mark.parametrize("host", ["evil.example.org", "10.0.0.1", "127.0.0.1.evil.org", "", "["])
def test_other_hosts_are_refused(sandbox: RunningSandbox, host: str) -> None:
    """Checking the Host header protects against DNS rebinding."""
    for path in ("/_sandbox/account", "/", "/api/back-in-stock-subscriptions"):
        reply = sandbox.request("GET", path, headers={"Host": host})

        assert reply.status_code == 403
        assert sandbox.account.private_key not in reply.text
        assert sandbox.account.public_key not in reply.text


@pytest.mark.parametrize("host", ["localhost", "localhost:5001", "127.0.0.1", "[::1]:5001"])
def test_loopback_hosts_are_accepted(sandbox: RunningSandbox, host: str) -> None:
    reply = sandbox.request("GET", "/_sandbox/account", headers={"Host": host})

    assert reply.status_code == 200


def test_other_machines_are_refused(sandbox: RunningSandbox) -> None:
    """Forwarded requests may come from another machine."""
    client = create_app(make_account()).test_client()

    remote = client.get("/_sandbox/account", environ_base={"REMOTE_ADDR": "192.0.2.7"})
    headers = {"X-Forwarded-For": "127.0.0.1"}
    forwarded = sandbox.request("GET", "/_sandbox/account", headers=headers)

    assert (remote.status_code, forwarded.status_code) == (403, 403)


@pytest.mark.parametrize(("method", "path"), [("GET", "nothing"), ("POST", "messages")])
def test_unknown_path_is_a_404_in_json(sandbox: RunningSandbox, method: str, path: str) -> None:
    reply = sandbox.request(method, f"/_sandbox/{path}")

    assert reply.status_code == 404
    assert reply.json()["error"] == f"No such path: /_sandbox/{path}"


def test_every_reply_has_the_security_headers(sandbox: RunningSandbox) -> None:
    for path in ("/", "/missing", "/_sandbox/account", "/static/sandbox.css"):
        headers = sandbox.request("GET", path).headers

        assert headers["Content-Security-Policy"].startswith(
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
            "img-src 'self' http://127.0.0.1:* http://localhost:*;"
        )
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "Set-Cookie" not in headers


def test_generated_accounts_have_klaviyos_format() -> None:
    first, second = make_account(), make_account()

    assert first.public_key.isalnum()
    assert (len(first.public_key), len(first.list_id)) == (6, 6)
    assert (len(first.private_key), first.private_key[:3]) == (37, "pk_")
    assert first.private_key != second.private_key


@pytest.mark.parametrize(
    ("public_key", "private_key", "list_id"),
    [("pk_0", "pk_0", "L"), ("ABC123", "ABC123", "L"), ("", "pk_0", "L"), ("ABC123", "pk_0", "")],
)
def test_swapped_or_missing_keys_are_refused(
    public_key: str, private_key: str, list_id: str
) -> None:
    with pytest.raises(ValueError, match=r"key|list"):
        Account(public_key, private_key, list_id)
