"""The HTTP client, against a server that sends any response a test wants."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.http import http_date

from notify_me import admin
from tests.notify_me.conftest import LogFile, side_by_side
from tests.notify_me.markup import view
from tests.notify_me.small_shop import DictCatalog
from tests.support import Sandbox, eventually

MUG = "/notify-me/$custom:::$default:::MUG"
SIGN_UP = {"channels": "EMAIL", "email": "ada@example.org"}


class FakeKlaviyo:
    """A server that sends the same response to every request, and records the requests."""

    def __init__(self) -> None:
        self.status = 202
        self.body = b""
        self.chunked = False
        self.response_headers: dict[str, str] = {}
        self.headers: list[dict[str, str]] = []
        self.ports: set[int] = set()
        self.url = ""


@pytest.fixture
def klaviyo() -> Iterator[FakeKlaviyo]:
    """The server, on a real socket. Werkzeug's own server can't reuse connections."""
    klaviyo = FakeKlaviyo()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # otherwise, a body is sent only when its headers have been acknowledged, 40 ms later
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            klaviyo.headers.append({name.lower(): value for name, value in self.headers.items()})
            klaviyo.ports.add(self.client_address[1])
            self.send_response(klaviyo.status)
            for name, value in klaviyo.response_headers.items():
                self.send_header(name, value)
            body = klaviyo.body
            if klaviyo.chunked:
                self.send_header("Transfer-Encoding", "chunked")
                chunk = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
                body = chunk + b"0\r\n\r\n"
            else:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(ConnectionError):
                self.wfile.write(body)

        do_GET = do_POST

        def log_message(self, *args: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        klaviyo.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005})
        thread.start()
        yield klaviyo
        server.shutdown()
        thread.join()


@pytest.fixture
def shopper(make_app: Callable[..., Flask], klaviyo: FakeKlaviyo) -> FlaskClient:
    """A test client of a shop that uses this server."""
    return make_app(KLAVIYO_API_URL=klaviyo.url).test_client()


def error(**members: Any) -> dict[str, Any]:
    """Return a document with one error, which has these members besides the usual ones."""
    usual = {"id": "e-1", "code": "invalid", "title": "Invalid input.", "detail": "No."}
    return {"errors": [{**usual, **members}]}


EMAIL = {"pointer": "/data/attributes/profile/data/attributes/email"}
RESPONSES: dict[str, tuple[int, Any, int]] = {
    "pointer into the body sent": (400, error(source=EMAIL), 422),
    "flat pointer": (400, error(source={"pointer": "/data/attributes/email"}), 422),
    "pointer with a trailing slash": (400, error(source={"pointer": EMAIL["pointer"] + "/"}), 422),
    "two errors": (400, {"errors": error(source=EMAIL)["errors"] + error()["errors"]}, 422),
    "links and meta are lists": (400, error(source=EMAIL, links=[], meta=[]), 422),
    "unknown list": (400, error(source={"pointer": "/data/relationships/list/data/id"}), 503),
    "source has a parameter": (400, error(source={"parameter": "x"}), 503),
    "source is null": (400, error(source=None), 503),
    "source is a string": (400, error(source="email"), 503),
    "code is null": (400, error(code=None), 503),
    "errors are not objects": (400, {"errors": [None, "x", 5]}, 503),
    "errors are not a list": (400, {"errors": {"code": "invalid"}}, 503),
    "document is a list": (400, [], 503),
    "not JSON": (400, "<h1>Bad Request</h1>", 503),
    "not UTF-8": (400, b"\xff\xfe\x00", 503),
    "empty": (400, "", 503),
    "5 MB": (400, "x" * 5_000_000, 503),
    "404 for an unknown variant": (404, error(code="variant_not_found"), 200),
    "another 404": (404, error(code="not_found"), 503),
    "404 without a body": (404, "", 503),
    "429 with the pointer of a bad company ID": (
        429,
        error(code="throttled", source={"pointer": "/data"}),
        200,
    ),
    "200 is not an acceptance": (200, "{}", 200),
    "server error of 5 MB": (500, "x" * 5_000_000, 200),
    "unknown status": (418, error(), 503),
}


@pytest.mark.parametrize(("status", "body", "reply"), RESPONSES.values(), ids=RESPONSES)
def test_any_response_gives_the_shopper_a_reply(
    shopper: FlaskClient, klaviyo: FakeKlaviyo, status: int, body: Any, reply: int
) -> None:
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    klaviyo.status = status
    klaviyo.body = text if isinstance(text, bytes) else text.encode()
    klaviyo.response_headers = {"Content-Type": "application/vnd.api+json"}

    response = shopper.post(MUG, data=SIGN_UP, headers={"X-Notify-Me": "1"})

    assert response.status_code == reply
    message = {200: "You’re on the list", 422: "", 503: "can’t take sign-ups"}[reply]
    assert message in view(response).text
    assert len(klaviyo.headers) == 1


ODD_DOCUMENTS: dict[str, Any] = {
    "a list": [[]],
    "IDs and attributes of the wrong type": {
        "data": [5, {"id": {}}, {"id": "1", "attributes": ["x"]}, {"id": "2", "attributes": "x"}],
        "links": {"next": "http://["},
        "included": [5, {"id": [], "type": "image"}],
    },
    "values of the wrong type": {
        "data": [
            {
                "id": f"$custom:::$default:::{sku}",
                "attributes": {
                    "status": status,
                    "name": "Subscribed to Back in Stock",
                    "title": [],
                    "errors": [5, {"source": []}],
                    "failed_count": "x",
                    "custom_metadata": 5,
                    "colors": [5, {}],
                    "body": 5,
                    "style": [],
                    "is_primary": [],
                },
            }
            for sku, status in (("MUG", "complete"), ("PARKA-M-MOSS", []))
        ],
    },
    "half of a surrogate pair": {"data": [{"id": "\ud800", "attributes": {"status": "complete"}}]},
}


@pytest.mark.parametrize("document", ODD_DOCUMENTS.values(), ids=ODD_DOCUMENTS)
def test_malformed_documents_are_reported(
    make_app: Callable[..., Flask],
    klaviyo: FakeKlaviyo,
    catalog: DictCatalog,
    monkeypatch: pytest.MonkeyPatch,
    document: Any,
) -> None:
    """Whatever Klaviyo or a proxy returns with status 200, no command ends in a traceback."""
    monkeypatch.setattr(catalog, "composite_ids", lambda: [*catalog.variants], raising=False)
    monkeypatch.setattr("notify_me.klaviyo.catalog_push.JOB_TIMEOUT", 0.0)
    klaviyo.status, klaviyo.body = 200, json.dumps(document).encode()
    app = make_app(KLAVIYO_API_URL=klaviyo.url, SHOP_URL="https://shop.example")

    for command in (["check"], ["push-catalog"], ["import-brand", "--dry-run"]):
        result = app.test_cli_runner().invoke(args=["notify-me", *command])
        assert isinstance(result.exception, SystemExit | None), (command, result.exception)
        assert result.output
    with app.test_request_context():
        assert admin.health()


def test_commands_do_not_wait_for_days(
    make_app: Callable[..., Flask],
    klaviyo: FakeKlaviyo,
    catalog: DictCatalog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(catalog, "composite_ids", lambda: [*catalog.variants], raising=False)
    klaviyo.status, klaviyo.response_headers = 429, {"Retry-After": "999999"}
    app = make_app(KLAVIYO_API_URL=klaviyo.url, SHOP_URL="https://shop.example")

    for command in (["check"], ["push-catalog"], ["import-brand", "--dry-run"]):
        result = app.test_cli_runner().invoke(args=["notify-me", *command])
        assert result.exit_code != 0
        assert "limiting requests" in result.output
    assert len(klaviyo.headers) == 3


def test_acceptances_reuse_the_connection_and_keep_no_cookie(
    shopper: FlaskClient, klaviyo: FakeKlaviyo, log_file: LogFile
) -> None:
    """The body of an acceptance is read, whatever it contains. A cookie would link one shopper's
    calls to another shopper's.
    """
    klaviyo.response_headers = {"Set-Cookie": "who=ada; Path=/"}
    bodies = (b"", b"{}", b"not JSON" * 1000, b"")
    for klaviyo.chunked in (False, True):
        for klaviyo.status, klaviyo.body in zip((202, 202, 409, 202), bodies, strict=True):
            assert shopper.post(MUG, data=SIGN_UP).status_code == 303

    assert log_file.states() == ["accepted"] * 8
    assert len(klaviyo.ports) == 1
    assert ["cookie" in headers for headers in klaviyo.headers] == [False] * 8


@pytest.mark.parametrize(
    ("name", "state"),
    [("klaviyo", "queued"), ("klaviyo-list", "accepted"), ("notify-me-delivery", "accepted")],
)
def test_thread_that_cannot_start_loses_no_sign_up(
    offering: Callable[..., Flask],
    log_file: LogFile,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    state: str,
) -> None:
    """If the system can't start a thread, this sign-up and the next one are still confirmed."""
    start = threading.Thread.start

    def fail(thread: threading.Thread) -> None:
        if thread.name == name:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr("notify_me.klaviyo.list_opt_in.KNOWN_TTL", 0.0)
    monkeypatch.setattr(threading.Thread, "start", fail)
    # the delivery thread must not run in the tests' own process
    in_web_process = str(name == "notify-me-delivery").lower()
    app = offering("SMS", NOTIFY_ME_DELIVERY__IN_WEB_PROCESS=in_web_process)
    sign_up = {"phone_number": "+12025550143", "opt_in_promotional_sms": "SMS"}

    for _ in range(2):
        reply = app.test_client().post(MUG, data={"channels": "SMS", **sign_up})
        assert reply.status_code == 303
        assert "You’re on the list" in app.test_client().get(reply.location).text

    assert log_file.states() == [state] * 4


