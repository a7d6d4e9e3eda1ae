"""The form as a page and as a fragment, and its errors for invalid input."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.notify_me.conftest import LogFile
from tests.notify_me.markup import Element, post_form, read, view
from tests.notify_me.small_shop import DictCatalog
from tests.support import Sandbox

PREFIX = "$custom:::$default:::"
PARKA = f"/notify-me/{PREFIX}PARKA-M-MOSS"
CHOOSE = f"{PARKA}?choose=1"
MUG = f"/notify-me/{PREFIX}MUG"
ELEMENT = {"X-Notify-Me": "1"}
ADA = "ada@example.org"

page_and_element = pytest.mark.parametrize("headers", [{}, ELEMENT], ids=["page", "element"])


def test_form_page(client: FlaskClient) -> None:
    """The page has one heading, a title naming the product, a labelled field, and a way back."""
    page = view(client.get(PARKA))

    assert page.one("title").text == "Notify me: Harbour Parka"
    assert page.one("h1").text == "Harbour Parka"
    form = post_form(page)
    # the other sold-out variant can be selected as well
    assert [field["value"] for field in form.all("input", type="checkbox")] == [
        f"{PREFIX}PARKA-M-MOSS",
        f"{PREFIX}PARKA-L-MOSS",
    ]
    assert form.form_data() == [
        ("variants", f"{PREFIX}PARKA-M-MOSS"),
        ("channels", "EMAIL"),
        ("email", ""),
        # the form has no consent text
        ("shown", ""),
        ("leave_blank", ""),
    ]
    field = form.one("input", name="email")
    assert page.one("label", for_=field["id"]).text == "Email"
    assert (field["type"], field["autocomplete"]) == ("email", "email")
    assert page.one("a", href="/products/parka?variant=PARKA-M-MOSS").text.startswith("Back to")
    assert page.one("meta", name="robots")["content"] == "noindex"


def test_form_page_is_enhanced_by_the_element(client: FlaskClient) -> None:
    page = view(client.get(PARKA))

    assert page.one("notify-me").all("form") == page.all("form", method="post")


def test_fragment_is_a_dialog(client: FlaskClient) -> None:
    fragment = view(client.get(PARKA, headers=ELEMENT))

    [dialog] = [child for child in fragment.children if isinstance(child, Element)]
    assert (dialog.tag, "open" in dialog) == ("dialog", False)
    title = fragment.one("h2")
    assert dialog["aria-labelledby"] == title["id"]
    assert title.text == "Harbour Parka"
    assert fragment.one("button", type="button")["aria-label"] == "Close"
    field = post_form(fragment).one("input", name="email")
    assert fragment.one("label", for_=field["id"]).text == "Email"


def test_page_and_fragment_have_the_same_form(client: FlaskClient) -> None:
    page = post_form(view(client.get(CHOOSE)))
    fragment = post_form(view(client.get(CHOOSE, headers=ELEMENT)))

    assert page.form_data() == fragment.form_data()
    assert page["action"] == fragment["action"]


def test_fragments_do_not_share_ids(client: FlaskClient) -> None:
    ids = []
    for url in (PARKA, CHOOSE):
        fragment = view(client.get(url, headers=ELEMENT))
        ids.append({element["id"] for element in fragment.all() if "id" in element})
        assert references(fragment) <= ids[-1]

    assert ids[0]
    assert ids[0].isdisjoint(ids[1])


def references(root: Element) -> set[str]:
    """Return the IDs that attributes in the markup refer to."""
    names = ("for", "aria-labelledby", "aria-describedby")
    values = [element[name] for element in root.all() for name in names if name in element]
    return {element_id for value in values for element_id in value.split()}


@pytest.mark.parametrize("path", [PARKA, CHOOSE, f"/notify-me/{PREFIX}PARKA-M-RUST"])
@page_and_element
def test_form_is_private(client: FlaskClient, path: str, headers: dict[str, str]) -> None:
    """The form sets no cookie, isn't cached, and varies on the X-Notify-Me header."""
    for reply in (
        client.get(path, headers=headers),
        client.post(path, headers=headers),
        client.post(path, headers=headers, data={"channels": "EMAIL", "email": ADA}),
    ):
        assert "Set-Cookie" not in reply.headers
        assert reply.headers["Cache-Control"] == "private, no-store"
        assert "X-Notify-Me" in reply.vary


