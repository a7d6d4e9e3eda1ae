"""`/studio`: a control for every setting, for one visitor at a time."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from notify_me.settings import Settings, read_settings
from notify_me.settings.schema import all_settings
from storefront import db
from storefront.base.models import Look
from storefront.studio import looks
from storefront.studio.changes import value_at
from storefront.studio.controls import Control, controls
from tests.notify_me.markup import Element, read
from tests.notify_me.web.test_injection import HOSTILE
from tests.storefront.conftest import close, make_shop
from tests.storefront.merchant.test_access import HASH, sign_in

PARKA = "/products/haar-parka?variant=HAAR-OIL-M"
ELSEWHERE = {"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example"}
VALUES = {
    "button.alternate_anchor": "buy-box",
    "button.product_page_class": "mine",
    "button.product_page_margin": "8px 0",
    "button.product_page_width": "12rem",
    "button.collection_page_class": "ours",
    "button.collection_page_width": "80%",
    "button.collection_page_padding": "4px",
    "channels.default_region": "DE",
    "channels.offered": ["EMAIL"],
    "consent.terms_of_service_url": "https://shop.example/terms",
    "consent.privacy_policy_url": "/privacy-policy",
    "consent.locale": "de-AT",
    "languages.offered": ["fr", "en"],
    # the other choices need a list, which this shop doesn't have
    "consent.email_list": "off",
}
"""Values for settings whose valid values can't be derived from their type."""


def changed_value(control: Control) -> Any:
    """Return a valid value that isn't the setting's default."""
    key = control.key
    if key in VALUES:
        return VALUES[key]
    if key.startswith("texts."):
        return VALUES.get(key.split(".", 2)[2], f"Text of {key}")
    match control.kind:
        case "checkbox":
            return not control.empty_value
        case "select":
            return next(
                choice for choice, _ in reversed(control.choices) if choice != control.empty_value
            )
        case "color":
            return "rgb(1 2 3 / 40%)"
        case "number":
            return control.schema.get("minimum", 0) + control.schema.get("multipleOf", 1)
        case "list":
            return ["one, two", "three"]
    return "Georgia, serif" if control.is_font else f"Text of {key}\u2019s own"


def form_data(page: Element, **pressed: str) -> MultiDict[str, str]:
    """Return the data that a browser submits for the Studio's form when a button is clicked."""
    form = page.one("form", id="studio")
    data: MultiDict[str, str] = MultiDict()
    for field in form.all():
        if "name" not in field or field.tag == "button":
            continue
        if field.tag == "textarea":
            data.add(field["name"], "".join(map(str, field.children)).removeprefix("\n"))
        elif field.tag == "select":
            selected = [option for option in field.all("option") if "selected" in option]
            data.add(field["name"], (selected or field.all("option"))[0]["value"])
        elif field.get("type") not in ("radio", "checkbox") or "checked" in field:
            data.add(field["name"], field.get("value") or "")
    data.update({"do": "preview", **pressed})
    return data


def enter(data: MultiDict[str, str], key: str, value: Any) -> None:
    """Enter a value into a form."""
    if value is True or value is False:
        data.setlist(key, ["off", "on"] if value else ["off"])
    elif key in ("channels.offered", "languages.offered"):
        data.setlist(key, ["", *value])
        data[f"{key}.first"] = value[0]
    else:
        data[key] = "\n".join(value) if isinstance(value, list) else str(value)


parse = lru_cache(maxsize=4)(read)
"""Parsing the page takes longer than rendering it."""


