"""A mistyped contact: shown in full, corrected with one press, or changed in the form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from notify_me.form.typos import suggested_address
from tests.notify_me.conftest import LogFile
from tests.notify_me.consent import BY_BOTH, BY_EMAIL
from tests.notify_me.markup import Element, state, view
from tests.notify_me.offers import (
    ADA,
    ELEMENT,
    FORM,
    PHONE_SHOWN,
    PREFIX,
    submit_element,
    submit_page,
)
from tests.support import Sandbox

MISTYPED = {
    "gmial.com": "gmail.com",
    "gmal.com": "gmail.com",
    "gnail.com": "gmail.com",
    "gmaill.com": "gmail.com",
    "gmail.co": "gmail.com",
    "gmail.cm": "gmail.com",
    "gmail.con": "gmail.com",
    "gmial.con": "gmail.com",
    "gmail.de": "gmail.com",
    "gmail.co.uk": "gmail.com",
    "gm\u0430il.com": "gmail.com",
    "hotmial.com": "hotmail.com",
    "hormail.com": "hotmail.com",
    "hotmal.fr": "hotmail.fr",
    "yaho.com": "yahoo.com",
    "yhaoo.com": "yahoo.com",
    "yahoo.co": "yahoo.com",
    "yaho.co.uk": "yahoo.co.uk",
    "outlok.com": "outlook.com",
    "icould.com": "icloud.com",
    "aol.con": "aol.com",
    "example.con": "example.com",
    "example.cmo": "example.com",
    "example.nett": "example.net",
    "example.ogr": "example.org",
    "hotmail.frr": "hotmail.fr",
    "gmx.ed": "gmx.de",
    "example.couk": "example.co.uk",
    "m\u00fcnchen.con": "m\u00fcnchen.com",
}
RIGHT = [
    "protonmail.ch",
    "gmail.com",
    "googlemail.com",
    "ymail.com",
    "mail.com",
    "mailo.com",
    "myyahoo.com",
    "me.com",
    "mac.com",
    "msn.com",
    "live.com",
    "live.ca",
    "pm.me",
    "gmx.de",
    "gmx.net",
    "gmx.at",
    "web.de",
    "t-online.de",
    "yahoo.com",
    "yahoo.co.uk",
    "yahoo.com.my",
    "yahoo.ca",
    "hotmail.gr",
    "hotmail.com.br",
    "outlook.sk",
    "outlook.com.br",
    "icloud.com",
    "aol.de",
    "proton.me",
    "protonmail.com",
    "fastmail.com",
    "free.fr",
    "orange.es",
    "qq.com",
    "163.com",
    "hey.com",
    "example.org",
    "example.co",
    "example.cm",
    "münchen.de",
]


def correction_form(reply: TestResponse) -> Element:
    return view(reply).one("form", class_="notify-me__suggestion")


def change_form(reply: TestResponse) -> Element:
    return view(reply).one("form", class_="notify-me__change")


def sent_emails(sandbox: Sandbox) -> list[str]:
    return [str(waiting["profile"].get("email")) for waiting in sandbox.waiting()]


@pytest.mark.parametrize(("domain", "meant"), MISTYPED.items())
def test_mistyped_domain_has_a_suggestion(domain: str, meant: str) -> None:
    assert suggested_address(f"ada@{domain}") == f"ada@{meant}"


@pytest.mark.parametrize("domain", RIGHT)
def test_existing_domain_has_no_suggestion(domain: str) -> None:
    assert suggested_address(f"ada@{domain}") is None


@pytest.mark.parametrize("submit", [submit_element, submit_page])
def test_mistyped_email_domain_is_corrected_with_one_click(
    offering: Callable[..., Flask], sandbox: Sandbox, submit: Callable[..., TestResponse]
) -> None:
    """The sign-up is accepted as typed; the press signs up the suggested address, with consent."""
    client = offering("EMAIL", "SMS", consent={"email_list": "ask"}).test_client()

    reply = submit(client, FORM, {**BY_BOTH, "email": "ada@gmial.com"})

    assert state(reply) == "done"
    form = correction_form(reply)
    assert "Did you mean ada@gmail.com?" in form.text
    corrected = submit(client, form["action"], MultiDict(form.form_data()))
    assert state(corrected) == "done"
    assert "Did you mean" not in view(corrected).text
    assert sent_emails(sandbox) == ["ada@gmial.com", "ada@gmail.com"]
    [*_, subscription, consent] = sandbox.requests()
    assert subscription["body"]["data"]["attributes"]["channels"] == ["EMAIL"]
    [profile] = consent["body"]["data"]["attributes"]["profiles"]["data"]
    assert [*profile["attributes"]["subscriptions"]] == ["email"]


def test_correction_in_client_mode(offering: Callable[..., Flask], sandbox: Sandbox) -> None:
    client = offering("EMAIL", NOTIFY_ME_MODE="client").test_client()

    reply = submit_element(client, FORM, {"channels": "EMAIL", "email": "ada@gmial.com"})

    assert "Did you mean ada@gmail.com?" in correction_form(reply).text
    assert sandbox.requests() == []


@pytest.mark.parametrize("submit", [submit_element, submit_page])
def test_wrong_address_can_be_changed(
    offering: Callable[..., Flask],
    sandbox: Sandbox,
    log_file: LogFile,
    submit: Callable[..., TestResponse],
) -> None:
    """Nothing is sent until the shopper submits the new form. Consent isn't carried over to another
    contact.
    """
    client = offering("EMAIL", "SMS").test_client()
    done = submit(client, FORM, BY_BOTH)

    form = change_form(done)
    assert form.text == "Wrong address or number? Use another"
    blank = submit(client, form["action"], MultiDict(form.form_data()))

    assert (state(blank), blank.status_code) == ("form", 200)
    new = view(blank).one("form", class_="notify-me__form")
    typed = dict(new.form_data())
    assert {"channels", "variants"} <= typed.keys()
    assert "opt_in_promotional_sms" not in typed
    with_scripts = submit is submit_element
    assert typed["email"] == (ADA if with_scripts else "")
    assert typed["phone_number"] == (PHONE_SHOWN if with_scripts else "")
    assert len(log_file.sign_ups()) == 1
    changed = {**BY_EMAIL, "email": "ida@example.org"}
    assert state(submit(client, new["action"], changed)) == "done"
    assert sent_emails(sandbox) == [ADA, "ida@example.org"]


@pytest.mark.parametrize("submit", [submit_element, submit_page])
def test_changing_the_contact_of_a_chosen_variant(
    make_app: Callable[..., Flask], submit: Callable[..., TestResponse]
) -> None:
    """In a product card's form, the headline names no variant, since the shopper chooses one."""
    headline = "{product_name} {variant_name}"
    client = make_app(NOTIFY_ME_MODAL__HEADLINE=headline).test_client()
    moss = f"{PREFIX}PARKA-L-MOSS"
    card = f"/notify-me/{PREFIX}PARKA-M-MOSS?choose=1"
    form = change_form(submit(client, card, {**BY_EMAIL, "variants": moss}))

    reply = submit(client, form["action"], MultiDict(form.form_data()))

    assert state(reply) == "form"
    assert view(reply).one(class_="notify-me__title").text == "Harbour Parka"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [(BY_EMAIL, "Wrong address? Use another"), (BY_BOTH, "Wrong address or number? Use another")],
)
def test_link_that_can_be_passed_on_has_no_contact(
    offering: Callable[..., Flask], data: dict[str, Any], sentence: str
) -> None:
    client = offering("EMAIL", "SMS").test_client()

    page = client.get(client.post(FORM, data=data).location)

    assert change_form(page).text == sentence
    assert ADA not in page.text
    assert PHONE_SHOWN not in page.text


def test_changing_the_contact_offers_to_buy_a_variant_that_is_back_in_stock(
    offering: Callable[..., Flask], catalog: Any
) -> None:
    client = offering("EMAIL").test_client()
    form = change_form(submit_element(client, FORM, BY_EMAIL))
    [mug] = [variant for variant in catalog.variants.values() if variant.product_id == "mug"]
    catalog.stock(mug, 1)

    reply = client.post(form["action"], data=MultiDict(form.form_data()), headers=ELEMENT)

    assert (state(reply), reply.status_code) == ("available", 409)
