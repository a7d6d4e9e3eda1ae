"""Back-in-stock subscriptions: what is accepted and refused, and who joins the waiting list."""

from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator

from klaviyo_sandbox.protocol import spec
from tests.klaviyo_sandbox.conftest import (
    EMAIL,
    MEDIA_TYPE,
    NOON,
    OTHER_EMAIL,
    PHONE,
    VARIANT,
    RunningSandbox,
    body,
    error_of,
    with_value,
    without,
)

ATTRIBUTES = "/data/attributes"
CHANNELS = "/data/attributes/channels"
PROFILE = "/data/attributes/profile"
IDENTIFIERS = "/data/attributes/profile/data/attributes"
EMAIL_POINTER, PHONE_POINTER = f"{IDENTIFIERS}/email", f"{IDENTIFIERS}/phone_number"
VARIANT_ID = "/data/relationships/variant/data/id"
IN_DATA = ("data",)
IN_ATTRIBUTES = ("data", "attributes")
IN_PROFILE = ("data", "attributes", "profile")
IN_VARIANT = ("data", "relationships", "variant")


def put(*path: str, value: Any) -> dict[str, Any]:
    """Return a sign-up's body with a value at the path."""
    return with_value(body(), *path, value=value)


def remove(*path: str) -> dict[str, Any]:
    """Return a sign-up's body without the member at the path."""
    return without(body(), *path)


# fmt: off
BAD_BODIES: dict[str, tuple[Any, str]] = {
    "not JSON": (b"{data:", ""),
    "no body": (b"", ""),
    "not UTF-8": (b'{"data": "\xff"}', ""),
    "not a JSON number": (b'{"data": NaN}', ""),
    "unpaired surrogate": (b'{"data": "\\ud800"}', ""),
    "nested too deeply": (b"[" * 200_000, ""),
    "a list": ([], ""),
    "no data": ({}, "/data"),
    "data is null": ({"data": None}, "/data"),
    "unknown member beside data": (put("meta", value={}), "/meta"),
    "no type": (remove(*IN_DATA, "type"), "/data/type"),
    "wrong type": (put(*IN_DATA, "type", value="subscription"), "/data/type"),
    "unknown member in data": (put(*IN_DATA, "id", value="1"), "/data/id"),
    "no attributes": (remove(*IN_ATTRIBUTES), ATTRIBUTES),
    "unknown attribute": (put(*IN_ATTRIBUTES, "list_id", value="X"), f"{ATTRIBUTES}/list_id"),
    "attribute with special characters": (put(*IN_ATTRIBUTES, "a/b~c", value="X"),
                                          f"{ATTRIBUTES}/a~1b~0c"),
    "email outside the profile": (put(*IN_ATTRIBUTES, "email", value=EMAIL),
                                   f"{ATTRIBUTES}/email"),
    "no channels": (remove(*IN_ATTRIBUTES, "channels"), CHANNELS),
    "channels not a list": (put(*IN_ATTRIBUTES, "channels", value="EMAIL"), CHANNELS),
    "channels empty": (body(channels=[]), CHANNELS),
    "unknown channel": (body(channels=["EMAIL", "FAX"]), f"{CHANNELS}/1"),
    "channel in lower case": (body(channels=["email"]), f"{CHANNELS}/0"),
    "channel repeated": (body(channels=["EMAIL", "EMAIL"]), f"{CHANNELS}/1"),
    "PUSH without a token": (body(channels=["PUSH"]), f"{CHANNELS}/0"),
    "no profile": (remove(*IN_PROFILE), PROFILE),
    "profile is null": (put(*IN_PROFILE, value=None), PROFILE),
    "profile without data": (put(*IN_PROFILE, value={}), f"{PROFILE}/data"),
    "profile without type": (remove(*IN_PROFILE, "data", "type"), f"{PROFILE}/data/type"),
    "profile without attributes": (remove(*IN_PROFILE, "data", "attributes"), IDENTIFIERS),
    "unknown identifier": (body(email=EMAIL, anonymous_id="1"), f"{IDENTIFIERS}/anonymous_id"),
    "profile ID in its attributes": (body(email=EMAIL, id="1"), f"{IDENTIFIERS}/id"),
    "no identifier": (put(*IN_PROFILE, "data", "attributes", value={}), IDENTIFIERS),
    "only an external ID": (body(external_id="customer-7"), IDENTIFIERS),
    "EMAIL without an email address": (body(phone_number=PHONE), EMAIL_POINTER),
    "SMS without a phone number": (body(channels=["SMS"], email=EMAIL), PHONE_POINTER),
    "WHATSAPP without a phone number": (
        body(channels=["WHATSAPP"], email=EMAIL, phone_number=None), PHONE_POINTER),
    "email not an address": (body(email="ada"), EMAIL_POINTER),
    "email empty": (body(email=""), EMAIL_POINTER),
    "email with a space": (body(email="ada b@shop.example.org"), EMAIL_POINTER),
    "email a number": (body(email=7), EMAIL_POINTER),
    "bad email that no channel uses": (
        body(channels=["SMS"], email="ada", phone_number=PHONE), EMAIL_POINTER),
    "phone in national format": (
        body(channels=["SMS"], phone_number="(202) 555-0143"), PHONE_POINTER),
    "phone with spaces": (body(channels=["SMS"], phone_number="+1 202 555 0143"), PHONE_POINTER),
    "phone too short": (body(channels=["SMS"], phone_number="+1202555"), PHONE_POINTER),
    "unknown country code": (body(channels=["SMS"], phone_number="+9992025550143"), PHONE_POINTER),
    "phone in Arabic digits": (body(channels=["SMS"], phone_number="+١٢٠٢٥٥٥٠١٤٣"), PHONE_POINTER),
    "bad phone with a good email": (body(email=EMAIL, phone_number="12"), PHONE_POINTER),
    "no relationships": (remove("data", "relationships"), "/data/relationships"),
    "no variant": (remove(*IN_VARIANT), "/data/relationships/variant"),
    "variant without data": (put(*IN_VARIANT, value={}), "/data/relationships/variant/data"),
    "variant of another type": (put(*IN_VARIANT, "data", "type", value="catalog-item"),
                                "/data/relationships/variant/data/type"),
    "unknown relationship": (put("data", "relationships", "list", value={}),
                             "/data/relationships/list"),
    "composite ID with one part": (body(variant="jacket-m"), VARIANT_ID),
    "composite ID with two parts": (body(variant="$custom:::jacket-m"), VARIANT_ID),
    "composite ID with an empty part": (body(variant="$custom::::::jacket-m"), VARIANT_ID),
    "composite ID with a line break": (body(variant=f"{VARIANT}\n"), VARIANT_ID),
    "composite ID empty": (body(variant=""), VARIANT_ID),
}
# fmt: on


