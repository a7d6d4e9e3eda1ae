"""Channels: what the form offers and asks for, and the exact calls that come of a choice."""

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
    SMS_SENTENCE,
    TYPED_PHONE,
    WAYS,
    WHATSAPP_SENTENCE,
    Way,
    back_in_stock,
    beside,
    by_element,
    pairs,
    profiles,
    sent_to,
    sound_posts,
    subscription,
    ticked,
)
from tests.notify_me.small_shop import DictCatalog
from tests.support import Sandbox

ways = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
shapes = pytest.mark.parametrize("headers", [{}, ELEMENT], ids=["page", "fragment"])
IDENTIFIER = {"EMAIL": "email", "SMS": "phone_number", "WHATSAPP": "phone_number"}


@shapes
@pytest.mark.parametrize("channel", IDENTIFIER)
def test_single_channel_is_preselected(
    offering: Callable[..., Flask], channel: str, headers: dict[str, str]
) -> None:
    """The form asks only for its contact."""
    form = post_form(view(offering(channel).test_client().get(FORM, headers=headers)))

    [sent] = form.all("input", name="channels")
    assert (sent["type"], sent["value"]) == ("hidden", channel)
    fields = [field["name"] for field in form.all("input") if field.get("type") in ("email", "tel")]
    assert fields == [IDENTIFIER[channel]]
    assert "required" in form.one("input", name=IDENTIFIER[channel])
    boxes = [field["value"] for field in form.all("input", type="checkbox")]
    assert boxes == ([] if channel == "EMAIL" else [channel])
    # what depends on no choice must not wait for one to be shown
    assert [element for element in form.all() if "data-for" in element] == []


LABELS = {"EMAIL": "Email", "SMS": "Text message", "WHATSAPP": "WhatsApp"}


@shapes
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
def test_several_channels_start_unchecked(
    offering: Callable[..., Flask], offered: Sequence[str], email_list: str, headers: dict[str, str]
) -> None:
    """One checkbox per channel in the settings' order, and one empty field per contact."""
    app = offering(*offered, consent={"email_list": email_list})

    form = post_form(view(app.test_client().get(FORM, headers=headers)))

    channel_boxes = form.all("input", name="channels")
    assert [(box["type"], box["value"]) for box in channel_boxes] == [
        ("checkbox", channel) for channel in offered
    ]
    assert [box.parent.text for box in channel_boxes if box.parent] == [
        LABELS[channel] for channel in offered
    ]
    assert ticked(form) == set()
    fields = [field for field in form.all("input") if field.get("type") in ("email", "tel")]
    assert {field["name"] for field in fields} == {IDENTIFIER[channel] for channel in offered}
    assert [field["value"] for field in fields] == ["" for _ in fields]
    # which of them is needed is for the shopper to say
    assert [field for field in fields if "required" in field] == []
    wanted = [("opt_in_promotional_sms", channel) for channel in offered if channel != "EMAIL"]
    if email_list == "ask" and "EMAIL" in offered:
        wanted.append(("opt_in_promotional_email", "EMAIL"))
    consent_boxes = [box for box in form.all("input", type="checkbox") if box not in channel_boxes]
    assert sorted((box["name"], box["value"]) for box in consent_boxes) == sorted(wanted)


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
    assert box in text.parent.all("input"), "the text is not in its box's group"
    assert ("WhatsApp" in text.text) == (channel == "WHATSAPP")