class Studio:
    """The Studio as one visitor uses it, without scripts."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.response = client.get("/studio")
        assert self.response.status_code == 200

    @property
    def page(self) -> Element:
        """The current page."""
        return parse(self.response.text)

    def press(self, do: str = "preview", **typed: Any) -> TestResponse:
        """Enter values by key, with __ for a dot, press a button, and follow the redirect."""
        data = form_data(self.page, do=do)
        for name, value in typed.items():
            enter(data, name.replace("__", "."), value)
        return self.post(data)

    def post(self, data: MultiDict[str, str]) -> TestResponse:
        """Submit a form, and follow the redirect."""
        response = self.client.post("/studio", data=data)
        redirected = response.status_code == 303
        self.response = self.client.get(response.location) if redirected else response
        return response

    def notes(self, key: str) -> str:
        """Return the messages beside a control."""
        return self.page.one("div", id=f"set-{key.replace('.', '-')}-notes").text

    @property
    def status(self) -> str:
        """The text of the status line."""
        return self.page.one("p", id="status").text

    @property
    def link(self) -> str:
        """The permalink's path."""
        return self.page.one("input", id="export-link")["value"].replace("http://localhost", "")

    def file(self, folder: Path) -> Path:
        """Download the settings file into a folder."""
        reply = self.client.get("/studio/notify_me.toml")
        assert reply.headers["Content-Disposition"] == 'attachment; filename="notify_me.toml"'
        path = folder / "notify_me.toml"
        path.write_text(reply.text, encoding="utf-8")
        return path


@pytest.fixture
def studio(client: FlaskClient) -> Studio:
    """The Studio, open."""
    return Studio(client)


@pytest.fixture
def other_visitor(app: Flask) -> FlaskClient:
    """Another visitor."""
    return app.test_client()


def test_every_changeable_setting_has_a_labelled_control(studio: Studio) -> None:
    """Translations have controls only in the preview's language."""
    keys = {setting.key for setting in all_settings(Settings)}
    names = set()
    for language in ("en", "de", "fr", "es", "ar"):
        studio.press(language=language)
        page = studio.page
        fields = [element for element in page.all() if "name" in element]
        labels = {label["for"] for label in page.all("label") if "for" in label}
        for field in fields:
            if field["name"] in keys and field.tag in ("select", "textarea"):
                assert field["id"] in labels
        shown = {field["name"] for field in fields} & keys
        translations = {name.split(".")[1] for name in shown if name.startswith("texts.")}
        assert translations == {language}
        names |= shown

    tables = ("page", "catalog", "delivery", "retention", "limits", "merchant")
    assert names == {
        key for key in keys if not key.startswith(tuple(f"{table}." for table in tables))
    }
    *first, last = (f"[{table}]" for table in tables)
    assert f"{', '.join(first)} and {last} affect the whole shop" in page.text


def test_labels_and_help_are_plain_english(studio: Studio) -> None:
    """No label is made from the setting's name, since every setting has a title in its model.
    Code in the help is marked up.
    """
    studio.press(language="de")
    labels = [element.text for tag in ("label", "legend") for element in studio.page.all(tag)]
    for identifier in ("url", "Is allow", "color", "Sms", "Whatsapp", "Z index"):
        assert not [label for label in labels if identifier in label]
    for setting in all_settings(Settings):
        assert setting.model.model_fields[setting.attribute].title, setting.key
    assert [code for code in studio.page.all("code") if code.text == "NotifyMe(shop_name=…)"]
    assert "`" not in studio.page.text


def test_submitting_the_unchanged_form_changes_nothing(studio: Studio) -> None:
    response = studio.press()

    assert response.status_code == 303
    assert studio.status == "No changes"


def test_every_setting_can_be_changed_and_exported(studio: Studio, tmp_path: Path) -> None:
    """The downloaded file contains all values when a shop reads it."""
    data = form_data(studio.page)
    values = {control.key: changed_value(control) for control in controls()}
    for key, value in values.items():
        enter(data, key, value)
    studio.post(data)
    assert "changes, visible only to you" in studio.status, studio.page.text

    document = read_settings(studio.file(tmp_path)).model_dump(mode="json")
    for key, value in values.items():
        assert value_at(document, key.split(".")) == value, key


