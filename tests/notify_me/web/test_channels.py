"""Channels: the fields of the form, validation, and the exact calls for each selection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask

import notify_me
from notify_me import Channel, CompositeID
from notify_me.settings import Consent
from notify_me.web.confirmation import ALERT, CONFIRM
from tests.notify_me.conftest import LogFile
from tests.notify_me.markup import post_form, view
from tests.notify_me.offers import (
    ADA,
    ELEMENT,
    FORM,
    MUG,
    PHONE,
    PRIVACY,
    SMS_SENTENCE,
    TYPED_PHONE,
    WHATSAPP_SENTENCE,
    Scenario,
    all_scenarios,
    back_in_stock,
    checked_boxes,
    field_errors,
    paths_and_bodies,
    profiles,
    scenario_params,
    submit_element,
    subscription,
    text_with_links,
    valid_sign_up_calls,
)
from tests.notify_me.small_shop import DictCatalog
from tests.support import Sandbox

page_and_fragment = pytest.mark.parametrize("headers", [{}, ELEMENT], ids=["page", "fragment"])
IDENTIFIER = {"EMAIL": "email", "SMS": "phone_number", "WHATSAPP": "phone_number"}


@page_and_fragment
@pytest.mark.parametrize("channel", IDENTIFIER)
def test_single_channel_is_preselected(
    offering: Callable[..., Flask], channel: str, headers: dict[str, str]
) -> None:
    """The form only has the field that its single channel needs."""
    form = post_form(view(offering(channel).test_client().get(FORM, headers=headers)))

    [sent] = form.all("input", name="channels")
    assert (sent["type"], sent["value"]) == ("hidden", channel)
    fields = [field["name"] for field in form.all("input") if field.get("type") in ("email", "tel")]
    assert fields == [IDENTIFIER[channel]]
    assert "required" in form.one("input", name=IDENTIFIER[channel])
    boxes = [field["value"] for field in form.all("input", type="checkbox")]
    assert boxes == ([] if channel == "EMAIL" else [channel])
    # nothing depends on the selection of a channel
    assert [element for element in form.all() if "data-for" in element] == []


LABELS = {"EMAIL": "Email", "SMS": "Text message", "WHATSAPP": "WhatsApp"}


@page_and_fragment
@pytest.mark.parametrize(
    ("offered", "email_list"),
    [
        (("EMAIL", "SMS"), "ask"),
        (("SMS", "EMAIL"), "ask"),
        (("SMS", "WHATSAPP"), "ask"),
        (("WHATSAPP", "EMAIL"), "always"),
        (("EMAIL", "SMS", "WHATSAPP"), "off"),
        (("EMAIL", "SMS", "WHATSAPP"), "ask"),
        (("EMAIL", "SMS", "WHATSAPP"), "always"),
    ],
)
def test_only_email_is_preselected(
    offering: Callable[..., Flask], offered: Sequence[str], email_list: str, headers: dict[str, str]
) -> None:
    """The form has one checkbox per channel, in the order of the setting, and one empty field per
    contact. Without email, the first channel is selected. No consent checkbox is ticked.
    """
    app = offering(*offered, consent={"email_list": email_list})

    form = post_form(view(app.test_client().get(FORM, headers=headers)))

    channel_boxes = form.all("input", name="channels")
    assert [(box["type"], box["value"]) for box in channel_boxes] == [
        ("checkbox", channel) for channel in offered
    ]
    assert [box.parent.text for box in channel_boxes if box.parent] == [
        LABELS[channel] for channel in offered
    ]
    preselected = "EMAIL" if "EMAIL" in offered else offered[0]
    assert checked_boxes(form) == {("channels", preselected)}
    fields = [field for field in form.all("input") if field.get("type") in ("email", "tel")]
    assert {field["name"] for field in fields} == {IDENTIFIER[channel] for channel in offered}
    assert [field["value"] for field in fields] == ["" for _ in fields]
    # the selected channels decide which field is required
    assert [field for field in fields if "required" in field] == []
    expected_boxes = [
        ("opt_in_promotional_sms", channel) for channel in offered if channel != "EMAIL"
    ]
    if email_list == "ask" and "EMAIL" in offered:
        expected_boxes.append(("opt_in_promotional_email", "EMAIL"))
    consent_boxes = [box for box in form.all("input", type="checkbox") if box not in channel_boxes]
    assert sorted((box["name"], box["value"]) for box in consent_boxes) == sorted(expected_boxes)


@pytest.mark.parametrize("channel", ["SMS", "WHATSAPP"])
def test_legal_text_is_next_to_its_checkbox(offering: Callable[..., Flask], channel: str) -> None:
    root = view(offering("EMAIL", "SMS", "WHATSAPP").test_client().get(FORM))

    box = root.one("input", name="opt_in_promotional_sms", value=channel)
    text = root.one(id=box["aria-describedby"])
    for part in (
        "Smirr",
        "back-in-stock alerts and offers",
        "Message frequency varies",
        "HELP",
        "STOP",
        "ata rates may apply",
        "not a condition of purchase",
        "recurring automated marketing",
    ):
        assert part in text.text
    assert [(link.text, link["href"]) for link in text.all("a")] == [
        ("Terms of Service", "https://smirr.example/terms"),
        ("Privacy Policy", "https://smirr.example/privacy"),
    ]
    assert text.parent is not None
    assert box in text.parent.all("input"), "the text is not in its group"
    assert ("WhatsApp" in text.text) == (channel == "WHATSAPP")


@pytest.mark.parametrize(
    ("url", "footer", "shown"),
    [
        (PRIVACY, "", [f"Datenschutzerklärung ({PRIVACY})"]),
        (PRIVACY, "Nur für diese Nachricht", ["Nur für diese Nachricht"]),
        (None, "", []),
    ],
)
def test_form_links_to_the_privacy_policy_unless_it_has_a_footer(
    offering: Callable[..., Flask], url: str | None, footer: str, shown: list[str]
) -> None:
    environ = {"LANGUAGES__OFFERED": "en,de", "MODAL__FOOTER_CONTENT": footer}
    app = offering(
        "EMAIL",
        consent={"privacy_policy_url": url},
        **{f"NOTIFY_ME_{name}": value for name, value in environ.items() if value},
    )

    form = view(app.test_client().get(f"{FORM}?lang=de"))

    footers = form.all("div", class_="notify-me__footer")
    assert [text_with_links(element) for element in footers] == shown


SMS = {"channels": "SMS", "phone_number": TYPED_PHONE}
WHATSAPP = {"channels": "WHATSAPP", "phone_number": TYPED_PHONE}
BOTH = {"channels": ["SMS", "WHATSAPP"], "phone_number": TYPED_PHONE}
NO_SMS, NO_WHATSAPP = {"sms-consent": SMS_SENTENCE}, {"whatsapp-consent": WHATSAPP_SENTENCE}
UNTICKED: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "SMS": (SMS, NO_SMS),
    "SMS, empty value": ({**SMS, "opt_in_promotional_sms": ""}, NO_SMS),
    "SMS, value false": ({**SMS, "opt_in_promotional_sms": "false"}, NO_SMS),
    "SMS, WhatsApp checkbox ticked": ({**SMS, "opt_in_promotional_sms": "WHATSAPP"}, NO_SMS),
    "SMS, email checkbox ticked": ({**SMS, "opt_in_promotional_email": "EMAIL"}, NO_SMS),
    "SMS, value EMAIL": ({**SMS, "opt_in_promotional_sms": "EMAIL"}, NO_SMS),
    "SMS, value in lower case": ({**SMS, "opt_in_promotional_sms": "sms"}, NO_SMS),
    "SMS, values no and off": ({**SMS, "opt_in_promotional_sms": ["no", "off"]}, NO_SMS),
    "WhatsApp": (WHATSAPP, NO_WHATSAPP),
    "WhatsApp, SMS checkbox ticked": ({**WHATSAPP, "opt_in_promotional_sms": "SMS"}, NO_WHATSAPP),
    "both": (BOTH, NO_SMS | NO_WHATSAPP),
    "both, SMS ticked": ({**BOTH, "opt_in_promotional_sms": "SMS"}, NO_WHATSAPP),
    "both, WhatsApp ticked": ({**BOTH, "opt_in_promotional_sms": "WHATSAPP"}, NO_SMS),
    "both, value yes": ({**BOTH, "opt_in_promotional_sms": "yes"}, NO_WHATSAPP),
}


@pytest.mark.parametrize(("scenario", "data", "errors"), scenario_params(UNTICKED, ["SMS", "both"]))
def test_sms_and_whatsapp_require_their_own_checkboxes(
    offering: Callable[..., Flask],
    sandbox: Sandbox,
    log_file: LogFile,
    scenario: Scenario,
    data: dict[str, Any],
    errors: dict[str, str],
) -> None:
    """The reply is 422 with the shopper's input; nothing is sent or logged."""
    app = offering(
        "EMAIL", "SMS", "WHATSAPP", consent={"email_list": "ask"}, NOTIFY_ME_MODE=scenario.mode
    )

    reply = scenario.send(app.test_client(), FORM, data)

    assert reply.status_code == 422
    if reply.json is not None:
        assert (reply.json["state"], reply.json["calls"]) == ("invalid", [])
    root = view(reply)
    assert field_errors(root) == errors
    form = post_form(root)
    submitted = [data["channels"]] if isinstance(data["channels"], str) else data["channels"]
    assert {value for name, value in checked_boxes(form) if name == "channels"} == set(submitted)
    assert form.one("input", name="phone_number")["value"] == TYPED_PHONE
    invalid_boxes = {
        f"{field['value'].lower()}-consent"
        for field in form.all("input", name="opt_in_promotional_sms")
        if "aria-invalid" in field
    }
    assert invalid_boxes == {*errors}
    # there is no other error, so the first of these checkboxes has the focus
    [focused] = [field for field in form.all("input") if "autofocus" in field]
    assert focused["aria-describedby"].split()[0].endswith(f"-{next(iter(errors))}-error")
    assert sandbox.requests() == []
    assert log_file.sign_ups() == []
    assert log_file.consents() == []


