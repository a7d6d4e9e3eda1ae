"""Languages: which one a shopper gets, the merchant's own texts in it, and legal texts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string
from flask_babel import Babel
from werkzeug.test import TestResponse
from wtforms import StringField
from wtforms.validators import InputRequired

from notify_me import SettingsError, VisitorOverrides
from notify_me.form.consent import FormOptions
from notify_me.form.email import SENTENCES
from notify_me.form.sign_up_form import SignUpForm
from notify_me.i18n.catalogs import LOCALES
from notify_me.settings.localized import localized
from notify_me.settings.schema import all_settings
from notify_me.settings.tables.languages import LocaleTexts
from tests.notify_me.conftest import LogFile
from tests.notify_me.markup import read, view
from tests.notify_me.offers import ADA, ELEMENT, FORM, PREFIX, by_element, settings_file, toml
from tests.notify_me.small_shop import DictCatalog, changed, small_catalog
from tests.support import Sandbox

ASKED = {
    "en": "We'll let you know",
    "de": "Wir geben Ihnen Bescheid",
    "fr": "Nous vous préviendrons",
    "es": "Te avisaremos",
    "ar": "سنعلمك فور",
}
"""What the form's text begins with."""
ALL = ["en", "de", "fr", "es", "ar"]


def speaking(*languages: str, rest: str = "") -> str:
    """A settings file for a shop that speaks these languages."""
    return f"[languages]\noffered = {json.dumps(languages)}\n{rest}"


@pytest.fixture
def shop(make_app: Callable[..., Flask], tmp_path: Path) -> Callable[..., Flask]:
    """Makes the small shop with settings as TOML."""

    def make(text: str, **config: Any) -> Flask:
        return make_app(NOTIFY_ME_CONFIG=settings_file(tmp_path, text), **config)

    return make


@pytest.fixture
def five(shop: Callable[..., Flask]) -> Flask:
    """The small shop in all languages, English by default."""
    return shop(speaking(*ALL))


def language(reply: TestResponse) -> str:
    """The language that the form's text is in; the markup and the header must say the same."""
    body = view(reply).one("p", class_="notify-me__body").text
    [found] = [each for each, words in ASKED.items() if body.startswith(words)]
    shown = read(reply.text).one("div", class_="notify-me__view")
    assert shown["lang"] == reply.headers["Content-Language"] == found
    assert shown["dir"] == ("rtl" if found == "ar" else "ltr")
    assert {"Cookie", "Accept-Language", "X-Notify-Me"} <= {*reply.vary}
    return found


def test_every_language_has_its_words() -> None:
    """The tests below know each of them."""
    assert {*LOCALES} == {*ALL}


@pytest.mark.parametrize(
    ("query", "cookie", "accepted", "expected"),
    [
        ("", "", "", "en"),
        ("", "", "de", "de"),
        ("", "", "de-AT, en;q=0.5", "de"),
        ("", "", "pt, fr-CA;q=0.8, en;q=0.5", "fr"),
        ("", "", "en-US, de;q=0.9", "en"),
        ("", "", "de;q=0, fr;q=0.1", "fr"),
        ("", "", "pt, *;q=0.1", "en"),
        ("", "es", "de", "es"),
        ("", "pt", "de", "de"),
        ("?lang=ar", "es", "de", "ar"),
        ("?lang=AR", "", "", "ar"),
        ("?lang=fr-CA", "", "", "fr"),
        ("?lang=pt", "es", "", "es"),
        ("?lang=../de", "", "", "en"),
    ],
)
def test_the_address_then_the_cookie_then_the_browser(
    five: Flask, query: str, cookie: str, accepted: str, expected: str
) -> None:
    """What isn't offered is passed over."""
    client = five.test_client()
    if cookie:
        client.set_cookie("lang", cookie)

    reply = client.get(FORM + query, headers={"Accept-Language": accepted})

    assert language(reply) == expected
    assert "Set-Cookie" not in reply.headers


def test_the_first_is_for_everybody_else(shop: Callable[..., Flask]) -> None:
    """And a shop that names no language speaks English alone."""
    german = shop(speaking("de", "fr")).test_client()
    assert language(german.get(FORM, headers={"Accept-Language": "en"})) == "de"
    assert language(german.get(f"{FORM}?lang=en")) == "de"
    assert language(shop("").test_client().get(f"{FORM}?lang=de")) == "en"


def test_the_dialog_says_which_language_it_is_in(five: Flask) -> None:
    """It may stand in a page of another language."""
    dialog = read(five.test_client().get(f"{FORM}?lang=ar", headers=ELEMENT).text).one("dialog")
    assert (dialog["lang"], dialog["dir"]) == ("ar", "rtl")
    assert dialog.one("button", class_="notify-me__close")["aria-label"] == "إغلاق"


