"""Outcomes of a sign-up when Klaviyo refuses it or doesn't respond.

What the shopper and the operator read for every kind of failure, in both modes, is in
`tests/notify_me/web/replies.md`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from notify_me.klaviyo.calls import Operation
from notify_me.klaviyo.outcomes import KlaviyoResponse, Misconfigured, Temporary, outcome_of
from tests.notify_me.conftest import LogFile, side_by_side
from tests.notify_me.markup import post_form, view
from tests.notify_me.small_shop import DictCatalog
from tests.support import Sandbox

PREFIX = "$custom:::$default:::"
MUG = f"/notify-me/{PREFIX}MUG"
PARKA = f"/notify-me/{PREFIX}PARKA-S-MOSS?choose=1"
ELEMENT = {"X-Notify-Me": "1"}
ADA = "Ada.Lovelace@example.org"
SIGN_UP: dict[str, Any] = {"channels": "EMAIL", "email": ADA}
DONE = "You’re on the list"


def send(
    client: FlaskClient, path: str, headers: dict[str, str] = ELEMENT, **data: Any
) -> TestResponse:
    """Submit a sign-up, and follow a page's redirect to its confirmation."""
    response = client.post(path, data={**SIGN_UP, **data}, headers=headers)
    return client.get(response.location) if response.status_code == 303 else response


def error_of(call: dict[str, Any]) -> dict[str, Any]:
    """Return the error in the sandbox's response to a call; empty if it has none."""
    error: dict[str, Any] = {}
    if isinstance(call["reply"], dict):
        error = call["reply"]["errors"][0]
    return error


@pytest.mark.parametrize(
    ("drill", "status", "state"),
    [
        ("400-email", 422, "refused"),
        ("401", 503, "failed"),
        ("415", 503, "failed"),
        ("503", 200, "queued"),
        ("drop", 200, "queued"),
        ("409", 200, "accepted"),
    ],
)
def test_page_shows_the_outcome_and_the_log_records_it(
    client: FlaskClient,
    sandbox: Sandbox,
    log_file: LogFile,
    drill: str,
    status: int,
    state: str,
) -> None:
    sandbox.drill(drill)

    response = send(client, MUG, {})

    assert response.status_code == status
    root = view(response)
    if status == 200:
        assert DONE in root.text
        # only the reply to the form shows the full address, not the page that it redirects to
        assert (ADA in response.text) == (response.json is not None)
    else:
        assert post_form(root).one("input", name="email")["value"] == ADA
    [call] = sandbox.requests()
    [logged] = log_file.calls()
    assert (logged["state"], logged["status"]) == (state, call["status"])
    assert logged["code"] == error_of(call).get("code", "")
    assert logged["error_id"] == error_of(call).get("id", "")
    assert logged["settled_at"] is not None


# seconds before the response, or between two of its bytes (less than a read timeout)
HANGING = {"slow": 600, "drip": 0.7, "drip-headers": 0.7}


@pytest.mark.usefixtures("short_deadline")
def test_no_response_is_awaited_beyond_the_deadline(
    make_app: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, lines: list[str]
) -> None:
    app = make_app()
    for drill, seconds in HANGING.items():
        sandbox.drill(drill, times=1, seconds=seconds)

    responses = side_by_side(sandbox, *[lambda: send(app.test_client(), MUG)] * len(HANGING))

    assert [call["finished"] for call in sandbox.requests()] == [False] * len(HANGING)
    for response in responses:
        assert response.status_code == 200
        assert DONE in view(response).text
    assert log_file.states() == ["queued"] * len(HANGING)
    assert all(line.startswith("WARNING notify_me.delivery: Temporary") for line in lines)


@pytest.mark.usefixtures("short_deadline")
def test_all_calls_of_a_sign_up_share_one_deadline(
    client: FlaskClient, sandbox: Sandbox, log_file: LogFile, parkas: list[str]
) -> None:
    sandbox.drill("slow", seconds=600)

    [response] = side_by_side(sandbox, lambda: send(client, PARKA, variants=parkas))

    assert response.status_code == 200
    [call] = sandbox.requests()
    assert call["finished"] is False
    assert log_file.states() == ["queued"] * 3


def test_queued_call_waits_as_long_as_klaviyo_asked(
    client: FlaskClient, sandbox: Sandbox, log_file: LogFile
) -> None:
    sandbox.drill("429", retry_after=600)

    send(client, MUG)

    [job] = log_file.queued()
    assert round((job["delay_until_epoch_ms"] - job["created_at"]) / 1000) >= 600


def test_web_page_is_not_a_refusal_by_klaviyo() -> None:
    """A proxy or firewall may return a web page with status 403; the call is retried."""
    page = KlaviyoResponse(403, {"Content-Type": "text/html; charset=utf-8"})

    assert isinstance(outcome_of(page, Operation.BACK_IN_STOCK), Temporary)
    assert isinstance(outcome_of(KlaviyoResponse(403), Operation.BACK_IN_STOCK), Misconfigured)