def assert_refused(reply: Any, status: int, code: str, pointer: str) -> dict[str, Any]:
    """Assert that a reply has this error in Klaviyo's format, and return its first error."""
    assert reply.status_code == status, reply.text
    assert reply.headers["Content-Type"] == MEDIA_TYPE
    schema = spec.document()["components"]["responses"]["ClientError"]["content"][MEDIA_TYPE]
    assert list(OAS30Validator(schema["schema"]).iter_errors(reply.json())) == []
    assert error_of(reply) == (status, code, pointer)
    error: dict[str, Any] = reply.json()["errors"][0]
    assert error["status"] == status
    return error


@pytest.mark.parametrize(("sent", "pointer"), BAD_BODIES.values(), ids=BAD_BODIES)
def test_bad_body_is_refused(sandbox: RunningSandbox, sent: Any, pointer: str) -> None:
    """Servers and browsers get an error that points at the fault."""
    for call in (sandbox.server_call, sandbox.browser_call):
        assert_refused(call(sent), 400, "invalid", pointer)
    for entry in sandbox.read("requests"):
        assert entry["problems"][0].startswith(f"{pointer}: " if pointer else "")
        assert entry["problems"][0].endswith(entry["reply"]["errors"][0]["detail"])
    assert sandbox.read("waiting") == []


