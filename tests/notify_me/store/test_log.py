"""The sign-up log: written before anything is sent, and updated with the outcomes."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient

from notify_me import Channel, CompositeID
from notify_me.klaviyo.calls import SignUp, build_calls
from notify_me.klaviyo.outcomes import (
    Accepted,
    KlaviyoResponse,
    Misconfigured,
    Outcome,
    Refused,
    Temporary,
)
from notify_me.store.logged import LoggedSignUp
from notify_me.store.sign_up_log import SignUpLog
from tests.notify_me.conftest import LogFile
from tests.notify_me.markup import post_form, view
from tests.notify_me.running_shop import Shop
from tests.notify_me.small_shop import DATABASE, engine_of
from tests.support import TIMEOUT, Sandbox, eventually

PREFIX = "$custom:::$default:::"
MUG = f"/notify-me/{PREFIX}MUG"
CHOOSE = f"/notify-me/{PREFIX}PARKA-M-MOSS?choose=1"
BOTH = [f"{PREFIX}PARKA-M-MOSS", f"{PREFIX}PARKA-L-MOSS"]
ELEMENT = {"X-Notify-Me": "1"}
ADA = "ada@example.org"


def test_a_sign_up_is_stored_before_klaviyo_responds(
    make_shop: Callable[..., Shop], sandbox: Sandbox, log_file: LogFile
) -> None:
    """A shop killed while it waits for Klaviyo has the sign-up and both calls in its log."""
    sandbox.drill("slow", seconds=600)

    def sign_up(url: str) -> None:
        data = {"channels": "EMAIL", "email": ADA, "variants": BOTH}
        with suppress(requests.ConnectionError):
            requests.post(f"{url}{CHOOSE}", data=data, timeout=TIMEOUT)

    with make_shop().web() as web:
        shopper = threading.Thread(target=sign_up, args=(web.url,))
        shopper.start()
        [call] = eventually(sandbox.requests)
        web.process.kill()
        shopper.join(TIMEOUT)

    assert call["finished"] is False
    [row] = log_file.sign_ups()
    assert json.loads(row["channels"]) == ["EMAIL"]
    assert row["mode"] == "server"
    assert re.fullmatch(r"[0-9a-f]{64}", row["email_hmac"])
    assert row["email_masked"] == "a•••@e•••.org"
    assert ADA not in str(row)
    assert [(call["variant"], call["state"]) for call in log_file.calls()] == [
        (BOTH[0], "started"),
        (BOTH[1], "started"),
    ]
    assert [call["settled_at"] for call in log_file.calls()] == [None, None]


def test_an_accepted_sign_up(client: FlaskClient, sandbox: Sandbox, log_file: LogFile) -> None:
    """The log has a row for the sign-up, and a row for its call with Klaviyo's status and when it
    was received.
    """
    client.post(MUG, data={"channels": "EMAIL", "email": ADA})

    [sign_up] = log_file.sign_ups()
    [call] = log_file.calls()
    assert len(sandbox.requests()) == 1
    assert call["sign_up_id"] == sign_up["id"]
    assert (call["operation"], call["variant"], call["state"], call["status"]) == (
        "create_back_in_stock_subscription",
        f"{PREFIX}MUG",
        "accepted",
        202,
    )
    assert call["settled_at"] >= sign_up["created_at"]


def test_sign_up_ids_cannot_be_guessed(client: FlaskClient, log_file: LogFile) -> None:
    """Sign-up IDs are part of links: each is random, and 22 characters long."""
    for _ in range(3):
        client.post(MUG, data={"channels": "EMAIL", "email": ADA})

    ids = {row["id"] for row in log_file.sign_ups()}
    assert len(ids) == 3
    assert {len(sign_up_id) for sign_up_id in ids} == {22}


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold the database's write lock on another connection."""
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@pytest.mark.parametrize("headers", [{}, ELEMENT], ids=["page", "element"])
@pytest.mark.usefixtures("short_lock")
def test_a_sign_up_that_cannot_be_stored_is_not_sent(
    make_app: Callable[..., Flask],
    tmp_path: Path,
    sandbox: Sandbox,
    log_file: LogFile,
    lines: list[str],
    headers: dict[str, str],
) -> None:
    """The reply is 503 with the form as filled in, and the log line has no contact details."""
    file = tmp_path / DATABASE
    client = make_app().test_client()

    with locked(file):
        reply = client.post(MUG, data={"channels": "EMAIL", "email": ADA}, headers=headers)

    assert reply.status_code == 503
    root = view(reply)
    assert root.one("p", class_="notify-me__alert").text == (
        "Your request didn’t go through. Please try again in a moment."
    )
    assert post_form(root).one("input", name="email")["value"] == ADA
    if headers:
        assert reply.get_json()["state"] == "failed"
    assert sandbox.requests() == []
    assert log_file.sign_ups() == []
    [line] = lines
    assert line.startswith(
        "ERROR notify_me.web.submission: can't read or write the sign-up log: OperationalError."
        " The SQLite database is locked: "
    )
    # without the lock, the same form is accepted
    assert client.post(MUG, data=dict(post_form(root).form_data())).status_code == 303
    assert log_file.states() == ["accepted"]