@pytest.mark.parametrize(
    ("response", "explanation"),
    [
        (KlaviyoResponse(400), "Klaviyo rejected the request body without saying why"),
        (KlaviyoResponse(429), "Klaviyo is rate-limiting requests"),
    ],
)
def test_explanation_omits_details_that_klaviyo_left_out(
    response: KlaviyoResponse, explanation: str
) -> None:
    assert outcome_of(response, Operation.BACK_IN_STOCK).explanation == explanation


def test_form_of_a_failed_sign_up_can_be_submitted_again(
    client: FlaskClient, sandbox: Sandbox, log_file: LogFile
) -> None:
    sandbox.drill("415")
    form = post_form(view(send(client, MUG, {})))

    response = client.post(form["action"], data=dict(form.form_data()))

    assert response.status_code == 303
    assert log_file.states() == ["failed", "accepted"]
    assert len(sandbox.waiting()) == 1


@pytest.fixture
def parkas(catalog: DictCatalog) -> list[str]:
    """The IDs of the parka's three sold-out variants: S, M and L in Moss."""
    options = {"Size": "S", "Colour": "Moss"}
    catalog.add("parka", "Harbour Parka", "PARKA-S-MOSS", 0, options=options)
    return [f"{PREFIX}PARKA-{size}-MOSS" for size in "SML"]


@pytest.mark.parametrize(("drill", "calls"), [("401", 1), ("403", 1), ("415", 3)])
def test_misconfiguration_stops_the_remaining_calls(
    client: FlaskClient,
    sandbox: Sandbox,
    log_file: LogFile,
    parkas: list[str],
    drill: str,
    calls: int,
) -> None:
    """A wrong key affects the calls for all variants; another refusal may concern only one call."""
    sandbox.drill(drill, times=None)

    response = send(client, PARKA, variants=parkas)

    assert response.status_code == 503
    assert len(sandbox.requests()) == calls
    assert log_file.states() == ["failed"] * 3
    assert [row["status"] is not None for row in log_file.calls()].count(True) == calls


def test_misconfiguration_after_an_acceptance_queues_the_rest(
    client: FlaskClient, sandbox: Sandbox, log_file: LogFile, parkas: list[str]
) -> None:
    sandbox.drill("409")
    sandbox.drill("401")

    response = send(client, PARKA, variants=parkas)

    assert response.status_code == 200
    root = view(response)
    for size in "SML":
        assert f"{size} / Moss" in root.one("p", class_="notify-me__body").text
    assert root.all("li") == []
    assert [call["status"] for call in sandbox.requests()] == [409, 401]
    assert log_file.states() == ["accepted", "queued", "queued"]


def test_log_line_identifies_call_and_error_but_not_the_contact(
    client: FlaskClient, sandbox: Sandbox, log_file: LogFile, lines: list[str]
) -> None:
    sandbox.drill("429", retry_after=7)

    send(client, MUG)

    [call] = sandbox.requests()
    [sign_up] = log_file.sign_ups()
    assert lines == [
        "WARNING notify_me.delivery: Temporary: create_back_in_stock_subscription for "
        f"{PREFIX}MUG, sign-up {sign_up['id']} (status 429, code throttled, error "
        f"{error_of(call)['id']}): Klaviyo is rate-limiting requests (Retry-After: 7 s)"
    ]


def revision_lines(lines: list[str]) -> list[str]:
    """Return the log lines about the API revision."""
    return [line for line in lines if "KLAVIYO_REVISION" in line]


def test_replaced_revision_is_logged_once(
    make_app: Callable[..., Flask], sandbox: Sandbox, lines: list[str]
) -> None:
    """Instead of a retired revision, Klaviyo serves the oldest revision that it supports, which it
    will also retire.
    """
    client = make_app(KLAVIYO_REVISION="2023-07-15").test_client()

    for _ in range(3):
        assert send(client, MUG).status_code == 200

    headers = sandbox.requests()[0]["reply_headers"]
    served = headers["X-Klaviyo-Api-Revision"]
    assert revision_lines(lines) == [
        f"WARNING notify_me.klaviyo.client: Klaviyo served API revision {served} instead of "
        "2023-07-15: check KLAVIYO_REVISION",
        f"WARNING notify_me.klaviyo.client: Klaviyo retires API revision {served} on "
        f"{headers['X-Klaviyo-Api-Retirement-Date']}: check KLAVIYO_REVISION",
    ]


def test_deprecated_revision_is_logged_once(
    make_app: Callable[..., Flask], lines: list[str]
) -> None:
    old = (datetime.now(UTC) - timedelta(days=548)).date()
    client = make_app(KLAVIYO_REVISION=old.isoformat()).test_client()

    for _ in range(2):
        assert send(client, MUG).status_code == 200

    [line] = revision_lines(lines)
    assert f"retires API revision {old} on {old.year + 2}-" in line


def test_current_revision_is_not_logged(client: FlaskClient, lines: list[str]) -> None:
    send(client, MUG)

    assert len(lines) == 1
    assert revision_lines(lines) == []