def test_choice_starts_with_nothing_selected(client: FlaskClient) -> None:
    page = view(client.get(CHOOSE))

    boxes = page.all("input", type="checkbox", name="variants")
    assert [box["value"] for box in boxes] == [f"{PREFIX}PARKA-M-MOSS", f"{PREFIX}PARKA-L-MOSS"]
    assert [box["value"] for box in boxes if "checked" in box] == []
    assert [label.text for label in page.all("label", class_="notify-me__choice")] == [
        "M / Moss",
        "L / Moss",
    ]
    assert page.one("fieldset").one("legend").text == "Size / Colour"
    assert page.all("p", class_="notify-me__variant") == []


def test_single_variant_needs_no_choice(client: FlaskClient) -> None:
    page = view(client.get(f"{MUG}?choose=1"))

    assert page.all("fieldset") == []
    assert ("variants", f"{PREFIX}MUG") in post_form(page).form_data()


@page_and_element
def test_variant_in_stock_has_no_form(client: FlaskClient, headers: dict[str, str]) -> None:
    reply = client.get(f"/notify-me/{PREFIX}PARKA-M-RUST", headers=headers)

    assert reply.status_code == 200
    page = view(reply)
    assert page.all("form", method="post") == []
    assert page.all("a", href="/products/parka?variant=PARKA-M-RUST") != []


def test_form_page_uses_the_shops_layout(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    base = "<title>{% block title %}{% endblock %}</title><b>Shop</b>{% block main %}{% endblock %}"
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "base.html").write_text(base, encoding="utf-8")

    page = view(make_app().test_client().get(PARKA))

    assert page.one("b").text == "Shop"
    assert page.one("title").text == "Notify me: Harbour Parka"
    assert post_form(page).form_data() != []


@pytest.mark.parametrize(
    ("layout", "settings", "is_shops", "warning"),
    [
        ("{% extends 'frame.html' %}", {}, False, "has no block main"),
        (
            "{% extends 'frame.html' %}",
            {"NOTIFY_ME_PAGE__TEMPLATE": "layout.html", "NOTIFY_ME_PAGE__BLOCK": "content"},
            True,
            "",
        ),
        ("", {"NOTIFY_ME_PAGE__TEMPLATE": "none.html"}, False, "there is no template none.html"),
        (
            "{% extends 'none.html' if 'HX-Request' in request.headers else 'frame.html' %}",
            {"NOTIFY_ME_PAGE__BLOCK": "content"},
            True,
            "",
        ),
        ("{% extends 'frame.html' if request else '' %}", {}, False, "has no block main"),
    ],
    ids=["other block", "configured", "missing template", "chosen", "chosen, other block"],
)
def test_form_page_in_other_layouts(
    make_app: Callable[..., Flask],
    tmp_path: Path,
    lines: list[str],
    layout: str,
    settings: dict[str, str],
    is_shops: bool,
    warning: str,
) -> None:
    """The form fills the configured block; without a usable layout, the page has the kit's own
    layout.
    """
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "frame.html").write_text("<b>Shop</b>{% block content %}{% endblock %}")
    for name in ("base.html", "layout.html"):
        (folder / name).write_text(layout)

    reply = make_app(**settings).test_client().get(PARKA)

    assert reply.status_code == 200
    assert ("<b>Shop</b>" in reply.text) is is_shops
    assert post_form(view(reply)).form_data() != []
    assert any(warning in line for line in lines) if warning else lines == []


def test_layout_is_in_a_blueprint_that_is_registered_later(
    make_app: Callable[..., Flask], tmp_path: Path, lines: list[str]
) -> None:
    app = make_app(NOTIFY_ME_PAGE__TEMPLATE="shop.html")
    layout = "<b>Shop</b>{{ notify_me_head() }}{% block main %}{% endblock %}"
    (tmp_path / "shop.html").write_text(layout)
    app.register_blueprint(Blueprint("pages", __name__, template_folder=str(tmp_path)))

    page = app.test_client().get(PARKA)

    assert "<b>Shop</b>" in page.text
    assert lines == []