BUTTON = "{{ notify_me(variant) }}"


@pytest.mark.parametrize(
    ("address", "cookie", "marked"),
    [("/p?lang=de", "", True), ("/p", "de", False), ("/de/p", "de", True), ("/p", "", False)],
)
def test_links_carry_the_language_that_the_address_chose(
    five: Flask, catalog: DictCatalog, sandbox: Sandbox, address: str, cookie: str, marked: bool
) -> None:
    """Button, form and done page; else the cookie comes along by itself."""
    [mug] = [each for each in catalog.variants.values() if each.product_id == "mug"]

    def page() -> str:
        return render_template_string(BUTTON, variant=mug)

    five.add_url_rule("/p", "plain", page)
    five.add_url_rule("/de/p", "german", page)
    client = five.test_client()
    if cookie:
        client.set_cookie("lang", cookie)
    link = read(client.get(address).text).one("a")
    assert link["href"].endswith("?lang=de") is marked
    assert link.text == ("Benachrichtigen" if marked or cookie else "Notify me")

    form = read(client.get(link["href"]).text).one("form", class_="notify-me__form")
    assert form["action"].endswith("?lang=de") is marked
    done = client.post(form["action"], data={"email": ADA, "channels": "EMAIL"})
    assert done.status_code == 303
    assert ("lang=de" in done.location) is marked


def test_a_shop_with_a_selector_of_its_own_decides(
    tmp_path: Path, make_app: Callable[..., Flask]
) -> None:
    """The kit follows, as far as its own languages go; `?lang=` holds for the kit's own pages."""
    app = make_app(NOTIFY_ME_CONFIG=settings_file(tmp_path, speaking("en", "fr", "de")))
    chosen = {"now": "fr"}
    Babel(app, locale_selector=lambda: chosen["now"])
    client = app.test_client()

    assert language(client.get(FORM, headers={"Accept-Language": "de"})) == "fr"
    assert language(client.get(f"{FORM}?lang=de")) == "de"
    chosen["now"] = "de_AT"
    assert language(client.get(FORM)) == "de"
    chosen["now"] = "it"
    assert language(client.get(FORM)) == "en"


def test_each_text_can_be_said_otherwise_in_one_language(shop: Callable[..., Flask]) -> None:
    """Every setting that is words: by the file for German, and by a variable for French."""
    known = list(all_settings(LocaleTexts))
    assert len(known) >= 20
    said = {each.path: f"/{each.path[-1]}" for each in known}
    lines = [
        f"[texts.de.{table}]\n"
        + "\n".join(f'{path[1]} = "{words}"' for path, words in said.items() if path[0] == table)
        for table in dict.fromkeys(path[0] for path in said)
    ]
    rest = '[channels]\noffered = ["EMAIL", "SMS", "WHATSAPP"]\n[consent]\nbrand = "Smirr"\n'
    rest += 'terms_of_service_url = "/t"\nprivacy_policy_url = "/p"\nemail_list = "ask"\n'
    variables = {
        f"NOTIFY_ME_TEXTS__FR__{'__'.join(path).upper()}": words for path, words in said.items()
    }
    app = shop(speaking("en", "de", "fr", rest=rest + "\n".join(lines)), **variables)

    state = app.extensions["notify_me"]
    for path, words in said.items():
        for locale, expected in {"de": True, "fr": True, "en": False}.items():
            found = getattr(getattr(localized(state.settings, locale), path[0]), path[1])
            assert (found == words) is expected, (locale, path)
    client = app.test_client()
    for locale in ("de", "fr"):
        html = client.get(f"{FORM}?lang={locale}", headers=ELEMENT).text
        for each in (
            *("headline", "body_content", "email_field_label", "phone_number_field_label"),
            *("button_label", "footer_content", "close_label", "email_checkbox_text"),
            *("sms_checkbox_text", "sms_disclosure", "whatsapp_checkbox_text"),
        ):
            assert f"/{each}" in html, (locale, each)
        assert "/sms_disclosure" not in client.get(f"{FORM}?lang=en", headers=ELEMENT).text


TEXTS = speaking(
    "en",
    "de",
    "fr",
    rest='[button]\nlabel = "Ring the bell"\n[texts.de.button]\nlabel = "Sag Bescheid"\n',
)


