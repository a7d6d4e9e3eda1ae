"""Languages: how a language is chosen, the merchant's own wording, and legal wording."""

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
from notify_me.form.sign_up_form import SignUpForm
from notify_me.i18n.catalogs import LOCALES
from notify_me.settings.localized import localized
from notify_me.settings.schema import all_settings
from notify_me.settings.tables.languages import LocaleTexts
from tests.notify_me.conftest import LogFile
from tests.notify_me.markup import read, view
from tests.notify_me.offers import ADA, ELEMENT, FORM, PREFIX, settings_file, submit_element, toml
from tests.notify_me.small_shop import DictCatalog, changed, small_catalog
from tests.support import Sandbox

BODIES = {
    "en": "Enter your email and",
    "de": "Geben Sie Ihre E-Mail-Adresse ein",
    "fr": "Saisissez votre e-mail",
    "es": "Introduce tu correo",
    "ar": "أدخل بريدك الإلكتروني",
}
"""The beginning of the form's default body text."""
ALL = ["en", "de", "fr", "es", "ar"]


def settings_for(*languages: str, other_settings: str = "") -> str:
    """Return settings that offer these languages."""
    return f"[languages]\noffered = {json.dumps(languages)}\n{other_settings}"


@pytest.fixture
def shop(make_app: Callable[..., Flask], tmp_path: Path) -> Callable[..., Flask]:
    """Return a function that creates the small shop with settings in TOML."""

    def create(text: str, **config: Any) -> Flask:
        return make_app(NOTIFY_ME_CONFIG=settings_file(tmp_path, text), **config)

    return create


@pytest.fixture
def all_languages(shop: Callable[..., Flask]) -> Flask:
    """The small shop in all languages, with English as the default."""
    return shop(settings_for(*ALL))


def language(response: TestResponse) -> str:
    """Return the language of the form's body. Markup and headers must have the same."""
    body = view(response).one("p", class_="notify-me__body").text
    [locale] = [locale for locale, text in BODIES.items() if body.startswith(text)]
    form = read(response.text).one("div", class_="notify-me__view")
    assert form["lang"] == response.headers["Content-Language"] == locale
    assert form["dir"] == ("rtl" if locale == "ar" else "ltr")
    assert {"Cookie", "Accept-Language", "X-Notify-Me"} <= {*response.vary}
    return locale


def test_these_tests_cover_all_languages() -> None:
    assert {*LOCALES} == {*ALL} == {*BODIES}


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
def test_language_is_chosen_by_query_then_cookie_then_browser(
    all_languages: Flask, query: str, cookie: str, accepted: str, expected: str
) -> None:
    client = all_languages.test_client()
    if cookie:
        client.set_cookie("lang", cookie)

    response = client.get(FORM + query, headers={"Accept-Language": accepted})

    assert language(response) == expected
    assert "Set-Cookie" not in response.headers


def test_first_language_is_the_default(shop: Callable[..., Flask]) -> None:
    """Without the setting for languages, only English is offered."""
    german = shop(settings_for("de", "fr")).test_client()
    assert language(german.get(FORM, headers={"Accept-Language": "en"})) == "de"
    assert language(german.get(f"{FORM}?lang=en")) == "de"
    assert language(shop("").test_client().get(f"{FORM}?lang=de")) == "en"


def test_dialog_has_its_language(all_languages: Flask) -> None:
    """The dialog states its language and direction, since the page may be in another language."""
    dialog = read(all_languages.test_client().get(f"{FORM}?lang=ar", headers=ELEMENT).text).one(
        "dialog"
    )
    assert (dialog["lang"], dialog["dir"]) == ("ar", "rtl")
    assert dialog.one("button", class_="notify-me__close")["aria-label"] == "إغلاق"


BUTTON = "{{ notify_me(variant) }}"


