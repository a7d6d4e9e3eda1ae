"""Every way in which Klaviyo answers: what the shopper reads, what is sent, what is logged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from klaviyo_sandbox.protocol.failures import KINDS
from notify_me.klaviyo.calls import Operation
from notify_me.klaviyo.outcomes import KlaviyoResponse, Misconfigured, Temporary, outcome_of
from tests.notify_me.conftest import LogFile, side_by_side
from tests.notify_me.markup import post_form, view
from tests.notify_me.small_shop import DictCatalog
from tests.support import Sandbox

PREFIX = "$custom:::$default:::"
MUG = f"/notify-me/{PREFIX}MUG"
CHOOSE = f"/notify-me/{PREFIX}PARKA-S-MOSS?choose=1"
ELEMENT = {"X-Notify-Me": "1"}
ADA = "Ada.Lovelace@example.org"
SIGN_UP: dict[str, Any] = {"channels": "EMAIL", "email": ADA}

UNAVAILABLE = "We can't take sign-ups right now. Please try again later."
TRY_AGAIN = "That didn't go through. Please try again in a moment."

ways = pytest.mark.parametrize("headers", [{}, ELEMENT], ids=["page", "element"])


@dataclass(frozen=True)
class Expected:
    """What one answer of Klaviyo's comes to."""

    state: str
    words: str
    logged: str
    outcome: str
    field: str = ""
    """For `invalid`: the field beside which the words stand."""

    @property
    def status(self) -> int:
        """The reply's status to the element."""
        return {"done": 200, "invalid": 422, "failed": 503}[self.state]


DONE = Expected("done", "You're on the list", "accepted", "Accepted")
TEMPORARY = Expected("done", "You're on the list", "queued", "Temporary")
MISCONFIGURED = Expected("failed", UNAVAILABLE, "failed", "Misconfigured")
PARKED = Expected("failed", UNAVAILABLE, "failed", "DeadLetter")
TABLE = {
    "400-email": Expected(
        "invalid",
        "This email address wasn't accepted. Please check it.",
        "refused",
        "Refused",
        "email",
    ),
    # an email sign-up has no phone field: there is nothing that the shopper can mend
    "400-phone": Expected("failed", UNAVAILABLE, "refused", "Refused"),
    "404-variant": Expected(
        "invalid",
        "Alerts aren't available for this option yet.",
        "refused",
        "Refused",
        "variants",
    ),
    "400-unknown-pointer": PARKED,
    "400-list": MISCONFIGURED,
    "401": MISCONFIGURED,
    "403": MISCONFIGURED,
    "404-revision": MISCONFIGURED,
    "405": PARKED,
    "409": DONE,
    "410": MISCONFIGURED,
    "415": PARKED,
    "429": TEMPORARY,
    "500": TEMPORARY,
    "503": TEMPORARY,
    "html": TEMPORARY,
    "drop": TEMPORARY,
    # a server is never asked for a preflight, and an email alone can't be half taken
    "cors": DONE,
    "partial": DONE,
}
HANGING = {
    "slow": 600,
    # each byte comes well before a read would time out
    "drip": 0.7,
    "drip-headers": 0.7,
}


def test_the_table_is_whole() -> None:
    """Each drill of the sandbox's is driven here."""
    assert TABLE.keys() | HANGING.keys() == set(KINDS)


def is_as_expected(reply: TestResponse, expected: Expected) -> None:
    """The reply has the state, the words where they belong, and what was typed."""
    if reply.json is not None:
        assert (reply.json["state"], reply.json["calls"]) == (expected.state, [])
    root = view(reply)
    if expected.state == "done":
        assert root.all("form", method="post") == []
        assert ADA not in reply.text
        assert expected.words in root.text
        return
    assert post_form(root).one("input", name="email")["value"] == ADA
    [alert] = [each for each in root.all(class_="notify-me__alert") if each.tag == "p"]
    beside = {
        each["id"].rsplit("-", 2)[-2]: each.text for each in root.all(class_="notify-me__error")
    }
    if expected.state == "failed":
        assert (alert["role"], alert.text, "hidden" in alert) == ("alert", expected.words, False)
        assert beside == {}
    else:
        assert ("hidden" in alert, alert.text) == (True, "")
        assert beside == {expected.field: expected.words}


