"""Every drill: what the caller sees, what is recorded, and when it is over."""

import socket
import threading
from typing import Any

import pytest
import requests

from klaviyo_sandbox.protocol.failures import FAILURES, KINDS
from tests.klaviyo_sandbox.conftest import (
    BROWSER_OPERATION,
    EMAIL,
    PHONE,
    SERVER_OPERATION,
    SERVER_PATH,
    VARIANT,
    Running,
    body,
    eventually,
)

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


def test_the_table_is_whole() -> None:
    """Every kind is tested here: those with an error body by the table, the others by name."""
    tested = {"html", "slow", "drip", "drip-headers", "drop", "partial", "cors"}

    assert set(KINDS) == ERRORS.keys() | tested
    assert tested == KINDS.keys() - FAILURES.keys()


@pytest.mark.parametrize(("kind", "expected"), ERRORS.items(), ids=ERRORS)
@pytest.mark.parametrize("side", ["server", "browser"])
def test_an_error_drill(
    sandbox: Running, side: str, kind: str, expected: tuple[int, str, str]
) -> None:
    """The next call gets the error and does nothing; the one after it succeeds."""
    call = sandbox.server_call if side == "server" else sandbox.browser_call
    sandbox.drill(kind)

    reply = call()

    error = reply.json()["errors"][0]
    assert expected == (reply.status_code, error["code"], error["source"]["pointer"])
    assert sandbox.read("waiting") == []
    assert call().status_code == 202
    assert [(kind, expected[0]), (None, 202)] == [
        (entry["drill"], entry["status"]) for entry in sandbox.read("requests")
    ]


def test_retry_after_is_the_drills(sandbox: Running) -> None:
    """A 429 names a second unless told; a 503 names a time only when told."""
    sandbox.drill("429")
    sandbox.drill("429", retry_after=7)
    sandbox.drill("503")
    sandbox.drill("503", retry_after=9)

    waits = [sandbox.server_call().headers.get("Retry-After") for _ in range(4)]

    assert waits == ["1", "7", None, "9"]


def test_a_throttled_browser_reads_nothing(sandbox: Running) -> None:
    """A 429 and a gateway's page have no CORS headers on the browser's side; a 400 has."""
    for kind in ("429", "html", "400-email"):
        sandbox.drill(kind)

    allowed = ["Access-Control-Allow-Origin" in sandbox.browser_call().headers for _ in range(3)]

    assert allowed == [False, False, True]


def test_html(sandbox: Running) -> None:
    """A gateway's page is a 502 that isn't JSON."""
    sandbox.drill("html")

    reply = sandbox.server_call()

    assert reply.status_code == 502
    assert reply.headers["Content-Type"].startswith("text/html")
    assert "<h1>502 Bad Gateway</h1>" in reply.text


def test_drop(sandbox: Running) -> None:
    """The connection ends without a reply, and the call does nothing."""
    sandbox.drill("drop")

    with pytest.raises(requests.ConnectionError):
        sandbox.server_call()

    entry = sandbox.read("requests")[0]
    assert (entry["drill"], entry["status"], entry["finished"]) == ("drop", None, True)
    assert sandbox.read("waiting") == []


@pytest.mark.parametrize("kind", ["drip", "drip-headers"])
def test_a_dripping_reply_arrives_whole(sandbox: Running, kind: str) -> None:
    """Byte by byte a 500 arrives, security headers and all."""
    sandbox.drill(kind, seconds=0)

    reply = sandbox.server_call()

    assert (reply.status_code, reply.json()["errors"][0]["code"]) == (500, "error")
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    entry = eventually(lambda: [each for each in sandbox.read("requests") if each["finished"]])[0]
    assert (kind, 500) == (entry["drill"], entry["status"])
    assert sandbox.read("waiting") == []


