"""Headers, keys, methods and paths: what is refused before the body is looked at."""

from collections.abc import Callable
from typing import Any

import pytest
from requests import Response

from klaviyo_sandbox import Account
from tests.klaviyo_sandbox.conftest import (
    BROWSER_PATH,
    MEDIA_TYPE,
    PHONE,
    SERVER_PATH,
    VARIANT,
    Running,
    body,
)


def first_error(reply: Any) -> dict[str, Any]:
    """Return the first error of a reply."""
    error: dict[str, Any] = reply.json()["errors"][0]
    return error


BAD_SERVER_HEADERS: dict[str, tuple[dict[str, Any], int, str, dict[str, str]]] = {
    "no key": ({"Authorization": None}, 401, "not_authenticated", {"pointer": "/data/"}),
    "empty key": (
        {"Authorization": "Klaviyo-API-Key "},
        401,
        "not_authenticated",
        {"pointer": "/data/"},
    ),
    "another scheme": (
        {"Authorization": "Bearer {private}"},
        401,
        "not_authenticated",
        {"pointer": "/data/"},
    ),
    "the key alone": (
        {"Authorization": "{private}"},
        401,
        "not_authenticated",
        {"pointer": "/data/"},
    ),
    "another key": (
        {"Authorization": "Klaviyo-API-Key {private}0"},
        401,
        "not_authenticated",
        {"pointer": "/data/"},
    ),
    "a key that is not ASCII": (
        {"Authorization": "Klaviyo-API-Key clé".encode("latin-1")},
        401,
        "not_authenticated",
        {"pointer": "/data/"},
    ),
    "the public key": (
        {"Authorization": "Klaviyo-API-Key {public}"},
        401,
        "not_authenticated",
        {"pointer": "/data/"},
    ),
    "no revision": ({"revision": None}, 400, "invalid", {"parameter": "revision"}),
    "a revision that is no date": (
        {"revision": "latest"},
        400,
        "invalid",
        {"parameter": "revision"},
    ),
    "a revision of no calendar": (
        {"revision": "2026-02-30"},
        400,
        "invalid",
        {"parameter": "revision"},
    ),
    "a revision without hyphens": (
        {"revision": "20260715"},
        400,
        "invalid",
        {"parameter": "revision"},
    ),
    "a beta revision": (
        {"revision": "2026-07-15.pre"},
        400,
        "invalid",
        {"parameter": "revision"},
    ),
    "a revision in the future": (
        {"revision": "2026-11-25"},
        404,
        "not_found",
        {"pointer": "/data/"},
    ),
    "no content type": (
        {"Content-Type": None},
        415,
        "unsupported_media_type",
        {"pointer": "/data/"},
    ),
    "plain JSON": (
        {"Content-Type": "application/json"},
        415,
        "unsupported_media_type",
        {"pointer": "/data/"},
    ),
    "a form": (
        {"Content-Type": "application/x-www-form-urlencoded"},
        415,
        "unsupported_media_type",
        {"pointer": "/data/"},
    ),
}


@pytest.mark.parametrize(
    ("headers", "status", "code", "source"), BAD_SERVER_HEADERS.values(), ids=BAD_SERVER_HEADERS
)
def test_bad_headers_are_refused(
    sandbox: Running, headers: dict[str, Any], status: int, code: str, source: dict[str, str]
) -> None:
    """Every header that Klaviyo would refuse has its status, code and pointer."""
    reply = sandbox.server_call(b"not even JSON", **filled(headers, sandbox.account))

    error = first_error(reply)
    assert (status, code, source) == (reply.status_code, error["code"], error["source"])
    assert sandbox.account.private_key not in reply.text


def filled(headers: dict[str, Any], account: Account) -> dict[str, Any]:
    """Return the headers with the account's keys written in."""
    return {
        name: value.format(private=account.private_key, public=account.public_key)
        if isinstance(value, str)
        else value
        for name, value in headers.items()
    }


@pytest.mark.parametrize("company_id", ["WRONG1", "*", " "])
def test_a_bad_company_id_points_at_data(sandbox: Running, company_id: str) -> None:
    """The browser's side knows the account by its public key alone."""
    reply = sandbox.browser_call(company_id=company_id)

    error = first_error(reply)
    assert (
        reply.status_code,
        error["code"],
        error["source"]["pointer"],
    ) == (400, "invalid", "/data")


