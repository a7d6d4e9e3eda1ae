"""`/studio`: every setting as a control, for one visitor alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
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
from storefront.studio.controls import controls
from tests.notify_me.markup import Element, read
from tests.notify_me.web.test_injection import HOSTILE
from tests.storefront.conftest import close, make_shop
from tests.storefront.merchant.test_access import HASH, sign_in

PARKA = "/products/haar-parka?variant=HAAR-OIL-M"
ELSEWHERE = {"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example"}
OTHER = {
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
    # these need a list, which this shop doesn't have
    "consent.email_list": "off",
}
"""What a setting may be whose type alone doesn't tell."""


def other(key: str) -> Any:
    """A value for a setting that isn't its default."""
    if key in OTHER:
        return OTHER[key]
    if key.startswith("texts."):
        return OTHER.get(key.split(".", 2)[2], f"Words of {key}")
    control = next(each for each in controls() if each.key == key)
    match control.kind:
        case "check":
            return not control.fallback
        case "one":
            return next(each for each, _ in reversed(control.choices) if each != control.fallback)
        case "color":
            return "rgb(1 2 3 / 40%)"
        case "number":
            return control.bounds.get("minimum", 0) + control.bounds.get("multipleOf", 1)
        case "list":
            return ["one, two", "three"]
    return "Georgia, serif" if control.is_font else f"Words of {key}\u2019s own"


def sent(page: Element, **pressed: str) -> MultiDict[str, str]:
    """What a browser sends for the Studio's form when this button is pressed."""
    form = page.one("form", id="studio")
    data: MultiDict[str, str] = MultiDict()
    for field in form.all():
        if "name" not in field or field.tag == "button":
            continue
        if field.tag == "textarea":
            data.add(field["name"], "".join(map(str, field.children)).removeprefix("\n"))
        elif field.tag == "select":
            chosen = [each for each in field.all("option") if "selected" in each]
            data.add(field["name"], (chosen or field.all("option"))[0]["value"])
        elif field.get("type") not in ("radio", "checkbox") or "checked" in field:
            data.add(field["name"], field.get("value") or "")
    data.update({"do": "preview", **pressed})
    return data


def set_in(data: MultiDict[str, str], key: str, value: Any) -> None:
    """Type a value into a form."""
    if value is True or value is False:
        data.setlist(key, ["off", "on"] if value else ["off"])
    elif key in ("channels.offered", "languages.offered"):
        data.setlist(key, ["", *value])
        data[f"{key}.first"] = value[0]
    else:
        data[key] = "\n".join(value) if isinstance(value, list) else str(value)


class Studio:
    """The Studio as one visitor drives it, without scripts."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.reply = client.get("/studio")
        assert self.reply.status_code == 200

    @property
    def page(self) -> Element:
        """The page shown last."""
        return read(self.reply.text)

    def press(self, do: str = "preview", **typed: Any) -> TestResponse:
        """Type by key, with __ for a dot, press a button, and follow where that leads."""
        data = sent(self.page, do=do)
        for name, value in typed.items():
            set_in(data, name.replace("__", "."), value)
        return self.post(data)

    def post(self, data: MultiDict[str, str]) -> TestResponse:
        """Send the form."""
        reply = self.client.post("/studio", data=data)
        self.reply = self.client.get(reply.location) if reply.status_code == 303 else reply
        return reply

    def notes(self, key: str) -> str:
        """What stands beside a control."""
        return self.page.one("div", id=f"set-{key.replace('.', '-')}-notes").text

    @property
    def status(self) -> str:
        """The line that says how things stand."""
        return self.page.one("p", id="status").text

    @property
    def link(self) -> str:
        """The permalink's path."""
        return self.page.one("input", id="take-link")["value"].replace("http://localhost", "")

    def file(self, folder: Path) -> Path:
        """The file to take away, saved."""
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
def somebody(app: Flask) -> FlaskClient:
    """Another visitor."""
    return app.test_client()


def test_every_setting_of_a_visitor_has_a_labelled_control(studio: Studio) -> None:
    """The list comes from the models; what runs the shop has none. Words by language stand there
    for the preview's.
    """
    known = {each.key for each in all_settings(Settings)}
    names = set()
    for language in ("en", "de", "fr", "es", "ar"):
        studio.press(language=language)
        page = studio.page
        fields = [each for each in page.all() if "name" in each]
        labels = {each["for"] for each in page.all("label") if "for" in each}
        for field in fields:
            if field["name"] in known and field.tag in ("select", "textarea"):
                assert field["id"] in labels
        found = {each["name"] for each in fields} & known
        of = {each.split(".")[1] for each in found if each.startswith("texts.")}
        assert of == {language}
        names |= found

    shared = {each for each in known if each.startswith(("catalog.", "delivery.", "retention."))}
    assert names == known - shared
    assert "[catalog], [delivery] and [retention] run the shop for everybody" in page.text