def test_which_text_wins(shop: Callable[..., Flask], catalog: DictCatalog) -> None:
    """Call, language, above it, the kit's translation of a default; a visitor's key by key."""
    visitors: dict[str, VisitorOverrides | None] = {"now": None}
    app = shop(TEXTS, VISITS=lambda: visitors["now"])
    [mug] = [each for each in catalog.variants.values() if each.product_id == "mug"]

    def label(lang: str, call: str | None = None) -> str:
        with app.test_request_context(f"/?lang={lang}"):
            html = render_template_string(
                "{{ notify_me(variant, label=call) }}", variant=mug, call=call
            )
        return read(html).one("a").text

    assert label("fr") == "Ring the bell"  # what a merchant wrote stays as it is
    assert label("de") == "Sag Bescheid"
    visitors["now"] = VisitorOverrides(changed(app, {"button.label": "Meins"}))
    assert label("fr") == "Meins"
    # as a file with both would have it
    assert label("de") == "Sag Bescheid"
    visitors["now"] = VisitorOverrides(changed(app, {"texts.de.button.label": "Her damit"}))
    assert label("de") == "Her damit"
    assert label("fr") == "Ring the bell"
    assert label("de", "Hier") == "Hier"
    # the visitor's other words are translated all the same
    with app.test_client() as client:
        assert language(client.get(f"{FORM}?lang=de")) == "de"


def test_the_languages_may_be_a_visitors_own(shop: Callable[..., Flask]) -> None:
    """Offered to nobody else."""
    visitors: dict[str, VisitorOverrides | None] = {"now": None}
    app = shop(speaking("en"), VISITS=lambda: visitors["now"])
    with app.test_client() as client:
        assert language(client.get(f"{FORM}?lang=de")) == "en"
        visitors["now"] = VisitorOverrides(changed(app, {"languages.offered": ["de", "en"]}))
        assert language(client.get(FORM)) == "de"
        assert "Benachrichtigen" in client.get(f"{FORM}?lang=de").text


def test_which_texts_are_set_is_told(shop: Callable[..., Flask]) -> None:
    """By `flask notify-me settings`, with the file; what isn't set is left out."""
    found = json.loads(
        shop(TEXTS).test_cli_runner().invoke(args=["notify-me", "settings", "--json"]).stdout
    )
    texts = {key: row for key, row in found.items() if key.startswith("texts.")}
    assert [*texts] == ["texts.de.button.label"]
    assert texts["texts.de.button.label"]["value"] == "Sag Bescheid"
    assert texts["texts.de.button.label"]["where"].endswith(".toml")
    assert found["languages.offered"]["value"] == ["en", "de", "fr"]


OWN_SMS = (
    "[texts.de.consent]\n"
    'sms_checkbox_text = "Ja, SMS von {brand}."\n'
    'sms_disclosure = "Über {program}. Siehe {privacy_policy}."\n'
)


def channels(reply: TestResponse) -> list[str]:
    """The channels that a form offers."""
    return [each["value"] for each in view(reply).all("input", name="channels")]


def test_a_legal_text_that_is_not_understood_is_no_consent(
    shop: Callable[..., Flask], lines: list[str], log_file: LogFile, sandbox: Sandbox
) -> None:
    """A channel isn't offered in a language without its own texts, and the start tells which."""
    text = speaking("en", "de", "fr") + toml(["EMAIL", "SMS"]) + OWN_SMS
    client = shop(text).test_client()
    told = [each for each in lines if "isn't offered in the language" in each]
    assert [each.split("language ")[1] for each in told] == [
        "de, for which the legal texts are missing: set program under [texts.de.consent]",
        "fr, for which the legal texts are missing: set sms_checkbox_text and sms_disclosure "
        "under [texts.fr.consent]",
    ]
    assert channels(client.get(f"{FORM}?lang=en")) == ["EMAIL", "SMS"]
    assert channels(client.get(f"{FORM}?lang=de")) == ["EMAIL"]

    client = shop(text + 'program = "Verfügbarkeit"\n').test_client()
    reply = client.get(f"{FORM}?lang=de")
    assert channels(reply) == ["EMAIL", "SMS"]
    assert view(reply).one("div", class_="notify-me__consent")["lang"] == "de"
    sms = {"channels": "SMS", "phone_number": "2025550143", "opt_in_promotional_sms": "SMS"}
    # what isn't offered can't be asked for by hand either
    refused = by_element(client, f"{FORM}?lang=fr", sms)
    assert refused.status_code == 422
    assert "Nous ne pouvons pas vous joindre" in (refused.json or {})["html"]
    assert by_element(client, f"{FORM}?lang=de", sms).status_code == 200
    [row] = log_file.consents()
    assert row["locale"] == "de"
    assert row["text"].startswith("Ja, SMS von Smirr.\nÜber Verfügbarkeit. Siehe Datenschutz")