NO_EMAIL = "Enter your email address."
NO_PHONE = "Enter your mobile number."
NO_CHANNEL = "Choose how you’d like to hear from us."
TICK = {"opt_in_promotional_sms": ["SMS", "WHATSAPP"]}
MISSING: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "nothing chosen": ({}, {"channels": NO_CHANNEL}),
    "EMAIL without an address": (
        {"channels": "EMAIL", "phone_number": TYPED_PHONE},
        {"email": NO_EMAIL},
    ),
    "SMS without a number": ({"channels": "SMS", "email": ADA, **TICK}, {"phone_number": NO_PHONE}),
    "WHATSAPP without a number": (
        {"channels": "WHATSAPP", "email": ADA, **TICK},
        {"phone_number": NO_PHONE},
    ),
    "EMAIL and SMS without contacts": (
        {"channels": ["EMAIL", "SMS"], **TICK},
        {"email": NO_EMAIL, "phone_number": NO_PHONE},
    ),
    "EMAIL and SMS without contacts and consent": (
        {"channels": ["EMAIL", "SMS"]},
        {"email": NO_EMAIL, "phone_number": NO_PHONE, "sms-consent": SMS_SENTENCE},
    ),
    "an unknown channel": (
        {"channels": ["EMAIL", "PUSH"], "email": ADA},
        {"channels": "We can’t contact you that way. Please choose one of the options shown."},
    ),
}