def test_a_form_sent_untouched_changes_nothing(studio: Studio) -> None:
    """Every control says what holds, so that sending all of them back is no change."""
    reply = studio.press()

    assert reply.status_code == 303
    assert studio.status == "The shop’s own look."


def test_every_setting_travels_through_the_studio_into_the_file(
    studio: Studio, tmp_path: Path, app: Flask
) -> None:
    """Each set to something else, applied, downloaded, and read as a shop reads its file."""
    data = sent(studio.page)
    wanted = {each.key: other(each.key) for each in controls()}
    for key, value in wanted.items():
        set_in(data, key, value)
    studio.post(data)
    assert "settings differ from the shop’s file" in studio.status, studio.page.text

    document = read_settings(studio.file(tmp_path)).model_dump(mode="json")
    for key, value in wanted.items():
        found = document
        for part in key.split("."):
            found = found[part]
        assert found == value, key


def test_what_cannot_be_is_told_beside_its_control(studio: Studio, somebody: FlaskClient) -> None:
    """422: each error at its field, everything typed still there, the shop as it was."""
    reply = studio.press(
        button__label="Kept", modal__text_color="rainbow", button__text_styles__font_size="500"
    )
    page = studio.page

    assert reply.status_code == 422
    assert "must be a colour, such as #1f4a46" in studio.notes("modal.text_color")
    assert "from 8 to 72" in studio.notes("button.text_styles.font_size")
    assert page.one("input", id="set-modal-text_color")["value"] == "rainbow"
    assert page.one("input", id="set-modal-text_color")["aria-invalid"] == "true"
    assert page.one("input", id="set-button-label")["value"] == "Kept"
    assert studio.status == "Not applied: 2 things need mending."
    assert "Kept" not in studio.client.get(PARKA).text


def test_what_does_not_go_together_is_told_beside_its_control(studio: Studio) -> None:
    """SMS without a list is refused as it is when a shop starts; a faint text is a warning."""
    studio.press(channels__offered=["EMAIL", "SMS"])
    assert "needs consent and so KLAVIYO_LIST_ID" in studio.notes("channels.offered")

    studio = Studio(studio.client)
    reply = studio.press(modal__background_color="#fff", modal__text_color="#eee")
    assert reply.status_code == 303
    assert "has a contrast of 1.2:1" in studio.notes("modal.text_color")
    assert "1 warning." in studio.status


def test_a_look_is_its_visitors_alone(studio: Studio, somebody: FlaskClient) -> None:
    """Theirs in page and stylesheet at once; everybody else's shop is as it was."""
    before = somebody.get(PARKA).text
    studio.press(button__label="Mine alone", modal__background_color="#123456")

    assert "Mine alone" in studio.client.get(PARKA).text
    assert "#123456" in studio.client.get("/notify-me/theme.css").text
    assert somebody.get(PARKA).text == before
    assert Studio(somebody).status == "The shop’s own look."


def test_the_words_of_a_language_are_set_where_it_is_shown(studio: Studio) -> None:
    """Read in the preview and in the shop in that language alone; empty, they are as before."""
    studio.press(language="de")
    field = studio.page.one("input", id="set-texts-de-button-label")
    assert (field["value"], field["placeholder"]) == ("", "Benachrichtigen")
    assert (field["lang"], field["dir"]) == ("de", "auto")
    label = {"texts__de__button__label": "Sag Bescheid", "language": "fr"}
    assert studio.press(**label).status_code == 303
    assert studio.page.all("input", id="set-texts-de-button-label") == []
    assert sent(studio.page)["language"] == "fr"
    assert "lang=fr" in studio.page.one("iframe")["src"]

    client = studio.client
    assert "Sag Bescheid" in client.get(f"{PARKA}&lang=de").text
    assert "Sag Bescheid" not in client.get(f"{PARKA}&lang=fr").text
    preview = client.get("/studio/preview?state=form&lang=de")
    assert "Sag Bescheid" in preview.text
    assert read(preview.text).one("html")["lang"] == "de"
    assert "[texts.de.button]" in studio.page.one("textarea", id="take-toml").text

    studio.press(language="de")
    assert "no words of its own" in studio.notes("texts.de.button.label")
    studio.press(texts__de__button__label="")
    assert studio.status == "The shop’s own look."


