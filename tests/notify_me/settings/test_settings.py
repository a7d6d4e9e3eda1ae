"""Effects of the settings for wording and for the button's position."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask, render_template_string

from notify_me import NotifyMe
from tests.notify_me.markup import Element, read, view
from tests.notify_me.small_shop import DictCatalog

MUG = "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3AMUG"
PARKA = "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3APARKA-M-MOSS"
PLAIN = "{{ notify_me(variant) }}"


@pytest.fixture
def shop_with(make_app: Callable[..., Flask], tmp_path: Path) -> Callable[[str], Flask]:
    """Return a function that creates the small shop with these settings."""

    def create(toml: str) -> Flask:
        file = tmp_path / "notify_me.toml"
        file.write_text(toml, encoding="utf-8")
        return make_app(NOTIFY_ME_CONFIG=str(file))

    return create


def form_page(app: Flask, path: str = MUG) -> Element:
    return view(app.test_client().get(path))


def button(app: Flask, catalog: DictCatalog, template: str) -> Element:
    """Return what a template of the shop renders for the sold-out mug."""
    [mug] = [variant for variant in catalog.variants.values() if variant.product_id == "mug"]
    with app.test_request_context():
        return read(render_template_string(template, variant=mug))


def test_second_setup_on_one_app_is_refused(app: Flask, catalog: DictCatalog) -> None:
    with pytest.raises(RuntimeError, match="already set up on this app"):
        NotifyMe(app, catalog=catalog)


def test_setup_without_a_catalog_is_refused() -> None:
    with pytest.raises(TypeError, match="needs catalog=, a function that finds variants"):
        NotifyMe(Flask("bare"))


@pytest.mark.parametrize(
    ("toml", "template", "label"),
    [
        ("", PLAIN, "Notify me"),
        ('[button]\nlabel = "File"', PLAIN, "File"),
        ('[button]\nlabel = "File"', "{{ notify_me(variant, label='Call') }}", "Call"),
    ],
    ids=["default", "file", "call overrides file"],
)
def test_label(
    shop_with: Callable[[str], Flask], catalog: DictCatalog, toml: str, template: str, label: str
) -> None:
    rendered = button(shop_with(toml), catalog, template)

    assert rendered.one("a").text.startswith(label)
    assert rendered.one("a").name == f"{label}: Enamel Mug"


OWN = "<button>Sold out</button>"
WRAPPED = "{% call notify_me(variant) %}" + OWN + "{% endcall %}"
REPLACE = "{% call notify_me(variant, display='REPLACE') %}" + OWN + "{% endcall %}"
NEXT_TO = "{% call notify_me(variant, display='NEXT_TO') %}" + OWN + "{% endcall %}"


@pytest.mark.parametrize(
    ("toml", "template", "tags"),
    [
        ("", WRAPPED, ["notify-me"]),
        ('[button]\ndisplay = "NEXT_TO"', WRAPPED, ["button", "notify-me"]),
        ('[button]\ndisplay = "NEXT_TO"', REPLACE, ["notify-me"]),
        ('[button]\ndisplay = "REPLACE"', NEXT_TO, ["button", "notify-me"]),
    ],
    ids=["default", "file", "call overrides file: replace", "call overrides file: next to"],
)
def test_display(
    shop_with: Callable[[str], Flask],
    catalog: DictCatalog,
    toml: str,
    template: str,
    tags: list[str],
) -> None:
    rendered = button(shop_with(toml), catalog, template)

    assert [child.tag for child in rendered.children if isinstance(child, Element)] == tags


def test_only_the_shops_own_button_shows_when_in_stock(app: Flask, catalog: DictCatalog) -> None:
    """The kit's element is hidden; it tells the script that an earlier sign-up is over."""
    [mug] = [variant for variant in catalog.variants.values() if variant.product_id == "mug"]
    catalog.stock(mug, 1)

    for template in (WRAPPED, REPLACE, NEXT_TO):
        own, hidden = button(app, catalog, template).all()
        assert (own.tag, hidden.tag) == ("button", "notify-me")
        assert hidden.attributes == {"data-in-stock": str(mug.composite_id), "hidden": None}


def test_unknown_display_in_a_call_is_an_error(app: Flask, catalog: DictCatalog) -> None:
    with pytest.raises(ValueError, match=r"display.*NEXT_TO"):
        button(app, catalog, "{{ notify_me(variant, display='BESIDE') }}")


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
def test_headline_placeholders(
    shop_with: Callable[[str], Flask], headline: str, path: str, shown: str
) -> None:
    toml = f'[modal]\nheadline = "{headline}"\nbody_content = "{headline}"'

    page = form_page(shop_with(toml), path)

    assert page.one("h1").text == shown
    assert page.one("p", class_="notify-me__body").text == shown


def test_product_named_like_a_placeholder(
    shop_with: Callable[[str], Flask], catalog: DictCatalog
) -> None:
    catalog.add("odd", "{variant_name}", "ODD", 0, options={"Size": "M"})
    page = form_page(
        shop_with('[modal]\nheadline = "{product_name}"'),
        "/notify-me/$custom:::$default:::ODD",
    )

    assert page.one("h1").text == "{variant_name}"


def test_empty_body_content_leaves_no_empty_paragraph(shop_with: Callable[[str], Flask]) -> None:
    page = form_page(shop_with('[modal]\nbody_content = ""'))

    assert page.all("p", class_="notify-me__body") == []


def test_markup_in_settings_is_shown_as_text(
    shop_with: Callable[[str], Flask], catalog: DictCatalog
) -> None:
    hostile = "<script>alert(1)</script>{{ 7*7 }}\"'"
    app = shop_with(
        f"[button]\nlabel = '''{hostile}'''\n"
        f"[modal]\nheadline = '''{hostile}'''\nbody_content = '''{hostile}'''"
    )

    page = form_page(app)

    assert page.one("h1").text == hostile
    assert page.one("p", class_="notify-me__body").text == hostile
    assert page.one("button", class_="notify-me__submit").text == hostile
    assert button(app, catalog, PLAIN).one("a").name == f"{hostile}: Enamel Mug"
    assert [script.text for script in page.all("script")] == [""]
