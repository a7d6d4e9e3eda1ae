"""Simulated failures: what the caller gets, what is recorded, and when they end."""

import socket
import threading
from typing import Any

import pytest
import requests

from klaviyo_sandbox.protocol.failures import ERRORS_BY_KIND, KINDS
from tests.klaviyo_sandbox.conftest import (
    BROWSER_OPERATION,
    BROWSER_PATH,
    EMAIL,
    PHONE,
    PREFLIGHT,
    SERVER_OPERATION,
    SERVER_PATH,
    VARIANT,
    RunningSandbox,
    body,
    error_of,
)
from tests.support import eventually

IDENTIFIERS = "/data/attributes/profile/data/attributes"
ERRORS = {
    "400-email": (400, "invalid", f"{IDENTIFIERS}/email"),
    "400-phone": (400, "invalid", f"{IDENTIFIERS}/phone_number"),
    "400-unknown-pointer": (400, "invalid", "/data/attributes/other"),
    "400-list": (400, "invalid", "/data/relationships/list/data/id"),
    "401": (401, "not_authenticated", "/data/"),
    "403": (403, "permission_denied", "/data/"),
    "404-variant": (404, "variant_not_found", "/data/relationships/variant/data/id"),
    "404-revision": (404, "not_found", "/data/"),
    "405": (405, "method_not_allowed", "/data/"),
    "409": (409, "duplicate", "/data/"),
    "410": (410, "gone", "/data/"),
    "415": (415, "unsupported_media_type", "/data/"),
    "429": (429, "throttled", "/data"),
    "500": (500, "error", "/data/"),
    "503": (503, "error", "/data/"),
}


def test_every_kind_is_tested_here() -> None:
    """Kinds with an error body are in the table; the other kinds have separate tests."""
    assert ERRORS.keys() == ERRORS_BY_KIND.keys()
    others = {"html", "slow", "drip", "drip-headers", "drop", "partial", "cors"}
    assert KINDS.keys() - ERRORS_BY_KIND.keys() == others


@pytest.mark.parametrize(("kind", "expected"), ERRORS.items(), ids=ERRORS)
def test_simulated_error(
    sandbox: RunningSandbox, kind: str, expected: tuple[int, str, str]
) -> None:
    """The failed call has no effect, and the next call succeeds."""
    for call in (sandbox.server_call, sandbox.browser_call):
        sandbox.drill(kind)

        assert error_of(call()) == expected

        assert sandbox.read("waiting") == []
        assert call().status_code == 202
        failed, succeeded = sandbox.read("requests")
        assert (failed["drill"], failed["status"]) == (kind, expected[0])
        assert (succeeded["drill"], succeeded["status"]) == (None, 202)
        sandbox.reset()


def test_retry_after_can_be_chosen(sandbox: RunningSandbox) -> None:
    """By default, a 429 has a Retry-After header and a 503 has none."""
    sandbox.drill("429")
    sandbox.drill("429", retry_after=7)
    sandbox.drill("503")
    sandbox.drill("503", retry_after=9)

    waits = [sandbox.server_call().headers.get("Retry-After") for _ in range(4)]

    assert waits == ["1", "7", None, "9"]


def test_browser_cannot_read_a_429_or_a_gateways_page(sandbox: RunningSandbox) -> None:
    for kind in ("429", "html", "400-email"):
        sandbox.drill(kind)

    readable = ["Access-Control-Allow-Origin" in sandbox.browser_call().headers for _ in range(3)]

    assert readable == [False, False, True]


def test_html(sandbox: RunningSandbox) -> None:
    sandbox.drill("html")

    reply = sandbox.server_call()

    assert reply.status_code == 502
    assert reply.headers["Content-Type"].startswith("text/html")
    assert "<h1>502 Bad Gateway</h1>" in reply.text


