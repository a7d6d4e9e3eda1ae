"""The proof of consent in the log: what was shown, stored before anything is sent."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from flask import Flask

from tests.notify_me.conftest import LogFile
from tests.notify_me.consent import ASK, BY_BOTH, BY_SMS
from tests.notify_me.markup import view
from tests.notify_me.offers import (
    ELEMENT,
    FORM,
    PRIVACY,
    TERMS,
    Scenario,
    all_scenarios,
    sign_up_calls,
    submit_element,
    text_with_links,
    toml,
)
from tests.notify_me.running_shop import Shop
from tests.notify_me.small_shop import DATABASE
from tests.support import TIMEOUT, Sandbox


def test_the_log_has_the_wording_of_the_form(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile
) -> None:
    """For each channel, the log has the exact text with its links, the version, locale, list and
    source.
    """
    app = offering("EMAIL", "SMS", "WHATSAPP", consent=ASK)
    root = view(app.test_client().get(FORM))
    shown = {}
    for box in root.all("input", type="checkbox"):
        if box["name"] != "channels":
            assert box.parent is not None
            label = text_with_links(box.parent)
            disclosure_id = box.get("aria-describedby")
            shown[box["value"]] = "\n".join(
                [label, *([text_with_links(root.one(id=disclosure_id))] if disclosure_id else [])]
            )
    before = datetime.now(UTC).replace(tzinfo=None)

    submit_element(
        app.test_client(),
        FORM,
        {
            **BY_BOTH,
            "channels": ["EMAIL", "SMS", "WHATSAPP"],
            "opt_in_promotional_sms": ["SMS", "WHATSAPP"],
        },
    )

    rows = log_file.consents()
    assert {row["channel"]: row["text"] for row in rows} == shown
    assert f"Terms of Service ({TERMS}) and Privacy Policy ({PRIVACY})." in shown["SMS"]
    [sign_up] = log_file.sign_ups()
    for row in rows:
        by_mail = row["channel"] == "EMAIL"
        assert (row["locale"], row["list_id"], row["custom_source"]) == (
            "en",
            sandbox.account.list_id,
            "Back in Stock",
        )
        assert row["sign_up_id"] == sign_up["id"]
        assert row["contact_hmac"] == sign_up["email_hmac" if by_mail else "phone_hmac"]
        assert re.fullmatch("[0-9a-f]{64}", row["contact_hmac"])
        assert row["contact_masked"] == ("a•••@e•••.org" if by_mail else "+1•••43")
        given_at = datetime.fromisoformat(row["given_at"])
        assert before <= given_at <= datetime.now(UTC).replace(tzinfo=None)
    assert len({row["version"] for row in rows}) == 3


def test_changed_wording_has_another_version(
    offering: Callable[..., Flask], log_file: LogFile
) -> None:
    """Another word, brand or link leads to another version; the same wording keeps its version."""
    changes: list[dict[str, object]] = [
        {},
        {"email_list": "off"},
        {"brand": "Haar"},
        {"terms_of_service_url": "/terms"},
        {"sms_checkbox_text": "Text me."},
    ]
    for change in changes:
        assert (
            submit_element(offering("SMS", consent=change).test_client(), FORM, BY_SMS).status_code
            == 200
        )

    versions = [row["version"] for row in log_file.consents()]
    assert versions[0] == versions[1]
    assert len(set(versions)) == 4


@pytest.mark.parametrize("chosen", ["EMAIL", "SMS"])
def test_only_consent_that_was_given_is_logged(
    offering: Callable[..., Flask], log_file: LogFile, chosen: str
) -> None:
    """A notice or a ticked checkbox counts only if its channel is chosen."""
    client = offering("EMAIL", "SMS", consent={"email_list": "always"}).test_client()

    submit_element(client, FORM, {**BY_BOTH, "channels": chosen})

    [row] = log_file.consents()
    assert row["channel"] == chosen
    if chosen == "EMAIL":
        assert row["text"] == (
            "By signing up, you also agree to receive marketing emails from Smirr. "
            "You can unsubscribe at any time."
        )


@all_scenarios
def test_contacts_are_never_stored_or_logged_in_plain_text(
    offering: Callable[..., Flask], tmp_path: Path, lines: list[str], scenario: Scenario
) -> None:
    """The address and the number are neither in the database's files nor in log lines."""
    app = offering("EMAIL", "SMS", consent=ASK, NOTIFY_ME_MODE=scenario.mode)
    for last in ("0143", "0144"):
        data = {**BY_BOTH, "email": f"ada.{last}@example.org", "phone_number": f"(202) 555-{last}"}
        assert scenario.send(app.test_client(), FORM, data).status_code == 200

    stored = b"".join(file.read_bytes() for file in tmp_path.glob(f"{DATABASE}*"))
    assert b"By checking this box" in stored
    logged = "\n".join(lines).encode()
    for secret in ("ada.01", "example.org", "+12025550", "2025550", "555-01", "5550143"):
        assert secret.encode() not in stored
        assert secret.encode() not in logged


