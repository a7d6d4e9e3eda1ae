"""Headers, keys, revisions, methods, paths and CORS: what is checked before the body."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.klaviyo_sandbox.conftest import (
    BROWSER_OPERATION,
    BROWSER_PATH,
    MEDIA_TYPE,
    PHONE,
    PREFLIGHT,
    SERVER_PATH,
    SHOP,
    VARIANT,
    RunningSandbox,
    body,
    error_of,
)

UNAUTHENTICATED = (401, "not_authenticated", "/data/")
BAD_REVISION = (400, "invalid", "revision")
UNSUPPORTED = (415, "unsupported_media_type", "/data/")
KEY = "Klaviyo-API-Key"

BAD_HEADERS: dict[str, tuple[dict[str, Any], tuple[int, str, str]]] = {
    "no key": ({"Authorization": None}, UNAUTHENTICATED),
    "empty key": ({"Authorization": f"{KEY} "}, UNAUTHENTICATED),
    "another scheme": ({"Authorization": "Bearer {private}"}, UNAUTHENTICATED),
    "no scheme": ({"Authorization": "{private}"}, UNAUTHENTICATED),
    "another key": ({"Authorization": f"{KEY} {{private}}0"}, UNAUTHENTICATED),
    "key that is not ASCII": ({"Authorization": f"{KEY} clé".encode("latin-1")}, UNAUTHENTICATED),
    "public key": ({"Authorization": f"{KEY} {{public}}"}, UNAUTHENTICATED),
    "no revision": ({"revision": None}, BAD_REVISION),
    "revision that isn't a date": ({"revision": "latest"}, BAD_REVISION),
    "revision that does not exist": ({"revision": "2026-02-30"}, BAD_REVISION),
    "revision without hyphens": ({"revision": "20260715"}, BAD_REVISION),
    "beta revision": ({"revision": "2026-10-15.pre"}, BAD_REVISION),
    "revision in the future": ({"revision": "2026-11-25"}, (404, "not_found", "/data/")),
    "no content type": ({"Content_Type": None}, UNSUPPORTED),
    "plain text": ({"Content_Type": "text/plain"}, UNSUPPORTED),
    "form": ({"Content_Type": "application/x-www-form-urlencoded"}, UNSUPPORTED),
}


@pytest.mark.parametrize(("headers", "error"), BAD_HEADERS.values(), ids=BAD_HEADERS)
def test_bad_headers_are_refused(
    sandbox: RunningSandbox, headers: dict[str, Any], error: tuple[int, str, str]
) -> None:
    """Headers are checked before the body."""
    account = sandbox.account
    [(name, value)] = headers.items()
    if isinstance(value, str):
        value = value.format(private=account.private_key, public=account.public_key)

    reply = sandbox.server_call(b"not even JSON", **{name: value})

    assert error_of(reply) == error
    assert account.private_key not in reply.text


@pytest.mark.parametrize("company_id", ["WRONG1", "*", " "])
def test_bad_company_id_is_refused(sandbox: RunningSandbox, company_id: str) -> None:
    reply = sandbox.browser_call(company_id=company_id)

    assert error_of(reply) == (400, "invalid", "/data")


def test_missing_company_id_is_refused(sandbox: RunningSandbox) -> None:
    headers = {"revision": "2026-10-15", "Content-Type": MEDIA_TYPE}

    reply = sandbox.request("POST", BROWSER_PATH, json=body(), headers=headers)

    assert error_of(reply) == (400, "invalid", "/data")


@pytest.mark.parametrize("path", [SERVER_PATH, BROWSER_PATH])
def test_other_methods_are_405(sandbox: RunningSandbox, path: str) -> None:
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"):
        reply = sandbox.request(method, path)

        assert (reply.status_code, reply.headers["Allow"]) == (405, "POST")
        if method != "HEAD":
            assert error_of(reply)[1] == "method_not_allowed"


@pytest.mark.parametrize(
    "path", ["/api/catalog-categories", "/client/events", f"/api/{SERVER_PATH}", "/api//x"]
)
def test_other_paths_are_404(sandbox: RunningSandbox, path: str) -> None:
    reply = sandbox.request("POST", path, json=body())

    assert error_of(reply)[:2] == (404, "not_found")
    assert [entry["path"] for entry in sandbox.read("requests")] == [path]


def test_large_body_is_413(sandbox: RunningSandbox) -> None:
    reply = sandbox.server_call(b" " * 1_000_001)

    assert error_of(reply)[:2] == (413, "payload_too_large")
    assert sandbox.read("requests")[0]["status"] == 413


@pytest.mark.parametrize("content_type", ["application/json", f"{MEDIA_TYPE}; charset=utf-8"])
def test_content_type_may_be_plain_json_or_have_parameters(
    sandbox: RunningSandbox, content_type: str
) -> None:
    reply = sandbox.server_call(Content_Type=content_type)

    assert reply.status_code == 202


@pytest.mark.parametrize(
    "place", ["Authorization", "company_id", "body", "other key in the body", "cookie"]
)
def test_private_key_from_a_browser_is_refused(sandbox: RunningSandbox, place: str) -> None:
    key = sandbox.account.private_key
    other_key = "pk_" + "0a" * 17
    sent, options = {
        "Authorization": (body(), {"Authorization": f"{KEY} {key}"}),
        "company_id": (body(), {"company_id": key}),
        "body": (body(variant=f"{VARIANT}{key}"), {}),
        "other key in the body": (body(email="a@shop.example.org", private_key=other_key), {}),
        "cookie": (body(), {"Cookie": f"key={key}"}),
    }[place]

    reply = sandbox.browser_call(sent, **options)

    assert error_of(reply) == (400, "invalid", "/data")
    detail = reply.json()["errors"][0]["detail"]
    assert "A browser must never send a private key" in detail
    entry = sandbox.read("requests")[0]
    assert entry["leak"] is True
    assert any("must never send a private key" in problem for problem in entry["problems"])
    assert sandbox.read("waiting") == []


def test_ordinary_call_has_no_problems(sandbox: RunningSandbox) -> None:
    sandbox.browser_call(body(channels=["SMS"], phone_number=PHONE))

    entry = sandbox.read("requests")[0]
    assert (entry["status"], entry["leak"], entry["problems"]) == (202, False, [])


def test_call_from_the_wrong_side_is_a_problem(sandbox: RunningSandbox) -> None:
    sandbox.browser_call(Origin=None)
    sandbox.server_call(Origin=SHOP)

    first, second = sandbox.read("requests")
    assert "A server called /client" in first["problems"][0]
    assert "A browser called /api" in second["problems"][0]


# --- revisions


@pytest.mark.parametrize(
    ("requested", "served", "retires"),
    [
        ("2026-11-24", "2026-11-24", None),
        ("2026-10-15", "2026-10-15", None),
        ("2025-11-25", "2025-11-25", None),
        ("2025-11-24", "2025-11-24", "2027-11-24"),
        ("2025-01-15", "2025-01-15", "2027-01-15"),
        ("2024-11-25", "2024-11-25", "2026-11-25"),
        ("2024-11-24", "2025-01-15", "2027-01-15"),
        ("2024-02-29", "2025-01-15", "2027-01-15"),
        ("2023-07-15", "2025-01-15", "2027-01-15"),
    ],
)
def test_revision_is_served_for_two_years(
    sandbox: RunningSandbox, requested: str, served: str, retires: str | None
) -> None:
    """A revision is deprecated after one year. A retired revision falls forward to the oldest that
    is still served.
    """
    for call in (sandbox.server_call, sandbox.browser_call):
        reply = call(revision=requested)

        assert reply.status_code == 202
        assert reply.headers["X-Klaviyo-Api-Revision"] == served
        assert reply.headers.get("X-Klaviyo-Api-Retirement-Date") == retires


@pytest.mark.parametrize(("requested", "status"), [("2024-11-24", 410), ("2024-11-25", 202)])
def test_caller_may_opt_out_of_falling_forward(
    sandbox: RunningSandbox, requested: str, status: int
) -> None:
    opt_out = {"X-Klaviyo-Revision-Fall-Forward-Opt-Out": "1"}

    reply = sandbox.server_call(revision=requested, **opt_out)

    assert reply.status_code == status
    if status == 410:
        assert error_of(reply)[1] == "gone"


def test_revisions_follow_the_clock(sandbox: RunningSandbox) -> None:
    assert sandbox.server_call(revision="2027-01-15").status_code == 404

    sandbox.clock.now = datetime(2027, 1, 15, tzinfo=UTC)

    assert sandbox.server_call(revision="2027-01-15").status_code == 202


def test_error_reply_names_the_revision(sandbox: RunningSandbox) -> None:
    assert sandbox.server_call({}).headers["X-Klaviyo-Api-Revision"] == "2026-10-15"


# --- CORS


def test_preflight_allows_the_call(sandbox: RunningSandbox) -> None:
    """The preflight is recorded, and must not be cached."""
    reply = sandbox.request("OPTIONS", f"{BROWSER_PATH}?company_id=X", headers=PREFLIGHT)

    assert reply.status_code == 200
    assert {
        name: value for name, value in reply.headers.items() if name.startswith("Access-Control")
    } == {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": "accept, content-type, revision",
        "Access-Control-Max-Age": "0",
    }
    [entry] = sandbox.read("requests")
    assert (entry["method"], entry["origin"], entry["status"]) == ("OPTIONS", SHOP, 200)
    assert (entry["operation"], entry["problems"]) == (BROWSER_OPERATION, [])


def test_preflight_does_not_allow_authorization(sandbox: RunningSandbox) -> None:
    headers = PREFLIGHT | {"Access-Control-Request-Headers": "authorization,revision"}

    reply = sandbox.request("OPTIONS", BROWSER_PATH, headers=headers)

    assert "authorization" not in reply.headers["Access-Control-Allow-Headers"]
    [entry] = sandbox.read("requests")
    assert entry["problems"] == ["Klaviyo doesn't allow browsers to send the authorization header."]


def test_server_side_has_no_cors(sandbox: RunningSandbox) -> None:
    preflight = sandbox.request("OPTIONS", SERVER_PATH, headers=PREFLIGHT)

    assert preflight.status_code == 405
    for reply in (preflight, sandbox.server_call(Origin=SHOP)):
        assert not [name for name in reply.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize(("sent", "status"), [(None, 202), ({}, 400)])
def test_browser_can_read_replies_but_no_headers(
    sandbox: RunningSandbox, sent: object, status: int
) -> None:
    reply = sandbox.browser_call(sent)

    assert (reply.status_code, reply.headers["Access-Control-Allow-Origin"]) == (status, "*")
    assert "Access-Control-Expose-Headers" not in reply.headers