SMS = {"channels": "SMS", "phone_number": TYPED_PHONE}
WHATSAPP = {"channels": "WHATSAPP", "phone_number": TYPED_PHONE}
BOTH = {"channels": ["SMS", "WHATSAPP"], "phone_number": TYPED_PHONE}
NO_SMS, NO_WHATSAPP = {"sms-consent": SMS_SENTENCE}, {"whatsapp-consent": WHATSAPP_SENTENCE}
UNTICKED: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "SMS": (SMS, NO_SMS),
    "SMS, the box sent empty": ({**SMS, "opt_in_promotional_sms": ""}, NO_SMS),
    "SMS, the box sent as false": ({**SMS, "opt_in_promotional_sms": "false"}, NO_SMS),
    "SMS, WhatsApp's box ticked": ({**SMS, "opt_in_promotional_sms": "WHATSAPP"}, NO_SMS),
    "SMS, email's box ticked": ({**SMS, "opt_in_promotional_email": "EMAIL"}, NO_SMS),
    "SMS, email's value": ({**SMS, "opt_in_promotional_sms": "EMAIL"}, NO_SMS),
    "SMS, its value in lower case": ({**SMS, "opt_in_promotional_sms": "sms"}, NO_SMS),
    "SMS, several refusals": ({**SMS, "opt_in_promotional_sms": ["no", "off"]}, NO_SMS),
    "WhatsApp": (WHATSAPP, NO_WHATSAPP),
    "WhatsApp, SMS's box ticked": ({**WHATSAPP, "opt_in_promotional_sms": "SMS"}, NO_WHATSAPP),
    "both": (BOTH, NO_SMS | NO_WHATSAPP),
    "both, SMS ticked": ({**BOTH, "opt_in_promotional_sms": "SMS"}, NO_WHATSAPP),
    "both, WhatsApp ticked": ({**BOTH, "opt_in_promotional_sms": "WHATSAPP"}, NO_SMS),
    "both, a plain yes": ({**BOTH, "opt_in_promotional_sms": "yes"}, NO_WHATSAPP),
}


@pytest.mark.parametrize(("way", "data", "words"), pairs(UNTICKED, ["SMS", "both"]))
def test_texts_require_their_own_checkbox(
    offering: Callable[..., Flask],
    sandbox: Sandbox,
    log_file: LogFile,
    way: Way,
    data: dict[str, Any],
    words: dict[str, str],
) -> None:
    """422 with everything typed and checked kept; nothing is sent or logged."""
    app = offering(
        "EMAIL", "SMS", "WHATSAPP", consent={"email_list": "ask"}, NOTIFY_ME_MODE=way.mode
    )

    reply = way.send(app.test_client(), FORM, data)

    assert reply.status_code == 422
    if reply.json is not None:
        assert (reply.json["state"], reply.json["calls"]) == ("invalid", [])
    root = view(reply)
    assert beside(root) == words
    form = post_form(root)
    chosen = [data["channels"]] if isinstance(data["channels"], str) else data["channels"]
    assert {value for name, value in ticked(form) if name == "channels"} == set(chosen)
    assert form.one("input", name="phone_number")["value"] == TYPED_PHONE
    lacking = {
        f"{field['value'].lower()}-consent"
        for field in form.all("input", name="opt_in_promotional_sms")
        if "aria-invalid" in field
    }
    assert lacking == {*words}
    # nothing else is wrong, so the typing begins at the first of them
    [start] = [field for field in form.all("input") if "autofocus" in field]
    assert start["aria-describedby"].split()[0].endswith(f"-{next(iter(words))}-error")
    assert sandbox.requests() == []
    assert log_file.sign_ups() == []
    assert log_file.consents() == []


NO_EMAIL = "Enter your email address."
NO_PHONE = "Enter your mobile number."
NO_CHANNEL = "Choose how you'd like to hear from us."
TICK = {"opt_in_promotional_sms": ["SMS", "WHATSAPP"]}
MISSING: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "nothing chosen": ({}, {"channels": NO_CHANNEL}),
    "EMAIL without address": (
        {"channels": "EMAIL", "phone_number": TYPED_PHONE},
        {"email": NO_EMAIL},
    ),
    "SMS without number": ({"channels": "SMS", "email": ADA, **TICK}, {"phone_number": NO_PHONE}),
    "WHATSAPP without number": (
        {"channels": "WHATSAPP", "email": ADA, **TICK},
        {"phone_number": NO_PHONE},
    ),
    "EMAIL and SMS without either": (
        {"channels": ["EMAIL", "SMS"], **TICK},
        {"email": NO_EMAIL, "phone_number": NO_PHONE},
    ),
    "EMAIL and SMS, nothing else": (
        {"channels": ["EMAIL", "SMS"]},
        {"email": NO_EMAIL, "phone_number": NO_PHONE, "sms-consent": SMS_SENTENCE},
    ),
    "a channel that there isn't": (
        {"channels": ["EMAIL", "PUSH"], "email": ADA},
        {"channels": "We can't contact you that way. Please choose one of the options shown."},
    ),
}