def assert_consent_is_stored(log_file: LogFile, since: datetime) -> None:
    """Check that the log has the consent with its text, and no outcome of the calls."""
    [row] = log_file.consents()
    assert row["channel"] == "SMS"
    assert row["text"].startswith("Yes, send me text messages from Smirr.\nBy checking this box")
    assert f"See our Terms of Service ({TERMS}) and Privacy Policy ({PRIVACY})." in row["text"]
    assert re.fullmatch("[0-9a-f]{12}", row["version"])
    assert row["locale"] == "en"
    given_at = datetime.fromisoformat(row["given_at"]).replace(tzinfo=UTC)
    assert since <= given_at <= datetime.now(UTC)
    assert log_file.states() == ["started", "started"]


def test_consent_is_stored_before_anything_is_sent(
    make_shop: Callable[..., Shop], log_file: LogFile
) -> None:
    """A shop killed when it connects to Klaviyo has the consent in its log.

    The connection is TLS and nobody responds, so no byte of the request can have been sent.
    """

    def sign_up(url: str) -> None:
        with suppress(requests.ConnectionError):
            requests.post(f"{url}{FORM}", data=BY_SMS, timeout=TIMEOUT)

    since = datetime.now(UTC)
    shop = make_shop(settings=toml(["SMS"]))
    with socket.create_server(("127.0.0.1", 0)) as klaviyo:
        klaviyo.settimeout(TIMEOUT)
        address = f"https://127.0.0.1:{klaviyo.getsockname()[1]}"
        with shop.web(KLAVIYO_API_URL=address) as web:
            shopper = threading.Thread(target=sign_up, args=(web.url,))
            shopper.start()
            connection, _ = klaviyo.accept()
            web.process.kill()
            shopper.join(TIMEOUT)
        with connection:
            connection.settimeout(TIMEOUT)
            received = b""
            with suppress(ConnectionResetError):
                while chunk := connection.recv(4096):
                    received += chunk

    # at most the TLS handshake's first message
    assert b"back-in-stock" not in received
    assert b"2025550143" not in received
    assert_consent_is_stored(log_file, since)


def test_consent_is_stored_before_the_browser_gets_the_calls(
    make_shop: Callable[..., Shop], sandbox: Sandbox, log_file: LogFile
) -> None:
    """In client mode, a shop killed when its reply arrives has the consent in its log."""
    since = datetime.now(UTC)
    with make_shop(settings=toml(["SMS"])).web(NOTIFY_ME_MODE="client") as web:
        reply = requests.post(f"{web.url}{FORM}", data=BY_SMS, headers=ELEMENT, timeout=TIMEOUT)
        web.process.kill()

    assert len(reply.json()["calls"]) == 2
    assert sign_up_calls(sandbox) == []
    assert_consent_is_stored(log_file, since)