def send(client: FlaskClient, path: str, headers: dict[str, str], **data: Any) -> TestResponse:
    """Send a sign-up; a page's redirect to its done page is followed."""
    reply = client.post(path, data={**SIGN_UP, **data}, headers=headers)
    return client.get(reply.location) if reply.status_code == 303 else reply


@pytest.mark.parametrize(("kind", "expected"), TABLE.items(), ids=TABLE)
@ways
def test_an_answer(
    client: FlaskClient,
    sandbox: Sandbox,
    log_file: LogFile,
    lines: list[str],
    kind: str,
    expected: Expected,
    headers: dict[str, str],
) -> None:
    """State, status, words, what was typed, one call, its row in the log, and its log line."""
    sandbox.drill(kind)

    reply = send(client, MUG, headers)

    assert reply.status_code == expected.status
    is_as_expected(reply, expected)
    [call] = sandbox.requests()
    [logged] = log_file.calls()
    assert logged["state"] == expected.logged
    assert logged["status"] == call["status"]
    error = call["reply"]["errors"][0] if isinstance(call["reply"], dict) else {}
    assert logged["code"] == error.get("code", "")
    assert logged["error_id"] == error.get("id", "")
    assert logged["settled_at"] is not None
    [line] = lines
    assert f": {expected.outcome}: create_back_in_stock_subscription for {PREFIX}MUG," in line


@pytest.mark.usefixtures("short_deadline")
@pytest.mark.parametrize("kind", HANGING)
def test_an_answer_that_does_not_end_is_not_waited_for(
    app: Flask, sandbox: Sandbox, log_file: LogFile, lines: list[str], kind: str
) -> None:
    """The shopper has a reply while Klaviyo's answer is still under way."""
    sandbox.drill(kind, times=2, seconds=HANGING[kind])

    replies = side_by_side(
        sandbox,
        lambda: send(app.test_client(), MUG, {}),
        lambda: send(app.test_client(), MUG, ELEMENT),
    )

    assert [call["finished"] for call in sandbox.requests()] == [False, False]
    for reply in replies:
        assert reply.status_code == 200
        is_as_expected(reply, TEMPORARY)
    assert log_file.states() == ["queued", "queued"]
    assert [line.startswith("WARNING notify_me.delivery: Temporary") for line in lines] == [
        True,
        True,
    ]


@pytest.mark.usefixtures("short_deadline")
def test_all_calls_share_one_deadline(
    client: FlaskClient, sandbox: Sandbox, log_file: LogFile, three: list[str]
) -> None:
    """When the first has used it up, the others are not made."""
    sandbox.drill("slow", seconds=600)

    [reply] = side_by_side(sandbox, lambda: send(client, CHOOSE, ELEMENT, variants=three))

    assert reply.status_code == 200
    [call] = sandbox.requests()
    assert call["finished"] is False
    assert log_file.states() == ["queued"] * 3


def test_klaviyo_out_of_reach(
    make_app: Callable[..., Flask], log_file: LogFile, lines: list[str]
) -> None:
    """Without a connection it is the same as without an answer."""
    client = make_app(KLAVIYO_API_URL="http://127.0.0.1:1").test_client()

    reply = send(client, MUG, {})

    assert reply.status_code == 200
    is_as_expected(reply, TEMPORARY)
    assert log_file.states() == ["queued"]
    [line] = lines
    assert "status none" in line
    assert "no response (ConnectionError)" in line


def test_a_queued_call_waits_as_long_as_klaviyo_asked(
    client: FlaskClient, sandbox: Sandbox, log_file: LogFile
) -> None:
    """A worker that takes it up sooner would only be throttled again."""
    sandbox.drill("429", retry_after=600)

    send(client, MUG, ELEMENT)

    [job] = log_file.queued()
    assert job["delay_until_epoch_ms"] >= job["created_at"] + 600_000


def test_a_page_of_html_is_not_klaviyos_refusal() -> None:
    """Whatever stands between shop and Klaviyo may answer 403; the call is made again later."""
    page = KlaviyoResponse(403, {"Content-Type": "text/html; charset=utf-8"})

    assert isinstance(outcome_of(page, Operation.BACK_IN_STOCK), Temporary)
    assert isinstance(outcome_of(KlaviyoResponse(403), Operation.BACK_IN_STOCK), Misconfigured)


