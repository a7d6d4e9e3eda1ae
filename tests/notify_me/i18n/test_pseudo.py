"""All shopper-facing text of the kit is in its catalogs: a pseudo-language leaves no English."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from flask import Flask, render_template_string
from werkzeug.test import TestResponse

from notify_me.i18n import catalogs
from tests.notify_me.offers import ADA, ELEMENT, FORM, PREFIX, settings_file, toml
from tests.notify_me.small_shop import DictCatalog
from tests.pseudo import untranslated_strings, write_pseudo_catalog
from tests.support import Sandbox

LEGAL_WORDING = "\n".join(
    f'{channel}_{text} = "⟦{{brand}} {{program}}⟧"'
    for channel in ("sms", "whatsapp")
    for text in ("checkbox_text", "disclosure")
)
SETTINGS = (
    '[languages]\noffered = ["en", "de"]\n'
    + toml(["EMAIL", "SMS", "WHATSAPP"], email_list="ask")
    + f'[texts.de.consent]\nprogram = "⟦⟧"\n{LEGAL_WORDING}\n'
)
NAMES = (
    "Harbour Parka",
    "Enamel Mug",
    "M / Moss",
    "L / Moss",
    "M / Rust",
    "Size / Colour",
    "Smirr",
)
MOSS = f"/notify-me/{PREFIX}PARKA-M-MOSS"
RUST = f"/notify-me/{PREFIX}PARKA-M-RUST"
CHANNELS = ["EMAIL", "SMS", "WHATSAPP"]
SIGN_UP: dict[str, str | list[str]] = {
    "channels": CHANNELS,
    "email": ADA,
    "phone_number": "2025550143",
    "opt_in_promotional_email": "EMAIL",
    "opt_in_promotional_sms": ["SMS", "WHATSAPP"],
}
WRONG_PHONES = (
    "x",
    "+999 1",
    "202",
    "+1 202 555 0143 00000000",
    "5550143",
    "2025550143 x5",
    "+49 30 123456",
)
DRILLS = ("400-email", "400-list", "401", "404-variant", "409", "500", "partial")


@pytest.fixture
def shop(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make_app: Callable[..., Flask]
) -> Iterator[Callable[..., Flask]]:
    """Return a function that creates the small shop, whose German is a pseudo-language."""
    write_pseudo_catalog(catalogs.FOLDER, tmp_path / "pseudo", "de", "notify_me")
    monkeypatch.setattr(catalogs, "FOLDER", tmp_path / "pseudo")
    catalogs.translations.cache_clear()
    file = settings_file(tmp_path, SETTINGS)
    yield lambda **config: make_app(NOTIFY_ME_CONFIG=file, **config)
    catalogs.translations.cache_clear()


def test_no_text_is_outside_the_catalogs(
    shop: Callable[..., Flask], catalog: DictCatalog, sandbox: Sandbox
) -> None:
    """The button, the form, all errors and all other states are tested."""
    app = shop()
    client = app.test_client()
    pages: list[str] = []

    def add(response: TestResponse, *statuses: int) -> None:
        assert response.status_code in statuses, response.text
        document = response.json if response.is_json else None
        pages.append(document["html"] if document else response.text)

    def post(path: str, data: Mapping[str, object], *statuses: int, element: bool = True) -> None:
        url = f"{path}{'&' if '?' in path else '?'}lang=de"
        headers = ELEMENT if element else {}
        add(client.post(url, data=data, headers=headers, follow_redirects=True), *statuses)

    for path in (FORM, MOSS, f"{MOSS}?choose=1", RUST):
        add(client.get(f"{path}{'&' if '?' in path else '?'}lang=de"), 200)
        add(client.get(path, headers={**ELEMENT, "Accept-Language": "de"}), 200)
    with app.test_request_context("/?lang=de"):
        for variants in ([*catalog.variants.values()][:1], [*catalog.variants.values()][:2]):
            pages.append(render_template_string("{{ notify_me(v) }}", v=variants))
            pages.append(render_template_string("{{ notify_me(v, inline=1) }}", v=variants[0]))

    # Errors of single fields.
    post(FORM, {}, 422)
    post(FORM, {"channels": "FAX"}, 422)
    post(FORM, {"channels": CHANNELS}, 422, element=False)
    for email in ("ada", "ada b@example.org"):
        post(FORM, {"channels": "EMAIL", "email": email}, 422)
    for phone in WRONG_PHONES:
        post(FORM, {"channels": "SMS", "phone_number": phone}, 422)
    post(FORM, {**SIGN_UP, "shown": "old"}, 422)
    both = [f"{PREFIX}PARKA-M-MOSS", f"{PREFIX}PARKA-M-RUST"]
    unknown = [f"{PREFIX}PARKA-M-{letter}" for letter in "MR"]
    for wrong_variants in ([f"{PREFIX}MUG"], unknown, [], both):
        post(f"{MOSS}?choose=1", {**SIGN_UP, "variants": wrong_variants}, 422)

    # The confirmation and other results.
    post(FORM, SIGN_UP, 200, element=False)
    post(RUST, SIGN_UP, 409)
    post(f"/notify-me/{PREFIX}NOTHING", SIGN_UP, 404)
    post(FORM, {"email": "a" * 20_000}, 413)
    cross_site = {**ELEMENT, "Sec-Fetch-Site": "cross-site"}
    add(client.post(f"{FORM}?lang=de", data=SIGN_UP, headers=cross_site), 403)
    for kind in DRILLS:
        sandbox.reset()
        sandbox.drill(kind, times=1)
        client = shop().test_client()
        post(MOSS, {**SIGN_UP, "variants": [both[0], f"{PREFIX}PARKA-L-MOSS"]}, 200, 422, 503)
    sandbox.reset()
    client = shop(NOTIFY_ME_MODE="client", KLAVIYO_PRIVATE_KEY="").test_client()
    post(FORM, SIGN_UP, 503, element=False)

    names = [*NAMES, "a•••@e•••.org", *CHANNELS]
    assert len(pages) > 40
    assert [text for page in pages for text in untranslated_strings(page, names)] == []
    assert all("⟦" in page for page in pages if page)