@pytest.mark.parametrize(("data", "errors"), MISSING.values(), ids=MISSING)
def test_each_selected_channel_requires_its_contact(
    offering: Callable[..., Flask], sandbox: Sandbox, data: dict[str, Any], errors: dict[str, str]
) -> None:
    """All missing contacts are reported at once."""
    client = offering("EMAIL", "SMS", "WHATSAPP").test_client()

    reply = submit_element(client, FORM, data)

    assert reply.status_code == 422
    assert field_errors(view(reply)) == errors
    assert sandbox.requests() == []


def test_channel_that_is_not_offered_is_refused(
    offering: Callable[..., Flask], sandbox: Sandbox
) -> None:
    """Consent to a channel that wasn't selected has no effect."""
    client = offering("EMAIL", "WHATSAPP").test_client()
    data = {"email": ADA, "phone_number": TYPED_PHONE, "opt_in_promotional_sms": "SMS"}

    refused = submit_element(client, FORM, {**data, "channels": "SMS"})
    accepted = submit_element(client, FORM, {**data, "channels": "EMAIL"})

    assert [*field_errors(view(refused))] == ["channels"]
    assert accepted.status_code == 200
    [call] = valid_sign_up_calls(sandbox)
    assert call["body"] == back_in_stock(MUG, ["EMAIL"], {"email": ADA})