def test_shop_can_override_templates(app: Flask, tmp_path: Path) -> None:
    folder = tmp_path / "templates" / "notify_me"
    folder.mkdir(parents=True)
    (folder / "_form.html").write_text("<p>Ours</p>", encoding="utf-8")

    assert "<p>Ours</p>" in app.test_client().get(PARKA).text


@pytest.mark.parametrize(
    "composite_id",
    [
        f"{PREFIX}NOTHING",
        "$custom:::other:::MUG",
        "$shopify:::$default:::MUG",
        "MUG",
        "$custom:::MUG",
        ":::::::::",
        "$shopify:::$default:::gid://shopify/ProductVariant/1",
        f"{PREFIX}{'x' * 600}",
        f"{PREFIX}MUG%01",
        f"{PREFIX}mug",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
@page_and_element
def test_unknown_variant_is_404(
    client: FlaskClient,
    sandbox: Sandbox,
    log_file: LogFile,
    composite_id: str,
    method: str,
    headers: dict[str, str],
) -> None:
    """A sign-up for an unknown variant is neither sent nor logged."""
    data = {"channels": "EMAIL", "email": ADA} if method == "POST" else None

    reply = client.open(f"/notify-me/{composite_id}", method=method, data=data, headers=headers)

    assert reply.status_code == 404
    if method == "POST" and headers:
        assert reply.json is not None
        assert reply.json["state"] == "failed"
        assert "no longer available" in view(reply).one(role="alert").text
    assert sandbox.requests() == []
    assert log_file.sign_ups() == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(client: FlaskClient, method: str) -> None:
    assert client.open(PARKA, method=method).status_code == 405


# Bad input: the URL's path, what is sent, the field with the error, and the error.
Bad = tuple[str, dict[str, Any], str, str]
NO_CHANNEL = "Choose how you’d like to hear from us."
NO_EMAIL = "Enter your email address."
FULL_EMAIL = "Enter a full email address, like name@example.com."
SEVERAL = "Enter only one email address."
LONG = "This email address is too long. Please check it."
ASCII = "We can’t send email to this address. Before the @, use only letters from a to z,"
OTHER = "One of the selected options isn’t part of this product. Please choose again."
OK: dict[str, Any] = {"channels": "EMAIL", "email": ADA}
TYPED = {
    "no at sign": "ada.example.org",
    "nothing before the at sign": "@example.org",
    "nothing after the at sign": "ada@",
    "no ending": "ada@example",
    "space inside": "a da@example.org",
    "two dots": "ada..l@example.org",
    "two at signs": "ada@bob@example.org",
    "null": "ada\0@example.org",
    "markup": '"><script>alert(1)</script>@example.org',
    "template": "{{ 7*7 }}@example.org",
    "reserved": "ada@shop.invalid",
}
BAD: dict[str, Bad] = {
    "no channel": (PARKA, {"email": ADA}, "channels", NO_CHANNEL),
    "unknown channel": (
        PARKA,
        {**OK, "channels": "FAX"},
        "channels",
        "We can’t contact you that way",
    ),
    "channel not offered": (PARKA, {**OK, "channels": "SMS"}, "channels", "We can’t contact you"),
    "one known and one unknown channel": (
        PARKA,
        {**OK, "channels": ["EMAIL", "FAX"]},
        "channels",
        "We can’t contact you that way.",
    ),
    "no email": (PARKA, {"channels": "EMAIL"}, "email", NO_EMAIL),
    "empty email": (PARKA, {**OK, "email": ""}, "email", NO_EMAIL),
    "blank email": (PARKA, {**OK, "email": "  "}, "email", NO_EMAIL),
    **{name: (PARKA, {**OK, "email": typed}, "email", FULL_EMAIL) for name, typed in TYPED.items()},
    **{
        f"two addresses: {typed}": (PARKA, {**OK, "email": typed}, "email", SEVERAL)
        for typed in ("ada@example.org, bob@example.org", "ada@example.org\nBcc: bob@example.org")
    },
    "mailbox of 65 characters": (PARKA, {**OK, "email": f"{'a' * 65}@example.org"}, "email", LONG),
    "over-long email": (
        PARKA,
        {**OK, "email": f"{'a' * 64}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.org"},
        "email",
        LONG,
    ),
    "thousands of brackets": (PARKA, {**OK, "email": "(" * 8000 + ")" * 8000}, "email", LONG),
    "email of 8,000 letters": (PARKA, {**OK, "email": f"{'a' * 8000}@example.org"}, "email", LONG),
    **{
        f"mailbox that mail can't reach: {typed}": (PARKA, {**OK, "email": typed}, "email", ASCII)
        for typed in ("jürgen@example.org", "\u0430da@example.org", "😀@example.org")
    },
    "top-level domain of one letter": (
        PARKA,
        {**OK, "email": "ada@example.c"},
        "email",
        FULL_EMAIL,
    ),
    "another product's variant": (PARKA, {**OK, "variants": f"{PREFIX}MUG"}, "variants", OTHER),
    "variants of this and another product": (
        CHOOSE,
        {**OK, "variants": [f"{PREFIX}PARKA-M-MOSS", f"{PREFIX}MUG"]},
        "variants",
        OTHER,
    ),
    "unknown variant": (CHOOSE, {**OK, "variants": f"{PREFIX}XL"}, "variants", OTHER),
    "malformed variant": (CHOOSE, {**OK, "variants": "XL"}, "variants", OTHER),
    "empty variant": (CHOOSE, {**OK, "variants": ""}, "variants", OTHER),
    "no variant chosen": (CHOOSE, OK, "variants", "Choose at least one option"),
    "one of two variants back in stock": (
        CHOOSE,
        {**OK, "variants": [f"{PREFIX}PARKA-M-RUST", f"{PREFIX}PARKA-M-MOSS"]},
        "variants",
        "You can order M / Rust now, so no alert is needed.",
    ),
}


def error_of(root: Element, field: str) -> str:
    """Return the error of a field, after checking that its controls or their group refer to it.

    A hidden field has no control that could refer to the error, which may then be an alert.
    """
    [error] = [
        element for element in root.all() if (element.get("id") or "").endswith(f"-{field}-error")
    ]
    controls = [control for control in root.all(name=field) if control.get("type") != "hidden"]
    for control in controls:
        assert control["aria-invalid"] == "true"
        assert control["aria-describedby"] == error["id"]
    if not controls:
        described = any(element.get("aria-describedby") == error["id"] for element in root.all())
        assert described or error.get("role") == "alert"
    return error.text


@pytest.mark.parametrize(("path", "data", "field", "expected"), BAD.values(), ids=BAD)
@page_and_element
def test_invalid_input_shows_an_error_beside_its_field(
    client: FlaskClient,
    sandbox: Sandbox,
    log_file: LogFile,
    path: str,
    data: dict[str, Any],
    field: str,
    expected: str,
    headers: dict[str, str],
) -> None:
    """The reply is 422 with one error and the shopper's input, and nothing is sent."""
    reply = client.post(path, data=data, headers=headers)

    assert reply.status_code == 422
    if headers:
        assert reply.json is not None
        assert (reply.json["state"], reply.json["calls"]) == ("invalid", [])
    root = view(reply)
    error = error_of(root, field)
    assert expected in error
    assert error.endswith(".")
    invalid = [element.get("name") for element in root.all() if "aria-invalid" in element]
    assert set(invalid) <= {field}
    assert references(root) <= {element["id"] for element in root.all() if "id" in element}
    assert_input_is_kept(root, data)
    assert sandbox.requests() == []
    assert log_file.sign_ups() == []


def assert_input_is_kept(root: Element, data: dict[str, Any]) -> None:
    """Check that the form contains the submitted input, as text."""
    form = post_form(root)
    assert form.one("input", name="email")["value"] == data.get("email", "").strip()
    offered = {field["value"] for field in form.all("input", type="checkbox")}
    # without a selection in the data, the URL identifies the variant
    default_choice = [] if "?choose" in form["action"] else [f"{PREFIX}PARKA-M-MOSS"]
    chosen = data.get("variants", default_choice)
    checked_values = {
        field["value"] for field in form.all("input", type="checkbox") if "checked" in field
    }
    assert checked_values == offered.intersection([chosen] if isinstance(chosen, str) else chosen)
    assert [script.text for script in root.all("script")] in ([], [""])


def test_two_invalid_fields_show_their_errors_together(client: FlaskClient) -> None:
    root = view(client.post(CHOOSE, data={"channels": "EMAIL", "email": "ada"}))

    assert error_of(root, "variants")
    assert error_of(root, "email")


@pytest.mark.parametrize(
    ("count", "status", "state"), [(10, 200, "done"), (11, 422, "invalid")], ids=["ten", "eleven"]
)
def test_at_most_ten_variants(
    client: FlaskClient,
    sandbox: Sandbox,
    catalog: DictCatalog,
    count: int,
    status: int,
    state: str,
) -> None:
    many = [
        str(catalog.add("sock", "Sock", f"S{n}", 0, options={"Size": str(n)}).composite_id)
        for n in range(12)
    ]

    reply = client.post(
        f"/notify-me/{many[0]}?choose=1", data={**OK, "variants": many[:count]}, headers=ELEMENT
    )

    assert (reply.status_code, reply.get_json()["state"]) == (status, state)
    if state == "invalid":
        assert error_of(view(reply), "variants") == "Choose up to 10 options."
        assert_input_is_kept(view(reply), {**OK, "variants": many[:count]})
    assert len(sandbox.requests()) == (count if state == "done" else 0)


def test_repeated_variants_and_channels_count_once(client: FlaskClient, sandbox: Sandbox) -> None:
    twice = {"variants": [f"{PREFIX}MUG"] * 2, "channels": ["EMAIL"] * 2, "email": ADA}

    assert client.post(MUG, data=twice).status_code == 303

    [call] = sandbox.requests()
    assert call["problems"] == []
    assert call["body"]["data"]["attributes"]["channels"] == ["EMAIL"]


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        (" ada@example.org ", "ada@example.org"),
        ("Ada@EXAMPLE.org", "Ada@example.org"),
        ("ada+shop@example.org", "ada+shop@example.org"),
        ("o'hara@example.org", "o'hara@example.org"),
        ("ada@müller.example.org", "ada@xn--mller-kva.example.org"),
    ],
)
def test_unusual_valid_addresses_are_sent(
    client: FlaskClient, sandbox: Sandbox, typed: str, sent: str
) -> None:
    """Addresses are sent as email-validator normalizes them."""
    client.post(MUG, data={**OK, "email": typed})

    [call] = sandbox.requests()
    assert call["body"]["data"]["attributes"]["profile"]["data"]["attributes"] == {"email": sent}