def test_after_a_failure_the_same_form_goes_through(
    client: FlaskClient, sandbox: Sandbox, log_file: LogFile
) -> None:
    """The reply's own form, sent as it stands, is the second try."""
    sandbox.drill("415")
    form = post_form(view(send(client, MUG, {})))

    reply = client.post(form["action"], data=dict(form.form_data()))

    assert reply.status_code == 303
    assert log_file.states() == ["failed", "accepted"]
    assert len(sandbox.waiting()) == 1


@pytest.fixture
def three(catalog: DictCatalog) -> list[str]:
    """The parka's three sold-out variants, S, M and L in Moss."""
    options = {"Size": "S", "Colour": "Moss"}
    catalog.add("parka", "Harbour Parka", "PARKA-S-MOSS", 0, options=options)
    return [f"{PREFIX}PARKA-{size}-MOSS" for size in "SML"]


@ways
def test_one_of_several_unknown_to_klaviyo(
    client: FlaskClient,
    sandbox: Sandbox,
    log_file: LogFile,
    three: list[str],
    headers: dict[str, str],
) -> None:
    """Two are taken, and the third is named with the reason."""
    sandbox.unknown(three[1])

    reply = send(client, CHOOSE, headers, variants=three)

    assert reply.status_code == 200
    root = view(reply)
    assert "on the list" in root.text
    assert "S / Moss" in root.one("p", class_="notify-me__body").text
    assert "L / Moss" in root.one("p", class_="notify-me__body").text
    assert [each.text for each in root.all("li")] == [
        "Harbour Parka (M / Moss): Alerts aren't available for this option yet."
    ]
    assert [each["variant"] for each in sandbox.waiting()] == [three[0], three[2]]
    assert log_file.states() == ["accepted", "refused", "accepted"]


@ways
def test_all_of_several_unknown_to_klaviyo(
    client: FlaskClient,
    sandbox: Sandbox,
    log_file: LogFile,
    three: list[str],
    headers: dict[str, str],
) -> None:
    """Nothing was taken: the form says so once, with everything still chosen."""
    sandbox.unknown(*three)

    reply = send(client, CHOOSE, headers, variants=three)

    assert reply.status_code == 422
    root = view(reply)
    assert [each.text for each in root.all(class_="notify-me__error")] == [
        "Alerts aren't available for this option yet."
    ]
    chosen = [value for name, value in post_form(root).form_data() if name == "variants"]
    assert sorted(chosen) == sorted(three)
    assert log_file.states() == ["refused"] * 3


@pytest.mark.parametrize(
    ("kind", "calls"),
    [("401", 1), ("403", 1), ("404-revision", 1), ("410", 1), ("415", 3)],
)
def test_misconfigured_on_the_first_call_stops_the_rest(
    client: FlaskClient,
    sandbox: Sandbox,
    log_file: LogFile,
    three: list[str],
    kind: str,
    calls: int,
) -> None:
    """A wrong key is as wrong for the next variant; another failure may be that call's alone."""
    sandbox.drill(kind, times=None)

    reply = send(client, CHOOSE, ELEMENT, variants=three)

    assert reply.status_code == 503
    assert len(sandbox.requests()) == calls
    assert log_file.states() == ["failed"] * 3
    assert [row["status"] is not None for row in log_file.calls()].count(True) == calls


@ways
def test_misconfigured_after_an_acceptance(
    client: FlaskClient,
    sandbox: Sandbox,
    log_file: LogFile,
    three: list[str],
    headers: dict[str, str],
) -> None:
    """The shopper has a promise by then: the rest is kept, and nothing more goes out now."""
    sandbox.drill("409")
    sandbox.drill("401")

    reply = send(client, CHOOSE, headers, variants=three)

    assert reply.status_code == 200
    root = view(reply)
    for size in "SML":
        assert f"{size} / Moss" in root.one("p", class_="notify-me__body").text
    assert root.all("li") == []
    assert [call["status"] for call in sandbox.requests()] == [409, 401]
    assert log_file.states() == ["accepted", "queued", "queued"]


@ways
def test_a_refusal_among_failures_is_not_lost(
    client: FlaskClient,
    sandbox: Sandbox,
    log_file: LogFile,
    three: list[str],
    headers: dict[str, str],
) -> None:
    """One unknown variant, named with the reason; the two that met a failure are kept."""
    sandbox.drill("404-variant")
    sandbox.drill("500", times=2)

    reply = send(client, CHOOSE, headers, variants=three)

    assert reply.status_code == 200
    [missed] = view(reply).all("li")
    assert "aren't available for this option yet" in missed.text
    assert log_file.states() == ["refused", "queued", "queued"]


