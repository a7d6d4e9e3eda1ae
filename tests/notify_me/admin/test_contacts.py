"""One person's data: erasing it, finding it under older keys, and importing past sign-ups."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from notify_me import Channel, CompositeID, NotifyMe, admin
from notify_me.context import delivery_context
from notify_me.delivery.deliverer import Deliverer
from notify_me.delivery.queue import Job
from tests.notify_me.conftest import LogFile
from tests.notify_me.consent import ASK, BY_BOTH
from tests.notify_me.offers import ADA, FORM, TYPED_PHONE, settings_file, submit_page, toml
from tests.notify_me.small_shop import DATABASE, small_catalog
from tests.support import Sandbox

BOB = "bob@example.org"


def run(app: Flask, *arguments: str) -> str:
    """Run a command of the kit; return its output."""
    result = app.test_cli_runner().invoke(args=["notify-me", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def sign_up(app: Flask, email: str = ADA) -> None:
    """Sign up by email."""
    assert submit_page(app.test_client(), FORM, {"channels": "EMAIL", "email": email})


def deliver(app: Flask) -> None:
    """Send every queued call once."""
    with app.app_context():
        context = delivery_context()
        assert context is not None
        worker = Deliverer(context, stopping=threading.Event())
        for workflow in context.queue.client.list_workflows(status=["ENQUEUED", "DELAYED"]):
            assert workflow.input
            worker.deliver(Job.from_arguments(workflow.input["args"]))


def everything_stored(folder: Path) -> str:
    """Return all rows of the database as text."""
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        return "\n".join(connection.iterdump())


@pytest.mark.parametrize("contact", [ADA, " Ada@Example.ORG "])
def test_erase_removes_queued_and_dead_lettered_calls(
    app: Flask, sandbox: Sandbox, log_file: LogFile, tmp_path: Path, contact: str
) -> None:
    """Another person's calls stay, and a worker finds nothing to send for the erased person."""
    sandbox.drill("503", times=1)
    sign_up(app)
    sandbox.drill("415", times=1)
    deliver(app)
    assert log_file.states() == ["dead_lettered"]
    sandbox.drill("503", times=2)
    sign_up(app)
    sign_up(app, BOB)
    assert ADA in everything_stored(tmp_path)
    sandbox.end_drills()

    output = run(app, "erase", contact)

    assert output.startswith("deleted sign-ups: 2, consents: 0, calls in the queue: 3\n")
    assert "https://developers.klaviyo.com/en/reference/request_profile_deletion" in output
    assert ADA not in everything_stored(tmp_path)
    assert run(app, "consents", contact) == "The sign-up log has no record of this contact.\n"
    deliver(app)
    [entry] = sandbox.waiting()
    assert BOB in str(entry)
    nothing_deleted = "deleted sign-ups: 0, consents: 0, calls in the queue: 0"
    assert run(app, "erase", contact).startswith(nothing_deleted)


CONSENTS: dict[str, tuple[bool, bool, str, int]] = {
    "proof is kept": (False, False, "consents: 0, calls in the queue: 0", 2),
    "proof is deleted by the setting": (True, False, "consents: 2, calls in the queue: 0", 0),
    "consent that Klaviyo never received": (False, True, "consents: 2, calls in the queue: 1", 0),
}


@pytest.mark.parametrize(
    ("delete_consents", "outage", "output", "kept"), CONSENTS.values(), ids=CONSENTS
)
@pytest.mark.parametrize("contact", [ADA, TYPED_PHONE])
def test_erase_keeps_the_proof_of_consent(
    make_app: Callable[..., Flask],
    sandbox: Sandbox,
    log_file: LogFile,
    tmp_path: Path,
    contact: str,
    delete_consents: bool,
    outage: bool,
    output: str,
    kept: int,
) -> None:
    """The consents given in one form are kept or deleted together, whether the email address or the
    phone number is erased.
    """
    text = toml(["EMAIL", "SMS"], **ASK)
    text += f"[retention]\nerase_consents = {str(delete_consents).lower()}\n"
    app = make_app(NOTIFY_ME_CONFIG=settings_file(tmp_path, text))
    if outage:
        sandbox.drill("503", times=None, operation="bulk_subscribe_profiles")
    submit_page(app.test_client(), FORM, BY_BOTH)

    printed = run(app, "erase", contact)

    assert printed.startswith(f"deleted sign-ups: 1, {output}")
    assert ("consents kept as proof: 2" in printed) is bool(kept)
    assert not log_file.sign_ups()
    assert [consent["sign_up_id"] for consent in log_file.consents()] == [None] * kept


def test_erase_calls_the_shops_function(tmp_path: Path, sandbox: Sandbox) -> None:
    """`erase` passes the normalized contact to the shop's function, and prints what the function
    returns.
    """
    app = Flask("shop", instance_path=str(tmp_path))
    app.config.update(sandbox.environ(), SECRET_KEY="s" * 32)
    NotifyMe(app, catalog=small_catalog().siblings, erase_contact="removed {} from orders".format)

    assert "\nremoved ada@example.org from orders\n" in run(app, "erase", " ada@Example.ORG")