def test_every_fault_is_reported(sandbox: RunningSandbox) -> None:
    reply = sandbox.server_call(body(channels=["EMAIL", "SMS"], email="ada", phone_number="12"))

    pointers = [error["source"]["pointer"] for error in reply.json()["errors"]]
    assert pointers == [EMAIL_POINTER, PHONE_POINTER]


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
            put(*IN_PROFILE, "data", "id", value="01GDDKASAP8TKDDA2GRZDSVP4H"),
            ["EMAIL"],
            {"email": EMAIL},
        ),
    ],
)
def test_sign_up_joins_the_waiting_list(
    sandbox: RunningSandbox, sent: Any, channels: list[str], profile: dict[str, str]
) -> None:
    reply = sandbox.server_call(sent)

    assert (reply.status_code, reply.content, reply.headers["Content-Length"]) == (202, b"", "0")
    assert "Content-Type" not in reply.headers
    assert sandbox.read("waiting") == [
        {
            "variant": VARIANT,
            "profile": profile,
            "channels": channels,
            # texts need consent
            "reachable": [channel for channel in channels if channel == "EMAIL"],
            "since": NOON,
        }
    ]


@pytest.mark.parametrize("side", ["server", "browser"])
def test_trailing_slash_is_accepted(sandbox: RunningSandbox, side: str) -> None:
    """There is no redirect, which a browser's preflight would not allow."""
    call = sandbox.server_call if side == "server" else sandbox.browser_call
    sent = call().request
    url = str(sent.url).replace("subscriptions", "subscriptions/")

    reply = sandbox.session.post(
        url, data=sent.body, headers=sent.headers, timeout=20, allow_redirects=False
    )

    assert reply.status_code == 202


@pytest.mark.parametrize(
    "variant",
    ["$shopify:::$default:::40124", "$magento_two:::2-2:::WS-12 é/ü#?%", "my:::$default:::a:::b"],
)
def test_composite_id_may_contain_special_characters(sandbox: RunningSandbox, variant: str) -> None:
    """Only the first two occurrences of `:::` are separators."""
    assert sandbox.server_call(body(variant=variant)).status_code == 202

    assert sandbox.read("waiting")[0]["variant"] == variant


def test_unknown_variant_is_404_on_both_sides(sandbox: RunningSandbox) -> None:
    sandbox.set("unknown", unknown=[VARIANT])

    for call in (sandbox.server_call, sandbox.browser_call):
        assert_refused(call(), 404, "variant_not_found", VARIANT_ID)
    assert sandbox.server_call(body(variant=f"{VARIANT}2")).status_code == 202
    assert [waiting["variant"] for waiting in sandbox.read("waiting")] == [f"{VARIANT}2"]


@pytest.mark.parametrize(
    "second",
    [
        body(),
        body(email=EMAIL.upper()),
        body(channels=["EMAIL", "SMS"], email=EMAIL, phone_number=PHONE),
    ],
)
def test_repeated_sign_up_changes_nothing(sandbox: RunningSandbox, second: Any) -> None:
    sandbox.server_call()
    [before] = sandbox.read("waiting")
    sandbox.clock.move(60)

    reply = sandbox.browser_call(second)

    assert (reply.status_code, reply.content) == (202, b"")
    [after] = sandbox.read("waiting")
    assert (after["channels"], after["since"]) == (before["channels"], before["since"])


def test_phone_number_identifies_its_profile(sandbox: RunningSandbox) -> None:
    sandbox.server_call(body(channels=["SMS"], email=EMAIL, phone_number=PHONE))
    sandbox.server_call(body(channels=["SMS"], phone_number=PHONE))

    assert len(sandbox.read("waiting")) == 1


def test_two_profiles_may_share_a_phone_number(sandbox: RunningSandbox) -> None:
    sandbox.server_call(body(email=EMAIL, phone_number=PHONE))
    sandbox.server_call(body(email=OTHER_EMAIL, phone_number=PHONE))

    assert len(sandbox.read("waiting")) == 2


def test_profile_may_wait_for_several_variants(sandbox: RunningSandbox) -> None:
    for number in range(3):
        sandbox.server_call(body(variant=f"{VARIANT}{number}"))

    assert len(sandbox.read("waiting")) == 3


def test_whatsapp_needs_a_recent_revision(sandbox: RunningSandbox) -> None:
    sent = body(channels=["WHATSAPP"], phone_number=PHONE)

    assert sandbox.server_call(sent, revision="2026-01-15").status_code == 202
    reply = sandbox.server_call(sent, revision="2025-10-15")
    assert_refused(reply, 400, "invalid", f"{CHANNELS}/0")