MAIL, TEXT = {"email": ADA}, {"phone_number": PHONE}
# the consent settings; the submitted channels and checkboxes; channels and identifiers of the
# expected subscription, and of the expected consent call
Case = tuple[dict[str, Any], dict[str, Any], tuple[Any, Any], tuple[Any, Any] | None]
ASK, ALWAYS, OFF = ({"email_list": choice} for choice in ("ask", "always", "off"))
LISTED, TEXTED = "opt_in_promotional_email", "opt_in_promotional_sms"
CHOICES: dict[str, Case] = {
    "EMAIL": (OFF, {"channels": "EMAIL"}, (["EMAIL"], MAIL), None),
    "EMAIL, not asked but ticked": (
        OFF,
        {"channels": "EMAIL", LISTED: "EMAIL"},
        (["EMAIL"], MAIL),
        None,
    ),
    "EMAIL, asked and not ticked": (ASK, {"channels": "EMAIL"}, (["EMAIL"], MAIL), None),
    "EMAIL, asked and ticked": (
        ASK,
        {"channels": "EMAIL", LISTED: "EMAIL"},
        (["EMAIL"], MAIL),
        (["EMAIL"], MAIL),
    ),
    "EMAIL, always": (ALWAYS, {"channels": "EMAIL"}, (["EMAIL"], MAIL), (["EMAIL"], MAIL)),
    "EMAIL, SMS and WhatsApp checkboxes ticked": (
        OFF,
        {"channels": "EMAIL", TEXTED: ["SMS", "WHATSAPP"]},
        (["EMAIL"], MAIL),
        None,
    ),
    "SMS": (OFF, {"channels": "SMS", TEXTED: "SMS"}, (["SMS"], TEXT), (["SMS"], TEXT)),
    "SMS, email checkbox also ticked": (
        ASK,
        {"channels": "SMS", TEXTED: "SMS", LISTED: "EMAIL"},
        (["SMS"], TEXT),
        (["SMS"], TEXT),
    ),
    "SMS, email list always": (
        ALWAYS,
        {"channels": "SMS", TEXTED: "SMS"},
        (["SMS"], TEXT),
        (["SMS"], TEXT),
    ),
    "SMS, WhatsApp checkbox also ticked": (
        OFF,
        {"channels": "SMS", TEXTED: ["SMS", "WHATSAPP"]},
        (["SMS"], TEXT),
        (["SMS"], TEXT),
    ),
    "EMAIL+SMS": (
        OFF,
        {"channels": ["EMAIL", "SMS"], TEXTED: "SMS"},
        (["EMAIL", "SMS"], {**MAIL, **TEXT}),
        (["SMS"], TEXT),
    ),
    "EMAIL+SMS, asked and not ticked": (
        ASK,
        {"channels": ["EMAIL", "SMS"], TEXTED: "SMS"},
        (["EMAIL", "SMS"], {**MAIL, **TEXT}),
        (["SMS"], TEXT),
    ),
    "EMAIL+SMS, both ticked": (
        ASK,
        {"channels": ["EMAIL", "SMS"], TEXTED: "SMS", LISTED: "EMAIL"},
        (["EMAIL", "SMS"], {**MAIL, **TEXT}),
        (["EMAIL", "SMS"], {**MAIL, **TEXT}),
    ),
    "EMAIL+SMS, always": (
        ALWAYS,
        {"channels": ["EMAIL", "SMS"], TEXTED: "SMS"},
        (["EMAIL", "SMS"], {**MAIL, **TEXT}),
        (["EMAIL", "SMS"], {**MAIL, **TEXT}),
    ),
    "EMAIL+SMS, repeated and in another order": (
        ASK,
        {"channels": ["SMS", "EMAIL", "SMS"], TEXTED: ["SMS", "SMS"], LISTED: "EMAIL"},
        (["EMAIL", "SMS"], {**MAIL, **TEXT}),
        (["EMAIL", "SMS"], {**MAIL, **TEXT}),
    ),
    "WHATSAPP": (
        OFF,
        {"channels": "WHATSAPP", TEXTED: "WHATSAPP"},
        (["WHATSAPP"], TEXT),
        (["WHATSAPP"], TEXT),
    ),
    "SMS+WHATSAPP": (
        OFF,
        {"channels": ["SMS", "WHATSAPP"], TEXTED: ["SMS", "WHATSAPP"]},
        (["SMS", "WHATSAPP"], TEXT),
        (["SMS", "WHATSAPP"], TEXT),
    ),
    "all": (
        ASK,
        {
            "channels": ["EMAIL", "SMS", "WHATSAPP"],
            TEXTED: ["SMS", "WHATSAPP"],
            LISTED: "EMAIL",
        },
        (["EMAIL", "SMS", "WHATSAPP"], {**MAIL, **TEXT}),
        (["EMAIL", "SMS", "WHATSAPP"], {**MAIL, **TEXT}),
    ),
}
MAIN = ("EMAIL", "EMAIL, asked and ticked", "SMS", "EMAIL+SMS", "WHATSAPP")