@pytest.mark.parametrize(
    ("url", "cookie", "by_url"),
    [("/p?lang=de", "", True), ("/p", "de", False), ("/de/p", "de", True), ("/p", "", False)],
)
def test_links_keep_the_language_of_the_url(
    all_languages: Flask,
    catalog: DictCatalog,
    sandbox: Sandbox,
    url: str,
    cookie: str,
    by_url: bool,
) -> None:
    """The language of the URL stays the same from the button to the form and the confirmation."""
    [mug] = [variant for variant in catalog.variants.values() if variant.product_id == "mug"]

    def page() -> str:
        return render_template_string(BUTTON, variant=mug)

    all_languages.add_url_rule("/p", "plain", page)
    all_languages.add_url_rule("/de/p", "german", page)
    client = all_languages.test_client()
    if cookie:
        client.set_cookie("lang", cookie)
    link = read(client.get(url).text).one("a")
    assert link["href"].endswith("?lang=de") is by_url
    assert link.text == ("Benachrichtigen" if by_url or cookie else "Notify me")

    form = read(client.get(link["href"]).text).one("form", class_="notify-me__form")
    assert form["action"].endswith("?lang=de") is by_url
    response = client.post(form["action"], data={"email": ADA, "channels": "EMAIL"})
    assert response.status_code == 303
    assert ("lang=de" in response.location) is by_url


def test_the_shops_own_selector_chooses_the_language(
    tmp_path: Path, make_app: Callable[..., Flask]
) -> None:
    """The language that the selector returns is used if the kit offers it. On the kit's own pages,
    `?lang=` takes precedence.
    """
    app = make_app(NOTIFY_ME_CONFIG=settings_file(tmp_path, settings_for("en", "fr", "de")))
    selected = "fr"
    Babel(app, locale_selector=lambda: selected)
    client = app.test_client()

    assert language(client.get(FORM, headers={"Accept-Language": "de"})) == "fr"
    assert language(client.get(f"{FORM}?lang=de")) == "de"
    selected = "de_AT"
    assert language(client.get(FORM)) == "de"
    selected = "it"
    assert language(client.get(FORM)) == "en"


def test_every_text_can_be_set_for_one_language(shop: Callable[..., Flask]) -> None:
    """The German wording is in the file, and the French wording in environment variables."""
    wording = {setting.path: f"/{setting.path[-1]}" for setting in all_settings(LocaleTexts)}
    assert len(wording) >= 20
    lines = [f'texts.de.{".".join(path)} = "{text}"' for path, text in wording.items()]
    other_settings = (
        '[channels]\noffered = ["EMAIL", "SMS", "WHATSAPP"]\n[consent]\nbrand = "Smirr"\n'
    )
    other_settings += 'terms_of_service_url = "/t"\nprivacy_policy_url = "/p"\nemail_list = "ask"\n'
    variables = {
        f"NOTIFY_ME_TEXTS__FR__{'__'.join(path).upper()}": text for path, text in wording.items()
    }
    app = shop(
        "\n".join(lines) + "\n" + settings_for("en", "de", "fr", other_settings=other_settings),
        **variables,
    )

    state = app.extensions["notify_me"]
    for (table, key), text in wording.items():
        for locale, is_set in {"de": True, "fr": True, "en": False}.items():
            value = getattr(getattr(localized(state.settings, locale), table), key)
            assert (value == text) is is_set, (locale, table, key)
    client = app.test_client()
    for locale in ("de", "fr"):
        html = client.get(f"{FORM}?lang={locale}", headers=ELEMENT).text
        for key in (
            *("headline", "body_content", "email_field_label", "phone_number_field_label"),
            *("button_label", "footer_content", "close_label", "email_checkbox_text"),
            *("sms_checkbox_text", "sms_disclosure", "whatsapp_checkbox_text"),
        ):
            assert f"/{key}" in html, (locale, key)
        assert "/sms_disclosure" not in client.get(f"{FORM}?lang=en", headers=ELEMENT).text


WORDING = settings_for(
    "en",
    "de",
    "fr",
    other_settings='[button]\nlabel = "Alert me"\n[texts.de.button]\nlabel = "Sag Bescheid"\n',
)