def test_what_is_wrong_in_a_language_keeps_its_fields(studio: Studio) -> None:
    """Whatever language is asked for with it."""
    studio.press(language="de")
    wrong = {"texts__de__modal__footer_content": "x" * 5000, "texts__de__button__label": "Kept"}
    assert studio.press(language="fr", **wrong).status_code == 422
    assert "up to 2000" in studio.notes("texts.de.modal.footer_content").replace(",", "")
    assert studio.page.one("input", id="set-texts-de-button-label")["value"] == "Kept"


def test_languages_have_an_order_and_lack_what_nobody_translates(filled: Path) -> None:
    """The first is everybody's who asks for none; SMS isn't offered without words of its own."""
    app = make_shop(filled, KLAVIYO_LIST_ID="Xk2LQp")
    studio = Studio(app.test_client())
    studio.press(languages__offered=["de", "en"], channels__offered=["SMS", "EMAIL"], language="de")
    assert read(studio.client.get("/").text).one("html")["lang"] == "de"
    document = studio.page.one("textarea", id="take-toml").text
    assert 'offered = ["de", "en"]' in document
    assert 'offered = ["SMS", "EMAIL"]' in document
    assert "SMS isn't offered in the language de" in studio.notes("languages.offered")
    assert "1 warning." in studio.status
    needed = studio.page.one("textarea", id="set-texts-de-consent-sms_disclosure")
    assert needed["placeholder"] == "Needed before it is offered in German"

    # what is ticked in addition comes last
    studio.press(languages__offered=["de", "en", "ar"])
    assert 'offered = ["de", "en", "ar"]' in studio.page.one("textarea", id="take-toml").text
    # with one language, the words above are all there are
    studio.press(languages__offered=["en"])
    assert [
        each for each in studio.page.all() if (each.get("name") or "").startswith("texts.")
    ] == []
    assert "hidden" in studio.page.one("select", id="view-language")
    close(app)


def test_undo_redo_reset_and_put_back(studio: Studio) -> None:
    """Steps go back and forth; a new one after an undo drops what was undone."""

    def label() -> str:
        return studio.page.one("input", id="set-button-label")["value"]

    for words in ("One", "Two"):
        studio.press(button__label=words)
    seen = [label()]
    for do in ("undo", "undo", "undo", "redo", "reset", "undo"):
        studio.press(do)
        seen.append(label())
    assert seen == ["Two", "One", "Notify me", "Notify me", "One", "Notify me", "One"]

    studio.press(button__label="Three", modal__headline="Here")
    assert studio.page.one("button", id="do-redo")["aria-disabled"] == "true"
    studio.press("restore:button.label")
    assert label() == "Notify me"
    assert studio.status.startswith("1 setting differs")


def test_a_link_opens_a_look_elsewhere(studio: Studio, somebody: FlaskClient) -> None:
    """Typed or followed within the shop it is taken over; from another site it is offered."""
    studio.press(button__label="Shared")
    link = studio.link

    offer = somebody.get(link, headers={"Sec-Fetch-Site": "cross-site"})
    assert offer.status_code == 200
    assert "Set-Cookie" not in offer.headers
    assert "Shared" not in somebody.get(PARKA).text
    button = read(offer.text).one("div", id="alerts").one("button")
    taken = somebody.post("/studio", data={"do": button["value"]}, headers=ELSEWHERE)
    assert taken.status_code in (400, 403)
    somebody.post("/studio", data={"do": button["value"]})
    assert "Shared" in somebody.get(PARKA).text

    third = studio.client.application.test_client()
    assert third.get(link, headers={"Sec-Fetch-Site": "none"}).status_code == 303
    assert "Shared" in third.get(PARKA).text
    for unknown in ("f" * 32, "../etc", "x"):
        assert third.get("/studio", query_string={"look": unknown}).status_code == 404
    assert "Shared" in third.get(PARKA).text


def test_the_studio_is_closed_to_everybody_else(app: Flask, client: FlaskClient) -> None:
    """Another machine, a page of another site, a shop in earnest; and nothing of it is stored."""
    away = {"REMOTE_ADDR": "203.0.113.7"}
    for path in ("/studio", "/studio/preview", "/studio/notify_me.toml"):
        assert client.get(path, environ_overrides=away).status_code == 404
        reply = client.get(path)
        assert reply.headers["Cache-Control"] == "private, no-store"
        assert reply.headers["X-Robots-Tag"] == "noindex"
    assert client.post("/studio", data={"do": "reset"}, headers=ELSEWHERE).status_code in (400, 403)
    cookies = client.post("/studio", data={"button.label": "x"}).headers.getlist("Set-Cookie")
    assert len(cookies) == 2
    assert all("HttpOnly" in each and "SameSite=Lax" in each for each in cookies)
    assert ">x<" in client.get(PARKA).text
    assert ">x<" not in client.get(PARKA, environ_overrides=away).text
    app.config["DEMO"] = False
    assert client.get("/studio").status_code == 404