@pytest.mark.parametrize(("data", "words"), MISSING.values(), ids=MISSING)
def test_each_selected_channel_requires_its_contact(
    offering: Callable[..., Flask], sandbox: Sandbox, data: dict[str, Any], words: dict[str, str]
) -> None:
    """All missing contacts are reported at once."""
    client = offering("EMAIL", "SMS", "WHATSAPP").test_client()

    reply = by_element(client, FORM, data)

    assert reply.status_code == 422
    assert beside(view(reply)) == words
    assert sandbox.requests() == []


def test_channel_that_is_not_offered_is_refused(
    offering: Callable[..., Flask], sandbox: Sandbox
) -> None:
    """A checked consent without its channel consents to nothing."""
    client = offering("EMAIL", "WHATSAPP").test_client()
    data = {"email": ADA, "phone_number": TYPED_PHONE, "opt_in_promotional_sms": "SMS"}

    refused = by_element(client, FORM, {**data, "channels": "SMS"})
    taken = by_element(client, FORM, {**data, "channels": "EMAIL"})

    assert [*beside(view(refused))] == ["channels"]
    assert taken.status_code == 200
    [call] = sound_posts(sandbox)
    assert call["body"] == back_in_stock(MUG, ["EMAIL"], {"email": ADA})


MAIL, TEXT = {"email": ADA}, {"phone_number": PHONE}
# what is offered and how email's list is asked; what the shopper chooses and ticks; the channels
# and identifiers of the subscription, and those of the consent call
Case = tuple[dict[str, Any], dict[str, Any], tuple[Any, Any], tuple[Any, Any] | None]
ASK, ALWAYS, OFF = ({"email_list": choice} for choice in ("ask", "always", "off"))
LISTED, TEXTED = "opt_in_promotional_email", "opt_in_promotional_sms"
CHOICES: dict[str, Case] = {
    "EMAIL": (OFF, {"channels": "EMAIL"}, (["EMAIL"], MAIL), None),
    "EMAIL, a tick that nobody asked for": (
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
    "EMAIL, texts' boxes ticked too": (
        OFF,
        {"channels": "EMAIL", TEXTED: ["SMS", "WHATSAPP"]},
        (["EMAIL"], MAIL),
        None,
    ),
    "SMS": (OFF, {"channels": "SMS", TEXTED: "SMS"}, (["SMS"], TEXT), (["SMS"], TEXT)),
    "SMS, email's box ticked too": (
        ASK,
        {"channels": "SMS", TEXTED: "SMS", LISTED: "EMAIL"},
        (["SMS"], TEXT),
        (["SMS"], TEXT),
    ),
    "SMS, where email always joins": (
        ALWAYS,
        {"channels": "SMS", TEXTED: "SMS"},
        (["SMS"], TEXT),
        (["SMS"], TEXT),
    ),
    "SMS, WhatsApp's box ticked too": (
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
    "each twice, in another order": (
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
    ("way", "asked", "chosen", "subscribed_to", "agreed"), pairs(CHOICES, MAIN)
)
def test_calls_to_klaviyo_are_exact(
    offering: Callable[..., Flask],
    sandbox: Sandbox,
    way: Way,
    asked: dict[str, Any],
    chosen: dict[str, Any],
    subscribed_to: tuple[Any, Any],
    agreed: tuple[Any, Any] | None,
) -> None:
    """The subscription, then the consent to what was checked."""
    app = offering("EMAIL", "SMS", "WHATSAPP", consent=asked, NOTIFY_ME_MODE=way.mode)
    data = {"email": ADA, "phone_number": TYPED_PHONE, **chosen}

    reply = way.send(app.test_client(), FORM, data)

    assert reply.status_code == 200
    assert "You're on the list" in view(reply).text
    expected = [(way.paths[0], back_in_stock(MUG, *subscribed_to))]
    if agreed:
        list_id = sandbox.account.list_id
        expected.append((way.paths[1], subscription(way, list_id, *agreed)))
    made = sound_posts(sandbox)
    assert sent_to(made) == expected
    assert {call["status"] for call in made} == {202}
    query = f"company_id={sandbox.account.public_key}" if way.from_browser else ""
    assert {call["query"] for call in made} == {query}
    # and what became of it at Klaviyo
    [waiting] = sandbox.waiting()
    assert waiting["channels"] == subscribed_to[0]
    [profile] = profiles(sandbox)
    subscribed = {
        channel.upper()
        for channel, purposes in profile["consent"].items()
        if purposes["marketing"]["status"] == "subscribed"
    }
    assert subscribed == set(agreed[0] if agreed else ())


@ways
def test_magento_example_of_klaviyos_guide(
    offering: Callable[..., Flask], sandbox: Sandbox, catalog: DictCatalog, way: Way
) -> None:
    composite_id = "$magento_two:::2-2:::2047"
    catalog.add("shirt", "Shirt", "2047", 0, composite_id=CompositeID.parse(composite_id))
    client = offering("SMS", NOTIFY_ME_MODE=way.mode).test_client()
    data = {"channels": "SMS", "phone_number": "+15005550006", "opt_in_promotional_sms": "SMS"}

    reply = way.send(client, f"/notify-me/{quote(composite_id, safe='')}", data)

    assert "You're on the list" in view(reply).text
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
    if way.from_browser:
        consent = {
            "type": "subscription",
            "attributes": {"custom_source": "Back in Stock", "profile": {"data": profile}},
            "relationships": to_list,
        }
    assert sent_to(sound_posts(sandbox)) == [
        (
            way.paths[0],
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
        (way.paths[1], {"data": consent}),
    ]
    [waiting] = sandbox.waiting()
    assert (waiting["variant"], waiting["profile"]) == (composite_id, number)
    [known] = profiles(sandbox)
    assert known["consent"]["sms"]["marketing"]["status"] == "subscribed"
    assert known["consent"]["email"]["marketing"]["status"] == "never_subscribed"


@ways
def test_custom_source_is_sent(offering: Callable[..., Flask], sandbox: Sandbox, way: Way) -> None:
    own = {"custom_source": "Smirr: Wieder da"}
    client = offering("SMS", consent=own, NOTIFY_ME_MODE=way.mode).test_client()

    way.send(client, FORM, {**SMS, "opt_in_promotional_sms": "SMS"})

    [_, consent] = sound_posts(sandbox)
    assert consent["body"]["data"]["attributes"]["custom_source"] == own["custom_source"]


@pytest.mark.parametrize(
    ("offered", "channel"),
    [(("EMAIL", "SMS"), "SMS"), (("SMS", "WHATSAPP"), "SMS"), (("WHATSAPP",), "WHATSAPP")],
)
def test_custom_form_with_one_checkbox(
    offering: Callable[..., Flask], sandbox: Sandbox, offered: Sequence[str], channel: str
) -> None:
    """A value of "y" stands for SMS, or without SMS for the field's only channel."""
    client = offering(*offered).test_client()
    data = {"phone_number": TYPED_PHONE, "opt_in_promotional_sms": "y"}

    reply = by_element(client, FORM, {**data, "channels": channel})

    assert reply.status_code == 200
    assert len(sound_posts(sandbox)) == 2
    if "WHATSAPP" in offered and channel == "SMS":
        other = by_element(client, FORM, {**data, "channels": "WHATSAPP"})
        assert beside(view(other)) == {"whatsapp-consent": WHATSAPP_SENTENCE}


@pytest.mark.parametrize("value", ["1", "on", "true", "y", "yes", "YES", "True", "On"])
def test_values_that_check_a_box(
    offering: Callable[..., Flask], sandbox: Sandbox, value: str
) -> None:
    client = offering("EMAIL", "SMS", consent={"email_list": "ask"}).test_client()
    data = {"channels": ["EMAIL", "SMS"], "email": ADA, "phone_number": TYPED_PHONE}

    reply = by_element(client, FORM, {**data, LISTED: value, TEXTED: value})

    assert reply.status_code == 200
    [_, consent] = sound_posts(sandbox)
    [profile] = consent["body"]["data"]["attributes"]["profiles"]["data"]
    assert {*profile["attributes"]["subscriptions"]} == {"email", "sms"}


NO_TICKS = ["", "0", "no", "off", "false", "FALSE", "n", "2", "yes please", "null", "None", " on"]


@pytest.mark.parametrize("value", [*NO_TICKS, "EMAIL"])
def test_other_values_do_not_check_the_sms_box(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, value: str
) -> None:
    client = offering("EMAIL", "SMS").test_client()

    reply = by_element(client, FORM, {**SMS, TEXTED: value})

    assert reply.status_code == 422
    assert beside(view(reply)) == NO_SMS
    assert ticked(view(reply)) == {("channels", "SMS")}
    assert sandbox.requests() == []
    assert log_file.sign_ups() == []


@pytest.mark.parametrize("value", [*NO_TICKS, "SMS", "email"])
def test_other_values_do_not_check_the_email_box(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile, value: str
) -> None:
    """The sign-up is accepted without joining the list."""
    client = offering("EMAIL", "SMS", consent={"email_list": "ask"}).test_client()

    reply = by_element(client, FORM, {"channels": "EMAIL", "email": ADA, LISTED: value})

    assert reply.status_code == 200
    [call] = sound_posts(sandbox)
    assert call["path"] == "/api/back-in-stock-subscriptions"
    assert log_file.consents() == []


def test_each_checkbox_has_its_own_error(offering: Callable[..., Flask]) -> None:
    """The description has the error, then the legal text; the first wrong box gets the focus."""
    client = offering("EMAIL", "SMS", "WHATSAPP").test_client()

    root = view(by_element(client, FORM, BOTH))

    for channel, words in (("SMS", SMS_SENTENCE), ("WHATSAPP", WHATSAPP_SENTENCE)):
        box = root.one("input", name=TEXTED, value=channel)
        error, disclosure = box["aria-describedby"].split()
        assert error.endswith(f"-{channel.lower()}-consent-error")
        assert disclosure.endswith(f"-{channel.lower()}-disclosure")
        assert root.one(id=error).text == words
        assert box.parent is not None
        assert root.one(id=error).parent is box.parent.parent, "it stands beside another box"
        assert ("autofocus" in box) == (channel == "SMS")
    half = view(by_element(client, FORM, {**BOTH, TEXTED: "SMS"}))
    [start] = [field for field in half.all("input") if "autofocus" in field]
    assert start["value"] == "WHATSAPP"
    # where something before it is wrong, that comes first
    numberless = view(by_element(client, FORM, {**BOTH, "phone_number": ""}))
    [start] = [field for field in numberless.all("input") if "autofocus" in field]
    assert start["name"] == "phone_number"


@pytest.mark.parametrize("channel", Channel)
def test_every_channel_has_its_settings_and_css(channel: Channel) -> None:
    css = Path(notify_me.__file__).with_name("static") / "notify-me.css"

    assert set(channel.info.legal_texts) <= set(Consent.model_fields)
    assert f"[data-for={channel}]" in css.read_text(encoding="utf-8")


def test_every_combination_of_channels_has_confirmation_texts() -> None:
    for count in range(1, len(Channel) + 1):
        for channels in combinations(Channel, count):
            assert frozenset(channels) in ALERT
            assert frozenset(channels) in CONFIRM