def test_invalid_values_are_errors_beside_their_controls(studio: Studio) -> None:
    """All input stays in the form, and the shop is unchanged."""
    response = studio.press(
        button__label="Entered", modal__text_color="rainbow", button__text_styles__font_size="500"
    )
    page = studio.page

    assert response.status_code == 422
    assert "Must be a colour, such as #1f4a46" in studio.notes("modal.text_color")
    assert "from 8 to 72" in studio.notes("button.text_styles.font_size")
    assert page.one("input", id="set-modal-text_color")["value"] == "rainbow"
    assert page.one("input", id="set-modal-text_color")["aria-invalid"] == "true"
    assert page.one("input", id="set-button-label")["value"] == "Entered"
    assert studio.status == "Not applied: fix 2 errors"
    assert "Entered" not in studio.client.get(PARKA).text


def test_conflicts_are_errors_and_low_contrast_is_a_warning(studio: Studio) -> None:
    studio.press(channels__offered=["EMAIL", "SMS"])
    assert "needs consent: set KLAVIYO_LIST_ID" in studio.notes("channels.offered")

    studio = Studio(studio.client)
    response = studio.press(modal__background_color="#fff", modal__text_color="#eee")
    assert response.status_code == 303
    notes = studio.notes("modal.text_color")
    assert "Contrast with background colour: 1.2:1, hard to read" in notes
    link = studio.page.one("p", id="status").one("a")
    assert link.text == "1 warning"
    studio.page.one(id=link["href"].removeprefix("#"))


def test_changes_only_affect_one_visitor(studio: Studio, other_visitor: FlaskClient) -> None:
    before = other_visitor.get(PARKA).text
    studio.press(button__label="Only mine", modal__background_color="#123456")

    assert "Only mine" in studio.client.get(PARKA).text
    assert "#123456" in studio.client.get("/notify-me/theme.css").text
    assert other_visitor.get(PARKA).text == before
    assert Studio(other_visitor).status == "No changes"


def test_wording_can_be_translated(studio: Studio) -> None:
    """Preview and shop show the translation in its language; an empty field removes the
    translation.
    """
    studio.press(language="de")
    field = studio.page.one("input", id="set-texts-de-button-label")
    assert (field["value"], field["placeholder"]) == ("", "Benachrichtigen")
    assert (field["lang"], field["dir"]) == ("de", "auto")
    label = {"texts__de__button__label": "Sag Bescheid", "language": "fr"}
    assert studio.press(**label).status_code == 303
    assert studio.page.all("input", id="set-texts-de-button-label") == []
    assert form_data(studio.page)["language"] == "fr"
    assert "lang=fr" in studio.page.one("iframe")["src"]

    client = studio.client
    assert "Sag Bescheid" in client.get(f"{PARKA}&lang=de").text
    assert "Sag Bescheid" not in client.get(f"{PARKA}&lang=fr").text
    preview = client.get("/studio/preview?state=form&lang=de")
    assert "Sag Bescheid" in preview.text
    assert read(preview.text).one("html")["lang"] == "de"
    assert "[texts.de.button]" in studio.page.one("textarea", id="export-toml").text

    studio.press(language="de")
    assert "Shop’s setting: not translated." in studio.notes("texts.de.button.label")
    studio.press(texts__de__button__label="")
    assert studio.status == "No changes"


def test_fields_with_invalid_translations_stay_on_the_page(studio: Studio) -> None:
    """The fields stay even if another language is chosen at the same time."""
    studio.press(language="de")
    wording = {"texts__de__modal__footer_content": "x" * 5000, "texts__de__button__label": "Neu"}
    assert studio.press(language="fr", **wording).status_code == 422
    assert "up to 2000" in studio.notes("texts.de.modal.footer_content").replace(",", "")
    assert studio.page.one("input", id="set-texts-de-button-label")["value"] == "Neu"


