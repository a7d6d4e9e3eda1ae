"""`flask notify-me purge`: what is deleted, and when."""

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
from tests.notify_me.offers import ADA, FORM, TYPED_PHONE, settings_file, submit_element, toml
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
    """The small shop, storing sign-ups for ten days and consents for twenty."""
    text = toml(["EMAIL", "SMS"], email_list="ask") + RETENTION
    return make_app(NOTIFY_ME_CONFIG=settings_file(tmp_path, text))


def make_older(log_file: LogFile, days: float) -> None:
    """Make everything in the log this old."""
    moment = datetime.now(UTC) - timedelta(days=days)
    written = moment.strftime("%Y-%m-%d %H:%M:%S.%f")
    with closing(sqlite3.connect(log_file.path)) as connection, connection:
        connection.execute("UPDATE notify_me_sign_up SET created_at = ?", (written,))
        connection.execute("UPDATE notify_me_consent SET given_at = ?", (written,))


def purge(app: Flask) -> str:
    """Run the command; return its output."""
    result = app.test_cli_runner().invoke(args=["notify-me", "purge"])
    assert result.exit_code == 0, result.output
    return result.output.strip()


def counts(log_file: LogFile) -> tuple[int, int, int]:
    """Count sign-ups, calls and consents."""
    return len(log_file.sign_ups()), len(log_file.calls()), len(log_file.consents())


AGES: dict[str, tuple[float, tuple[int, int, int]]] = {
    "new": (LOG_DAYS - 0.01, (1, 2, 2)),
    "past the sign-up retention period": (LOG_DAYS + 0.01, (0, 0, 2)),
    "past the consent retention period": (CONSENT_DAYS + 0.01, (0, 0, 0)),
}


@pytest.mark.parametrize(("days", "left"), AGES.values(), ids=AGES)
def test_a_consent_outlives_its_sign_up(
    shop: Flask, log_file: LogFile, days: float, left: tuple[int, int, int]
) -> None:
    """Consents have a longer retention time than sign-ups."""
    submit_element(shop.test_client(), FORM, BY_BOTH)
    before = log_file.consents()
    assert counts(log_file) == (1, 2, 2)
    make_older(log_file, days)

    output = purge(shop)

    assert counts(log_file) == left
    assert output.startswith(f"deleted sign-ups: {1 - left[0]}, consents: {2 - left[2]}")
    # nothing else about the consent changes
    changed = {"given_at": None, "sign_up_id": None}
    assert [{**consent, **changed} for consent in log_file.consents()] == [
        {**consent, **changed} for consent in before[: left[2]]
    ]
    if not left[0]:
        assert {consent["sign_up_id"] for consent in log_file.consents()} <= {None}
    # a second purge finds nothing to delete
    assert purge(shop).startswith("deleted sign-ups: 0, consents: 0")
    assert counts(log_file) == left


def test_a_consent_is_found_after_its_sign_up_is_deleted(shop: Flask, log_file: LogFile) -> None:
    """The consent is found by its contact, and printed with the state of its call."""
    submit_element(shop.test_client(), FORM, BY_BOTH)
    make_older(log_file, LOG_DAYS + 1)
    purge(shop)

    for contact in (ADA, TYPED_PHONE):
        output = shop.test_cli_runner().invoke(args=["notify-me", "consents", contact]).output
        assert output.startswith("Sign-ups: 0\n")
        assert "Consents: 1\n" in output
        assert "  delivery   accepted\n" in output


def test_an_undelivered_consent_is_not_deleted(
    shop: Flask, sandbox: Sandbox, log_file: LogFile
) -> None:
    """An undelivered consent and its sign-up are kept however old they are."""
    sandbox.drill("500", operation="bulk_subscribe_profiles")
    submit_element(shop.test_client(), FORM, BY_BOTH)
    assert log_file.states() == ["accepted", "queued"]
    make_older(log_file, CONSENT_DAYS + 1)

    assert purge(shop).startswith("deleted sign-ups: 0, consents: 0")

    assert counts(log_file) == (1, 2, 2)
    assert {consent["sign_up_id"] for consent in log_file.consents()} == {
        log_file.sign_ups()[0]["id"]
    }


def test_newer_sign_ups_stay(shop: Flask, log_file: LogFile) -> None:
    """The calls and consents of newer sign-ups stay as well."""
    submit_element(shop.test_client(), FORM, BY_BOTH)
    make_older(log_file, CONSENT_DAYS + 1)
    submit_element(shop.test_client(), FORM, {**BY_BOTH, "email": "bob@example.org"})
    [_, newer] = log_file.sign_ups()

    assert purge(shop).startswith("deleted sign-ups: 1, consents: 2")

    assert log_file.sign_ups() == [newer]
    assert log_file.states() == ["accepted", "accepted"]
    assert {consent["sign_up_id"] for consent in log_file.consents()} == {newer["id"]}


def test_consents_may_not_be_deleted_before_sign_ups(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    """If the settings delete consents before sign-ups, the app doesn't start."""
    text = toml(["EMAIL"]) + "[retention]\nlog_days = 20\nconsent_days = 10\n"

    with pytest.raises(SettingsError, match=r"consent_days \(10\) must not be less than log_days"):
        make_app(NOTIFY_ME_CONFIG=settings_file(tmp_path, text))