@pytest.mark.parametrize(
    ("scenario", "consent_settings", "submitted", "expected_subscription", "expected_consent"),
    scenario_params(CHOICES, MAIN),
)
def test_calls_to_klaviyo_are_exact(
    offering: Callable[..., Flask],
    sandbox: Sandbox,
    scenario: Scenario,
    consent_settings: dict[str, Any],
    submitted: dict[str, Any],
    expected_subscription: tuple[Any, Any],
    expected_consent: tuple[Any, Any] | None,
) -> None:
    """The subscription is followed by a call with the consent that was given."""
    app = offering(
        "EMAIL", "SMS", "WHATSAPP", consent=consent_settings, NOTIFY_ME_MODE=scenario.mode
    )
    data = {"email": ADA, "phone_number": TYPED_PHONE, **submitted}

    reply = scenario.send(app.test_client(), FORM, data)

    assert reply.status_code == 200
    assert "You’re on the list" in view(reply).text
    expected = [(scenario.paths[0], back_in_stock(MUG, *expected_subscription))]
    if expected_consent:
        list_id = sandbox.account.list_id
        expected.append((scenario.paths[1], subscription(scenario, list_id, *expected_consent)))
    calls = valid_sign_up_calls(sandbox)
    assert paths_and_bodies(calls) == expected
    assert {call["status"] for call in calls} == {202}
    query = f"company_id={sandbox.account.public_key}" if scenario.from_browser else ""
    assert {call["query"] for call in calls} == {query}
    # the effect in Klaviyo
    [waiting] = sandbox.waiting()
    assert waiting["channels"] == expected_subscription[0]
    [profile] = profiles(sandbox)
    subscribed = {
        channel.upper()
        for channel, purposes in profile["consent"].items()
        if purposes["marketing"]["status"] == "subscribed"
    }
    assert subscribed == set(expected_consent[0] if expected_consent else ())


