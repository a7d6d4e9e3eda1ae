"""Calls on the wire, against a server that answers as it is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, request
from flask.testing import FlaskClient

from tests.notify_me.conftest import LogFile, side_by_side
from tests.notify_me.markup import view
from tests.support import Sandbox, eventually, serve

MUG = "/notify-me/$custom:::$default:::MUG"
SIGN_UP = {"channels": "EMAIL", "email": "ada@example.org"}
JSON_API = "application/vnd.api+json"


class Teller:
    """A server that gives the answer it was told, and remembers what it was sent."""

    def __init__(self) -> None:
        self.answer = Response(status=202)
        self.headers: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.url = ""

    def reply(self, path: str) -> Response:
        """The view of every path."""
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        self.bodies.append(request.get_data())
        return self.answer


@pytest.fixture
def teller() -> Iterator[Teller]:
    """The server, on a real socket."""
    teller = Teller()
    app = Flask("teller")
    app.add_url_rule("/<path:path>", "reply", teller.reply, methods=["GET", "POST"])
    with serve(app) as url:
        teller.url = url
        yield teller


@pytest.fixture
def shopper(make_app: Callable[..., Flask], teller: Teller) -> FlaskClient:
    """A browser in front of a shop whose Klaviyo is the teller."""
    return make_app(KLAVIYO_API_URL=teller.url).test_client()


def error(**members: Any) -> dict[str, Any]:
    """An error body with one error, which has what is certain and these members."""
    certain = {"id": "e-1", "code": "invalid", "title": "Invalid input.", "detail": "No."}
    return {"errors": [{**certain, **members}]}


EMAIL = "/data/attributes/profile/data/attributes/email"
BODIES: dict[str, tuple[int, Any, int, str]] = {
    "pointer of the body sent": (400, error(source={"pointer": EMAIL}), 422, "email address"),
    "flat pointer": (400, error(source={"pointer": "/data/attributes/email"}), 422, "email addr"),
    "pointer with a slash at its end": (
        400,
        error(source={"pointer": EMAIL + "/"}),
        422,
        "email address",
    ),
    "the first of two errors": (
        400,
        {"errors": error(source={"pointer": EMAIL})["errors"] + error()["errors"]},
        422,
        "email address",
    ),
    "links and meta as lists": (
        400,
        error(source={"pointer": EMAIL}, links=[], meta=[]),
        422,
        "email address",
    ),
    "bad company ID": (400, error(source={"pointer": "/data"}), 503, "can't take sign-ups"),
    "unknown list": (
        400,
        error(source={"pointer": "/data/relationships/list/data/id"}),
        503,
        "can't take sign-ups",
    ),
    "a parameter for a source": (400, error(source={"parameter": "x"}), 503, "can't take"),
    "no source": (400, error(), 503, "can't take sign-ups"),
    "a source that is null": (400, error(source=None), 503, "can't take sign-ups"),
    "a source that is text": (400, error(source="email"), 503, "can't take sign-ups"),
    "a code that is null": (400, error(code=None), 503, "can't take sign-ups"),
    "no errors": (400, {"errors": []}, 503, "can't take sign-ups"),
    "errors that are no objects": (400, {"errors": [None, "x", 5]}, 503, "can't take sign-ups"),
    "errors that are no list": (400, {"errors": {"code": "invalid"}}, 503, "can't take sign-ups"),
    "a list": (400, [], 503, "can't take sign-ups"),
    "not JSON": (400, "<h1>Bad Request</h1>", 503, "can't take sign-ups"),
    "not UTF-8": (400, b"\xff\xfe\x00", 503, "can't take sign-ups"),
    "empty": (400, "", 503, "can't take sign-ups"),
    "404 of an unknown variant": (404, error(code="variant_not_found"), 422, "aren't available"),
    "404 of another kind": (404, error(code="not_found"), 503, "can't take sign-ups"),
    "404 without a body": (404, "", 503, "can't take sign-ups"),
    "429 whose pointer is a bad company ID's": (
        429,
        error(code="throttled", source={"pointer": "/data"}),
        200,
        "You're on the list",
    ),
    "200, which is no acceptance": (200, "{}", 200, "You're on the list"),
    "204": (204, "", 200, "You're on the list"),
    "an error of 5 MB": (500, "x" * 5_000_000, 200, "You're on the list"),
    "a refusal of 5 MB": (400, "x" * 5_000_000, 503, "can't take sign-ups"),
    "418": (418, error(), 503, "can't take sign-ups"),
}


@pytest.mark.parametrize(("status", "body", "reply", "words"), BODIES.values(), ids=BODIES)
def test_an_answers_body_is_read_with_care(
    shopper: FlaskClient, teller: Teller, status: int, body: Any, reply: int, words: str
) -> None:
    """Whatever stands in it, the shopper gets a sentence, decided by status, code and pointer."""
    raw = body if isinstance(body, str | bytes) else json.dumps(body)
    teller.answer = Response(raw, status=status, content_type=JSON_API)

    got = shopper.post(MUG, data=SIGN_UP, headers={"X-Notify-Me": "1"})

    assert got.status_code == reply
    assert words in view(got).text
    assert len(teller.bodies) == 1


@pytest.mark.parametrize(
    ("status", "body"), [(202, ""), (202, "{}"), (409, ""), (409, json.dumps(error()))]
)
def test_an_acceptance_needs_no_body(
    shopper: FlaskClient, teller: Teller, status: int, body: str
) -> None:
    """202 says it all, and so does the 409 of a repeat."""
    teller.answer = Response(body, status=status, content_type=JSON_API)

    assert shopper.post(MUG, data=SIGN_UP).status_code == 303


def test_a_redirect_is_not_followed(shopper: FlaskClient, teller: Teller, sandbox: Sandbox) -> None:
    """Whoever redirects must not be sent the key or the address."""
    location = f"{sandbox.url}/api/back-in-stock-subscriptions"
    teller.answer = Response(status=307, headers={"Location": location})

    assert shopper.post(MUG, data=SIGN_UP).status_code == 303

    assert sandbox.requests() == []


def test_a_cookie_is_not_kept(shopper: FlaskClient, teller: Teller) -> None:
    """One shopper's call must not carry anything of another's."""
    teller.answer = Response(status=202, headers={"Set-Cookie": "who=ada; Path=/"})

    for _ in range(2):
        assert shopper.post(MUG, data=SIGN_UP).status_code == 303

    assert ["cookie" in headers for headers in teller.headers] == [False, False]


def test_a_netrc_does_not_replace_the_key(
    client: FlaskClient, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a developer keeps there for the same host is not what Klaviyo is sent."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))

    assert client.post(MUG, data=SIGN_UP).status_code == 303

    [call] = sandbox.requests()
    assert call["headers"]["Authorization"].startswith("Klaviyo-API-Key ")


@pytest.mark.usefixtures("short_deadline")
def test_dripping_replies_give_their_places_back(
    make_app: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile
) -> None:
    """More calls than there are places drip their headers; the next good one is taken."""
    app = make_app()
    sandbox.drill("drip-headers", times=4, seconds=0.5)

    def sign_up() -> str:
        app.test_client().post(MUG, data=SIGN_UP)
        return log_file.states()[-1]

    side_by_side(sandbox, *[sign_up] * 5)

    assert log_file.states() == ["queued"] * 5
    assert eventually(lambda: sign_up() == "accepted")
