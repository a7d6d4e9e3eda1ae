"""Settings: a wrong one stops the start in a sentence, a right one changes the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string
from flask_sqlalchemy_lite import SQLAlchemy

from notify_me import NotifyMe, SettingsError
from tests.notify_me.markup import Element, read, view
from tests.notify_me.small_shop import DictCatalog

MUG = "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3AMUG"
# put together here, so that no file holds what looks like a key
PRIVATE = "pk_" + "0a" * 17
PUBLIC = "PuBl1c"

WRONG_FILE = {
    "unknown key": ('[button]\nlable = "Tell me"', ["button.lable", "did you mean button.label?"]),
    "unknown key of another group": (
        '[modal]\nheadlines = "x"',
        ["modal.headlines", "did you mean modal.headline?"],
    ),
    "unknown group": ("[buton]", ["buton is not a setting", "did you mean button?"]),
    "unknown and like none": ("[modal]\nzzzz = 1", ["modal.zzzz is not a setting"]),
    "number for text": ("[button]\nlabel = 5", ["button.label", "text", "not 5"]),
    "text for a group": ('button = "Notify me"', ["button", "'Notify me'"]),
    "empty label": ('[button]\nlabel = ""', ["button.label", "text of 1 to"]),
    "blank label": ('[button]\nlabel = "  "', ["button.label", "text of 1 to"]),
    "long label": (
        f'[button]\nlabel = "{"x" * 81}"',
        ["button.label", "text of 1 to 80 characters"],
    ),
    "empty headline": ('[modal]\nheadline = ""', ["modal.headline", "text of 1 to"]),
    "unknown display": (
        '[button]\ndisplay = "BESIDE"',
        ["button.display", "'REPLACE' or 'NEXT_TO'", "not 'BESIDE'"],
    ),
    "display in lower case": (
        '[button]\ndisplay = "replace"',
        ["button.display", "'REPLACE' or 'NEXT_TO'", "not 'replace'"],
    ),
    "two at once": (
        '[button]\nlabel = ""\ndisplay = "BESIDE"',
        ["button.label", "button.display"],
    ),
    "not TOML": ("[button\nlabel = 1", ["is not TOML", "line 1"]),
    "not UTF-8": (b'[button]\nlabel = "\xff"', ["is not TOML"]),
}


@pytest.mark.parametrize(("written", "words"), WRONG_FILE.values(), ids=WRONG_FILE)
def test_a_wrong_settings_file_stops_the_start(
    make_app: Callable[..., Flask], tmp_path: Path, written: str | bytes, words: list[str]
) -> None:
    """The sentence names the file, the key, what was given and what is allowed."""
    file = tmp_path / "notify_me.toml"
    file.write_bytes(written.encode() if isinstance(written, str) else written)

    with pytest.raises(SettingsError) as caught:
        make_app(NOTIFY_ME_CONFIG=str(file))

    for part in [str(file), *words]:
        assert part in str(caught.value)


@pytest.mark.parametrize("name", ["missing.toml", "."], ids=["missing", "a folder"])
def test_a_settings_file_that_cannot_be_read_stops_the_start(
    make_app: Callable[..., Flask], tmp_path: Path, name: str
) -> None:
    """The sentence names the variable that named it, and the way out."""
    path = tmp_path / name

    with pytest.raises(SettingsError) as caught:
        make_app(NOTIFY_ME_CONFIG=str(path))

    for part in ("NOTIFY_ME_CONFIG", str(path), "correct the path"):
        assert part in str(caught.value)


WRONG_CONFIG = {
    "no private key": ({"KLAVIYO_PRIVATE_KEY": ""}, ["KLAVIYO_PRIVATE_KEY is not set", ".env"]),
    "public key as private key": (
        {"KLAVIYO_PRIVATE_KEY": PUBLIC, "KLAVIYO_PUBLIC_KEY": PUBLIC},
        ["KLAVIYO_PRIVATE_KEY holds the public key", "begins with pk_"],
    ),
    "private key as public key": (
        {"KLAVIYO_PUBLIC_KEY": PRIVATE},
        ["KLAVIYO_PUBLIC_KEY", "holds a private key"],
    ),
    "space in the private key": (
        {"KLAVIYO_PRIVATE_KEY": PRIVATE + " x"},
        ["KLAVIYO_PRIVATE_KEY", "odd character"],
    ),
    "line break in the private key": (
        {"KLAVIYO_PRIVATE_KEY": PRIVATE + "\nx"},
        ["KLAVIYO_PRIVATE_KEY", "odd character"],
    ),
    "no log key": (
        {"NOTIFY_ME_LOG_KEY": ""},
        ["NOTIFY_ME_LOG_KEY is not set", "secrets.token_hex()"],
    ),
    "short log key": (
        {"NOTIFY_ME_LOG_KEY": "fifteen-letters"},
        ["NOTIFY_ME_LOG_KEY", "16 characters or more"],
    ),
    "no secret key": ({"SECRET_KEY": None}, ["SECRET_KEY is not set"]),
    "unknown mode": ({"NOTIFY_ME_MODE": "browser"}, ["NOTIFY_ME_MODE", "'server'", "'browser'"]),
    "address without a scheme": (
        {"KLAVIYO_API_URL": "a.klaviyo.com"},
        ["KLAVIYO_API_URL", "such as https://a.klaviyo.com"],
    ),
    "address of another scheme": (
        {"KLAVIYO_API_URL": "ftp://a.klaviyo.com"},
        ["KLAVIYO_API_URL", "such as https://a.klaviyo.com"],
    ),
    "address without a host": (
        {"KLAVIYO_API_URL": "https://"},
        ["KLAVIYO_API_URL", "such as https://a.klaviyo.com"],
    ),
    "address with a path": (
        {"KLAVIYO_API_URL": "https://a.klaviyo.com/api"},
        ["KLAVIYO_API_URL", "scheme and host alone"],
    ),
    "address with a query": (
        {"KLAVIYO_API_URL": "https://a.klaviyo.com?company_id=x"},
        ["KLAVIYO_API_URL", "scheme and host alone"],
    ),
    "address with a user": (
        {"KLAVIYO_API_URL": "https://user@a.klaviyo.com"},
        ["KLAVIYO_API_URL", "scheme and host alone"],
    ),
    "plain HTTP to another machine": (
        {"KLAVIYO_API_URL": "http://a.klaviyo.com"},
        ["KLAVIYO_API_URL", "must be https:// unless it is on this machine"],
    ),
    "plain HTTP to a name that only begins as this machine's": (
        {"KLAVIYO_API_URL": "http://localhost.example.org"},
        ["KLAVIYO_API_URL", "must be https:// unless it is on this machine"],
    ),
    "address with half a bracket": (
        {"KLAVIYO_API_URL": "https://[::1"},
        ["KLAVIYO_API_URL"],
    ),
    "address with an impossible port": (
        {"KLAVIYO_API_URL": "https://a.klaviyo.com:port"},
        ["KLAVIYO_API_URL"],
    ),
    "revision in another order": (
        {"KLAVIYO_REVISION": "15.07.2026"},
        ["KLAVIYO_REVISION", "must be a date such as", "'15.07.2026'"],
    ),
    "revision that is a word": (
        {"KLAVIYO_REVISION": "latest"},
        ["KLAVIYO_REVISION", "must be a date such as", "'latest'"],
    ),
}


@pytest.mark.parametrize(("config", "words"), WRONG_CONFIG.values(), ids=WRONG_CONFIG)
def test_a_wrong_variable_stops_the_start(
    make_app: Callable[..., Flask], config: dict[str, Any], words: list[str]
) -> None:
    """The sentence names the variable and what to do, and repeats no key."""
    with pytest.raises(SettingsError) as caught:
        make_app(**config)

    for part in words:
        assert part in str(caught.value)
    for name, value in config.items():
        if "KEY" in name and value:
            assert value not in str(caught.value)


MISPLACED = {
    "public key": {"KLAVIYO_PUBLIC_KEY": PRIVATE},
    "address": {"KLAVIYO_API_URL": PRIVATE},
    "user of an address": {"KLAVIYO_API_URL": f"https://{PRIVATE}@a.klaviyo.com"},
    "revision": {"KLAVIYO_REVISION": PRIVATE},
    "mode": {"NOTIFY_ME_MODE": PRIVATE},
}


@pytest.mark.parametrize("config", MISPLACED.values(), ids=MISPLACED)
def test_a_private_key_in_the_wrong_place_is_not_repeated(
    make_app: Callable[..., Flask], config: dict[str, str]
) -> None:
    """Two lines of `.env` swapped must not write the key to the log."""
    with pytest.raises(SettingsError) as caught:
        make_app(**config)

    [name] = config
    assert name in str(caught.value)
    assert PRIVATE not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    ["https://a.klaviyo.com", "https://a.klaviyo.com/", "http://localhost:5001", "http://[::1]:1"],
)
def test_a_right_address_is_taken(make_app: Callable[..., Flask], address: str) -> None:
    """Klaviyo itself, and a stand-in on this machine."""
    app = make_app(KLAVIYO_API_URL=address)

    assert app.test_client().get(MUG).status_code == 200


def test_a_key_is_not_shown_by_what_holds_it(app: Flask) -> None:
    """Whoever prints the extension's state sees no key."""
    shown = repr(app.extensions["notify_me"])

    assert app.config["KLAVIYO_PRIVATE_KEY"] not in shown
    assert app.config["NOTIFY_ME_LOG_KEY"] not in shown