def test_a_missing_company_id_points_at_data(sandbox: Running) -> None:
    """Without a company ID nobody knows whose list it is."""
    headers = {"revision": "2026-07-15", "Content-Type": MEDIA_TYPE}
    reply = sandbox.ask("POST", BROWSER_PATH, json=body(), headers=headers)

    assert (reply.status_code, first_error(reply)["source"]["pointer"]) == (400, "/data")


@pytest.mark.parametrize("path", [SERVER_PATH, BROWSER_PATH])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_another_method_is_405(sandbox: Running, path: str, method: str) -> None:
    """A path that is there takes POST alone, and says so."""
    reply = sandbox.ask(method, path)

    assert (reply.status_code, reply.headers["Allow"]) == (405, "POST")
    if method != "HEAD":
        assert first_error(reply)["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    "path", ["/api/catalog-categories", "/client/events", f"/api/{SERVER_PATH}", "/api//x"]
)
def test_another_path_is_404(sandbox: Running, path: str) -> None:
    """What the sandbox doesn't offer is 404 in Klaviyo's form, and recorded."""
    reply = sandbox.ask("POST", path, json=body())

    assert (reply.status_code, first_error(reply)["code"]) == (404, "not_found")
    assert [path] == [entry["path"] for entry in sandbox.read("requests")]


def test_a_huge_body_is_413(sandbox: Running) -> None:
    """A body over a megabyte isn't read, and the connection survives to say so."""
    reply = sandbox.server_call(b" " * 1_000_001)

    assert (reply.status_code, first_error(reply)["code"]) == (413, "payload_too_large")
    assert sandbox.read("requests")[0]["status"] == 413


def test_a_charset_is_no_other_content_type(sandbox: Running) -> None:
    """Parameters of the content type are let through."""
    reply = sandbox.server_call(Content_Type=f"{MEDIA_TYPE}; charset=utf-8")

    assert reply.status_code == 202


@pytest.mark.parametrize(
    "carrier", ["Authorization header", "company_id", "body", "other key in the body", "cookie"]
)
def test_a_private_key_in_a_browser_is_refused_loudly(sandbox: Running, carrier: str) -> None:
    """Wherever a browser carries a private key, the call is refused, marked, and told why."""
    key = sandbox.account.private_key
    calls: dict[str, Callable[[], Response]] = {
        "Authorization header": lambda: sandbox.browser_call(
            Authorization=f"Klaviyo-API-Key {key}"
        ),
        "company_id": lambda: sandbox.browser_call(company_id=key),
        "body": lambda: sandbox.browser_call(body(variant=f"{VARIANT}{key}")),
        "other key in the body": lambda: sandbox.browser_call(
            body(email="a@shop.example.org", private_key="pk_" + "0a" * 17)
        ),
        "cookie": lambda: sandbox.browser_call(Cookie=f"key={key}"),
    }

    reply = calls[carrier]()

    error = first_error(reply)
    assert (
        reply.status_code,
        error["code"],
        error["source"]["pointer"],
    ) == (400, "invalid", "/data")
    assert "A browser must never send a private key" in error["detail"]
    entry = sandbox.read("requests")[0]
    assert entry["leak"] is True
    assert any("must never send a private key" in problem for problem in entry["problems"])
    assert sandbox.read("waiting") == []


def test_an_ordinary_call_is_no_leak(sandbox: Running) -> None:
    """A browser's good call is recorded without a problem and without the mark."""
    sandbox.browser_call(body(channels=["SMS"], phone_number=PHONE))

    entry = sandbox.read("requests")[0]
    assert (entry["status"], entry["leak"], entry["problems"]) == (202, False, [])


def test_a_server_at_the_browsers_side_is_remarked(sandbox: Running) -> None:
    """A server may not use `/client`, nor a browser `/api`; the record tells both."""
    sandbox.browser_call(Origin=None)
    sandbox.server_call(Origin="http://127.0.0.1:5000")

    first, second = sandbox.read("requests")
    assert "A server called /client" in first["problems"][0]
    assert "A browser called /api" in second["problems"][0]