@all_scenarios
def test_magento_example_from_klaviyos_guide(
    offering: Callable[..., Flask], sandbox: Sandbox, catalog: DictCatalog, scenario: Scenario
) -> None:
    composite_id = "$magento_two:::2-2:::2047"
    catalog.add("shirt", "Shirt", "2047", 0, composite_id=CompositeID.parse(composite_id))
    client = offering("SMS", NOTIFY_ME_MODE=scenario.mode).test_client()
    data = {"channels": "SMS", "phone_number": "+15005550006", "opt_in_promotional_sms": "SMS"}

    reply = scenario.send(client, f"/notify-me/{quote(composite_id, safe='')}", data)

    assert "You’re on the list" in view(reply).text
    number = {"phone_number": "+15005550006"}
    profile = {
        "type": "profile",
        "attributes": {
            **number,
            "subscriptions": {"sms": {"marketing": {"consent": "SUBSCRIBED"}}},
        },
    }
    to_list = {"list": {"data": {"type": "list", "id": sandbox.account.list_id}}}
    consent: dict[str, Any] = {
        "type": "profile-subscription-bulk-create-job",
        "attributes": {"custom_source": "Back in Stock", "profiles": {"data": [profile]}},
        "relationships": to_list,
    }
    if scenario.from_browser:
        consent = {
            "type": "subscription",
            "attributes": {"custom_source": "Back in Stock", "profile": {"data": profile}},
            "relationships": to_list,
        }
    assert paths_and_bodies(valid_sign_up_calls(sandbox)) == [
        (
            scenario.paths[0],
            {
                "data": {
                    "type": "back-in-stock-subscription",
                    "attributes": {
                        "channels": ["SMS"],
                        "profile": {"data": {"type": "profile", "attributes": number}},
                    },
                    "relationships": {
                        "variant": {"data": {"type": "catalog-variant", "id": composite_id}}
                    },
                }
            },
        ),
        (scenario.paths[1], {"data": consent}),
    ]
    [waiting] = sandbox.waiting()
    assert (waiting["variant"], waiting["profile"]) == (composite_id, number)
    [subscriber] = profiles(sandbox)
    assert subscriber["consent"]["sms"]["marketing"]["status"] == "subscribed"
    assert subscriber["consent"]["email"]["marketing"]["status"] == "never_subscribed"


@all_scenarios
def test_custom_source_is_sent(
    offering: Callable[..., Flask], sandbox: Sandbox, scenario: Scenario
) -> None:
    settings = {"custom_source": "Smirr: Wieder da"}
    client = offering("SMS", consent=settings, NOTIFY_ME_MODE=scenario.mode).test_client()

    scenario.send(client, FORM, {**SMS, "opt_in_promotional_sms": "SMS"})

    [_, consent] = valid_sign_up_calls(sandbox)
    assert consent["body"]["data"]["attributes"]["custom_source"] == settings["custom_source"]


@pytest.mark.parametrize(
    ("offered", "channel"),
    [(("EMAIL", "SMS"), "SMS"), (("SMS", "WHATSAPP"), "SMS"), (("WHATSAPP",), "WHATSAPP")],
)
def test_custom_form_with_one_checkbox(
    offering: Callable[..., Flask], sandbox: Sandbox, offered: Sequence[str], channel: str
) -> None:
    """The value "y" stands for SMS or, if SMS isn't offered, for WhatsApp."""
    client = offering(*offered).test_client()
    data = {"phone_number": TYPED_PHONE, "opt_in_promotional_sms": "y"}

    reply = submit_element(client, FORM, {**data, "channels": channel})

    assert reply.status_code == 200
    assert len(valid_sign_up_calls(sandbox)) == 2
    if "WHATSAPP" in offered and channel == "SMS":
        other = submit_element(client, FORM, {**data, "channels": "WHATSAPP"})
        assert field_errors(view(other)) == {"whatsapp-consent": WHATSAPP_SENTENCE}


