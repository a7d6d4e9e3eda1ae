"""The operation: what is accepted, what is refused, and who waits then."""

from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator

from klaviyo_sandbox.protocol import spec
from tests.klaviyo_sandbox.conftest import (
    EMAIL,
    MEDIA_TYPE,
    PHONE,
    VARIANT,
    Running,
    body,
    having,
    without,
)

DATA = "/data"
ATTRIBUTES = "/data/attributes"
CHANNELS = "/data/attributes/channels"
PROFILE = "/data/attributes/profile"
IDENTIFIERS = "/data/attributes/profile/data/attributes"
VARIANT_ID = "/data/relationships/variant/data/id"
PROFILE_PATH = ("data", "attributes", "profile")
VARIANT_PATH = ("data", "relationships", "variant")

BAD_BODIES: dict[str, tuple[Any, str]] = {
    "not JSON": (b"{data:", ""),
    "no body": (b"", ""),
    "not UTF-8": (b'{"data": "\xff"}', ""),
    "not a number of JSON's": (b'{"data": NaN}', ""),
    "half a surrogate pair": (b'{"data": "\\ud800"}', ""),
    "nested too deeply": (b"[" * 200_000, ""),
    "a list": ([], ""),
    "no data": ({}, DATA),
    "data null": ({"data": None}, DATA),
    "unknown beside data": (having(body(), "meta", value={}), "/meta"),
    "no type": (without(body(), "data", "type"), "/data/type"),
    "wrong type": (having(body(), "data", "type", value="subscription"), "/data/type"),
    "unknown in data": (having(body(), "data", "id", value="1"), "/data/id"),
    "no attributes": (without(body(), "data", "attributes"), ATTRIBUTES),
    "unknown attribute": (
        having(body(), "data", "attributes", "list_id", value="X"),
        f"{ATTRIBUTES}/list_id",
    ),
    "unknown attribute with odd characters": (
        having(body(), "data", "attributes", "a/b~c", value="X"),
        f"{ATTRIBUTES}/a~1b~0c",
    ),
    "the guide's flat email": (
        having(body(), "data", "attributes", "email", value=EMAIL),
        f"{ATTRIBUTES}/email",
    ),
    "no channels": (without(body(), "data", "attributes", "channels"), CHANNELS),
    "channels not a list": (
        having(body(), "data", "attributes", "channels", value="EMAIL"),
        CHANNELS,
    ),
    "channels empty": (body(channels=[]), CHANNELS),
    "unknown channel": (body(channels=["EMAIL", "FAX"]), f"{CHANNELS}/1"),
    "channel in small letters": (body(channels=["email"]), f"{CHANNELS}/0"),
    "channel repeated": (body(channels=["EMAIL", "EMAIL"]), f"{CHANNELS}/1"),
    "PUSH without a token": (body(channels=["PUSH"]), f"{CHANNELS}/0"),
    "no profile": (without(body(), *PROFILE_PATH), PROFILE),
    "profile null": (having(body(), *PROFILE_PATH, value=None), PROFILE),
    "profile without data": (having(body(), *PROFILE_PATH, value={}), f"{PROFILE}/data"),
    "profile without type": (
        without(body(), *PROFILE_PATH, "data", "type"),
        f"{PROFILE}/data/type",
    ),
    "profile without attributes": (
        without(body(), *PROFILE_PATH, "data", "attributes"),
        IDENTIFIERS,
    ),
    "unknown identifier": (body(email=EMAIL, anonymous_id="1"), f"{IDENTIFIERS}/anonymous_id"),
    "profile's ID among its attributes": (body(email=EMAIL, id="1"), f"{IDENTIFIERS}/id"),
    "no identifier": (
        having(body(), *PROFILE_PATH, "data", "attributes", value={}),
        IDENTIFIERS,
    ),
    "external ID alone": (body(external_id="customer-7"), IDENTIFIERS),
    "EMAIL without an email address": (body(phone_number=PHONE), f"{IDENTIFIERS}/email"),
    "SMS without a phone number": (
        body(channels=["SMS"], email=EMAIL),
        f"{IDENTIFIERS}/phone_number",
    ),
    "WHATSAPP without a phone number": (
        body(channels=["WHATSAPP"], email=EMAIL, phone_number=None),
        f"{IDENTIFIERS}/phone_number",
    ),
    "email not an address": (body(email="ada"), f"{IDENTIFIERS}/email"),
    "email empty": (body(email=""), f"{IDENTIFIERS}/email"),
    "email with a space": (body(email="ada b@shop.example.org"), f"{IDENTIFIERS}/email"),
    "email a number": (body(email=7), f"{IDENTIFIERS}/email"),
    "bad email that no channel uses": (
        body(channels=["SMS"], email="ada", phone_number=PHONE),
        f"{IDENTIFIERS}/email",
    ),
    "phone in national form": (
        body(channels=["SMS"], phone_number="(202) 555-0143"),
        f"{IDENTIFIERS}/phone_number",
    ),
    "phone with spaces": (
        body(channels=["SMS"], phone_number="+1 202 555 0143"),
        f"{IDENTIFIERS}/phone_number",
    ),
    "phone too short": (
        body(channels=["SMS"], phone_number="+1202555"),
        f"{IDENTIFIERS}/phone_number",
    ),
    "phone of no country": (
        body(channels=["SMS"], phone_number="+9992025550143"),
        f"{IDENTIFIERS}/phone_number",
    ),
    "phone in other digits": (
        body(channels=["SMS"], phone_number="+١٢٠٢٥٥٥٠١٤٣"),
        f"{IDENTIFIERS}/phone_number",
    ),
    "bad phone beside a good email": (
        body(email=EMAIL, phone_number="12"),
        f"{IDENTIFIERS}/phone_number",
    ),
    "no relationships": (without(body(), "data", "relationships"), "/data/relationships"),
    "no variant": (without(body(), *VARIANT_PATH), "/data/relationships/variant"),
    "variant without data": (
        having(body(), *VARIANT_PATH, value={}),
        "/data/relationships/variant/data",
    ),
    "variant of another type": (
        having(body(), *VARIANT_PATH, "data", "type", value="catalog-item"),
        "/data/relationships/variant/data/type",
    ),
    "unknown relationship": (
        having(body(), "data", "relationships", "list", value={}),
        "/data/relationships/list",
    ),
    "composite ID of one part": (body(variant="jacket-m"), VARIANT_ID),
    "composite ID of two parts": (body(variant="$custom:::jacket-m"), VARIANT_ID),
    "composite ID with an empty part": (body(variant="$custom::::::jacket-m"), VARIANT_ID),
    "composite ID with a line break": (body(variant=f"{VARIANT}\n"), VARIANT_ID),
    "composite ID empty": (body(variant=""), VARIANT_ID),
}


