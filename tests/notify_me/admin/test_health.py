"""`admin.health()`, `status` and `resume`: what keeps sign-ups from being delivered."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from notify_me import admin
from tests.notify_me.small_shop import engine_of
from tests.support import Sandbox

ELEMENT = {"X-Notify-Me": "1"}
MUG = "$custom:::$default:::MUG"
SIGN_UP = {"channels": "EMAIL", "email": "ada@example.org"}
BY_SMS = {"channels": "SMS", "phone_number": "+12025550143", "opt_in_promotional_sms": "SMS"}


def rows(app: Flask) -> dict[str, admin.Row]:
    """Return the rows of `admin.health()` by name."""
    with app.app_context():
        return {row.check: row for row in admin.health().rows}


def run(app: Flask, *arguments: str) -> str:
    """Run `flask notify-me …`, which must succeed; return its output."""
    result = app.test_cli_runner().invoke(args=["notify-me", *arguments])
    assert result.exit_code == 0
    return result.output


def report_refused_key(app: Flask) -> None:
    """Sign up in client mode with a browser whose call Klaviyo refuses."""
    client, url = app.test_client(), f"/notify-me/{MUG}"
    sign_up = client.post(url, data=SIGN_UP, headers=ELEMENT).get_json()["sign_up"]
    error = {"id": "1", "code": "permission_denied", "source": {"pointer": "/data/"}}
    responses = json.dumps([{"status": 403, "body": {"errors": [error]}}])
    report = {**SIGN_UP, "sign_up": sign_up, "answers": responses}
    assert client.post(url, data=report, headers=ELEMENT).get_json()["state"] == "done"


def test_health_and_status_name_what_keeps_shoppers_from_being_notified(
    make_app: Callable[..., Flask], sandbox: Sandbox
) -> None:
    """The shop has a draft flow, a refused public key, an unknown variant and a paused queue."""
    app = make_app(NOTIFY_ME_MODE="client")
    sandbox.set("flow", status="draft")
    report_refused_key(app)
    sandbox.unknown(MUG)
    app.test_client().post(f"/notify-me/{MUG}", data=SIGN_UP)
    pause(app, "misconfigured", "Klaviyo rejected the private key: check KLAVIYO_PRIVATE_KEY")

    health, status = rows(app), run(app, "status")

    assert {row.verdict for row in health.values()} == {"fail"}
    for row, text in {
        "flow": "nobody joins the waiting list",
        "public_key": "from this shop's domain. Sign-ups affected in the last 24 hours: 1",
        "sign_ups": f"{MUG} (1)",
        "delivery": "Klaviyo rejected the private key",
    }.items():
        assert text in health[row].message
        assert health[row].remedy
    assert "FAIL: " in status
    assert "allowed domains" in status
    assert f"not in Klaviyo's catalog: {MUG} (1 sign-up)" in status
    result = app.test_cli_runner().invoke(args=["notify-me", "check"])
    assert (result.exit_code, MUG in result.output) == (1, True)
    assert "push-catalog" in result.output


def test_health_reads_the_flow_once_and_passes_if_all_is_well(app: Flask, sandbox: Sandbox) -> None:
    for _ in range(2):
        health = rows(app)
    assert {row.verdict for row in health.values()} == {"pass"}
    assert [call["path"] for call in sandbox.requests()].count("/api/metrics") == 1


@pytest.mark.parametrize(
    ("config", "verdict"),
    [
        ({"KLAVIYO_PRIVATE_KEY": "", "NOTIFY_ME_MODE": "client"}, "skip"),
        ({"KLAVIYO_API_URL": "http://127.0.0.1:9"}, "warn"),
        ({"KLAVIYO_PRIVATE_KEY": "pk_wrong"}, "warn"),
    ],
)
def test_health_reports_a_flow_that_cannot_be_read(
    make_app: Callable[..., Flask], config: dict[str, str], verdict: str
) -> None:
    app = make_app(**config)

    assert rows(app)["flow"].verdict == verdict
    assert json.loads(run(app, "status", "--json"))["flow"]["verdict"] == verdict


def test_health_without_a_database(app: Flask) -> None:
    with app.app_context(), engine_of(app).begin() as connection:
        connection.execute(sa.text("DROP TABLE notify_me_call"))

    health = rows(app)

    assert (health["sign_ups"].verdict, health["flow"].verdict) == ("skip", "pass")


def pause(
    app: Flask, kind: str, remedy: str, operation: str = "create_back_in_stock_subscription"
) -> None:
    """Pause an operation's calls until a day in 2030, as a worker does."""
    with app.app_context(), engine_of(app).begin() as connection:
        connection.execute(
            sa.text("INSERT INTO notify_me_pause VALUES (:name, :kind, :until, :now, :remedy)"),
            {
                "name": operation,
                "kind": kind,
                "until": 1_900_000_000,
                "now": time.time(),
                "remedy": remedy,
            },
        )