def test_a_second_setup_on_one_app_is_refused(app: Flask, catalog: DictCatalog) -> None:
    """Two would register two blueprints under one name."""
    with pytest.raises(RuntimeError, match="already set up on this app"):
        NotifyMe(app, catalog=catalog, db=SQLAlchemy())


def test_a_setup_without_its_parts_is_refused(catalog: DictCatalog) -> None:
    """The sentence names both parts."""
    with pytest.raises(TypeError, match="needs catalog= and db="):
        NotifyMe(Flask("bare"))
    with pytest.raises(TypeError, match="needs catalog= and db="):
        NotifyMe(Flask("bare"), catalog=catalog)


@pytest.fixture
def shop_with(make_app: Callable[..., Flask], tmp_path: Path) -> Callable[[str], Flask]:
    """Makes the small shop with this in its settings file."""

    def make(toml: str) -> Flask:
        file = tmp_path / "notify_me.toml"
        file.write_text(toml, encoding="utf-8")
        return make_app(NOTIFY_ME_CONFIG=str(file))

    return make


def form_page(app: Flask, path: str = MUG) -> Element:
    """The form's page."""
    return view(app.test_client().get(path))


def button(app: Flask, catalog: DictCatalog, template: str) -> Element:
    """What a shop's template renders for the sold-out mug."""
    [mug] = [each for each in catalog.variants.values() if each.product_id == "mug"]
    with app.test_request_context():
        return read(render_template_string(template, variant=mug))