def test_a_language_in_which_nobody_can_be_reached_stops_the_start(
    shop: Callable[..., Flask],
) -> None:
    """With SMS alone there would be nothing to choose."""
    with pytest.raises(SettingsError, match=r"leaves no way to reach whoever reads de: .*EMAIL"):
        shop(speaking("en", "de") + toml(["SMS"]))


def test_the_email_list_asks_in_the_shoppers_language(
    shop: Callable[..., Flask], log_file: LogFile, sandbox: Sandbox
) -> None:
    """And the log keeps which; a merchant's own text stays in its own."""
    client = shop(speaking("en", "fr") + toml(["EMAIL"], email_list="ask")).test_client()
    box = view(client.get(f"{FORM}?lang=fr")).one("div", class_="notify-me__consent")
    assert box.text.startswith("Envoyez-moi aussi par e-mail les nouveautés et les offres de Smirr")
    data = {"channels": "EMAIL", "email": ADA, "opt_in_promotional_email": "EMAIL"}
    assert by_element(client, f"{FORM}?lang=fr", data).status_code == 200
    assert [row["locale"] for row in log_file.consents()] == ["fr"]

    own = toml(["EMAIL"], email_list="ask", email_checkbox_text="News, please.")
    box = view(shop(speaking("en", "fr") + own).test_client().get(f"{FORM}?lang=fr")).one(
        "div", class_="notify-me__consent"
    )
    assert (box.text, box["lang"]) == ("News, please.", "en")


WRONG_ADDRESSES = [
    *("ada", "@example.org", "ada@", "ada@example", "ada@example.123", ".ada@example.org"),
    *("a..b@example.org", "ada.@example.org", "ada@.example.org", "ada@example.org."),
    *("ada@-example.org", "ada@example.org-", "ada@example-.org", "ada b@example.org"),
]


def test_wrong_addresses_are_told_in_every_language(five: Flask) -> None:
    """Those that email-validator has a plain sentence for, each with ours; one for all others."""

    def errors(lang: str) -> list[str]:
        replies = (
            client.post(f"{FORM}?lang={lang}", data={"channels": "EMAIL", "email": each})
            for each in WRONG_ADDRESSES
        )
        return [view(each).one("p", class_="notify-me__error").text for each in replies]

    client = five.test_client()
    english = errors("en")
    assert {*english[:-1]} == {*SENTENCES}
    for each in ALL[1:]:
        said = errors(each)
        assert len({*said}) == len(SENTENCES) + 1
        assert not {*said} & {*english}


def test_numbers_and_lists_follow_the_language(
    shop: Callable[..., Flask], catalog: DictCatalog, sandbox: Sandbox
) -> None:
    """A plural has as many forms as the language, and a list its own words."""
    for size in "ABCDEFGHIJ":
        catalog.add("parka", "Harbour Parka", f"PARKA-{size}", 0, options={"Size": size})
    client = shop(speaking(*ALL)).test_client()
    path = f"/notify-me/{PREFIX}PARKA-A"
    every = [f"{PREFIX}PARKA-{size}" for size in "ABCDEFGHIJ"] + [f"{PREFIX}PARKA-M-MOSS"]
    told = {
        lang: view(
            client.post(f"{path}?choose=1&lang={lang}", data={"variants": every, "email": ADA})
        )
        for lang in ALL
    }
    assert "Choose 10 options at most." in told["en"].text
    assert "höchstens 10 Varianten" in told["de"].text
    assert "اختر 10 خيارات على الأكثر" in told["ar"].text

    def done(lang: str) -> str:
        data = {"channels": "EMAIL", "variants": every[:3], "email": ADA}
        reply = client.post(f"{path}?choose=1&lang={lang}", data=data, follow_redirects=True)
        return view(reply).all("p", class_="notify-me__body")[0].text

    assert done("en").startswith("If Harbour Parka (A), Harbour Parka (B) or Harbour Parka (C) ")
    assert done("de").startswith(
        "Sobald Harbour Parka (A), Harbour Parka (B) oder Harbour Parka (C) wieder da ist"
    )
    # names, addresses and numbers keep their own order between words from right to left
    assert "\u2068a•••@e•••.org\u2069" in done("ar")


def test_wtforms_own_words(five: Flask) -> None:
    """A shop may add a field to the form."""

    class Longer(SignUpForm):
        size = StringField(validators=[InputRequired()])

    form_options = FormOptions((), "US", (), "", "")
    said = {}
    for each in ALL:
        with five.test_request_context(f"/?lang={each}"):
            form = Longer(
                offered_variants=list(small_catalog().variants.values()), options=form_options
            )
            assert not form.validate()
            said[each] = form.size.errors[0]
    assert said["en"] == "This field is required."
    assert len({*said.values()}) == len(ALL)