def test_languages_and_channels_have_an_order(catalog_db: Path) -> None:
    """The first language is the default; SMS isn't offered where its legal wording is missing."""
    app = make_shop(catalog_db, KLAVIYO_LIST_ID="Xk2LQp")
    studio = Studio(app.test_client())
    studio.press(languages__offered=["de", "en"], channels__offered=["SMS", "EMAIL"], language="de")
    assert read(studio.client.get("/").text).one("html")["lang"] == "de"
    document = studio.page.one("textarea", id="export-toml").text
    assert 'offered = ["de", "en"]' in document
    assert 'offered = ["SMS", "EMAIL"]' in document
    assert "SMS isn’t offered in German (de)" in studio.notes("languages.offered")
    assert "1 warning" in studio.status
    disclosure = studio.page.one("textarea", id="set-texts-de-consent-sms_disclosure")
    assert disclosure["placeholder"] == "Required to offer this channel in German"

    # an additional language comes last
    studio.press(languages__offered=["de", "en", "ar"])
    assert 'offered = ["de", "en", "ar"]' in studio.page.one("textarea", id="export-toml").text
    # with a single language there is nothing to translate, unless legal wording is missing
    studio.press(languages__offered=["de"])
    assert "under [texts.de.consent]" in studio.notes("languages.offered")
    assert studio.page.one("textarea", id="set-texts-de-consent-sms_disclosure")
    studio.press(languages__offered=["en"])
    assert [
        field for field in studio.page.all() if (field.get("name") or "").startswith("texts.")
    ] == []
    assert "hidden" in studio.page.one("select", id="view-language")
    close(app)


def test_changes_in_two_tabs_are_combined(studio: Studio) -> None:
    other_tab = Studio(studio.client)
    studio.press(button__label="From one tab", modal__headline="Changed in both")
    other_tab.press(modal__headline="Changed last", modal__z_index="7")

    values = [
        other_tab.page.one("input", id=f"set-{key}")["value"]
        for key in ("button-label", "modal-headline", "modal-z_index")
    ]
    assert values == ["From one tab", "Changed last", "7"]


def test_all_values_count_if_the_rendered_ones_cannot_be_read(studio: Studio) -> None:
    for rendered in ("", "[]", "[" * 100_000):
        data = form_data(studio.page)
        enter(data, "button.label", f"Label {len(rendered)}")
        data["rendered"] = rendered
        assert studio.post(data).status_code == 303
        value = studio.page.one("input", id="set-button-label")["value"]
        assert value == f"Label {len(rendered)}"


def test_two_people_can_change_the_shop(studio: Studio, other_visitor: FlaskClient) -> None:
    colleague = Studio(other_visitor)
    studio.press("publish", button__label="From one person")
    colleague.press("publish", modal__headline="From another")

    settings = read_settings(other_visitor.application.config["NOTIFY_ME_INSTANCE_CONFIG"])
    assert (settings.button.label, settings.modal.headline) == ("From one person", "From another")


def test_undo_redo_reset_and_revert(studio: Studio) -> None:
    """After an undo, a new change means that the undone change can't be redone."""

    def label() -> str:
        return studio.page.one("input", id="set-button-label")["value"]

    for text in ("One", "Two"):
        studio.press(button__label=text)
    labels = [label()]
    for action in ("undo", "undo", "undo", "redo", "reset", "undo"):
        studio.press(action)
        labels.append(label())
    assert labels == ["Two", "One", "Notify me", "Notify me", "One", "Notify me", "One"]

    studio.press(button__label="Three", modal__headline="Here")
    assert studio.page.one("button", id="do-redo")["aria-disabled"] == "true"
    studio.press("revert:button.label")
    assert label() == "Notify me"
    assert studio.status == "1 change, visible only to you"