@pytest.mark.parametrize("value", ["1", "on", "true", "y", "yes", "YES", "True", "On"])
def test_values_that_tick_a_checkbox(
    offering: Callable[..., Flask], sandbox: Sandbox, value: str
) -> None:
    client = offering("EMAIL", "SMS", consent={"email_list": "ask"}).test_client()
    data = {"channels": ["EMAIL", "SMS"], "email": ADA, "phone_number": TYPED_PHONE}

    reply = submit_element(client, FORM, {**data, LISTED: value, TEXTED: value})

    assert reply.status_code == 200
    [_, consent] = valid_sign_up_calls(sandbox)
    [profile] = consent["body"]["data"]["attributes"]["profiles"]["data"]
    assert {*profile["attributes"]["subscriptions"]} == {"email", "sms"}


NO_TICKS = ["", "0", "no", "off", "false", "FALSE", "n", "2", "yes please", "null", "None", " on"]


@pytest.mark.parametrize("value", [*NO_TICKS, "EMAIL"])
def test_other_values_do_not_tick_the_sms_checkbox(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, value: str
) -> None:
    client = offering("EMAIL", "SMS").test_client()

    reply = submit_element(client, FORM, {**SMS, TEXTED: value})

    assert reply.status_code == 422
    assert field_errors(view(reply)) == NO_SMS
    assert checked_boxes(view(reply)) == {("channels", "SMS")}
    assert sandbox.requests() == []
    assert log_file.sign_ups() == []


@pytest.mark.parametrize("value", [*NO_TICKS, "SMS", "email"])
def test_other_values_do_not_tick_the_email_checkbox(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, value: str
) -> None:
    """The sign-up is accepted without joining the list."""
    client = offering("EMAIL", "SMS", consent={"email_list": "ask"}).test_client()

    reply = submit_element(client, FORM, {"channels": "EMAIL", "email": ADA, LISTED: value})

    assert reply.status_code == 200
    [call] = valid_sign_up_calls(sandbox)
    assert call["path"] == "/api/back-in-stock-subscriptions"
    assert log_file.consents() == []


def test_each_checkbox_has_its_own_error(offering: Callable[..., Flask]) -> None:
    """The error comes before the legal text, and the first invalid checkbox gets the focus."""
    client = offering("EMAIL", "SMS", "WHATSAPP").test_client()

    root = view(submit_element(client, FORM, BOTH))

    for channel, errors in (("SMS", SMS_SENTENCE), ("WHATSAPP", WHATSAPP_SENTENCE)):
        box = root.one("input", name=TEXTED, value=channel)
        error, disclosure = box["aria-describedby"].split()
        assert error.endswith(f"-{channel.lower()}-consent-error")
        assert disclosure.endswith(f"-{channel.lower()}-disclosure")
        assert root.one(id=error).text == errors
        assert box.parent is not None
        assert root.one(id=error).parent is box.parent.parent, "the error is elsewhere"
        assert ("autofocus" in box) == (channel == "SMS")
    half = view(submit_element(client, FORM, {**BOTH, TEXTED: "SMS"}))
    [focused] = [field for field in half.all("input") if "autofocus" in field]
    assert focused["value"] == "WHATSAPP"
    # an invalid field before the checkboxes has the focus
    without_number = view(submit_element(client, FORM, {**BOTH, "phone_number": ""}))
    [focused] = [field for field in without_number.all("input") if "autofocus" in field]
    assert focused["name"] == "phone_number"


@pytest.mark.parametrize("channel", Channel)
def test_every_channel_has_its_settings_and_css(channel: Channel) -> None:
    css = Path(notify_me.__file__).with_name("static") / "notify-me.css"

    assert set(channel.info.legal_wording) <= set(Consent.model_fields)
    assert f"[data-for={channel}]" in css.read_text(encoding="utf-8")


def test_every_combination_of_channels_has_its_sentences() -> None:
    for count in range(1, len(Channel) + 1):
        for channels in combinations(Channel, count):
            assert frozenset(channels) in ALERT
            assert frozenset(channels) in CONFIRM