PLAIN = "{{ notify_me(variant) }}"
LABELLED = "{{ notify_me(variant, label='By call') }}"


@pytest.mark.parametrize(
    ("toml", "template", "label"),
    [
        ("", PLAIN, "Notify me"),
        ('[button]\nlabel = "By file"', PLAIN, "By file"),
        ('[button]\nlabel = "By file"', LABELLED, "By call"),
        ("", LABELLED, "By call"),
    ],
    ids=["default", "file over default", "call over file", "call over default"],
)
def test_the_label(
    shop_with: Callable[[str], Flask],
    catalog: DictCatalog,
    toml: str,
    template: str,
    label: str,
) -> None:
    """A call wins over the file, the file over the default."""
    rendered = button(shop_with(toml), catalog, template)

    assert rendered.one("a").text.startswith(label)
    assert rendered.one("a").name == f"{label}: Enamel Mug"


def test_the_label_is_the_forms_too(shop_with: Callable[[str], Flask]) -> None:
    """The form's own button says the same as the one that opened it."""
    page = form_page(shop_with('[button]\nlabel = "Tell me"'))

    assert page.one("button", class_="notify-me__submit").text == "Tell me"


OWN = "<button>Sold out</button>"
WRAPPED = "{% call notify_me(variant) %}" + OWN + "{% endcall %}"
REPLACED = "{% call notify_me(variant, display='REPLACE') %}" + OWN + "{% endcall %}"
BESIDE = "{% call notify_me(variant, display='NEXT_TO') %}" + OWN + "{% endcall %}"