def assert_refused(reply: Any, status: int, code: str, pointer: str) -> dict[str, Any]:
    """Assert that a reply is a refusal with such a first error, and return that error."""
    assert reply.status_code == status, reply.text
    assert reply.headers["Content-Type"] == MEDIA_TYPE
    schema = spec.document()["components"]["responses"]["ClientError"]["content"][MEDIA_TYPE]
    assert list(OAS30Validator(schema["schema"]).iter_errors(reply.json())) == []
    error: dict[str, Any] = reply.json()["errors"][0]
    assert error["status"] == status
    assert (code, pointer) == (error["code"], error["source"]["pointer"])
    return error


@pytest.mark.parametrize(("sent", "pointer"), BAD_BODIES.values(), ids=BAD_BODIES)
def test_a_bad_body_is_refused(sandbox: Running, sent: Any, pointer: str) -> None:
    """Every body that Klaviyo would refuse is a 400 that points at its fault, on both sides."""
    for call in (sandbox.server_call, sandbox.browser_call):
        assert_refused(call(sent), 400, "invalid", pointer)
    assert sandbox.read("waiting") == []
    for entry in sandbox.read("requests"):
        assert entry["problems"][0].startswith(f"{pointer}: " if pointer else "")
        assert entry["problems"][0].endswith(entry["reply"]["errors"][0]["detail"])


def test_every_fault_is_named(sandbox: Running) -> None:
    """A body with two faults gets two errors."""
    reply = sandbox.server_call(body(channels=["EMAIL", "SMS"], email="ada", phone_number="12"))

    pointers = [error["source"]["pointer"] for error in reply.json()["errors"]]
    assert [f"{IDENTIFIERS}/email", f"{IDENTIFIERS}/phone_number"] == pointers