def test_unusual_retry_after_loses_no_sign_up(
    shopper: FlaskClient, klaviyo: FakeKlaviyo, log_file: LogFile
) -> None:
    klaviyo.status = 429
    for value in ("-5", "soon", "Wed, 21 Oct 2099 25:28:00 GMT"):
        klaviyo.response_headers = {"Retry-After": value}
        reply = shopper.post(MUG, data=SIGN_UP)
        assert "You’re on the list" in shopper.get(reply.location).text

    assert log_file.states() == ["queued"] * 3
    assert len(klaviyo.headers) == 3


def test_date_in_retry_after_is_respected(
    shopper: FlaskClient, klaviyo: FakeKlaviyo, log_file: LogFile
) -> None:
    """Klaviyo sends seconds; a proxy may send a date."""
    klaviyo.status = 429
    klaviyo.response_headers = {"Retry-After": http_date(datetime.now(UTC) + timedelta(hours=1))}

    shopper.post(MUG, data=SIGN_UP)

    [job] = log_file.queued()
    assert (job["delay_until_epoch_ms"] - job["created_at"]) / 1000 > 500


def test_redirect_is_not_followed(
    shopper: FlaskClient, klaviyo: FakeKlaviyo, sandbox: Sandbox, log_file: LogFile
) -> None:
    """The key and the contact are only sent to Klaviyo."""
    location = f"{sandbox.url}/api/back-in-stock-subscriptions"
    klaviyo.status, klaviyo.response_headers = 307, {"Location": location}

    assert shopper.post(MUG, data=SIGN_UP).status_code == 303

    assert log_file.states() == ["queued"]
    assert sandbox.requests() == []


def test_netrc_does_not_replace_the_key(
    client: FlaskClient, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))

    assert client.post(MUG, data=SIGN_UP).status_code == 303

    [call] = sandbox.requests()
    assert call["headers"]["Authorization"].startswith("Klaviyo-API-Key ")


@pytest.mark.usefixtures("short_deadline")
def test_dripping_headers_do_not_occupy_slots_beyond_the_deadline(
    make_app: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile
) -> None:
    app = make_app()
    sandbox.drill("drip-headers", times=4, seconds=0.5)

    def sign_up() -> str:
        app.test_client().post(MUG, data=SIGN_UP)
        return log_file.states()[-1]

    side_by_side(sandbox, *[sign_up] * 5)

    assert log_file.states() == ["queued"] * 5
    assert eventually(lambda: sign_up() == "accepted")