def test_precedence_of_wording(shop: Callable[..., Flask], catalog: DictCatalog) -> None:
    """The label in the call comes first, then the text for the language, the text without a
    language, and the translated default. A visitor's settings replace the merchant's key by key.
    """
    overrides: VisitorOverrides | None = None
    app = shop(WORDING, VISITS=lambda: overrides)
    [mug] = [variant for variant in catalog.variants.values() if variant.product_id == "mug"]

    def label(lang: str, call: str | None = None) -> str:
        with app.test_request_context(f"/?lang={lang}"):
            html = render_template_string(
                "{{ notify_me(variant, label=call) }}", variant=mug, call=call
            )
        return read(html).one("a").text

    assert label("fr") == "Alert me"  # the merchant's text is not translated
    assert label("de") == "Sag Bescheid"
    overrides = VisitorOverrides(changed(app, {"button.label": "Meins"}))
    assert label("fr") == "Meins"
    assert label("de") == "Sag Bescheid"  # the text for the language still comes first
    overrides = VisitorOverrides(changed(app, {"texts.de.button.label": "Gebt Bescheid"}))
    assert label("de") == "Gebt Bescheid"
    assert label("fr") == "Alert me"
    assert label("de", "Hier") == "Hier"
    with app.test_client() as client:
        assert language(client.get(f"{FORM}?lang=de")) == "de"


def test_visitor_can_have_other_languages(shop: Callable[..., Flask]) -> None:
    overrides: VisitorOverrides | None = None
    app = shop(settings_for("en"), VISITS=lambda: overrides)
    with app.test_client() as client:
        assert language(client.get(f"{FORM}?lang=de")) == "en"
        overrides = VisitorOverrides(changed(app, {"languages.offered": ["de", "en"]}))
        assert language(client.get(FORM)) == "de"
        assert "Benachrichtigen" in client.get(f"{FORM}?lang=de").text


def test_settings_command_lists_only_wording_that_is_set(shop: Callable[..., Flask]) -> None:
    document = json.loads(
        shop(WORDING).test_cli_runner().invoke(args=["notify-me", "settings", "--json"]).stdout
    )
    listed = {key: row for key, row in document.items() if key.startswith("texts.")}
    assert [*listed] == ["texts.de.button.label"]
    assert listed["texts.de.button.label"]["value"] == "Sag Bescheid"
    assert listed["texts.de.button.label"]["where"].endswith(".toml")
    assert document["languages.offered"]["value"] == ["en", "de", "fr"]


OWN_SMS = (
    "[texts.de.consent]\n"
    'sms_checkbox_text = "Ja, SMS von {brand}."\n'
    'sms_disclosure = "Über {program}. Siehe {privacy_policy}."\n'
)


def channels(response: TestResponse) -> list[str]:
    """Return the channels that a form offers."""
    return [box["value"] for box in view(response).all("input", name="channels")]


def test_channel_is_only_offered_in_languages_with_its_legal_wording(
    shop: Callable[..., Flask], lines: list[str], log_file: LogFile, sandbox: Sandbox
) -> None:
    """The app warns about missing wording when it starts."""
    text = settings_for("en", "de", "fr") + toml(["EMAIL", "SMS"]) + OWN_SMS
    client = shop(text).test_client()
    warnings = [line for line in lines if "isn't offered in" in line]
    assert [line.split("offered in ")[1] for line in warnings] == [
        "German (de), because its legal wording is missing: set program under [texts.de.consent]",
        "French (fr), because its legal wording is missing: set sms_checkbox_text and "
        "sms_disclosure under [texts.fr.consent]",
    ]
    assert channels(client.get(f"{FORM}?lang=en")) == ["EMAIL", "SMS"]
    assert channels(client.get(f"{FORM}?lang=de")) == ["EMAIL"]

    client = shop(text + 'program = "Verfügbarkeit"\n').test_client()
    response = client.get(f"{FORM}?lang=de")
    assert channels(response) == ["EMAIL", "SMS"]
    assert view(response).one("div", class_="notify-me__consent")["lang"] == "de"
    sms = {"channels": "SMS", "phone_number": "2025550143", "opt_in_promotional_sms": "SMS"}
    # A channel that isn't offered is refused even if it is posted.
    response = submit_element(client, f"{FORM}?lang=fr", sms)
    assert response.status_code == 422
    assert "Nous ne pouvons pas vous contacter" in (response.json or {})["html"]
    assert submit_element(client, f"{FORM}?lang=de", sms).status_code == 200
    [row] = log_file.consents()
    assert row["locale"] == "de"
    assert row["text"].startswith("Ja, SMS von Smirr.\nÜber Verfügbarkeit. Siehe Datenschutz")