CURES = {
    "401": "check KLAVIYO_PRIVATE_KEY",
    "403": "needs catalogs:write and profiles:write",
    "404-revision": "check KLAVIYO_REVISION",
    "410": "set KLAVIYO_REVISION to a newer one",
    "400-list": "KLAVIYO_LIST_ID",
    "404-variant": "has no variant with this composite ID",
    "400-unknown-pointer": "at /data/attributes/other",
    "405": "answered 405",
    "415": "answered 415",
    "429": "retry after 7 s",
    "500": "answered 500",
    "html": "answered 502",
    "drop": "no response (ConnectionError)",
}
LOUD = {"Misconfigured": "ERROR", "DeadLetter": "ERROR", "Temporary": "WARNING", "Refused": "INFO"}


@pytest.mark.parametrize(("kind", "cure"), CURES.items(), ids=CURES)
def test_the_log_line_says_what_to_do(
    client: FlaskClient,
    sandbox: Sandbox,
    log_file: LogFile,
    lines: list[str],
    kind: str,
    cure: str,
) -> None:
    """How loud, which outcome, call, variant and sign-up, Klaviyo's error, and the cure."""
    sandbox.drill(kind, **({"retry_after": 7} if kind == "429" else {}))

    send(client, MUG, {})

    [line] = lines
    [call] = sandbox.requests()
    [sign_up] = log_file.sign_ups()
    error = call["reply"]["errors"][0] if isinstance(call["reply"], dict) else {}
    outcome = TABLE[kind].outcome
    assert line.startswith(f"{LOUD[outcome]} notify_me.delivery: {outcome}: ")
    for part in (
        f"create_back_in_stock_subscription for {PREFIX}MUG, sign-up {sign_up['id']}",
        f"status {call['status'] or 'none'}",
        f"code {error.get('code', 'none')}",
        f"error {error.get('id', 'none')}",
        cure,
    ):
        assert part in line
    assert "ada@" not in line.lower()
    assert "example.org" not in line


def test_an_unwatched_variant_is_named_to_the_operator(
    client: FlaskClient, sandbox: Sandbox, lines: list[str]
) -> None:
    """The line about a variant unknown to Klaviyo names its composite ID."""
    sandbox.unknown(f"{PREFIX}MUG")

    send(client, MUG, {})

    assert [f"{PREFIX}MUG" in line for line in lines] == [True]


def served(lines: list[str]) -> list[str]:
    """The lines about the revision."""
    return [line for line in lines if "KLAVIYO_REVISION" in line]


def test_a_reply_of_another_revision_is_logged_once(
    make_app: Callable[..., Flask], sandbox: Sandbox, lines: list[str]
) -> None:
    """A retired revision is served by an older one that is itself about to go: two lines."""
    client = make_app(KLAVIYO_REVISION="2023-07-15").test_client()

    for _ in range(3):
        assert send(client, MUG, ELEMENT).status_code == 200

    first = sandbox.requests()[0]["reply_headers"]
    assert served(lines) == [
        "WARNING notify_me.klaviyo.client: requested API revision 2023-07-15, Klaviyo served "
        f"{first['X-Klaviyo-Api-Revision']}: check KLAVIYO_REVISION",
        "WARNING notify_me.klaviyo.client: Klaviyo retires API revision 2023-07-15 on "
        f"{first['X-Klaviyo-Api-Retirement-Date']}: check KLAVIYO_REVISION",
    ]


def test_a_revision_that_will_be_retired_is_logged_once(
    make_app: Callable[..., Flask], lines: list[str]
) -> None:
    """A year and a half old, it works on, and the line names the day on which it won't."""
    old = (datetime.now(UTC) - timedelta(days=548)).date()
    client = make_app(KLAVIYO_REVISION=old.isoformat()).test_client()

    for _ in range(2):
        assert send(client, MUG, ELEMENT).status_code == 200

    [line] = served(lines)
    assert f"retires API revision {old} on {old.year + 2}-" in line


def test_a_revision_in_use_is_no_news(client: FlaskClient, lines: list[str]) -> None:
    """The revision that the kit asks for by itself causes no line."""
    send(client, MUG, ELEMENT)

    assert len(lines) == 1
    assert served(lines) == []
