"""Markup, scripts and templates in every setting: refused, or shown as text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string
from pydantic import ValidationError

from notify_me.settings.models import Settings
from notify_me.settings.schema import Setting, all_settings
from tests.notify_me.markup import Element, read, view
from tests.notify_me.small_shop import DictCatalog

MUG = "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3AMUG"
PARKA = "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3APARKA-M-MOSS"
HOSTILE = [
    "</style><script>alert(1)</script>",
    "url(javascript:alert(1))",
    "javascript:alert(1)",
    "expression(alert(1))",
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" x="',
    "' onfocus='alert(1)' autofocus='",
    "`onclick=alert(1)`",
    "{{7*7}}",
    "{% for x in (1).__class__.__mro__ %}{{ x }}{% endfor %}",
    "${7*7} #{7*7} <%= 7*7 %>",
    "red;}body{display:none",
    "*/}body{display:none}/*",
    "\\3c/style\\3e",
    "@import url(//evil.example/x.css);",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "</textarea></title></template><svg/onload=alert(1)>",
    "<!-- <b",
]
# [texts.<locale>] has copies of the wording settings, which test_languages.py covers
SETTINGS = [setting for setting in all_settings(Settings) if setting.path[0] != "texts"]
WORDING = [setting for setting in SETTINGS if setting.allowed.startswith("text")]
URLS = [setting for setting in SETTINGS if setting.key.endswith("_url")]
LISTS = [setting for setting in SETTINGS if setting.type == "array" and not setting.choices]
STRICT = [setting for setting in SETTINGS if setting not in [*WORDING, *URLS, *LISTS]]
"""Settings with a strict format, such as colours, choices and numbers."""
BUTTON = "{{ notify_me(variant, inline=False) }}"


def toml(values: dict[str, Any]) -> str:
    """Return a TOML document with these values by dotted key."""
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())


def is_valid(setting: Setting, value: object) -> bool:
    """Return whether the settings' models accept this value."""
    document: Any = value
    for part in reversed(setting.path):
        document = {part: document}
    try:
        Settings.model_validate(document)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("setting", STRICT, ids=lambda setting: setting.key)
def test_style_settings_accept_only_css_values(setting: Setting) -> None:
    values = ("red", "1px", "serif", "btn", "a", "US", "en")
    for hostile in HOSTILE:
        for value in (
            hostile,
            *(f"{prefix} {hostile}" for prefix in values),
            *(f"{prefix}{hostile}" for prefix in values),
            *(f"{prefix}/*{hostile}*/" for prefix in values),
            f'"{hostile}"',
            f"'{hostile}'",
            f"serif, '{hostile}'",
        ):
            assert not is_valid(setting, value), value


@pytest.mark.parametrize("setting", URLS, ids=lambda setting: setting.key)
def test_script_urls_are_refused(setting: Setting) -> None:
    for value in (
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "\x01javascript:alert(1)",
        "java\tscript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "//evil.example/",
        "/\\evil.example/",
        "/\t/evil.example/",
        "https:javascript",
    ):
        assert not is_valid(setting, value), value


def structure(page: Element) -> list[tuple[str, list[str]]]:
    """Return the elements of a page with the names of their attributes."""
    return [(element.tag, sorted(element.attributes)) for element in page.all()]


def pages(app: Flask, catalog: DictCatalog) -> Iterator[tuple[str, str]]:
    """Yield the name and HTML of every page that shows a setting."""
    client = app.test_client()
    [mug] = [variant for variant in catalog.variants.values() if variant.product_id == "mug"]
    with app.test_request_context():
        for template in (
            "{{ notify_me_head() }}",
            BUTTON,
            "{{ notify_me(variant, inline=True) }}",
            "{{ notify_me([variant]) }}",
        ):
            yield template, render_template_string(template, variant=mug)
    yield "form", client.get(MUG).text
    yield "choice", client.get(f"{PARKA}?choose=1").text
    yield "errors", client.post(MUG, data={"channels": ["EMAIL", "SMS"], "email": "x"}).text
    sent = {"channels": "EMAIL", "email": "ada@example.org"}
    yield "done", client.post(MUG, data=sent, follow_redirects=True).text
    reply = client.post(MUG, data=sent, headers={"X-Notify-Me": "1"})
    yield "done, in the dialog", str(reply.get_json()["html"])


@pytest.fixture
def shop_with(make_app: Callable[..., Flask], tmp_path: Path) -> Callable[..., Flask]:
    """Return a function that creates the small shop with all channels and these settings."""

    def make(values: dict[str, Any]) -> Flask:
        file = tmp_path / "notify_me.toml"
        defaults = {
            "channels.offered": ["EMAIL", "SMS", "WHATSAPP"],
            "consent.email_list": "ask",
            "consent.brand": "Words",
            "consent.terms_of_service_url": "/terms",
            "consent.privacy_policy_url": "/privacy",
        }
        file.write_text(toml({**defaults, **values}), encoding="utf-8")
        return make_app(NOTIFY_ME_CONFIG=str(file))

    return make