def test_basic_settings_come_first_and_errors_elsewhere_are_shown(studio: Studio) -> None:
    """The three basic sections have the settings that most merchants change."""

    def level() -> str:
        return form_data(studio.page)["level"]

    basic = {"section-button": 7, "section-form": 4, "section-channels": 1}
    for section, count in basic.items():
        element = studio.page.one("details", id=section)
        assert element["class"] == "section"
        assert len(element.all("div", class_="control")) == count
    assert level() == "basic"

    assert studio.press(modal__z_index="-1").status_code == 422
    assert level() == "advanced"
    studio.press(modal__z_index="1", button__button_styles__color="#ffffff")
    assert "easy to read" in studio.notes("button.button_styles.color")


def test_settings_can_be_used_in_the_whole_shop(studio: Studio) -> None:
    """All processes use the settings at once, until the merchant stops using them in the shop."""
    app = studio.client.application
    other_process = make_shop(Path(app.config["DATABASE_URL"].removeprefix("sqlite:///")))
    shopper = other_process.test_client()

    def page() -> str:
        return shopper.get(PARKA, headers={"X-Forwarded-For": "203.0.113.7"}).text

    before = page()
    response = studio.press("publish", button__label="Tell me", modal__text_color="#123456")
    assert response.status_code == 200
    assert studio.status == "Live for all shoppers"
    assert "now used in this shop" in studio.page.one("div", id="alerts").text
    assert ">Tell me<" in page()
    assert "#123456" in shopper.get("/notify-me/theme.css").text
    assert studio.page.one("input", id="set-button-label")["value"] == "Tell me"

    studio.press("publish", button__label="Alert me")
    file = Path(app.config["NOTIFY_ME_INSTANCE_CONFIG"])
    assert read_settings(file).button.label == "Alert me"
    assert read_settings(file).modal.text_color == "#123456"
    assert ">Alert me<" in page()
    assert studio.press("unpublish").status_code == 303
    assert ">Tell me<" in page()
    assert studio.status == "No changes"

    # a file with an error doesn't stop the shop, and the next change corrects it
    for wrong in ("[button]\nlabel = 5\n", 'button = "Tell me"\n'):
        file.write_text(wrong)
        assert ">Tell me<" in page()
        assert studio.press("publish", button__label="Ask me").status_code == 200
        assert read_settings(file).button.label == "Ask me"
        studio.press("publish", button__label="Tell me")
    file.unlink()
    assert page() == before
    close(other_process)


def test_settings_with_another_source_are_named(catalog_db: Path, tmp_path: Path) -> None:
    database = Path(shutil.copy(catalog_db, tmp_path / "shop.db"))
    (config := tmp_path / "shop.toml").write_text('[modal]\ntext_color = "#123456"\n')
    sources = {"NOTIFY_ME_BUTTON__LABEL": "From the environment", "NOTIFY_ME_CONFIG": str(config)}
    app = make_shop(database, **sources)
    studio = Studio(app.test_client())
    # a cleared setting has the value in notify_me.toml
    studio.press("publish", button__label="Mine", modal__headline="Ours", modal__text_color="")
    alert = studio.page.one("div", id="alerts").text
    assert "Either an environment variable sets them, or you cleared them" in alert
    assert "Button text (button.label)" in alert
    assert "(modal.text_color)" in alert
    assert "modal.headline" not in alert
    assert studio.page.one("input", id="set-modal-headline")["value"] == "Ours"

    Path(app.config["NOTIFY_ME_INSTANCE_CONFIG"]).with_suffix(".new").mkdir()
    assert studio.press("publish", modal__headline="Yours").status_code == 422
    assert "couldn’t be applied to the shop" in studio.page.one("div", id="alerts").text
    close(app)