@pytest.mark.parametrize(
    ("sent", "channels", "profile"),
    [
        (body(), ["EMAIL"], {"email": EMAIL}),
        (body(email=EMAIL, phone_number=None, external_id="7"), ["EMAIL"], {"email": EMAIL}),
        (body(channels=["SMS"], phone_number=PHONE), ["SMS"], {"phone_number": PHONE}),
        (
            body(channels=["EMAIL", "SMS", "WHATSAPP"], email=EMAIL, phone_number=PHONE),
            ["EMAIL", "SMS", "WHATSAPP"],
            {"email": EMAIL, "phone_number": PHONE},
        ),
        (
            having(body(), *PROFILE_PATH, "data", "id", value="01GDDKASAP8TKDDA2GRZDSVP4H"),
            ["EMAIL"],
            {"email": EMAIL},
        ),
    ],
)
def test_a_good_body_is_accepted(
    sandbox: Running, sent: Any, channels: list[str], profile: dict[str, str]
) -> None:
    """A sign-up is answered 202 with nothing in it, and its profile waits."""
    reply = sandbox.server_call(sent)

    assert (reply.status_code, reply.content, reply.headers["Content-Length"]) == (202, b"", "0")
    assert "Content-Type" not in reply.headers
    assert sandbox.read("waiting") == [
        {
            "variant": VARIANT,
            "profile": profile,
            "channels": channels,
            # nobody consented to texts
            "reachable": [channel for channel in channels if channel == "EMAIL"],
            "since": "2026-11-24T12:00:00+00:00",
        }
    ]


@pytest.mark.parametrize("side", ["server", "browser"])
def test_a_trailing_slash_is_the_same_path(sandbox: Running, side: str) -> None:
    """Klaviyo takes its paths with a slash at the end, and never redirects."""
    call = sandbox.server_call if side == "server" else sandbox.browser_call
    sent = call().request
    slashed = str(sent.url).replace("subscriptions", "subscriptions/")

    reply = sandbox.session.post(
        slashed, data=sent.body, headers=sent.headers, timeout=20, allow_redirects=False
    )

    assert reply.status_code == 202


@pytest.mark.parametrize(
    "variant",
    [
        "$shopify:::$default:::40124",
        "$magento_two:::2-2:::WS-12 é/ü#?%",
        "myshop:::$default:::a:::b",
    ],
)
def test_odd_composite_ids_are_known(sandbox: Running, variant: str) -> None:
    """Only the first two separators split an ID; the rest may hold any printable character."""
    assert sandbox.server_call(body(variant=variant)).status_code == 202

    assert variant == sandbox.read("waiting")[0]["variant"]


def test_an_unknown_variant_is_404_on_both_sides(sandbox: Running) -> None:
    """A composite ID listed as unknown is `variant_not_found`, and others are still known."""
    sandbox.ask("PUT", "/_sandbox/unknown", json={"unknown": [VARIANT]})

    for call in (sandbox.server_call, sandbox.browser_call):
        assert_refused(call(), 404, "variant_not_found", VARIANT_ID)
    assert sandbox.server_call(body(variant=f"{VARIANT}2")).status_code == 202
    assert [f"{VARIANT}2"] == [entry["variant"] for entry in sandbox.read("waiting")]


@pytest.mark.parametrize(
    "second",
    [
        body(),
        body(email=EMAIL.upper()),
        body(channels=["EMAIL", "SMS"], email=EMAIL, phone_number=PHONE),
    ],
)
def test_only_the_first_sign_up_counts(sandbox: Running, second: Any) -> None:
    """A second sign-up of one profile for one variant changes nothing and reads the same."""
    sandbox.server_call()
    before = sandbox.read("waiting")
    sandbox.clock.move(60)

    reply = sandbox.browser_call(second)

    assert (reply.status_code, reply.content) == (202, b"")
    after = sandbox.read("waiting")
    assert [(w["channels"], w["since"]) for w in before] == [
        (w["channels"], w["since"]) for w in after
    ]


def test_a_phone_number_finds_its_profile(sandbox: Running) -> None:
    """A phone number that a profile brought once identifies it later."""
    sandbox.server_call(body(channels=["SMS"], email=EMAIL, phone_number=PHONE))
    sandbox.server_call(body(channels=["SMS"], phone_number=PHONE))

    assert len(sandbox.read("waiting")) == 1


def test_two_people_may_share_a_phone(sandbox: Running) -> None:
    """Two email addresses are two profiles, though the phone number is one."""
    sandbox.server_call(body(email=EMAIL, phone_number=PHONE))
    sandbox.server_call(body(email="bea@shop.example.org", phone_number=PHONE))

    assert len(sandbox.read("waiting")) == 2


def test_a_profile_may_wait_for_many_variants(sandbox: Running) -> None:
    """There is no limit on the variants that a profile waits for."""
    for number in range(3):
        sandbox.server_call(body(variant=f"{VARIANT}{number}"))

    assert len(sandbox.read("waiting")) == 3


def test_whatsapp_needs_a_later_revision(sandbox: Running) -> None:
    """WHATSAPP came with revision 2026-01-15 and is refused under an older one."""
    sent = body(channels=["WHATSAPP"], phone_number=PHONE)

    assert sandbox.server_call(sent, revision="2026-01-15").status_code == 202
    reply = sandbox.server_call(sent, revision="2025-10-15")
    assert_refused(reply, 400, "invalid", f"{CHANNELS}/0")
