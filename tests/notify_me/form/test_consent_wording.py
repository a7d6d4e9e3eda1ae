"""Consent wording that changes while a form is open: consent requires that it was shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask import Flask

from tests.notify_me.conftest import LogFile
from tests.notify_me.markup import Element, post_form, view
from tests.notify_me.offers import (
    ADA,
    FORM,
    SMS_SENTENCE,
    TYPED_PHONE,
    Scenario,
    all_scenarios,
    checked_boxes,
    field_errors,
    scenario_params,
    submit_element,
    valid_sign_up_calls,
)
from tests.support import Sandbox

CHANGED = "These terms have changed. Please read them again."
ASK, ALWAYS = {"email_list": "ask"}, {"email_list": "always"}
LISTED, TEXTED = "opt_in_promotional_email", "opt_in_promotional_sms"
FULL_FORM: dict[str, Any] = {
    "channels": ["EMAIL", "SMS", "WHATSAPP"],
    "email": ADA,
    "phone_number": TYPED_PHONE,
    LISTED: "EMAIL",
    TEXTED: ["SMS", "WHATSAPP"],
}


def shown_versions(form: Element) -> str:
    """Return the versions of the wording in the form, which are submitted with it."""
    return form.one("input", type="hidden", name="shown")["value"]


def logged_versions(log_file: LogFile) -> dict[str, str]:
    """Return the version of the consent wording in the log, by channel."""
    return {consent["channel"]: consent["version"] for consent in log_file.consents()}


@all_scenarios
def test_consent_to_the_wording_shown_is_accepted(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, scenario: Scenario
) -> None:
    """The form lists the versions of its wording in order, and the log has the same versions."""
    app = offering("EMAIL", "SMS", "WHATSAPP", consent=ASK, NOTIFY_ME_MODE=scenario.mode)
    versions = shown_versions(post_form(view(app.test_client().get(FORM))))

    reply = scenario.send(app.test_client(), FORM, {**FULL_FORM, "shown": versions})

    assert reply.status_code == 200
    assert [*logged_versions(log_file).values()] == versions.split()
    assert len(valid_sign_up_calls(sandbox)) == 2


# settings before and after the change; form data besides contacts; the checkboxes that are unticked
# in the reply, and those that stay ticked
Case = tuple[dict[str, Any], dict[str, Any], dict[str, Any], set[str], set[tuple[str, str]]]
EMAIL_CHECKBOX, SMS_CHECKBOX, WHATSAPP_CHECKBOX = (
    (LISTED, "EMAIL"),
    (TEXTED, "SMS"),
    (TEXTED, "WHATSAPP"),
)
BOTH = ["EMAIL", "SMS"]
CHANGES: dict[str, Case] = {
    "SMS legal text": (
        ASK,
        {**ASK, "sms_disclosure": "Now sent daily. {terms_of_service} {privacy_policy}"},
        {"channels": BOTH, LISTED: "EMAIL", TEXTED: "SMS"},
        {"sms"},
        {EMAIL_CHECKBOX},
    ),
    "SMS checkbox label": (
        ASK,
        {**ASK, "sms_checkbox_text": "Text me daily."},
        {"channels": "SMS", TEXTED: "SMS"},
        {"sms"},
        set(),
    ),
    "SMS checkbox label, the form sends yes": (
        ASK,
        {**ASK, "sms_checkbox_text": "Text me daily."},
        {"channels": "SMS", TEXTED: "yes"},
        {"sms"},
        set(),
    ),
    "URL in the SMS legal text": (
        ASK,
        {**ASK, "terms_of_service_url": "https://smirr.example/new-terms"},
        {"channels": "SMS", TEXTED: "SMS"},
        {"sms"},
        set(),
    ),
    "WhatsApp legal text, SMS also chosen": (
        ASK,
        {**ASK, "whatsapp_disclosure": "Now sent daily."},
        {"channels": ["SMS", "WHATSAPP"], TEXTED: ["SMS", "WHATSAPP"]},
        {"whatsapp"},
        {SMS_CHECKBOX},
    ),
    "the brand, which all wording contains": (
        ASK,
        {**ASK, "brand": "Haar"},
        {"channels": ["EMAIL", "SMS", "WHATSAPP"], LISTED: "EMAIL", TEXTED: ["SMS", "WHATSAPP"]},
        {"email", "sms", "whatsapp"},
        set(),
    ),
    "email checkbox, ticked": (
        ASK,
        {**ASK, "email_checkbox_text": "Also email me offers and news."},
        {"channels": BOTH, LISTED: "EMAIL", TEXTED: "SMS"},
        {"email"},
        {SMS_CHECKBOX},
    ),
    "email notice": (
        ALWAYS,
        {**ALWAYS, "email_notice": "You'll also join our mailing list."},
        {"channels": BOTH, TEXTED: "SMS"},
        {"email"},
        {SMS_CHECKBOX},
    ),
    "an additional notice": (
        {"email_list": "off"},
        ALWAYS,
        {"channels": "EMAIL"},
        {"email"},
        set(),
    ),
    "a notice instead of a checkbox": (ASK, ALWAYS, {"channels": "EMAIL"}, {"email"}, set()),
}
MAIN = ("SMS legal text", "the brand, which all wording contains", "email notice")


@pytest.mark.parametrize(
    ("scenario", "before", "after", "sent", "unchecked", "still_checked"),
    scenario_params(CHANGES, MAIN),
)
def test_changed_wording_must_be_confirmed_again(
    offering: Callable[..., Flask],
    sandbox: Sandbox,
    log_file: LogFile,
    scenario: Scenario,
    before: dict[str, Any],
    after: dict[str, Any],
    sent: dict[str, Any],
    unchecked: set[str],
    still_checked: set[tuple[str, str]],
) -> None:
    """The reply is 422 with the checkbox unticked; once it is ticked again, the form is sent."""
    every = ("EMAIL", "SMS", "WHATSAPP")
    old = offering(*every, consent=before, NOTIFY_ME_MODE=scenario.mode).test_client()
    new = offering(*every, consent=after, NOTIFY_ME_MODE=scenario.mode).test_client()
    data = {"email": ADA, "phone_number": TYPED_PHONE, **sent}
    versions = shown_versions(post_form(view(old.get(FORM))))

    reply = scenario.send(new, FORM, {**data, "shown": versions})

    assert reply.status_code == 422
    if reply.json is not None:
        assert (reply.json["state"], reply.json["calls"]) == ("invalid", [])
    root = view(reply)
    assert field_errors(root) == {f"{channel}-consent": CHANGED for channel in unchecked}
    form = post_form(root)
    chosen = [sent["channels"]] if isinstance(sent["channels"], str) else sent["channels"]
    assert checked_boxes(form) == {*still_checked, *(("channels", channel) for channel in chosen)}
    assert form.one("input", name="email")["value"] == ADA
    assert form.one("input", name="phone_number")["value"] == TYPED_PHONE
    assert sandbox.requests() == []
    assert log_file.sign_ups() == []
    assert log_file.consents() == []

    again = scenario.send(new, FORM, {**data, "shown": shown_versions(form)})

    assert again.status_code == 200
    logged = logged_versions(log_file)
    assert {channel.upper() for channel in unchecked} <= {*logged}
    assert {*logged.values()} <= {*shown_versions(form).split()}
    assert {logged[channel.upper()] for channel in unchecked}.isdisjoint(versions.split())


def test_unticked_checkbox_with_changed_wording_is_shown_again(
    offering: Callable[..., Flask], sandbox: Sandbox
) -> None:
    """The shopper may want to consent to the new wording. A shopper who doesn't can send the form
    again with the checkbox unticked.
    """
    old = offering("EMAIL", consent=ASK).test_client()
    new = offering("EMAIL", consent={**ASK, "brand": "Haar"}).test_client()
    data = {"channels": "EMAIL", "email": ADA}
    versions = shown_versions(post_form(view(old.get(FORM))))

    reply = submit_element(new, FORM, {**data, "shown": versions})

    assert field_errors(view(reply)) == {"email-consent": CHANGED}
    again = submit_element(new, FORM, {**data, "shown": shown_versions(post_form(view(reply)))})
    assert again.status_code == 200
    assert len(valid_sign_up_calls(sandbox)) == 1


@all_scenarios
def test_changed_wording_of_an_unselected_channel_does_not_matter(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, scenario: Scenario
) -> None:
    old = offering("EMAIL", "SMS", consent=ASK, NOTIFY_ME_MODE=scenario.mode).test_client()
    changed = {**ASK, "sms_disclosure": "Now sent daily."}
    new = offering("EMAIL", "SMS", consent=changed, NOTIFY_ME_MODE=scenario.mode).test_client()
    data = {"channels": "EMAIL", "email": ADA, LISTED: "EMAIL", TEXTED: "SMS"}

    reply = scenario.send(
        new, FORM, {**data, "shown": shown_versions(post_form(view(old.get(FORM))))}
    )

    assert reply.status_code == 200
    assert [*logged_versions(log_file)] == ["EMAIL"]
    assert len(valid_sign_up_calls(sandbox)) == 2


UNKNOWN = {
    "empty": "",
    "blank": " ",
    "another version": "0123456789ab",
    "part of the version": "{0:.6}",
    "version with another digit": "long",
}


@pytest.mark.parametrize("mode", ["server", "client"])
@pytest.mark.parametrize("versions_sent", UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_versions_are_refused(
    offering: Callable[..., Flask],
    sandbox: Sandbox,
    log_file: LogFile,
    versions_sent: str,
    mode: str,
) -> None:
    """A version is only known if it matches completely."""
    client = offering("SMS", NOTIFY_ME_MODE=mode).test_client()
    current = shown_versions(post_form(view(client.get(FORM))))
    sent = {"long": f"{current}0"}.get(versions_sent, versions_sent.format(current))
    data = {"channels": "SMS", "phone_number": TYPED_PHONE, TEXTED: "SMS", "shown": sent}

    reply = submit_element(client, FORM, data)

    assert reply.status_code == 422
    assert field_errors(view(reply)) == {"sms-consent": CHANGED}
    assert sandbox.requests() == []
    assert log_file.sign_ups() == []


@all_scenarios
@pytest.mark.parametrize("consent", [ASK, ALWAYS], ids=["asked", "notice"])
def test_custom_form_may_leave_out_the_versions(
    offering: Callable[..., Flask],
    log_file: LogFile,
    scenario: Scenario,
    consent: Mapping[str, str],
) -> None:
    """Without the field for versions, the current wording counts as shown."""
    client = offering("EMAIL", "SMS", "WHATSAPP", consent=consent, NOTIFY_ME_MODE=scenario.mode)

    assert scenario.send(client.test_client(), FORM, FULL_FORM).status_code == 200
    assert {*logged_versions(log_file)} == {"EMAIL", "SMS", "WHATSAPP"}


def test_error_for_an_unticked_checkbox_comes_with_the_current_wording(
    offering: Callable[..., Flask],
) -> None:
    """For an unticked checkbox with unchanged wording, the error doesn't mention a change."""
    client = offering("SMS", "WHATSAPP", consent=ASK).test_client()
    versions = shown_versions(post_form(view(client.get(FORM)))).split()
    data = {"channels": ["SMS", "WHATSAPP"], "phone_number": TYPED_PHONE, TEXTED: "WHATSAPP"}

    reply = submit_element(client, FORM, {**data, "shown": versions[0]})

    assert field_errors(view(reply)) == {"sms-consent": SMS_SENTENCE, "whatsapp-consent": CHANGED}