def test_an_address_has_one_hash_however_it_is_typed(
    client: FlaskClient, log_file: LogFile
) -> None:
    """Case and spaces don't matter; another address has another hash."""
    for typed in ("ada@example.org", "Ada@Example.ORG", " ADA@example.org ", "bob@example.org"):
        client.post(MUG, data={"channels": "EMAIL", "email": typed})

    hmacs = [row["email_hmac"] for row in log_file.sign_ups()]
    assert hmacs[0] == hmacs[1] == hmacs[2]
    assert len(set(hmacs)) == 2


def test_another_key_gives_another_hash(make_app: Callable[..., Flask], log_file: LogFile) -> None:
    """Without the key, nobody can find an address by hashing guesses."""
    for key in ("k" * 32, "q" * 32):
        client = make_app(NOTIFY_ME_LOG_KEY=key).test_client()
        client.post(MUG, data={"channels": "EMAIL", "email": ADA})

    hmacs = {row["email_hmac"] for row in log_file.sign_ups()}
    assert len(hmacs) == 2


@pytest.mark.parametrize(
    ("email", "masked"),
    [
        ("ada@example.org", "a•••@e•••.org"),
        ("a@b.example.co.uk", "a•••@b•••.uk"),
        ("o'hara@example.museum", "o•••@e•••.museum"),
        ("ada@müller.example.org", "a•••@x•••.org"),
    ],
)
def test_masked_addresses(client: FlaskClient, log_file: LogFile, email: str, masked: str) -> None:
    """Only the owner of an address recognizes it when it is masked."""
    client.post(MUG, data={"channels": "EMAIL", "email": email})

    assert [row["email_masked"] for row in log_file.sign_ups()] == [masked]


ACCEPTED = Accepted(KlaviyoResponse(202))
REFUSED = Refused(KlaviyoResponse(404), "No.", "no such variant", fields=("variants",))
TEMPORARY = Temporary(KlaviyoResponse(None), "Later.", "no response")
MISCONFIGURED = Misconfigured(KlaviyoResponse(401), "Not now.", "check the key")


@pytest.mark.parametrize(
    ("first", "then", "state"),
    [
        (ACCEPTED, TEMPORARY, "accepted"),
        (ACCEPTED, REFUSED, "accepted"),
        (ACCEPTED, None, "accepted"),
        (REFUSED, ACCEPTED, "refused"),
        (REFUSED, TEMPORARY, "refused"),
        (TEMPORARY, ACCEPTED, "failed"),
        (MISCONFIGURED, ACCEPTED, "failed"),
        (None, ACCEPTED, "failed"),
    ],
)
def test_a_second_outcome_changes_nothing(
    app: Flask, log_file: LogFile, first: Outcome | None, then: Outcome | None, state: str
) -> None:
    """A finished call keeps its state, status and time."""
    log: SignUpLog = app.extensions["notify_me"].log
    mug = CompositeID("$custom", "$default", "MUG")
    sign_up = SignUp(variants=(mug,), channels=(Channel.EMAIL,), email=ADA)
    calls = build_calls(sign_up, "api")
    after = []

    with app.app_context():
        sign_up_id = log.start(sign_up, calls, "server")
        assert log_file.states() == ["started"]
        for outcome in (first, then):
            logged = LoggedSignUp.from_outcomes(sign_up, calls, [outcome])
            log.record_outcomes(sign_up_id, logged, [outcome])
            after.append(log_file.calls())

    assert log_file.states() == [state]
    assert after[0] == after[1]


PARKA = "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3APARKA-M-MOSS"


def refuse_outcomes(app: Flask) -> None:
    """Make the database accept new sign-ups, but no outcomes."""
    with app.app_context():
        engine = engine_of(app)
        with engine.begin() as connection:
            connection.exec_driver_sql(
                "CREATE TRIGGER stop BEFORE UPDATE ON notify_me_call "
                "BEGIN SELECT RAISE(ABORT, 'no'); END"
            )


def test_an_acceptance_that_cannot_be_stored_is_confirmed(
    client: FlaskClient, app: Flask, sandbox: Sandbox, log_file: LogFile
) -> None:
    """Klaviyo has the sign-up, so the shopper reads "You’re on the list"."""
    refuse_outcomes(app)
    data = {"channels": "EMAIL", "email": "ada@example.org"}

    reply = client.post(PARKA, data=data, headers={"X-Notify-Me": "1"})
    # no redirect, since the confirmation page would read the log
    page = client.post(PARKA, data=data)

    assert reply.json is not None
    assert reply.json["state"] == "done"
    assert page.status_code == 200
    assert view(page).one("h1").text == "You’re on the list"
    for response in (reply, page):
        assert "We’ll email ada@example.org as soon as" in view(response).text
    assert len(sandbox.waiting()) == 1
    assert log_file.states() == ["started", "started"]


@pytest.mark.parametrize("headers", [{}, ELEMENT], ids=["page", "element"])
def test_a_sign_up_that_can_neither_be_sent_nor_queued_is_not_confirmed(
    client: FlaskClient, app: Flask, sandbox: Sandbox, log_file: LogFile, headers: dict[str, str]
) -> None:
    """The reply is 503, and nothing is left in the queue."""
    refuse_outcomes(app)
    sandbox.drill("500", times=None)
    data = {"channels": "EMAIL", "email": ADA}

    reply = client.post(PARKA, data=data, headers=headers)

    assert (reply.status_code, reply.headers["Retry-After"]) == (503, "30")
    assert "Your request didn’t go through" in view(reply).text
    assert post_form(view(reply)).one("input", name="email")["value"] == ADA
    assert log_file.states() == ["started"]
    assert log_file.queued() == []
