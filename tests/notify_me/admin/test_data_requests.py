"""`flask notify-me consents`: what the sign-up log has on one person."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from notify_me.store.tables import ConsentRow
from tests.notify_me.conftest import LogFile
from tests.notify_me.consent import ASK, BY_BOTH, BY_SMS, SUBSCRIBE, consent_states
from tests.notify_me.offers import (
    ADA,
    FORM,
    MUG,
    PRIVACY,
    TERMS,
    TYPED_PHONE,
    submit_element,
    submit_page,
)
from tests.notify_me.small_shop import engine_of
from tests.support import Sandbox


def consents(app: Flask, *arguments: str) -> tuple[int, str]:
    """Run `flask notify-me consents`; return its exit code and output."""
    result = app.test_cli_runner().invoke(args=["notify-me", "consents", *arguments])
    return result.exit_code, result.output


@pytest.fixture
def app_with_sign_ups(offering: Callable[..., Flask]) -> Flask:
    """A shop where Ada signed up by email and SMS, and Bob by email without marketing consent."""
    app = offering("EMAIL", "SMS", consent=ASK)
    submit_element(app.test_client(), FORM, BY_BOTH)
    submit_page(app.test_client(), FORM, {"channels": "EMAIL", "email": "bob@example.org"})
    return app


@pytest.mark.parametrize("contact", ["(202) 555-0143", "+12025550143"])
def test_records_are_found_by_phone_number(
    app_with_sign_ups: Flask, sandbox: Sandbox, contact: str
) -> None:
    """The contact can be entered in any format. The records are printed as text."""
    code, output = consents(app_with_sign_ups, contact)

    assert code == 0
    assert output.startswith("Sign-ups: 1\n")
    for part in (
        "EMAIL, SMS",
        "contact    a•••@e•••.org, +1•••43 (masked and hashed in the log)",
        f"accepted       {MUG}",
        "accepted       consent",
        "Consents: 1\n",
        "UTC  SMS  +1•••43",
        "delivery   accepted\n",
        f"list       {sandbox.account.list_id}, source 'Back in Stock'",
        "  | Yes, send me text messages from Smirr.\n  | By checking this box, you agree",
        f"See our Terms of Service ({TERMS}) and Privacy Policy ({PRIVACY}).",
    ):
        assert part in output
    assert re.search(r"version    [0-9a-f]{12} \(en\)", output)
    assert "email me news" not in output
    assert "2025550143" not in output


@pytest.mark.parametrize("contact", [ADA, " Ada@Example.ORG "])
def test_records_are_found_by_email_address(
    app_with_sign_ups: Flask, sandbox: Sandbox, log_file: LogFile, contact: str
) -> None:
    """The address is found in any case. The records are printed as JSON."""
    code, output = consents(app_with_sign_ups, "--json", contact)

    assert code == 0
    records = json.loads(output)
    [sign_up] = records["sign_ups"]
    assert sign_up["channels"] == ["EMAIL", "SMS"]
    assert sign_up["contacts"] == ["a•••@e•••.org", "+1•••43"]
    assert sign_up["calls"] == [
        ["create_back_in_stock_subscription", MUG, "accepted"],
        ["bulk_subscribe_profiles", None, "accepted"],
    ]
    [consent] = records["consents"]
    [row] = [consent for consent in log_file.consents() if consent["channel"] == "EMAIL"]
    assert consent == {
        "when": datetime.fromisoformat(row["given_at"]).replace(tzinfo=UTC).isoformat(),
        "channel": "EMAIL",
        "state": "accepted",
        "contact": "a•••@e•••.org",
        "text": "Also email me news and offers from Smirr.",
        "version": row["version"],
        "locale": "en",
        "list_id": sandbox.account.list_id,
        "custom_source": "Back in Stock",
    }
    assert sign_up["when"] == consent["when"]


STATES = {
    "accepted": ("accepted", None, BY_SMS),
    "queued": ("queued", "500", BY_SMS),
    "refused": ("refused", "400-phone", BY_SMS),
    "failed": ("failed", "415", BY_SMS),
    "queued for two channels": ("queued", "503", BY_BOTH),
}


@pytest.mark.parametrize(("state", "kind", "data"), STATES.values(), ids=STATES)
def test_consent_is_shown_with_the_state_of_its_call(
    offering: Callable[..., Flask],
    sandbox: Sandbox,
    state: str,
    kind: str | None,
    data: dict[str, Any],
) -> None:
    """The text of the consent is shown, and whether Klaviyo received it."""
    if kind:
        sandbox.drill(kind, times=None, operation=SUBSCRIBE["api"])
    app = offering("EMAIL", "SMS", consent=ASK)
    submit_element(app.test_client(), FORM, data)

    for contact in [TYPED_PHONE, *([ADA] if "email" in data else [])]:
        code, output = consents(app, contact)
        assert code == 0
        assert f"  delivery   {state}\n" in output
        _, output = consents(app, "--json", contact)
        assert [consent["state"] for consent in json.loads(output)["consents"]] == [state]


def test_consent_without_a_browsers_report_is_unknown(
    offering: Callable[..., Flask], log_file: LogFile
) -> None:
    """In client mode, the tab may be closed before the browser reports the outcome. After a minute
    without a report, the outcome is unknown.
    """
    app = offering("SMS", NOTIFY_ME_MODE="client")
    submit_element(app.test_client(), FORM, BY_SMS)
    assert consent_states(log_file) == [("SMS", "started")]
    assert "  delivery   started\n" in consents(app, TYPED_PHONE)[1]

    with engine_of(app).begin() as connection:
        earlier = datetime.now(UTC) - timedelta(minutes=2)
        connection.execute(sa.update(ConsentRow).values(given_at=earlier))

    assert "  delivery   unknown\n" in consents(app, TYPED_PHONE)[1]


def test_a_sign_up_without_consent(app_with_sign_ups: Flask) -> None:
    """The command prints the sign-up, and no consents."""
    code, output = consents(app_with_sign_ups, "bob@example.org")

    assert code == 0
    assert output.startswith("Sign-ups: 1\n")
    assert output.endswith("\nConsents: 0\n")


@pytest.mark.parametrize("contact", ["eve@example.org", "+12025550199"])
def test_an_unknown_contact_has_no_records(app_with_sign_ups: Flask, contact: str) -> None:
    """The output is a sentence, or empty lists in JSON, and there is no error."""
    assert consents(app_with_sign_ups, contact) == (
        0,
        "The sign-up log has no record of this contact.\n",
    )
    code, output = consents(app_with_sign_ups, contact, "--json")
    assert (code, json.loads(output)) == (0, {"sign_ups": [], "consents": []})


@pytest.mark.parametrize(
    ("contact", "message"),
    [
        ("ada@", "There must be something after the @-sign."),
        ("call me", "Enter a valid phone number, like"),
        ("555-0143", "The area code is missing."),
    ],
)
def test_an_invalid_contact_is_an_error(
    app_with_sign_ups: Flask, contact: str, message: str
) -> None:
    """The exit code is 2 and the reason is shown. For a valid contact without records, there is no
    error.
    """
    code, output = consents(app_with_sign_ups, contact)

    assert code == 2
    assert f"Invalid value for CONTACT: {message}" in output


def test_national_numbers_belong_to_the_shops_region(offering: Callable[..., Flask]) -> None:
    """`default_region` applies. Landlines are found too."""
    app = offering("SMS", "WHATSAPP", region="DE")
    landline = {
        "channels": "WHATSAPP",
        "phone_number": "+49 30 123456",
        "opt_in_promotional_sms": "WHATSAPP",
    }
    submit_element(app.test_client(), FORM, landline)

    code, output = consents(app, "030 123456")

    assert code == 0
    assert "Consents: 1\n" in output