@page_and_element
@pytest.mark.parametrize(
    "size", [16 * 1024 + 1, 1_000_000], ids=["one byte too many", "a megabyte"]
)
def test_too_large_body_is_refused(
    client: FlaskClient,
    sandbox: Sandbox,
    log_file: LogFile,
    size: int,
    headers: dict[str, str],
) -> None:
    """The reply is 413 with a link back to the form."""
    body = f"channels=EMAIL&email={ADA}&more=".encode()
    body += b"x" * (size - len(body))

    reply = client.post(
        MUG,
        data=body,
        headers=headers,
        content_type="application/x-www-form-urlencoded",
    )

    assert reply.status_code == 413
    root = view(reply)
    assert root.one(role="alert").text == "That text was too long. Please shorten it and try again."
    [back] = [link for link in root.all("a") if link.text == "Open the form"]
    assert client.get(back["href"]).status_code == 200
    if headers:
        assert reply.get_json()["state"] == "failed"
    assert sandbox.requests() == []
    assert log_file.sign_ups() == []


def test_body_of_the_maximum_size_is_accepted(client: FlaskClient, sandbox: Sandbox) -> None:
    body = f"channels=EMAIL&email={ADA}&more=".encode()
    body += b"x" * (16 * 1024 - len(body))

    reply = client.post(MUG, data=body, content_type="application/x-www-form-urlencoded")

    assert reply.status_code == 303
    assert len(sandbox.requests()) == 1


