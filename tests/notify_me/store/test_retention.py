"""`flask notify-me purge`: what is deleted when, and what outlives what."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from notify_me import SettingsError
from tests.notify_me.conftest import LogFile
from tests.notify_me.offers import ADA, FORM, TYPED_PHONE, by_element, settings_file, toml
from tests.support import Sandbox

LOG_DAYS, CONSENT_DAYS = 10, 20
RETENTION = f"[retention]\nlog_days = {LOG_DAYS}\nconsent_days = {CONSENT_DAYS}\n"
BY_BOTH: dict[str, Any] = {
    "channels": ["EMAIL", "SMS"],
    "email": ADA,
    "phone_number": TYPED_PHONE,
    "opt_in_promotional_email": "EMAIL",
    "opt_in_promotional_sms": "SMS",
}


@pytest.fixture
def shop(make_app: Callable[..., Flask], tmp_path: Path) -> Flask:
    """The small shop, which keeps sign-ups for ten days and consents for twenty."""
    text = toml(["EMAIL", "SMS"], email_list="ask") + RETENTION
    return make_app(NOTIFY_ME_CONFIG=settings_file(tmp_path, text))


def aged(log_file: LogFile, days: float) -> None:
    """Everything that the log holds was written so long ago."""
    moment = datetime.now(UTC) - timedelta(days=days)
    written = moment.strftime("%Y-%m-%d %H:%M:%S.%f")
    with closing(sqlite3.connect(log_file.path)) as connection, connection:
        connection.execute("UPDATE notify_me_sign_up SET created_at = ?", (written,))
        connection.execute("UPDATE notify_me_consent SET given_at = ?", (written,))


def purge(app: Flask) -> str:
    """What the command says."""
    told = app.test_cli_runner().invoke(args=["notify-me", "purge"])
    assert told.exit_code == 0, told.output
    return told.output.strip()


def held(log_file: LogFile) -> tuple[int, int, int]:
    """How many sign-ups, calls and consents the log holds."""
    return len(log_file.sign_ups()), len(log_file.calls()), len(log_file.consents())


AGES: dict[str, tuple[float, tuple[int, int, int]]] = {
    "young": (LOG_DAYS - 0.01, (1, 2, 2)),
    "old": (LOG_DAYS + 0.01, (0, 0, 2)),
    "nearly as old as a consent gets": (CONSENT_DAYS - 0.01, (0, 0, 2)),
    "older than a consent gets": (CONSENT_DAYS + 0.01, (0, 0, 0)),
}


@pytest.mark.parametrize(("days", "left"), AGES.values(), ids=AGES)
def test_a_consent_outlives_its_sign_up(
    shop: Flask, log_file: LogFile, days: float, left: tuple[int, int, int]
) -> None:
    """The proof stays when the sign-up goes, and goes when its own time is over."""
    by_element(shop.test_client(), FORM, BY_BOTH)
    before = log_file.consents()
    assert held(log_file) == (1, 2, 2)
    aged(log_file, days)

    told = purge(shop)

    assert held(log_file) == left
    assert told.startswith(f"deleted {1 - left[0]} sign-ups and {2 - left[2]} consents")
    # what is left is the same, word for word, but for the sign-up that it came with
    changed = {"given_at": None, "sign_up_id": None}
    assert [{**each, **changed} for each in log_file.consents()] == [
        {**each, **changed} for each in before[: left[2]]
    ]
    if not left[0]:
        assert {each["sign_up_id"] for each in log_file.consents()} <= {None}
    # a second time there is nothing more to do
    assert purge(shop).startswith("deleted 0 sign-ups and 0 consents")
    assert held(log_file) == left


def test_a_data_request_still_finds_the_proof(shop: Flask, log_file: LogFile) -> None:
    """By the contact, with what became of it, after the sign-up is gone."""
    by_element(shop.test_client(), FORM, BY_BOTH)
    aged(log_file, LOG_DAYS + 1)
    purge(shop)

    for contact in (ADA, TYPED_PHONE):
        told = shop.test_cli_runner().invoke(args=["notify-me", "consents", contact])
        assert told.output.startswith("Sign-ups: 0\n")
        assert "Consents: 1\n" in told.output
        assert "  at Klaviyo accepted\n" in told.output


@pytest.mark.parametrize("days", [LOG_DAYS + 1, CONSENT_DAYS + 1])
def test_what_is_still_owed_goes_nowhere(
    shop: Flask, sandbox: Sandbox, log_file: LogFile, days: float
) -> None:
    """A consent call that waits keeps its sign-up and its proof, however old they are."""
    sandbox.drill("500", operation="bulk_subscribe_profiles")
    by_element(shop.test_client(), FORM, BY_BOTH)
    assert log_file.states() == ["accepted", "queued"]
    aged(log_file, days)

    assert purge(shop).startswith("deleted 0 sign-ups and 0 consents")

    assert held(log_file) == (1, 2, 2)
    assert {each["sign_up_id"] for each in log_file.consents()} == {log_file.sign_ups()[0]["id"]}


def test_one_persons_age_is_not_anothers(shop: Flask, log_file: LogFile) -> None:
    """What is old goes; what came in since stays, with its calls."""
    by_element(shop.test_client(), FORM, BY_BOTH)
    aged(log_file, CONSENT_DAYS + 1)
    by_element(shop.test_client(), FORM, {**BY_BOTH, "email": "bob@example.org"})
    [_, young] = log_file.sign_ups()

    assert purge(shop).startswith("deleted 1 sign-ups and 2 consents")

    assert log_file.sign_ups() == [young]
    assert log_file.states() == ["accepted", "accepted"]
    assert {each["sign_up_id"] for each in log_file.consents()} == {young["id"]}


def test_a_proof_may_not_go_before_its_sign_up(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    """Fewer days for consents than for sign-ups stop the start."""
    text = toml(["EMAIL"]) + "[retention]\nlog_days = 20\nconsent_days = 10\n"

    with pytest.raises(SettingsError, match=r"consent_days \(10\) must not be less than log_days"):
        make_app(NOTIFY_ME_CONFIG=settings_file(tmp_path, text))