@pytest.mark.parametrize(
    ("toml", "template", "own_stays"),
    [
        ("", WRAPPED, False),
        ('[button]\ndisplay = "REPLACE"', WRAPPED, False),
        ('[button]\ndisplay = "NEXT_TO"', WRAPPED, True),
        ('[button]\ndisplay = "NEXT_TO"', REPLACED, False),
        ('[button]\ndisplay = "REPLACE"', BESIDE, True),
        ("", BESIDE, True),
    ],
    ids=[
        "default",
        "file says replace",
        "file says next to",
        "call says replace, file next to",
        "call says next to, file replace",
        "call says next to",
    ],
)
def test_the_display(
    shop_with: Callable[[str], Flask],
    catalog: DictCatalog,
    toml: str,
    template: str,
    own_stays: bool,
) -> None:
    """Ours replaces the shop's own button or stands after it; a call wins over the file."""
    rendered = button(shop_with(toml), catalog, template)

    tags = [each.tag for each in rendered.children if isinstance(each, Element)]
    assert tags == (["button", "notify-me"] if own_stays else ["notify-me"])


def test_with_stock_the_shops_own_button_stands_alone(app: Flask, catalog: DictCatalog) -> None:
    """Whatever `display` says."""
    [mug] = [each for each in catalog.variants.values() if each.product_id == "mug"]
    catalog.stock(mug, 1)

    for template in (WRAPPED, REPLACED, BESIDE):
        assert [each.tag for each in button(app, catalog, template).all()] == ["button"]


def test_an_unknown_display_in_a_call_is_refused(app: Flask, catalog: DictCatalog) -> None:
    """A template's slip must not pass for REPLACE."""
    template = "{{ notify_me(variant, display='BESIDE') }}"

    with pytest.raises(ValueError, match=r"display.*NEXT_TO"):
        button(app, catalog, template)


PARKA = "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3APARKA-M-MOSS"


@pytest.mark.parametrize(
    ("headline", "path", "shown"),
    [
        ("{product_name}", PARKA, "Harbour Parka"),
        ("Wait for {product_name}, {variant_name}", PARKA, "Wait for Harbour Parka, M / Moss"),
        ("{variant_name}!", PARKA, "M / Moss!"),
        ("{product_name} {variant_name}", MUG, "Enamel Mug"),
        ("{product_name} {variant_name}", f"{PARKA}?choose=1", "Harbour Parka"),
        ("{product} {} {0} %s", PARKA, "{product} {} {0} %s"),
    ],
    ids=["product", "both", "variant", "no options", "none chosen", "unknown placeholders"],
)
def test_the_headlines_placeholders(
    shop_with: Callable[[str], Flask], headline: str, path: str, shown: str
) -> None:
    """They are filled in where they mean something, and anything else stays as it is."""
    page = form_page(shop_with(f'[modal]\nheadline = "{headline}"'), path)

    assert page.one("h1").text == shown


def test_a_name_is_not_taken_for_a_placeholder(
    shop_with: Callable[[str], Flask], catalog: DictCatalog
) -> None:
    """A product may be called {variant_name}."""
    catalog.add("odd", "{variant_name}", "ODD", 0, options={"Size": "M"})
    page = form_page(
        shop_with('[modal]\nheadline = "{product_name}"'),
        "/notify-me/$custom:::$default:::ODD",
    )

    assert page.one("h1").text == "{variant_name}"


def test_the_body_content(shop_with: Callable[[str], Flask]) -> None:
    """Its placeholders are filled as well."""
    page = form_page(shop_with('[modal]\nbody_content = "{product_name} ({variant_name})"'), PARKA)

    assert page.one("p", class_="notify-me__body").text == "Harbour Parka (M / Moss)"


def test_an_empty_body_content_leaves_no_empty_paragraph(
    shop_with: Callable[[str], Flask],
) -> None:
    """A merchant may do without it."""
    page = form_page(shop_with('[modal]\nbody_content = ""'))

    assert page.all("p", class_="notify-me__body") == []


def test_texts_of_the_file_are_text(
    shop_with: Callable[[str], Flask], catalog: DictCatalog
) -> None:
    """Markup in a setting is shown as typed, never run."""
    hostile = "<script>alert(1)</script>{{ 7*7 }}\"'"
    toml = (
        f"[button]\nlabel = '''{hostile}'''\n"
        f"[modal]\nheadline = '''{hostile}'''\nbody_content = '''{hostile}'''"
    )
    app = shop_with(toml)

    page = form_page(app)
    assert page.one("h1").text == hostile
    assert page.one("p", class_="notify-me__body").text == hostile
    assert page.one("button", class_="notify-me__submit").text == hostile
    assert button(app, catalog, PLAIN).one("a").name == f"{hostile}: Enamel Mug"
    assert [script.text for script in page.all("script")] == [""]