def test_erase_refuses_anything_but_a_contact(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["notify-me", "erase", "ada"])
    assert result.exit_code == 2
    assert "Invalid value for CONTACT" in result.output


ROTATIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "another SECRET_KEY": (
        {"SECRET_KEY": "o" * 32},
        {"SECRET_KEY": "n" * 32, "SECRET_KEY_FALLBACKS": ["o" * 32]},
    ),
    "NOTIFY_ME_LOG_KEY is set later": (
        {"SECRET_KEY": "o" * 32},
        {"SECRET_KEY": "o" * 32, "NOTIFY_ME_LOG_KEY": "n" * 32},
    ),
}


@pytest.mark.parametrize(("old", "new"), ROTATIONS.values(), ids=ROTATIONS)
def test_contacts_are_found_under_older_keys(
    make_app: Callable[..., Flask],
    sandbox: Sandbox,
    old: dict[str, Any],
    new: dict[str, Any],
) -> None:
    """With a new key, confirmation links, records, client-mode reports and erasing still work."""
    client_mode = {"NOTIFY_ME_LOG_KEY": "", "NOTIFY_ME_MODE": "client"}
    before = make_app(**{**client_mode, **old})
    data = {"channels": "EMAIL", "email": ADA}
    link = before.test_client().post(FORM, data=data).headers["Location"]
    element = {"X-Notify-Me": "1"}
    reply = before.test_client().post(FORM, data=data, headers=element).get_json()

    after = make_app(**{**client_mode, **new})
    browser = after.test_client()

    assert 'data-notify-me-state="done"' in browser.get(link).text
    report = {**data, "sign_up": reply["sign_up"], "answers": '[{"status": 202, "body": ""}]'}
    assert browser.post(FORM, data=report, headers=element).get_json()["state"] == "done"
    sign_up(after)
    assert run(after, "consents", ADA).startswith("Sign-ups: 3\n")
    assert run(after, "erase", ADA).startswith("deleted sign-ups: 3,")


@pytest.mark.parametrize("operation", ["create_back_in_stock_subscription", "from_a_later_version"])
def test_dead_letters_have_an_age_limit(
    app: Flask, sandbox: Sandbox, log_file: LogFile, tmp_path: Path, operation: str
) -> None:
    """`purge` deletes an old dead letter with its contact, even if it can't be read, and keeps a
    newer one.
    """
    sandbox.drill("503", times=1)
    sign_up(app)
    sandbox.drill("415", times=1)
    deliver(app)
    with app.app_context():
        # a worker would do this later: remove the first job, which is finished
        app.extensions["notify_me"].queue.remove(
            [job["workflow_uuid"] for job in log_file.queued()[:1]]
        )
    assert "dead-lettered calls: 0" in run(app, "purge")
    old = datetime.now(UTC) - timedelta(days=31)
    with closing(sqlite3.connect(tmp_path / DATABASE)) as connection, connection:
        connection.execute("UPDATE workflow_status SET created_at = ?", [old.timestamp() * 1000])
        connection.execute(
            "UPDATE workflow_input SET inputs = replace(inputs, ?, ?)",
            ["create_back_in_stock_subscription", operation],
        )

    assert "dead-lettered calls: 1" in run(app, "purge")

    assert log_file.states() == ["failed"]
    assert ADA not in everything_stored(tmp_path)
    assert run(app, "retry") == "calls queued again: 0\n"


def test_past_sign_ups_are_imported_for_the_demand_report(app: Flask, sandbox: Sandbox) -> None:
    """An import sends nothing to Klaviyo. The contact's hash is the same as for a new sign-up."""
    mug = CompositeID("$custom", "$default", "MUG")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    with app.test_request_context():
        count = admin.import_sign_ups(
            [
                admin.PastSignUp(yesterday, [mug], [Channel.EMAIL], "ADA@example.org"),
                admin.PastSignUp(yesterday, [mug], [Channel.SMS], phone_number=TYPED_PHONE),
            ]
        )
        report = admin.demand(yesterday.date(), datetime.now(UTC).date())
        assert count == 2
        assert [variant.variant for variant in report.variants] == [str(mug)]
        assert admin.contact_hash(ADA) == admin.contact_hash(" Ada@example.org")
        assert len(admin.contact_records(ADA).sign_ups) == 1
        assert admin.past_sign_ups() == 2
        admin.remove_past_sign_ups()
        assert admin.contact_records(ADA).sign_ups == ()
    assert sandbox.requests() == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"at": datetime(2026, 1, 1)}, "has no time zone"),  # noqa: DTZ001
        ({"variants": []}, "has no variants or no channels"),
        ({"email": ""}, "has no contact for EMAIL"),
        ({"email": "ada@"}, "There must be something after the @-sign"),
    ],
)
def test_invalid_past_sign_ups(app: Flask, changes: dict[str, Any], message: str) -> None:
    valid = {
        "at": datetime.now(UTC),
        "variants": [CompositeID("$custom", "$default", "MUG")],
        "channels": [Channel.EMAIL],
        "email": ADA,
    }
    with app.test_request_context(), pytest.raises(ValueError, match=message):
        admin.import_sign_ups([admin.PastSignUp(**{**valid, **changes})])