def test_drop(sandbox: RunningSandbox) -> None:
    sandbox.drill("drop")

    with pytest.raises(requests.ConnectionError):
        sandbox.server_call()

    entry = sandbox.read("requests")[0]
    assert (entry["drill"], entry["status"], entry["finished"]) == ("drop", None, True)
    assert sandbox.read("waiting") == []


@pytest.mark.parametrize("kind", ["drip", "drip-headers"])
def test_dripping_reply_is_complete(sandbox: RunningSandbox, kind: str) -> None:
    sandbox.drill(kind, seconds=0)

    reply = sandbox.server_call()

    assert error_of(reply)[:2] == (500, "error")
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    eventually(lambda: sandbox.read("requests")[0]["finished"])
    entry = sandbox.read("requests")[0]
    assert (entry["drill"], entry["status"]) == (kind, 500)
    assert sandbox.read("waiting") == []


@pytest.mark.parametrize(("kind", "start"), [("drip", b"HTTP/1.1 500 "), ("drip-headers", b"H")])
def test_where_dripping_starts(sandbox: RunningSandbox, kind: str, start: bytes) -> None:
    """`drip` first sends its headers, `drip-headers` only their first byte. A reset ends both."""
    sandbox.drill(kind, seconds=600)
    host, _, port = sandbox.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(f"POST {SERVER_PATH} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())

        first = connection.recv(4096)

        assert first.startswith(start)
        assert (first == b"H") == (kind == "drip-headers")
        [entry] = sandbox.read("requests")
        assert (entry["status"], entry["finished"]) == (500, False)
        sandbox.reset()
        while connection.recv(4096):
            pass


def test_slow_call_is_recorded_at_once_and_then_accepted(sandbox: RunningSandbox) -> None:
    sandbox.drill("slow", seconds=0.3)
    replies: list[requests.Response] = []
    thread = threading.Thread(target=lambda: replies.append(sandbox.server_call()))
    thread.start()

    [entry] = eventually(lambda: sandbox.read("requests"))
    assert (entry["drill"], entry["status"], entry["finished"]) == ("slow", None, False)

    thread.join(20)
    assert [reply.status_code for reply in replies] == [202]
    [entry] = sandbox.read("requests")
    assert (entry["status"], entry["finished"]) == (202, True)
    assert len(sandbox.read("waiting")) == 1


def test_slow_call_is_still_checked(sandbox: RunningSandbox) -> None:
    sandbox.drill("slow", seconds=0)

    assert sandbox.server_call({}).status_code == 400


def test_reset_cancels_slow_calls(sandbox: RunningSandbox) -> None:
    """The cancelled calls have no effect on the new state."""
    sandbox.drill("slow", seconds=600)
    failures: list[Exception] = []

    def call() -> None:
        try:
            sandbox.server_call()
        except requests.ConnectionError as error:
            failures.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    eventually(lambda: sandbox.read("requests"))

    sandbox.reset()
    thread.join(20)

    assert len(failures) == 1
    assert (sandbox.read("waiting"), sandbox.read("requests")) == ([], [])


def test_partial_failure_only_accepts_the_email_address(sandbox: RunningSandbox) -> None:
    sandbox.drill("partial")

    reply = sandbox.server_call(body(channels=["EMAIL", "SMS"], email=EMAIL, phone_number=PHONE))

    assert (reply.status_code, reply.headers["X-Klaviyo-Partial-Failure"]) == (202, "phone_number")
    [waiting] = sandbox.read("waiting")
    assert (waiting["channels"], waiting["profile"]) == (["EMAIL"], {"email": EMAIL})


def test_partial_failure_needs_two_identifiers(sandbox: RunningSandbox) -> None:
    sandbox.drill("partial")

    assert "X-Klaviyo-Partial-Failure" not in sandbox.server_call().headers
    assert len(sandbox.read("waiting")) == 1


def test_cors_only_refuses_a_preflight(sandbox: RunningSandbox) -> None:
    sandbox.drill("cors")
    assert sandbox.browser_call().status_code == 202

    first, second = (sandbox.request("OPTIONS", BROWSER_PATH, headers=PREFLIGHT) for _ in range(2))

    assert (first.status_code, second.status_code) == (403, 200)
    assert "Access-Control-Allow-Origin" not in first.headers
    assert "Access-Control-Allow-Origin" in second.headers


def test_failed_call_is_still_checked(sandbox: RunningSandbox) -> None:
    """Problems in a call are recorded even if the call gets a simulated failure."""
    sandbox.drill("500")

    sandbox.server_call(body(email="ada"))

    [entry] = sandbox.read("requests")
    assert entry["status"] == 500
    assert entry["problems"] == [f"{IDENTIFIERS}/email: The email address is not valid."]


def test_drills_are_used_in_order(sandbox: RunningSandbox) -> None:
    sandbox.drill("500", times=2)
    sandbox.drill("503")

    assert [sandbox.server_call().status_code for _ in range(4)] == [500, 500, 503, 202]
    assert sandbox.read("drills") == []


def test_drill_without_times_ends_when_cleared(sandbox: RunningSandbox) -> None:
    sandbox.drill("500", times=None)
    assert [sandbox.server_call().status_code for _ in range(3)] == [500, 500, 500]
    [pending] = sandbox.read("drills")
    assert (pending["kind"], pending["times"]) == ("500", None)

    assert sandbox.request("DELETE", "/_sandbox/drills").json() == {"drills": []}

    assert sandbox.server_call().status_code == 202


def test_drill_for_one_operation(sandbox: RunningSandbox) -> None:
    sandbox.drill("500", operation=BROWSER_OPERATION)

    assert sandbox.server_call().status_code == 202
    assert sandbox.browser_call().status_code == 500


def test_reading_the_flow_does_not_use_up_a_drill(sandbox: RunningSandbox) -> None:
    sandbox.drill("503")

    assert sandbox.api("GET", "metrics").status_code == 200
    assert sandbox.server_call().status_code == 503

    sandbox.drill("503", times=None)
    assert sandbox.api("GET", "metrics").status_code == 503


def test_unsupported_calls_do_not_use_up_a_drill(sandbox: RunningSandbox) -> None:
    sandbox.drill("500")
    sandbox.request("GET", SERVER_PATH)
    sandbox.request("POST", f"{SERVER_PATH}/{VARIANT}")

    assert sandbox.server_call().status_code == 500


@pytest.mark.parametrize(
    ("drill", "message"),
    [
        ({"kind": "418"}, "'418'"),
        ({}, "None"),
        ([], "JSON object"),
        ({"kind": ["500"]}, "kind"),
        ({"kind": "500", "time": 2}, "'time'"),
        ({"kind": "500", "times": 0}, "times"),
        ({"kind": "500", "times": True}, "times"),
        ({"kind": "500", "operation": "create_profile"}, "'create_profile'"),
        ({"kind": "slow", "seconds": -1}, "seconds"),
        ({"kind": "slow", "seconds": "10"}, "seconds"),
        ({"kind": "slow", "seconds": 601}, "seconds"),
        ({"kind": "429", "retry_after": 1.5}, "retry_after"),
        ({"kind": "cors", "operation": SERVER_OPERATION}, "CORS"),
    ],
)
def test_invalid_drill_is_refused(sandbox: RunningSandbox, drill: Any, message: str) -> None:
    reply = sandbox.request("POST", "/_sandbox/drills", json=drill)

    assert reply.status_code == 400
    assert message in reply.json()["error"]
    assert sandbox.read("drills") == []


def test_error_for_an_unknown_kind_lists_the_kinds(sandbox: RunningSandbox) -> None:
    reply = sandbox.request("POST", "/_sandbox/drills", json={"kind": "teapot"})

    assert reply.json()["allowed"] == list(KINDS)