def test_text_in_a_regional_variant_is_not_for_another_language(
    shop: Callable[..., Flask], log_file: LogFile, sandbox: Sandbox
) -> None:
    """The default language isn't the one that the text is written in."""
    consent = toml(["EMAIL", "SMS"], locale="en-CA", email_list="ask")
    client = shop(settings_for("fr", "en") + consent).test_client()
    assert channels(client.get(f"{FORM}?lang=en")) == ["EMAIL", "SMS"]
    assert channels(client.get(f"{FORM}?lang=fr")) == ["EMAIL"]
    data = {"channels": "EMAIL", "email": ADA, "opt_in_promotional_email": "EMAIL"}
    assert submit_element(client, f"{FORM}?lang=fr", data).status_code == 200
    assert [row["locale"] for row in log_file.consents()] == ["fr"]


def test_language_without_any_channel_is_an_error(shop: Callable[..., Flask]) -> None:
    with pytest.raises(SettingsError, match=r"is available in German \(de\): .*EMAIL"):
        shop(settings_for("en", "de") + toml(["SMS"]))


def test_email_consent_is_translated_and_logged_with_its_language(
    shop: Callable[..., Flask], log_file: LogFile, sandbox: Sandbox
) -> None:
    """A merchant's own text is in the language of `consent.locale`."""
    client = shop(settings_for("en", "fr") + toml(["EMAIL"], email_list="ask")).test_client()
    box = view(client.get(f"{FORM}?lang=fr")).one("div", class_="notify-me__consent")
    assert box.text.startswith("Envoyez-moi aussi par e-mail les nouveautés et les offres de Smirr")
    data = {"channels": "EMAIL", "email": ADA, "opt_in_promotional_email": "EMAIL"}
    assert submit_element(client, f"{FORM}?lang=fr", data).status_code == 200
    assert [row["locale"] for row in log_file.consents()] == ["fr"]

    own_text = toml(["EMAIL"], email_list="ask", email_checkbox_text="Send me news and offers.")
    box = view(shop(settings_for("en", "fr") + own_text).test_client().get(f"{FORM}?lang=fr")).one(
        "div", class_="notify-me__consent"
    )
    assert (box.text, box["lang"]) == ("Send me news and offers.", "en")


def test_plurals_and_lists_follow_the_language(
    shop: Callable[..., Flask], catalog: DictCatalog, sandbox: Sandbox
) -> None:
    for size in "ABCDEFGHIJ":
        catalog.add("parka", "Harbour Parka", f"PARKA-{size}", 0, options={"Size": size})
    client = shop(settings_for(*ALL)).test_client()
    path = f"/notify-me/{PREFIX}PARKA-A"
    every = [f"{PREFIX}PARKA-{size}" for size in "ABCDEFGHIJ"] + [f"{PREFIX}PARKA-M-MOSS"]
    errors = {
        lang: view(
            client.post(f"{path}?choose=1&lang={lang}", data={"variants": every, "email": ADA})
        )
        for lang in ALL
    }
    assert "Choose up to 10 options." in errors["en"].text
    assert "höchstens 10 Varianten" in errors["de"].text
    assert "اختر 10 خيارات على الأكثر" in errors["ar"].text

    def done(lang: str) -> str:
        data = {"channels": "EMAIL", "variants": every[:3], "email": ADA}
        response = client.post(f"{path}?choose=1&lang={lang}", data=data, follow_redirects=True)
        return view(response).all("p", class_="notify-me__body")[0].text

    assert "as soon as Harbour Parka (A), Harbour Parka (B) or Harbour Parka (C) is" in done("en")
    assert "sobald Harbour Parka (A), Harbour Parka (B) oder Harbour Parka (C) wieder" in done("de")
    # Names, addresses and numbers keep their own order in a right-to-left text.
    assert "\u2068a•••@e•••.org\u2069" in done("ar")


def test_wtforms_messages_are_translated(all_languages: Flask) -> None:
    """Messages from WTForms appear in fields that a shop adds to the form."""

    class Longer(SignUpForm):
        size = StringField(validators=[InputRequired()])

    form_options = FormOptions((), "US", (), "", "")
    errors = {}
    for locale in ALL:
        with all_languages.test_request_context(f"/?lang={locale}"):
            form = Longer(
                offered_variants=list(small_catalog().variants.values()), options=form_options
            )
            assert not form.validate()
            errors[locale] = form.size.errors[0]
    assert errors["en"] == "This field is required."
    assert len({*errors.values()}) == len(ALL)