@pytest.fixture(scope="module")
def harmless_pages() -> dict[frozenset[str], dict[str, object]]:
    """The structures of the pages with harmless text, by the keys of the settings that are set."""
    return {}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_text_is_escaped_on_every_page(
    shop_with: Callable[..., Flask],
    catalog: DictCatalog,
    harmless_pages: dict[frozenset[str], dict[str, object]],
    hostile: str,
) -> None:
    candidates = [(setting, f"Words {hostile}") for setting in WORDING]
    candidates += [(setting, f"/terms{hostile}") for setting in URLS]
    hostile_values = {
        setting.key: value for setting, value in candidates if is_valid(setting, value)
    }
    harmless_values = {
        key: "/terms" if value.startswith("/") else "Words" for key, value in hostile_values.items()
    }
    assert {"button.label", "modal.headline", "consent.sms_disclosure"} <= hostile_values.keys()

    app = shop_with(hostile_values)
    values = dict(pages(app, catalog))
    keys = frozenset(harmless_values)
    if keys not in harmless_pages:
        harmless_pages[keys] = {
            name: structure(read(html)) for name, html in pages(shop_with(harmless_values), catalog)
        }
    expected = harmless_pages[keys]

    assert values.keys() == expected.keys()
    for name, html in values.items():
        page = read(html)
        assert structure(page) == expected[name], name
        if "<" in hostile:
            assert hostile not in html, name
        for element in page.all():
            for attribute in ("href", "src", "action", "formaction"):
                url = (element.get(attribute) or "").strip().lower()
                assert not url.startswith(("javascript:", "data:", "//")), name
        assert all(script.text == "" for script in page.all("script")), name
    assert view(app.test_client().get(MUG)).one("h1").text == " ".join(f"Words {hostile}".split())
    css = app.test_client().get("/notify-me/theme.css").text
    for part in (hostile, "javascript", "expression", "alert", "<", "url(", "@", "\\"):
        assert part not in css


FOOTERS = {
    '<a href="javascript:alert(1)">x</a>': [("a", ["rel"])],
    '<a href="JAVA&#10;SCRIPT:alert(1)">x</a>': [("a", ["rel"])],
    '<a href="data:text/html,x">x</a>': [("a", ["rel"])],
    '<a href="https://example.org/" onclick="alert(1)" style="x">x</a>': [("a", ["href", "rel"])],
    '<p style="position:fixed" onfocus=alert(1) id="x">x</p>': [("p", [])],
    "<b>x</b><iframe src=//evil.example></iframe>": [("b", [])],
    "<svg><script>alert(1)</script></svg><em>x</em>": [("em", [])],
    "<form action=//evil.example><input name=email></form>x": [],
    "<b>x": [("b", [])],
    "x</div></form></notify-me>": [],
    "<style>@import url(//evil.example)</style>x": [],
}


@pytest.mark.parametrize("footer", FOOTERS)
def test_footer_allows_only_a_few_tags(shop_with: Callable[..., Flask], footer: str) -> None:
    page = view(shop_with({"modal.footer_content": footer}).test_client().get(MUG))

    assert structure(page.one("div", class_="notify-me__footer")) == FOOTERS[footer]


def test_every_text_setting_is_covered() -> None:
    assert len(WORDING) >= 20
    assert len(URLS) == 2
    assert {setting.key for setting in LISTS} == {"trigger.tag_allowlist", "trigger.tag_blocklist"}


def test_tags_appear_on_no_page(shop_with: Callable[..., Flask], catalog: DictCatalog) -> None:
    app = shop_with({setting.key: HOSTILE for setting in LISTS if "block" in setting.key})

    for name, html in pages(app, catalog):
        assert [hostile for hostile in HOSTILE if hostile in html] == [], name


@pytest.mark.parametrize(
    "value", ["#1f4a46", "teal", "rgb(31 74 70)", "rgb(31, 74, 70)", "rgb(31 74 70 / 50%)"]
)
def test_valid_colours_reach_the_stylesheet(shop_with: Callable[..., Flask], value: str) -> None:
    css = shop_with({"modal.text_color": value}).test_client().get("/notify-me/theme.css").text

    assert f"--notify-me-text:{value};" in css


def test_class_names_of_tailwind_reach_the_button(
    shop_with: Callable[..., Flask], catalog: DictCatalog
) -> None:
    names = "w-full md:w-1/2 !py-2.5 2xl:px-[20rem] -mt-2"
    app = shop_with({"button.product_page_class": names})

    assert f'class="notify-me__button {names}"' in dict(pages(app, catalog))[BUTTON]