def test_looks_are_bounded_and_go_after_a_while(app: Flask, studio: Studio) -> None:
    """One of the same choices is one row; those that nobody chose for 90 days are deleted."""
    studio.press(button__label="Old")
    link = studio.link
    with app.app_context():
        db.session.execute(
            sa.update(Look).values(created_at=datetime.now(UTC) - timedelta(days=91))
        )
        db.session.commit()
        with pytest.raises(looks.TooLarge):
            looks.keep({"modal.footer_content": "x" * looks.MOST_BYTES})
    for label in ("New", "Newer", "New"):
        studio.press(button__label=label)
    with app.app_context():
        kept = [json.loads(each) for each in db.session.scalars(sa.select(Look.changes))]
    assert sorted(each["button.label"] for each in kept) == ["New", "Newer"]

    studio.reply = studio.client.get(link)
    assert studio.reply.status_code == 404
    assert "isn’t kept any more" in studio.page.text


@pytest.fixture
def written(studio: Studio, tmp_path: Path, filled: Path) -> Iterator[FlaskClient]:
    """A shop in earnest, started with the file that the Studio gave."""
    studio.press(
        "preset:poster", button__label='Say "when"', modal__body_content="Two\nlines \\ one {x}"
    )
    path = studio.file(tmp_path)
    app = make_shop(filled, NOTIFY_ME_CONFIG=str(path))
    yield app.test_client()
    close(app)


def test_a_shop_started_with_the_file_is_the_one_seen(studio: Studio, written: FlaskClient) -> None:
    """Its pages and its stylesheet are, to the letter, what the visitor had."""
    for path in (PARKA, "/notify-me/theme.css", "/"):
        assert written.get(path).text == studio.client.get(path).text
    toml = studio.page.one("textarea", id="take-toml").text
    assert 'label = "Say \\"when\\""' in toml
    assert (
        studio.page.one("input", id="take-jinja")["value"]
        == '{{ notify_me(variant, label="Say \\"when\\"") }}'
    )


@pytest.mark.parametrize("hostile", HOSTILE)
def test_nothing_hostile_gets_through(studio: Studio, hostile: str) -> None:
    """In every look, number and choice refused at its field; in every text shown as text."""
    strict = [
        each for each in controls() if each.kind in ("color", "number", "one") or each.is_font
    ]
    scripts = len(studio.page.all("script"))
    data = sent(studio.page)
    for each in strict:
        data[each.key] = hostile
    assert studio.post(data).status_code == 422
    page = studio.page
    beside = [page.one("div", id=f"{each.id}-notes").text for each in strict]
    assert all(beside)
    assert len(page.all("script")) == scripts

    studio = Studio(studio.client)
    texts = [each.key for each in controls() if each.kind == "long"]
    typed = dict.fromkeys([*texts, "button.label"], hostile[:60])
    reply = studio.press(**{key.replace(".", "__"): words for key, words in typed.items()})
    assert reply.status_code == 303, studio.page.text
    assert len(studio.page.all("script")) == scripts
    for state in ("form", "done"):
        shown = read(studio.client.get(f"/studio/preview?state={state}").text)
        assert len(shown.all("script")) == 3
        names = {name for each in shown.all() for name in each.attributes}
        assert not [name for name in names if name.startswith("on")]
        assert shown.one("div", class_="buy").all("a")[0].text == " ".join(hostile[:60].split())


def test_a_merchant_with_the_password_has_a_studio(app: Flask, client: FlaskClient) -> None:
    """In a shop in earnest too their choices are theirs alone, and a stranger is asked first."""
    app.config["DEMO"] = False
    app.config["MERCHANT_PASSWORD_HASH"] = HASH
    shop = {"base_url": "https://shop.example"}
    stranger = app.test_client()
    assert stranger.get("/studio", **shop).location.startswith("/merchant/login")
    assert stranger.post("/studio", data={"button.label": "Not mine"}, **shop).status_code == 303
    sign_in(client)

    reply = client.post("/studio", data={"button.label": "Mine"}, **shop)
    assert all("Secure" in each for each in reply.headers.getlist("Set-Cookie"))
    assert ">Mine<" in client.get(PARKA, **shop).text
    look = client.get_cookie("notify_me_look", "shop.example")
    assert look is not None
    stranger.set_cookie("notify_me_look", look.value, domain="shop.example")
    assert ">Notify me<" in stranger.get(PARKA, **shop).text