FOREIGN = {
    "fetch from another site": {"Sec-Fetch-Site": "cross-site", "Origin": "https://other.example"},
    "fetch from a sibling site": {
        "Sec-Fetch-Site": "same-site",
        "Origin": "http://other.localhost",
    },
    "only fetch metadata": {"Sec-Fetch-Site": "cross-site"},
    "an unknown value of fetch metadata": {"Sec-Fetch-Site": "elsewhere"},
    "origin sent by an old browser": {"Origin": "https://other.example"},
    "another port": {"Origin": "http://localhost:8080"},
    "an opaque origin": {"Origin": "null"},
    "an invalid origin": {"Origin": "http://["},
    "an invalid port": {"Origin": "http://localhost:99999"},
}


@pytest.mark.parametrize("foreign", FOREIGN.values(), ids=FOREIGN)
@page_and_element
def test_cross_site_post_is_refused(
    client: FlaskClient,
    sandbox: Sandbox,
    log_file: LogFile,
    foreign: dict[str, str],
    headers: dict[str, str],
) -> None:
    reply = client.post(MUG, data=OK, headers={**headers, **foreign})

    assert reply.status_code == 403
    assert view(reply).one(role="alert").text == (
        "This request came from another website, so we couldn’t accept it."
    )
    if headers:
        assert reply.get_json()["state"] == "failed"
    assert ADA not in reply.text
    assert sandbox.requests() == []
    assert log_file.sign_ups() == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://localhost"},
        {"Origin": "https://localhost"},
    ],
    ids=["no browser", "own page", "address bar", "old browser", "TLS ends at a proxy"],
)
def test_same_site_post_is_accepted(
    client: FlaskClient, sandbox: Sandbox, headers: dict[str, str]
) -> None:
    """A post by a client without Fetch Metadata is accepted, too."""
    assert client.post(MUG, data=OK, headers=headers).status_code == 303
    assert len(sandbox.requests()) == 1


