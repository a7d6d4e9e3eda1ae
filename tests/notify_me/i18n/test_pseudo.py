"""What the kit says to shoppers, whole: in a language of brackets, nothing stands outside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from flask import Flask, render_template_string
from werkzeug.test import TestResponse

from notify_me.i18n import catalogs
from tests.notify_me.offers import ADA, ELEMENT, FORM, PREFIX, settings_file, toml
from tests.notify_me.small_shop import DictCatalog
from tests.pseudo import bare, make
from tests.support import Sandbox

LEGAL = "\n".join(
    f'{channel}_{text} = "⟦{{brand}} {{program}}⟧"'
    for channel in ("sms", "whatsapp")
    for text in ("checkbox_text", "disclosure")
)
SETTINGS = (
    '[languages]\noffered = ["en", "de"]\n'
    + toml(["EMAIL", "SMS", "WHATSAPP"], email_list="ask")
    + f'[texts.de.consent]\nprogram = "⟦⟧"\n{LEGAL}\n'
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
EVERY: dict[str, str | list[str]] = {
    "channels": ["EMAIL", "SMS", "WHATSAPP"],
    "email": ADA,
    "phone_number": "2025550143",
    "opt_in_promotional_email": "EMAIL",
    "opt_in_promotional_sms": ["SMS", "WHATSAPP"],
}
PHONES = (
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
    """Makes the small shop, whose German is the language of brackets."""
    make(catalogs.FOLDER, tmp_path / "pseudo", "de", "notify_me")
    monkeypatch.setattr(catalogs, "FOLDER", tmp_path / "pseudo")
    catalogs.translations.cache_clear()
    file = settings_file(tmp_path, SETTINGS)
    yield lambda **config: make_app(NOTIFY_ME_CONFIG=file, **config)
    catalogs.translations.cache_clear()


def told(reply: TestResponse, *statuses: int) -> str:
    """The markup of a reply."""
    assert reply.status_code in statuses, reply.text
    return str((reply.json or {})["html"]) if reply.is_json else reply.text


def test_nothing_that_the_kit_says_stands_outside_the_catalogs(
    shop: Callable[..., Flask], catalog: DictCatalog, sandbox: Sandbox
) -> None:
    """Button, form, each kind of error, and every other state."""
    app = shop()
    client = app.test_client()
    pages: list[str] = []

    def see(reply: TestResponse, *statuses: int) -> None:
        pages.append(told(reply, *statuses))

    def post(path: str, data: Mapping[str, object], *statuses: int, element: bool = True) -> None:
        address = f"{path}{'&' if '?' in path else '?'}lang=de"
        headers = ELEMENT if element else {}
        see(client.post(address, data=data, headers=headers, follow_redirects=True), *statuses)

    for path in (FORM, MOSS, f"{MOSS}?choose=1", RUST):
        see(client.get(f"{path}{'&' if '?' in path else '?'}lang=de"), 200)
        see(client.get(path, headers={**ELEMENT, "Accept-Language": "de"}), 200)
    with app.test_request_context("/?lang=de"):
        for variants in ([*catalog.variants.values()][:1], [*catalog.variants.values()][:2]):
            pages.append(render_template_string("{{ notify_me(v) }}", v=variants))
            pages.append(render_template_string("{{ notify_me(v, inline=1) }}", v=variants[0]))
    # each field wrong, in each way
    post(FORM, {}, 422)
    post(FORM, {"channels": "FAX"}, 422)
    post(FORM, {"channels": EVERY["channels"]}, 422, element=False)
    for each in ("ada", "ada b@example.org"):
        post(FORM, {"channels": "EMAIL", "email": each}, 422)
    for each in PHONES:
        post(FORM, {"channels": "SMS", "phone_number": each}, 422)
    post(FORM, {**EVERY, "shown": "old"}, 422)
    post(f"{MOSS}?choose=1", {**EVERY, "variants": [f"{PREFIX}MUG"]}, 422)
    post(f"{MOSS}?choose=1", {**EVERY, "variants": [f"{PREFIX}PARKA-M-{c}" for c in "MR"]}, 422)
    post(f"{MOSS}?choose=1", {**EVERY, "variants": []}, 422)
    both = [f"{PREFIX}PARKA-M-MOSS", f"{PREFIX}PARKA-M-RUST"]
    post(f"{MOSS}?choose=1", {**EVERY, "variants": both}, 422)
    # done, and every other end
    post(FORM, EVERY, 200, element=False)
    post(RUST, EVERY, 409)
    post(f"/notify-me/{PREFIX}NOTHING", EVERY, 404)
    post(FORM, {"email": "a" * 20_000}, 413)
    crossed = {**ELEMENT, "Sec-Fetch-Site": "cross-site"}
    see(client.post(f"{FORM}?lang=de", data=EVERY, headers=crossed), 403)
    for kind in DRILLS:
        sandbox.reset()
        sandbox.drill(kind, times=1)
        client = shop().test_client()
        post(MOSS, {**EVERY, "variants": [both[0], f"{PREFIX}PARKA-L-MOSS"]}, 200, 422, 503)
    sandbox.reset()
    client = shop(NOTIFY_ME_MODE="client", KLAVIYO_PRIVATE_KEY="").test_client()
    post(FORM, EVERY, 503, element=False)

    names = [*NAMES, "a•••@e•••.org", *EVERY["channels"]]
    assert len(pages) > 40
    assert [each for page in pages for each in bare(page, names)] == []
    assert all("⟦" in page for page in pages if page)