@pytest.mark.parametrize(
    ("kind", "begins_with"), [("drip", b"HTTP/1.1 500 "), ("drip-headers", b"H")]
)
def test_what_drips(sandbox: Running, kind: str, begins_with: bytes) -> None:
    """`drip` sends its headers at once, `drip-headers` sends no more than a byte of them."""
    sandbox.drill(kind, seconds=600)
    host, _, port = sandbox.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(f"POST {SERVER_PATH} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())

        first = connection.recv(4096)

        assert first.startswith(begins_with)
        assert (first == b"H") == (kind == "drip-headers")
        [entry] = sandbox.read("requests")
        assert (entry["status"], entry["finished"]) == (500, False)
        sandbox.ask("POST", "/_sandbox/reset")
        while connection.recv(4096):
            pass  # the reset ends the dripping


def test_slow_is_recorded_at_once_and_accepted_in_the_end(sandbox: Running) -> None:
    """A slow call shows as under way, and puts its profile on the list when it answers."""
    sandbox.drill("slow", seconds=0.5)
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


def test_slow_still_refuses_what_is_wrong(sandbox: Running) -> None:
    """A slow reply is a proper one: a bad body is refused."""
    sandbox.drill("slow", seconds=0)

    assert sandbox.server_call({}).status_code == 400


def test_a_reset_cuts_a_slow_call_short(sandbox: Running) -> None:
    """A call of the life before the reset adds nothing to the life after it."""
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

    sandbox.ask("POST", "/_sandbox/reset")
    thread.join(20)

    assert len(failures) == 1
    assert sandbox.read("waiting") == []
    assert sandbox.read("requests") == []


def test_partial_takes_the_email_address_alone(sandbox: Running) -> None:
    """A 202 names the phone number as failed, and only the email address waits."""
    sandbox.drill("partial")

    reply = sandbox.server_call(body(channels=["EMAIL", "SMS"], email=EMAIL, phone_number=PHONE))

    assert (
        reply.status_code,
        reply.headers["X-Klaviyo-Partial-Failure"],
    ) == (202, "phone_number")
    [waiting] = sandbox.read("waiting")
    assert (waiting["channels"], waiting["profile"]) == (["EMAIL"], {"email": EMAIL})


def test_partial_needs_two_identifiers(sandbox: Running) -> None:
    """With one identifier nothing can be half taken: the call is accepted as usual."""
    sandbox.drill("partial")

    assert "X-Klaviyo-Partial-Failure" not in sandbox.server_call().headers
    assert len(sandbox.read("waiting")) == 1


def test_cors_refuses_the_preflight_alone(sandbox: Running) -> None:
    """The preflight gets no leave; calls without one pass the drill by."""
    sandbox.drill("cors")
    assert sandbox.browser_call().status_code == 202
    headers = {"Origin": "http://shop", "Access-Control-Request-Method": "POST"}

    first, second = (
        sandbox.ask("OPTIONS", "/client/back-in-stock-subscriptions", headers=headers)
        for _ in range(2)
    )

    assert (first.status_code, second.status_code) == (403, 200)
    assert "Access-Control-Allow-Origin" not in first.headers
    assert "Access-Control-Allow-Origin" in second.headers


def test_a_drilled_call_is_still_examined(sandbox: Running) -> None:
    """What is wrong with a call is recorded although a drill answers it."""
    sandbox.drill("500")

    sandbox.server_call(body(email="ada"))

    [entry] = sandbox.read("requests")
    assert (500, [f"{IDENTIFIERS}/email: The email address is not valid."]) == (
        entry["status"],
        entry["problems"],
    )


def test_times_and_order(sandbox: Running) -> None:
    """Drills are used up in the order in which they were set, each as often as it says."""
    sandbox.drill("500", times=2)
    sandbox.drill("503")

    assert [sandbox.server_call().status_code for _ in range(4)] == [500, 500, 503, 202]
    assert sandbox.read("drills") == []


def test_a_drill_for_all_calls_ends_when_cleared(sandbox: Running) -> None:
    """`times` null lasts until the drills are deleted."""
    sandbox.drill("500", times=None)
    assert [sandbox.server_call().status_code for _ in range(3)] == [500, 500, 500]
    [pending] = sandbox.read("drills")
    assert (pending["kind"], pending["times"]) == ("500", None)

    assert sandbox.ask("DELETE", "/_sandbox/drills").json() == {"drills": []}

    assert sandbox.server_call().status_code == 202


def test_a_drill_for_one_operation(sandbox: Running) -> None:
    """Calls of another operation leave a drill alone."""
    sandbox.drill("500", operation=BROWSER_OPERATION)

    assert sandbox.server_call().status_code == 202
    assert sandbox.browser_call().status_code == 500


@pytest.mark.parametrize(
    ("asked", "words"),
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
def test_a_drill_that_makes_no_sense_is_refused(sandbox: Running, asked: Any, words: str) -> None:
    """A wrong drill is a 400 with a sentence, and nothing is set."""
    reply = sandbox.ask("POST", "/_sandbox/drills", json=asked)

    assert reply.status_code == 400
    assert words in reply.json()["error"]
    assert sandbox.read("drills") == []


def test_an_unknown_kind_is_answered_with_the_known_ones(sandbox: Running) -> None:
    """Whoever mistypes a kind is told which there are."""
    reply = sandbox.ask("POST", "/_sandbox/drills", json={"kind": "teapot"})

    assert list(KINDS) == reply.json()["allowed"]


def test_a_call_of_no_operation_uses_no_drill(sandbox: Running) -> None:
    """A wrong method and a wrong path leave the drill for a real call."""
    sandbox.drill("500")
    sandbox.ask("GET", SERVER_PATH)
    sandbox.ask("POST", f"{SERVER_PATH}/{VARIANT}")

    assert sandbox.server_call().status_code == 500