def done_page(client: FlaskClient) -> TestResponse:
    """Sign up without JavaScript, and return the confirmation page."""
    return client.get(client.post(MUG, data=OK).location)


def test_confirmation_page_masks_contacts(client: FlaskClient) -> None:
    reply = done_page(client)

    root = view(reply)
    assert root.one("h1").text.startswith("You’re on the list")
    assert root.one("p", class_="notify-me__body").text == (
        "We’ll email a•••@e•••.org as soon as Enamel Mug is back in stock."
    )
    assert "ada" not in reply.text.lower()
    assert reply.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(
    "change", ["x", "", "a.b.c"], ids=["one character too many", "empty", "made up"]
)
def test_confirmation_link_cannot_be_forged(client: FlaskClient, change: str) -> None:
    location = client.post(MUG, data=OK).location
    signed = re.search(r"done=([^&]+)", location)
    assert signed is not None
    wrong = {"x": signed[1] + "x", "": "", "a.b.c": "a.b.c"}[change]

    reply = client.get(MUG, query_string={"done": wrong})

    assert reply.status_code == (404 if wrong else 200)
    assert 'data-notify-me-state="done"' not in reply.text


def test_confirmation_link_is_valid_only_for_its_product(client: FlaskClient) -> None:
    signed = client.post(MUG, data=OK).location.partition("?")[2]

    reply = client.get(f"{PARKA}?{signed}")

    assert reply.status_code == 404
    assert "Enamel Mug" not in reply.text
    assert "e•••" not in reply.text


def test_titles_are_escaped_in_every_state(
    client: FlaskClient, catalog: DictCatalog, sandbox: Sandbox
) -> None:
    hostile = '"><script>alert(1)</script>'
    for size in "SM":
        catalog.add("odd", hostile, f"ODD-{size}", 0, options={hostile: hostile})
    path = f"/notify-me/{PREFIX}ODD-S"
    sandbox.unknown(f"{PREFIX}ODD-M")
    both = {**OK, "variants": [f"{PREFIX}ODD-S", f"{PREFIX}ODD-M"]}

    pages = [client.get(path), client.get(f"{path}?choose=1"), client.post(path, data={})]
    pages.append(client.get(client.post(f"{path}?choose=1", data=both).location))
    catalog.stock(catalog.add("odd", hostile, "ODD-S", 0), 5)
    pages.append(client.get(path))

    for page in pages:
        root = read(page.text)
        assert hostile in root.text
        assert [script.text for script in root.all("script")] == [""]
