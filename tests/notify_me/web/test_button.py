"""The button: when it is shown, its accessible name, and its link."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string

from notify_me import InventoryPolicy, Variant
from tests.notify_me.markup import Element, read
from tests.notify_me.small_shop import DictCatalog

Render = Callable[..., str]


@pytest.fixture
def render(app: Flask) -> Render:
    """Return a function that renders `notify_me(…)` in a template of the shop."""

    def rendered(variant: Variant | Sequence[Variant], **options: Any) -> str:
        with app.test_request_context():
            template = "{{ notify_me(variant, **options) }}"
            return render_template_string(template, variant=variant, options=options)

    return rendered


@pytest.mark.parametrize(
    ("quantity", "policy", "shows"),
    [
        (0, InventoryPolicy.DENY, True),
        (0, InventoryPolicy.UNSET, True),
        (-1, InventoryPolicy.DENY, True),
        (1, InventoryPolicy.DENY, False),
        (1, InventoryPolicy.UNSET, False),
        (None, InventoryPolicy.DENY, False),
        (None, InventoryPolicy.UNSET, False),
        (0, InventoryPolicy.CONTINUE, False),
        (-5, InventoryPolicy.CONTINUE, False),
        (1, InventoryPolicy.CONTINUE, False),
    ],
)
def test_button_shows_only_for_sold_out_variants(
    render: Render,
    catalog: DictCatalog,
    quantity: int | None,
    policy: InventoryPolicy,
    shows: bool,
) -> None:
    """Variants without stock management, or sold even without stock, never count as sold out."""
    variant = catalog.add("cap", "Cap", "CAP", quantity, inventory_policy=policy)

    rendered = render(variant)

    assert (rendered != "") == shows
    assert ("<notify-me" in rendered) == shows


def parkas(catalog: DictCatalog, *quantities: int | None) -> list[Variant]:
    """Add variants of one product with these quantities, and return them."""
    return [
        catalog.add("coat", "Coat", f"COAT-{size}", quantity, options={"Size": size})
        for size, quantity in zip("SML", quantities, strict=False)
    ]


@pytest.mark.parametrize(
    ("quantities", "shows"),
    [
        ((0, 0, 0), True),
        ((0, -2), True),
        ((0,), True),
        ((0, 1, 0), False),
        ((0, None), False),
        ((3, 3), False),
        ((), False),
    ],
)
def test_card_has_a_button_if_all_variants_are_sold_out(
    render: Render, catalog: DictCatalog, quantities: tuple[int | None, ...], shows: bool
) -> None:
    assert (render(parkas(catalog, *quantities)) != "") == shows


def link(html: str) -> Element:
    """Return the link of a rendered button."""
    return read(html).one("notify-me").one("a")


def test_card_links_to_a_form_with_a_choice_of_variants(
    app: Flask, render: Render, catalog: DictCatalog
) -> None:
    card = link(render(parkas(catalog, 0, 0)))

    assert card.name == "Notify me: Coat"
    assert card["href"].endswith("?choose=1")
    form = read(app.test_client().get(card["href"]).text)
    assert len(form.all("input", type="checkbox", name="variants")) == 2


def test_card_of_a_single_variant_links_to_its_form(
    app: Flask, render: Render, catalog: DictCatalog
) -> None:
    card = link(render(parkas(catalog, 0)))

    assert "choose" not in card["href"]
    form = read(app.test_client().get(card["href"]).text)
    assert form.one("input", name="variants")["value"] == "$custom:::$default:::COAT-S"


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "Notify me: Coat"),
        ({"Size": "M"}, "Notify me: Coat (M)"),
        ({"Size": "M", "Colour": "Moss"}, "Notify me: Coat (M / Moss)"),
    ],
    ids=["no options", "one option", "two options"],
)
def test_accessible_name_contains_product_and_variant(
    render: Render, catalog: DictCatalog, options: dict[str, str], name: str
) -> None:
    """Screen readers can list links without their context."""
    variant = catalog.add("coat", "Coat", "COAT", 0, options=options)

    anchor = link(render(variant))

    assert anchor.name == name
    # for speech control, the accessible name starts with the visible text
    assert anchor.name.startswith(anchor.text)


HOSTILE = "\"><script>alert(1)</script> & 'x' {{ 7*7 }}"


def test_titles_and_labels_are_escaped(render: Render, catalog: DictCatalog) -> None:
    variant = catalog.add("coat", HOSTILE, "COAT", 0, options={"Size": HOSTILE})

    html = render(variant, label=HOSTILE)

    assert link(html).name == f"{HOSTILE}: {HOSTILE} ({HOSTILE})"
    assert [element.tag for element in read(html).all()] == ["notify-me", "p", "b", "a"]


def test_button_link_is_quoted(render: Render, catalog: DictCatalog) -> None:
    variant = catalog.add("coat", "Coat", "\" onclick='x' ?a=1#b&c/../d", 0)

    anchor = link(render(variant))

    assert set(anchor.attributes) == {"class", "href", "rel", "aria-label"}
    assert anchor["href"] == (
        "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3A"
        "%22%20onclick%3D%27x%27%20%3Fa%3D1%23b%26c%2F..%2Fd"
    )


def test_button_is_only_a_link(render: Render, catalog: DictCatalog) -> None:
    """A link without a form keeps product pages small. The script shows the hidden paragraph after
    a sign-up.
    """
    [variant] = parkas(catalog, 0)

    assert render(variant) == (
        '<notify-me class="notify-me" data-hx-boost="false">\n'
        '  <p class="notify-me__listed" hidden><b>You’re on the list</b> '
        "Use different contact details?</p>\n"
        '  <a class="notify-me__button" '
        'href="/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3ACOAT-S" rel="nofollow" '
        'aria-label="Notify me: Coat (S)">Notify me</a>\n'
        "</notify-me>"
    )


def test_notify_me_head_links_to_existing_files(app: Flask) -> None:
    with app.test_request_context():
        head = read(render_template_string("{{ notify_me_head() }}"))

    client = app.test_client()
    with client.get(head.one("link", rel="stylesheet")["href"]) as style:
        assert (style.status_code, style.mimetype) == (200, "text/css")
    with client.get(head.one("script", type="module")["src"]) as script:
        assert (script.status_code, script.mimetype) == (200, "text/javascript")
        assert script.headers.get("Cache-Control") != "private, no-store"


def test_head_follows_the_language_and_the_url_of_the_request(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(NOTIFY_ME_LANGUAGES__OFFERED='["en", "de"]')

    def head(path: str, **request: Any) -> str:
        with app.test_request_context(path, **request):
            return render_template_string("{{ notify_me_head() }}")

    english, german = head("/"), head("/", headers={"Accept-Language": "de"})
    below = head("/", base_url="http://localhost/shop")

    assert "Open the form" in english
    assert "Open the form" not in german
    assert [head("/"), head("/", headers={"Accept-Language": "de"})] == [english, german]
    assert read(below).one("script")["src"] == f"/shop{read(english).one('script')['src']}"


def test_shops_own_head_is_rendered_in_every_request(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    """The shop's head may contain a nonce, so it isn't cached."""
    folder = tmp_path / "templates" / "notify_me"
    folder.mkdir(parents=True)
    script = '<script nonce="{{ nonce() }}"></script>'
    macro = f"{{% macro head(theme, modal) %}}{script}{{% endmacro %}}"
    (folder / "macros.html").write_text(macro, encoding="utf-8")
    app = make_app()
    nonces = iter(["first", "second"])
    app.jinja_env.globals["nonce"] = lambda: next(nonces)

    with app.test_request_context():
        heads = [render_template_string("{{ notify_me_head() }}") for _ in range(2)]

    assert [read(head).one("script")["nonce"] for head in heads] == ["first", "second"]


def test_missing_extension_is_reported(catalog: DictCatalog) -> None:
    from notify_me.web.template_globals import notify_me

    [variant] = parkas(catalog, 0)
    with Flask("bare").test_request_context(), pytest.raises(RuntimeError, match=r"NotifyMe\(app"):
        notify_me(variant)


def shop_with_settings(make_app: Callable[..., Flask], tmp_path: Path, toml: str) -> Flask:
    """Return the small shop with these settings."""
    (tmp_path / "notify_me.toml").write_text(toml, encoding="utf-8")
    return make_app(NOTIFY_ME_CONFIG=str(tmp_path / "notify_me.toml"))


PRE_ORDER = {"quantity": 0, "preorder": True}
UNMANAGED = {"quantity": None, "available": False}
PAGE = """<main>{% call notify_me(variant) %}<button>Order</button>{% endcall %}</main>
<aside>{{ notify_me([variant]) }}</aside>"""


@pytest.mark.parametrize(
    ("setting", "stock"),
    [("is_allow_for_preorder", PRE_ORDER), ("is_allow_for_unmanaged_inventory", UNMANAGED)],
)
@pytest.mark.parametrize("allowed", [True, False])
def test_pre_order_and_unmanaged_inventory(
    make_app: Callable[..., Flask],
    tmp_path: Path,
    catalog: DictCatalog,
    setting: str,
    stock: dict[str, Any],
    allowed: bool,
) -> None:
    """The settings decide whether there is a button and a form. A product that can be pre-ordered
    keeps the shop's own button, even if `button.display` is REPLACE.
    """
    app = shop_with_settings(make_app, tmp_path, f"trigger.{setting} = {str(allowed).lower()}")
    variant = catalog.add("lamp", "Lamp", "LAMP", **stock)
    can_be_ordered = stock is PRE_ORDER

    with app.test_request_context():
        page = read(render_template_string(PAGE, variant=variant))
    form = app.test_client().get(f"/notify-me/{variant.composite_id.path}")

    for part in ("main", "aside"):
        assert len(page.one(part).all("a", class_="notify-me__button")) == int(allowed)
    own_buttons = [button.text for button in page.all("button")]
    assert own_buttons == ["Order"] * (can_be_ordered or not allowed)
    if allowed:
        assert 'name="email"' in form.text
    else:
        text = "available to order" if can_be_ordered else "available for this item"
        assert text in form.text
        assert form.status_code == (200 if can_be_ordered else 404)
        assert ("back in stock" in form.text.lower()) != can_be_ordered


@pytest.mark.parametrize("inline", [True, False, None])
def test_inline_argument_overrides_the_presentation(
    make_app: Callable[..., Flask], tmp_path: Path, catalog: DictCatalog, inline: bool | None
) -> None:
    """Cards never contain the form."""
    app = shop_with_settings(make_app, tmp_path, 'modal.presentation = "inline"')
    variant = catalog.add("lamp", "Lamp", "LAMP", 0)
    template = "{{ notify_me(variant, inline=inline) }}{{ notify_me([variant], inline=inline) }}"

    with app.test_request_context():
        page = read(render_template_string(template, variant=variant, inline=inline))

    assert len(page.all("form")) == (0 if inline is False else 1)
    assert not [field for field in page.all("input") if "autofocus" in field]


def test_sign_up_for_variants_without_alerts_is_refused(
    make_app: Callable[..., Flask], tmp_path: Path, catalog: DictCatalog
) -> None:
    """The error names the variants that can be ordered, and those without alerts."""
    app = shop_with_settings(make_app, tmp_path, "trigger.is_allow_for_unmanaged_inventory = false")
    variants = [
        catalog.add(
            "coat", "Coat", f"COAT-{size}", quantity, options={"Size": size}, available=False
        )
        for size, quantity in (("S", 0), ("M", 3), ("L", None))
    ]
    form = {
        "variants": [str(variant.composite_id) for variant in variants],
        "channels": "EMAIL",
        "email": "ada@example.org",
    }
    client = app.test_client()
    url = f"/notify-me/{variants[0].composite_id.path}"

    mixed = client.post(url, data=form)
    blocked = client.post(url, data={**form, "variants": form["variants"][2]})

    assert mixed.status_code == 422
    error = read(mixed.text).one("p", **{"class": "notify-me__error"}).text
    assert error == (
        "You can order M now, so no alert is needed. "
        "Alerts aren’t available for L. Please choose again."
    )
    assert blocked.status_code == 404
    assert "available for this item" in blocked.text


def test_button_needs_no_catalog(
    render: Render, catalog: DictCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shop has loaded the variant, so the kit reads no other variants for a button."""
    variant = catalog.add("cap", "Cap", "CAP", 0)
    monkeypatch.delattr(DictCatalog, "siblings")

    assert "<notify-me" in render(variant)