def test_settings_with_which_the_shop_could_not_start_are_refused(
    catalog_db: Path, tmp_path: Path
) -> None:
    """They are valid without the environment variable, which the Studio can't change."""
    database = Path(shutil.copy(catalog_db, tmp_path / "shop.db"))
    (config := tmp_path / "shop.toml").write_text(
        '[consent]\nterms_of_service_url = "/terms"\nprivacy_policy_url = "/privacy"\n'
    )
    sources = {"NOTIFY_ME_CHANNELS__OFFERED": "EMAIL, SMS", "NOTIFY_ME_CONFIG": str(config)}
    app = make_shop(database, KLAVIYO_LIST_ID="Xk2LQp", **sources)
    studio = Studio(app.test_client())
    typed = {"channels__offered": ["EMAIL"], "consent__terms_of_service_url": ""}
    assert studio.press("publish", **typed).status_code == 422
    alert = studio.page.one("div", id="alerts").text
    assert "environment variables: channels.offered contains SMS, which needs consent" in alert
    assert not [*Path(app.config["NOTIFY_ME_INSTANCE_CONFIG"]).parent.glob("notify_me*")]
    close(app)
    close(make_shop(database, KLAVIYO_LIST_ID="Xk2LQp", **sources))


def test_link_opens_settings_in_another_browser(studio: Studio, other_visitor: FlaskClient) -> None:
    """A link on another site only offers to use the settings."""
    studio.press(button__label="Shared")
    link = studio.link

    offer = other_visitor.get(link, headers={"Sec-Fetch-Site": "cross-site"})
    assert offer.status_code == 200
    assert "Set-Cookie" not in offer.headers
    assert "Shared" not in other_visitor.get(PARKA).text
    button = read(offer.text).one("div", id="alerts").one("button")
    forged = other_visitor.post("/studio", data={"do": button["value"]}, headers=ELSEWHERE)
    assert forged.status_code in (400, 403)
    other_visitor.post("/studio", data={"do": button["value"]})
    assert "Shared" in other_visitor.get(PARKA).text

    third_visitor = studio.client.application.test_client()
    assert third_visitor.get(link, headers={"Sec-Fetch-Site": "none"}).status_code == 303
    assert "Shared" in third_visitor.get(PARKA).text
    for unknown in ("f" * 32, "../etc", "x"):
        assert third_visitor.get("/studio", query_string={"look": unknown}).status_code == 404
    assert "Shared" in third_visitor.get(PARKA).text


def test_strangers_have_no_access(app: Flask, client: FlaskClient) -> None:
    """Strangers are other machines, forms on other sites and, with the demo off, everyone."""
    stranger = {"REMOTE_ADDR": "203.0.113.7"}
    for path in ("/studio", "/studio/preview", "/studio/notify_me.toml"):
        assert client.get(path, environ_overrides=stranger).status_code == 404
        response = client.get(path)
        assert response.headers["Cache-Control"] == "private, no-store"
        assert response.headers["X-Robots-Tag"] == "noindex"
    assert client.post("/studio", data={"do": "reset"}, headers=ELSEWHERE).status_code in (400, 403)
    cookies = client.post("/studio", data={"button.label": "x"}).headers.getlist("Set-Cookie")
    assert len(cookies) == 2
    assert all("HttpOnly" in cookie and "SameSite=Lax" in cookie for cookie in cookies)
    assert ">x<" in client.get(PARKA).text
    assert ">x<" not in client.get(PARKA, environ_overrides=stranger).text
    app.config["DEMO"] = False
    assert client.get("/studio").status_code == 404


def test_looks_have_a_maximum_size_and_expire(app: Flask, studio: Studio) -> None:
    """Identical looks are saved once."""
    studio.press(button__label="Old")
    link = studio.link
    with app.app_context():
        db.session.execute(
            sa.update(Look).values(last_saved_at=datetime.now(UTC) - timedelta(days=91))
        )
        db.session.commit()
        with pytest.raises(looks.TooLarge):
            looks.save({"modal.footer_content": "x" * looks.MAX_BYTES})
    for label in ("New", "Newer", "New"):
        studio.press(button__label=label)
    with app.app_context():
        saved = [json.loads(changes) for changes in db.session.scalars(sa.select(Look.changes))]
    assert sorted(changes["button.label"] for changes in saved) == ["New", "Newer"]

    studio.response = studio.client.get(link)
    assert studio.response.status_code == 404
    assert "This link has expired" in studio.page.text