def test_status_shows_a_pause_until_resume_ends_it(app: Flask) -> None:
    pause(app, "throttled", "Klaviyo is rate-limiting requests")

    assert "next attempt at 2030-03-17 17:46:40 UTC" in run(app, "status")
    assert run(app, "resume") == "resumed: create_back_in_stock_subscription\n"
    assert "paused" not in run(app, "status")
    assert run(app, "resume") == "nothing was paused; delayed calls are due now\n"


def test_health_shows_the_whole_reason_for_a_throttled_pause(app: Flask) -> None:
    """The colon in "Retry-After: 30 s" doesn't separate a reason from a remedy."""
    pause(app, "throttled", "Klaviyo is rate-limiting requests (Retry-After: 30 s)")

    delivery = rows(app)["delivery"]

    assert delivery.verdict == "warn"
    assert delivery.message.endswith(
        ", because Klaviyo is rate-limiting requests (Retry-After: 30 s)"
    )
    assert delivery.remedy == "wait, or run flask notify-me resume"


def test_health_says_why_each_operation_is_paused_and_what_to_do(app: Flask) -> None:
    """A remedy that several operations share is shown once."""
    key = "Klaviyo rejected the private key: check KLAVIYO_PRIVATE_KEY"
    pause(app, "misconfigured", key)
    pause(app, "misconfigured", key, "bulk_subscribe_profiles")
    pause(app, "misconfigured", "the private key lacks a scope: add it", "update_catalog_variant")

    delivery = rows(app)["delivery"]

    pattern = r"delivery of ([\w -]+) has been paused since [-0-9: ]+ UTC, because ([^;]+)"
    assert {name.strip(): why for name, why in re.findall(pattern, delivery.message)} == {
        "sign-ups": "Klaviyo rejected the private key",
        "marketing consents": "Klaviyo rejected the private key",
        "stock updates": "the private key lacks a scope",
    }
    assert set(delivery.remedy.split("; ")) == {"check KLAVIYO_PRIVATE_KEY", "add it"}
    assert delivery.remedy.count("; ") == 1


def test_health_reports_a_dead_letter_whose_variant_klaviyo_does_not_have(
    app: Flask, sandbox: Sandbox
) -> None:
    """Once the variant exists, the sign-up must be retried. `health()` and `status` name the
    command.
    """
    sandbox.unknown(MUG)
    app.test_client().post(f"/notify-me/{MUG}", data=SIGN_UP)
    with app.app_context(), engine_of(app).begin() as connection:
        connection.execute(sa.text("UPDATE notify_me_call SET state = 'dead_lettered'"))

    health = rows(app)

    assert MUG in health["sign_ups"].message
    assert health["delivery"].verdict == "warn"
    assert "sign-ups that need review (dead-lettered): 1." in health["delivery"].message
    assert "flask notify-me retry" in health["delivery"].remedy
    assert "flask notify-me retry" in run(app, "status")


def test_status_counts_sign_ups_not_calls(offering: Callable[..., Flask], sandbox: Sandbox) -> None:
    """Consents that weren't sent because their sign-up failed don't count as failures."""
    app = offering("EMAIL", "SMS")
    url = f"/notify-me/{MUG}"
    sandbox.drill("401", times=2)
    for _ in range(2):
        app.test_client().post(url, data=BY_SMS, headers=ELEMENT)
    sandbox.drill("400-phone", times=3)
    for _ in range(3):
        app.test_client().post(url, data=BY_SMS, headers=ELEMENT)

    with app.app_context():
        counts = admin.status().counts

    assert (counts["failed"], counts["refused"]) == (2, 3)
