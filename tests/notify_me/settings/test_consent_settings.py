"""Settings that are required to ask for consent, and the wording that results from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from notify_me import SettingsError
from tests.notify_me.conftest import LogFile
from tests.notify_me.markup import view
from tests.notify_me.offers import (
    FORM,
    PRIVACY,
    TERMS,
    settings_file,
    submit_element,
    toml,
    valid_sign_up_calls,
)
from tests.support import Sandbox

NO_LIST = {"KLAVIYO_LIST_ID": ""}
LIST_NAME, BRAND_NAME = "KLAVIYO_LIST_ID in the environment", "consent.brand (your company's name)"
TERMS_NAME, PRIVACY_NAME = "consent.terms_of_service_url", "consent.privacy_policy_url"
NEEDS: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "list": ({}, NO_LIST, [LIST_NAME]),
    "brand": ({"brand": None}, {}, [BRAND_NAME]),
    "blank brand": ({"brand": "  "}, {}, [BRAND_NAME]),
    "terms": ({"terms_of_service_url": None}, {}, [TERMS_NAME]),
    "privacy policy": ({"privacy_policy_url": ""}, {}, [PRIVACY_NAME]),
    "everything": (
        {"brand": None, "terms_of_service_url": None, "privacy_policy_url": None},
        NO_LIST,
        [LIST_NAME, BRAND_NAME, TERMS_NAME, PRIVACY_NAME],
    ),
}


@pytest.mark.parametrize(
    "offered", [("SMS",), ("WHATSAPP",), ("EMAIL", "SMS", "WHATSAPP")], ids="+".join
)
@pytest.mark.parametrize(("consent", "config", "missing"), NEEDS.values(), ids=NEEDS)
def test_sms_and_whatsapp_need_list_brand_and_links(
    offering: Callable[..., Flask],
    offered: tuple[str, ...],
    consent: dict[str, Any],
    config: dict[str, Any],
    missing: list[str],
) -> None:
    """The message names the channels and only what is missing."""
    with pytest.raises(SettingsError) as caught:
        offering(*offered, consent=consent, **config)

    message = str(caught.value)
    names = " and ".join(channel for channel in offered if channel != "EMAIL")
    needs = "need" if " and " in names else "needs"
    assert f"channels.offered contains {names}, which {needs} consent" in message
    named = [name for name in (LIST_NAME, BRAND_NAME, TERMS_NAME, PRIVACY_NAME) if name in message]
    assert named == missing
    assert "offer EMAIL only" in message


def test_email_needs_no_list_brand_or_links(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    text = toml(["EMAIL"], brand=None, terms_of_service_url=None, privacy_policy_url=None)

    app = make_app(NOTIFY_ME_CONFIG=settings_file(tmp_path, text), KLAVIYO_LIST_ID="")

    assert app.test_client().get(FORM).status_code == 200


@pytest.mark.parametrize("wanted", ["ask", "always"])
def test_email_list_needs_a_list_id(offering: Callable[..., Flask], wanted: str) -> None:
    """Consent to the email list needs a list ID only if email is offered."""
    with pytest.raises(SettingsError) as caught:
        offering("EMAIL", consent={"email_list": wanted}, KLAVIYO_LIST_ID="")

    for part in (f"consent.email_list is '{wanted}'", "KLAVIYO_LIST_ID", 'email_list = "off"'):
        assert part in str(caught.value)
    assert (
        offering("SMS", consent={"email_list": wanted}).test_client().get(FORM).status_code == 200
    )


@pytest.mark.parametrize("channel", ["SMS", "WHATSAPP"])
def test_age_gated_account_can_offer_email_only(
    offering: Callable[..., Flask], channel: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        offering("EMAIL", channel, consent={"age_gated": True})

    for part in (f"channels.offered contains {channel}", "consent.age_gated", "dates of birth"):
        assert part in str(caught.value)
    gated = offering("EMAIL", consent={"age_gated": True})
    assert gated.test_client().get(FORM).status_code == 200


@pytest.mark.parametrize(
    ("revision", "starts"),
    [("2025-10-15", False), ("2026-01-14", False), ("2026-01-15", True), ("2026-10-15", True)],
)
def test_whatsapp_needs_a_revision_that_supports_it(
    offering: Callable[..., Flask], revision: str, starts: bool
) -> None:
    """The first revision with WhatsApp is 2026-01-15."""
    if starts:
        offering("WHATSAPP", KLAVIYO_REVISION=revision)
        return
    with pytest.raises(SettingsError) as caught:
        offering("WHATSAPP", KLAVIYO_REVISION=revision)

    for part in ("WHATSAPP", "KLAVIYO_REVISION 2026-01-15 or later", f"not {revision}"):
        assert part in str(caught.value)
    offering("SMS", KLAVIYO_REVISION=revision)


@pytest.mark.parametrize(
    "name",
    [
        "email_checkbox_text",
        "email_notice",
        "sms_checkbox_text",
        "sms_disclosure",
        "whatsapp_checkbox_text",
        "whatsapp_disclosure",
    ],
)
def test_unknown_placeholder_in_the_wording_is_an_error(
    offering: Callable[..., Flask], name: str
) -> None:
    with pytest.raises(SettingsError, match=rf"consent\.{name}: unknown placeholder"):
        offering("EMAIL", consent={name: "News from {shop}."})


@pytest.mark.parametrize("url", [TERMS, "http://smirr.example/terms", "/terms"])
def test_url_becomes_a_link(offering: Callable[..., Flask], url: str) -> None:
    """The link opens in a new tab, so that the form stays filled in."""
    app = offering("SMS", consent={"terms_of_service_url": url})

    root = view(app.test_client().get(FORM))

    [link] = [link for link in root.all("a") if link.text == "Terms of Service"]
    assert (link["href"], link["target"], link["rel"]) == (url, "_blank", "noopener")


def test_shop_name_replaces_a_missing_brand(offering: Callable[..., Flask]) -> None:
    """The name may change while the shop runs."""
    names = ["Haar", "Smirr"]
    app = offering("SMS", consent={"brand": None}, SHOP_NAME=lambda: names[0])
    client = app.test_client()

    assert "text messages from Haar." in client.get(FORM).text
    names.pop(0)
    assert "text messages from Smirr." in client.get(FORM).text


def test_own_wording(offering: Callable[..., Flask], sandbox: Sandbox) -> None:
    """Placeholders are filled in, and markup in a setting is shown as text."""
    app = offering(
        "SMS",
        consent={
            "brand": "Smirr & <b>Co</b>",
            "program": "restock news",
            "frequency": "4 msgs/month",
            "sms_checkbox_text": "Text me, {brand}!",
            "sms_disclosure": "{program}, {frequency}, {brand}: {privacy_policy} <i>",
        },
    )

    root = view(app.test_client().get(FORM))
    box = root.one("input", name="opt_in_promotional_sms")
    assert box.parent is not None
    assert box.parent.text == "Text me, Smirr & <b>Co</b>!"
    disclosure = root.one(id=box["aria-describedby"])
    assert disclosure.text == "restock news, 4 msgs/month, Smirr & <b>Co</b>: Privacy Policy <i>"
    assert [link.text for link in disclosure.all()] == ["Privacy Policy"]
    data = {"channels": "SMS", "phone_number": "2025550143", "opt_in_promotional_sms": "SMS"}
    assert submit_element(app.test_client(), FORM, data).status_code == 200
    assert len(valid_sign_up_calls(sandbox)) == 2


def test_language_of_the_wording(
    offering: Callable[..., Flask], sandbox: Sandbox, log_file: LogFile
) -> None:
    """The language is set on the consent blocks for screen readers, and logged with the consent."""
    german = {
        "locale": "de-AT",
        "email_list": "ask",
        "sms_checkbox_text": "Ja, schreibt mir SMS.",
        "sms_disclosure": "Es gelten {terms_of_service} und {privacy_policy}.",
        "terms_of_service_text": "unsere AGB & <i>mehr</i>",
        "privacy_policy_text": "unsere Datenschutzerklärung",
    }
    client = offering("EMAIL", "SMS", "WHATSAPP", consent=german).test_client()

    root = view(client.get(FORM))

    blocks = root.all("div", class_="notify-me__consent")
    assert [block["lang"] for block in blocks] == ["de-AT"] * 3
    [sms] = [block for block in blocks if block.all("input", value="SMS")]
    assert [(link.text, link["href"]) for link in sms.all("a")] == [
        ("unsere AGB & <i>mehr</i>", TERMS),
        ("unsere Datenschutzerklärung", PRIVACY),
    ]
    data = {"channels": "SMS", "phone_number": "2025550143", "opt_in_promotional_sms": "SMS"}
    assert submit_element(client, FORM, data).status_code == 200
    [row] = log_file.consents()
    assert row["locale"] == "de-AT"
    assert row["text"] == (
        "Ja, schreibt mir SMS.\n"
        f"Es gelten unsere AGB & <i>mehr</i> ({TERMS}) und unsere Datenschutzerklärung ({PRIVACY})."
    )
    assert len(valid_sign_up_calls(sandbox)) == 2


NO_LINKS = {"terms_of_service_url": None, "privacy_policy_url": None}
LINKING: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a checkbox": (
        {"email_list": "ask", "email_checkbox_text": "Send me news. See our {privacy_policy}."},
        ["privacy_policy"],
    ),
    "a notice": (
        {"email_list": "always", "email_notice": "By joining, you accept our {terms_of_service}."},
        ["terms_of_service"],
    ),
    "both": (
        {"email_list": "ask", "email_checkbox_text": "{terms_of_service}, {privacy_policy}"},
        ["terms_of_service", "privacy_policy"],
    ),
    "with its own link text": (
        {
            "email_list": "ask",
            "email_checkbox_text": "Send me news. See our {privacy_policy}.",
            "privacy_policy_text": "how we handle data",
        },
        ["privacy_policy"],
    ),
}


@pytest.mark.parametrize(("consent", "names"), LINKING.values(), ids=LINKING)
def test_link_without_a_url_is_an_error(
    offering: Callable[..., Flask], consent: dict[str, Any], names: list[str]
) -> None:
    """The message names the placeholder and the setting."""
    with pytest.raises(SettingsError) as caught:
        offering("EMAIL", consent={**NO_LINKS, **consent})

    for name in names:
        message = (
            f"a setting under [consent] contains {{{name}}}, but consent.{name}_url is not set"
        )
        assert message in str(caught.value)
    assert str(caught.value).count("a setting under [consent]") == len(names)
    urls = {f"{name}_url": "/page" for name in names}
    app = offering("EMAIL", consent={**NO_LINKS, **consent, **urls})
    text = view(app.test_client().get(FORM)).one("div", class_="notify-me__consent")
    assert len(text.all("a", href="/page")) == len(names)


@pytest.mark.parametrize(
    "consent",
    [
        {"email_list": "off", "email_checkbox_text": "See {privacy_policy}."},
        {"email_list": "ask", "email_notice": "See {privacy_policy}."},
        {"email_list": "ask", "sms_disclosure": "See {terms_of_service}."},
    ],
    ids=["list off", "notice not shown", "channel not offered"],
)
def test_link_without_a_url_in_unused_wording_isnt_an_error(
    offering: Callable[..., Flask], consent: dict[str, Any]
) -> None:
    app = offering("EMAIL", consent={**NO_LINKS, **consent})

    assert app.test_client().get(FORM).status_code == 200