@pytest.fixture
def exported_shop(studio: Studio, tmp_path: Path, catalog_db: Path) -> Iterator[FlaskClient]:
    """Another shop, started with the file that the Studio has exported."""
    studio.press(
        "preset:poster", button__label='Say "when"', modal__body_content="Two\nlines \\ one {x}"
    )
    path = studio.file(tmp_path)
    app = make_shop(catalog_db, NOTIFY_ME_CONFIG=str(path))
    yield app.test_client()
    close(app)


def test_shop_with_the_exported_file_looks_as_it_does_in_the_studio(
    studio: Studio, exported_shop: FlaskClient
) -> None:
    for path in (PARKA, "/notify-me/theme.css", "/"):
        assert exported_shop.get(path).text == studio.client.get(path).text
    toml = studio.page.one("textarea", id="export-toml").text
    assert 'label = "Say \\"when\\""' in toml
    assert (
        studio.page.one("input", id="export-snippet")["value"]
        == '{{ notify_me(variant, label="Say \\"when\\"") }}'
    )


@pytest.mark.parametrize("first", [0, len(HOSTILE) // 2])
def test_hostile_styles_are_refused(client: FlaskClient, first: int) -> None:
    """Each hostile value is in a different setting: a colour, a number, a font or a choice."""
    hostile = cycle(HOSTILE[first:] + HOSTILE[:first])
    strict = [
        control
        for control in controls()
        if control.kind in ("color", "number", "select") or control.is_font
    ]
    response = client.post("/studio", data={control.key: next(hostile) for control in strict})

    assert response.status_code == 422
    page = read(response.text)
    assert len(strict) > len(HOSTILE)
    assert all(page.one("div", id=f"{control.id}-notes").text for control in strict)
    assert len(page.all("script")) == 1


@pytest.mark.parametrize("first", [0, len(HOSTILE) // 2])
def test_hostile_text_is_escaped(studio: Studio, first: int) -> None:
    """Each hostile text is entered in a different setting."""
    hostile = cycle(HOSTILE[first:] + HOSTILE[:first])
    keys = ["button.label", *(control.key for control in controls() if control.kind == "textarea")]
    wording = {key: next(hostile)[:60] for key in keys}
    response = studio.press(**{key.replace(".", "__"): text for key, text in wording.items()})

    assert response.status_code == 303, studio.page.text
    assert len(studio.page.all("script")) == 1
    for state in ("form", "done"):
        preview = read(studio.client.get(f"/studio/preview?state={state}").text)
        assert len(preview.all("script")) == 3
        names = {name for element in preview.all() for name in element.attributes}
        assert not [name for name in names if name.startswith("on")]
        label = preview.one("div", class_="buy").all("a")[0].text
        assert label == " ".join(wording["button.label"].split())


def test_merchant_with_the_password_has_access(app: Flask, client: FlaskClient) -> None:
    """The password gives access even without the demo; other visitors don't have access."""
    app.config["DEMO"] = False
    app.config["MERCHANT_PASSWORD_HASH"] = HASH
    shop = {"base_url": "https://shop.example"}
    stranger = app.test_client()
    assert stranger.get("/studio", **shop).location.startswith("/merchant/login")
    assert stranger.post("/studio", data={"button.label": "Not mine"}, **shop).status_code == 303
    sign_in(client)

    response = client.post("/studio", data={"button.label": "Mine"}, **shop)
    assert all("Secure" in cookie for cookie in response.headers.getlist("Set-Cookie"))
    assert ">Mine<" in client.get(PARKA, **shop).text
    look = client.get_cookie("notify_me_look", "shop.example")
    assert look is not None
    stranger.set_cookie("notify_me_look", look.value, domain="shop.example")
    assert ">Notify me<" in stranger.get(PARKA, **shop).text
