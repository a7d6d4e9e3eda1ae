"""The kit's calls against Klaviyo's specification, and against Klaviyo's own SDK.

The validation here is written apart from the sandbox's, so that a slip in the one is seen by
the other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from klaviyo_api import KlaviyoAPI
from openapi_client import models
from openapi_client.models.subscription_create_job_create_query import (
    SubscriptionCreateJobCreateQuery,
)
from openapi_schema_validator import OAS30Validator

from klaviyo_sandbox.protocol.failures import FAILURES
from tests.notify_me.offers import settings_file, toml
from tests.notify_me.small_shop import small_catalog, small_shop
from tests.support import Sandbox

PREFIX = "$custom:::$default:::"
MUG = f"{PREFIX}MUG"
PARKAS = [f"{PREFIX}PARKA-M-MOSS", f"{PREFIX}PARKA-L-MOSS"]
OPERATION = ("/api/back-in-stock-subscriptions", "post")
MEDIA_TYPE = "application/vnd.api+json"


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    """Klaviyo's specification, revision 2026-07-15."""
    text = files("klaviyo_sandbox").joinpath("klaviyo-2026-07-15.json").read_text("utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def flat(schema: Any, spec: dict[str, Any], *, closed: bool) -> Any:
    """The schema without references; `closed`: whether objects hold what they list alone."""
    if isinstance(schema, list):
        return [flat(each, spec, closed=closed) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        found: Any = spec
        for part in schema["$ref"].split("/")[1:]:
            found = found[part]
        return flat(found, spec, closed=closed)
    result = {name: flat(value, spec, closed=closed) for name, value in schema.items()}
    if closed and "properties" in result and isinstance(result["properties"], dict):
        result["additionalProperties"] = False
    return result


def faults(schema: Any, instance: Any) -> list[str]:
    """What is wrong with the instance."""
    return [error.message for error in OAS30Validator(schema).iter_errors(instance)]


@pytest.fixture(scope="module")
def request_schema(spec: dict[str, Any]) -> Any:
    """The schema of the call's body, every object closed."""
    path, method = OPERATION
    content = spec["paths"][path][method]["requestBody"]["content"]
    return flat(content[MEDIA_TYPE]["schema"], spec, closed=True)


@pytest.fixture
def make_shop(tmp_path: Path, sandbox: Sandbox) -> Iterator[Callable[..., Flask]]:
    """Makes the small shop; keyword arguments are Flask config that overrides the defaults."""
    made: list[Flask] = []

    def make(**config: Any) -> Flask:
        made.append(small_shop(tmp_path, small_catalog(), **{**sandbox.environ(), **config}))
        return made[-1]

    yield make
    for app in made:
        with app.app_context():
            app.extensions["sqlalchemy"].engine.dispose()


def sign_up(
    shop: Flask, email: str = "ada@example.org", variants: list[str] | None = None
) -> dict[str, Any]:
    """Sign up through the form; returns the reply to the element."""
    chosen = variants or [MUG]
    reply = shop.test_client().post(
        f"/notify-me/{chosen[0]}?choose=1",
        data={"channels": "EMAIL", "email": email, "variants": chosen},
        headers={"X-Notify-Me": "1"},
    )
    found: dict[str, Any] = reply.get_json()
    return found


SIGN_UPS = {
    "one variant": ("ada@example.org", [MUG]),
    "two variants": ("ada@example.org", PARKAS),
    "odd address": ("o'hara+x@example.org", [MUG]),
    "address beyond ASCII": ("jürgen@müller.example.org", [MUG]),
}


@pytest.mark.parametrize(("email", "variants"), SIGN_UPS.values(), ids=SIGN_UPS)
def test_every_call_is_valid(
    make_shop: Callable[..., Flask],
    sandbox: Sandbox,
    request_schema: Any,
    email: str,
    variants: list[str],
) -> None:
    """Method, path, query, and a body that holds nothing that the specification doesn't list."""
    assert sign_up(make_shop(), email, variants)["state"] == "done"

    made = sandbox.requests()
    assert len(made) == len(variants)
    for call in made:
        assert (call["path"], call["method"].lower(), call["query"]) == (*OPERATION, "")
        assert faults(request_schema, call["body"]) == []
        assert call["problems"] == []
        assert (call["status"], call["reply"]) == (202, None)
        assert call["reply_headers"]["Content-Length"] == "0"


def test_the_headers(make_shop: Callable[..., Flask], sandbox: Sandbox) -> None:
    """The private key, the revision and the media type; nothing that a browser would send."""
    sign_up(make_shop())

    [call] = sandbox.requests()
    headers = {name.lower(): value for name, value in call["headers"].items()}
    # the record shows of a key its last four characters
    assert headers["authorization"] == (f"Klaviyo-API-Key pk_…{sandbox.account.private_key[-4:]}")
    assert headers["revision"] == "2026-07-15"
    assert headers["content-type"] == MEDIA_TYPE
    assert headers["accept"] == MEDIA_TYPE
    for name in ("origin", "referer", "cookie", "sec-fetch-site", "x-forwarded-for"):
        assert name not in headers


def test_the_revision_is_the_settings(make_shop: Callable[..., Flask], sandbox: Sandbox) -> None:
    """KLAVIYO_REVISION goes out as it stands."""
    sign_up(make_shop(KLAVIYO_REVISION="2026-10-15"))

    [call] = sandbox.requests()
    assert call["headers"]["Revision"] == "2026-10-15"
    assert call["status"] == 202


def test_the_path_and_the_header_are_the_specifications(spec: dict[str, Any]) -> None:
    """The revision that the kit asks for by itself is the one of this specification."""
    path, method = OPERATION
    operation = spec["paths"][path][method]

    [revision] = [each for each in operation["parameters"] if each["in"] == "header"]
    assert (revision["name"], revision["schema"]["default"]) == ("revision", "2026-07-15")
    assert operation["operationId"] == "create_back_in_stock_subscription"
    assert [*operation["requestBody"]["content"]] == [MEDIA_TYPE]


BODY = {
    "data": {
        "type": "back-in-stock-subscription",
        "attributes": {
            "channels": ["EMAIL"],
            "profile": {"data": {"type": "profile", "attributes": {"email": "ada@example.org"}}},
        },
        "relationships": {"variant": {"data": {"type": "catalog-variant", "id": MUG}}},
    }
}


def changed(*path: str, **values: Any) -> dict[str, Any]:
    """The body with these values put at the path; one that is None is taken out."""
    copy: dict[str, Any] = json.loads(json.dumps(BODY))
    place = copy
    for name in path:
        place = place[name]
    place.update(values)
    for name in [name for name, value in values.items() if value is None]:
        del place[name]
    return copy


BROKEN = {
    "a member beside data": changed(list="x"),
    "list_id among the attributes": changed("data", "attributes", list_id="x"),
    "id among the profile's attributes": changed(
        "data", "attributes", "profile", "data", "attributes", anonymous_id="x"
    ),
    "a member beside the variant's ID": changed(
        "data", "relationships", "variant", "data", sku="x"
    ),
    "another relationship": changed("data", "relationships", item={"data": {}}),
    "another type": changed("data", type="subscription"),
    "another type of profile": changed("data", "attributes", "profile", "data", type="person"),
    "unknown channel": changed("data", "attributes", channels=["FAX"]),
    "no channels": changed("data", "attributes", channels=None),
    "no variant": changed("data", "relationships", variant=None),
    "no attributes": changed("data", attributes=None),
    "a number for an address": changed(
        "data", "attributes", "profile", "data", "attributes", email=5
    ),
}


def test_the_body_is_valid(request_schema: Any) -> None:
    """The body of which the broken ones are made is right itself."""
    assert faults(request_schema, BODY) == []


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_the_validation_bites(request_schema: Any, body: dict[str, Any]) -> None:
    """A body that Klaviyo would refuse is not valid here."""
    assert faults(request_schema, body) != []


def typed_call() -> Any:
    """The same sign-up in the SDK's own models."""
    prefix = "ServerBISSubscriptionCreateQuery"

    def make(name: str, **values: Any) -> Any:
        return getattr(models, name)(**values)

    email = make("ProfileIdentifierDTOResourceObjectAttributes", email="ada@example.org")
    profile = make("ProfileIdentifierDTOResourceObject", type="profile", attributes=email)
    holder = make(f"{prefix}ResourceObjectAttributesProfile", data=profile)
    attributes = make(f"{prefix}ResourceObjectAttributes", channels=["EMAIL"], profile=holder)
    variant = make(
        f"{prefix}ResourceObjectRelationshipsVariantData", type="catalog-variant", id=MUG
    )
    link = make(f"{prefix}ResourceObjectRelationshipsVariant", data=variant)
    data = make(
        f"{prefix}ResourceObject",
        type="back-in-stock-subscription",
        attributes=attributes,
        relationships=make(f"{prefix}ResourceObjectRelationships", variant=link),
    )
    return make(prefix, data=data)


@pytest.mark.parametrize("written", [BODY, None], ids=["as JSON", "in its models"])
def test_klaviyos_own_sdk_sends_the_same(
    make_shop: Callable[..., Flask], sandbox: Sandbox, written: dict[str, Any] | None
) -> None:
    """The kit's body and the SDK's are one JSON document, to one address."""
    sdk = KlaviyoAPI(sandbox.account.private_key, max_retries=0, test_host=sandbox.url)

    sign_up(make_shop())
    sdk.Catalogs.create_back_in_stock_subscription(written or typed_call())

    kits, sdks = sandbox.requests()
    assert kits["body"] == sdks["body"]
    for name in ("method", "path", "query", "operation", "status", "problems"):
        assert kits[name] == sdks[name]
    for name in ("Authorization", "Content-Type"):
        assert kits["headers"][name] == sdks["headers"][name]
    assert len(sandbox.waiting()) == 1


@pytest.mark.parametrize("kind", FAILURES)
def test_the_errors_are_of_the_specified_shape(
    make_shop: Callable[..., Flask], sandbox: Sandbox, spec: dict[str, Any], kind: str
) -> None:
    """What the kit was told, it could have been told by Klaviyo."""
    sandbox.drill(kind)

    sign_up(make_shop())

    [call] = sandbox.requests()
    path, method = OPERATION
    response = spec["paths"][path][method]["responses"][f"{call['status'] // 100}XX"]
    schema = flat(response, spec, closed=False)["content"][MEDIA_TYPE]["schema"]
    assert faults(schema, call["reply"]) == []
    assert faults(schema, {"errors": [{"detail": "no id, code or title"}]}) != []
    assert call["reply_headers"]["Content-Type"] == MEDIA_TYPE


def test_the_browsers_call_is_valid(make_shop: Callable[..., Flask], spec: dict[str, Any]) -> None:
    """Client mode: path, query, headers and body are those of Klaviyo's client operation."""
    shop = make_shop(NOTIFY_ME_MODE="client").test_client()
    data = {"channels": "EMAIL", "email": "ada@example.org"}

    sent = shop.post(f"/notify-me/{MUG}", data=data, headers={"X-Notify-Me": "1"}).get_json()

    [call] = sent["calls"]
    url = urlsplit(call["url"])
    operation = spec["paths"][url.path]["post"]
    required = {(each["in"], each["name"]) for each in operation["parameters"] if each["required"]}
    assert required == {("query", "company_id"), ("header", "revision")}
    assert [*parse_qs(url.query)] == ["company_id"]
    assert set(call["headers"]) == {"revision", "Content-Type"}
    [(media_type, content)] = operation["requestBody"]["content"].items()
    assert call["headers"]["Content-Type"] == media_type
    schema = flat(content["schema"], spec, closed=True)
    assert faults(schema, call["body"]) == []
    assert faults(schema, {**call["body"], "more": 1}) != []


SUBSCRIBE, CLIENT_SUBSCRIBE = "/api/profile-subscription-bulk-create-jobs", "/client/subscriptions"
TICKS = {
    "opt_in_promotional_email": "EMAIL",
    "opt_in_promotional_sms": ["SMS", "WHATSAPP"],
}
CHANNELS = {
    "EMAIL": ["EMAIL"],
    "SMS": ["SMS"],
    "EMAIL+SMS": ["EMAIL", "SMS"],
    "WHATSAPP": ["WHATSAPP"],
    "all": ["EMAIL", "SMS", "WHATSAPP"],
}
channels_chosen = pytest.mark.parametrize("channels", CHANNELS.values(), ids=CHANNELS)


def body_schema(spec: dict[str, Any], path: str) -> Any:
    """The schema of the body that is posted to a path, every object closed."""
    [content] = spec["paths"][path]["post"]["requestBody"]["content"].values()
    return flat(content["schema"], spec, closed=True)


@pytest.fixture
def with_consent(
    make_shop: Callable[..., Flask], tmp_path: Path
) -> Callable[..., list[dict[str, Any]]]:
    """Signs up for the mug with every box ticked; returns the calls for the browser, if any."""

    def sign_up_by(channels: list[str], **config: Any) -> list[dict[str, Any]]:
        offered = toml(["EMAIL", "SMS", "WHATSAPP"], email_list="ask")
        shop = make_shop(NOTIFY_ME_CONFIG=settings_file(tmp_path, offered), **config)
        data = {**TICKS, "channels": channels, "email": "ada@example.org"}
        reply = shop.test_client().post(
            f"/notify-me/{MUG}",
            data={**data, "phone_number": "+12025550143"},
            headers={"X-Notify-Me": "1"},
        )
        assert reply.status_code == 200
        found: list[dict[str, Any]] = reply.get_json()["calls"]
        return found

    return sign_up_by


@channels_chosen
def test_the_servers_calls_are_valid(
    with_consent: Callable[..., list[dict[str, Any]]],
    sandbox: Sandbox,
    spec: dict[str, Any],
    channels: list[str],
) -> None:
    """By whichever channel: subscription, then Subscribe Profiles, then Get List for the words."""
    assert with_consent(channels) == []

    subscription, consent, read = sandbox.requests()
    assert [(each["method"], each["path"]) for each in (subscription, consent)] == [
        ("POST", OPERATION[0]),
        ("POST", SUBSCRIBE),
    ]
    for call in (subscription, consent):
        assert faults(body_schema(spec, call["path"]), call["body"]) == []
        assert (call["status"], call["reply"], call["query"], call["problems"]) == (
            202,
            None,
            "",
            [],
        )
    assert subscription["body"]["data"]["attributes"]["channels"] == channels
    [profile] = consent["body"]["data"]["attributes"]["profiles"]["data"]
    assert [*profile["attributes"]["subscriptions"]] == [each.lower() for each in channels]
    assert (read["method"], read["path"]) == ("GET", f"/api/lists/{sandbox.account.list_id}")
    assert "get" in spec["paths"]["/api/lists/{id}"]
    assert (read["query"], read["status"], read["problems"]) == ("", 200, [])
    for call in (subscription, consent, read):
        headers = {name.lower(): value for name, value in call["headers"].items()}
        assert headers["authorization"].startswith("Klaviyo-API-Key pk_")
        assert headers["revision"] == "2026-07-15"


@channels_chosen
def test_the_browsers_calls_are_valid(
    with_consent: Callable[..., list[dict[str, Any]]],
    sandbox: Sandbox,
    spec: dict[str, Any],
    channels: list[str],
) -> None:
    """Subscription, then Create Client Subscription: address, parameters, headers, bodies."""
    calls = with_consent(channels, NOTIFY_ME_MODE="client")

    assert [urlsplit(each["url"]).path for each in calls] == [
        "/client/back-in-stock-subscriptions",
        CLIENT_SUBSCRIBE,
    ]
    for call in calls:
        url = urlsplit(call["url"])
        operation = spec["paths"][url.path]["post"]
        required = {
            (each["in"], each["name"]) for each in operation["parameters"] if each["required"]
        }
        assert required == {("query", "company_id"), ("header", "revision")}
        assert parse_qs(url.query) == {"company_id": [sandbox.account.public_key]}
        assert call["headers"] == {"revision": "2026-07-15", "Content-Type": MEDIA_TYPE}
        assert faults(body_schema(spec, url.path), call["body"]) == []
    profile = calls[1]["body"]["data"]["attributes"]["profile"]["data"]
    assert [*profile["attributes"]["subscriptions"]] == [each.lower() for each in channels]


PERSON: dict[str, Any] = {
    "type": "profile",
    "attributes": {
        "phone_number": "+12025550143",
        "subscriptions": {"sms": {"marketing": {"consent": "SUBSCRIBED"}}},
    },
}


def consent_bodies(person: Any, **more: Any) -> dict[str, Any]:
    """The body of each consent call for one person; `more` goes into the data, None takes out."""
    common = {"relationships": {"list": {"data": {"type": "list", "id": "Y6nRLr"}}}}

    def made(kind: str, name: str, whom: Any) -> dict[str, Any]:
        attributes = {"custom_source": "Back in Stock", name: {"data": whom}}
        data = {"type": kind, "attributes": attributes, **common, **more}
        return {"data": {name: value for name, value in data.items() if value is not None}}

    return {
        SUBSCRIBE: made("profile-subscription-bulk-create-job", "profiles", [person]),
        CLIENT_SUBSCRIBE: made("subscription", "profile", person),
    }


def changed_person(**attributes: Any) -> dict[str, Any]:
    """The person with other attributes."""
    return {**PERSON, "attributes": {**PERSON["attributes"], **attributes}}


LIST = {"data": {"type": "list", "id": "Y6nRLr"}}
BROKEN_CONSENT = {
    "another type of list": consent_bodies(
        PERSON, relationships={"list": {"data": {"type": "lists", "id": "Y6nRLr"}}}
    ),
    "a list without its ID": consent_bodies(
        PERSON, relationships={"list": {"data": {"type": "list"}}}
    ),
    "another relationship": consent_bodies(PERSON, relationships={"list": LIST, "lists": LIST}),
    "no attributes": consent_bodies(PERSON, attributes=None),
    "the list among the attributes": consent_bodies(PERSON, attributes={"list_id": "Y6nRLr"}),
    "nobody": consent_bodies(PERSON, attributes={"custom_source": "Back in Stock"}),
    "the other's type": consent_bodies(PERSON, type="back-in-stock-subscription"),
    "the old shape": consent_bodies(changed_person(subscriptions={"sms": ["MARKETING"]})),
    "another word for it": consent_bodies(
        changed_person(subscriptions={"sms": {"marketing": {"consent": "YES"}}})
    ),
    "unknown channel": consent_bodies(
        changed_person(subscriptions={"fax": {"marketing": {"consent": "SUBSCRIBED"}}})
    ),
    "a channel in capitals": consent_bodies(
        changed_person(subscriptions={"SMS": {"marketing": {"consent": "SUBSCRIBED"}}})
    ),
    "a text among the attributes": consent_bodies(changed_person(consent_text="I agree.")),
    "a number for a number": consent_bodies(changed_person(phone_number=12025550143)),
}


@pytest.mark.parametrize("path", [SUBSCRIBE, CLIENT_SUBSCRIBE])
def test_the_validation_of_consent_is_fair(spec: dict[str, Any], path: str) -> None:
    """The bodies of which the broken ones are made are right themselves."""
    assert faults(body_schema(spec, path), consent_bodies(PERSON)[path]) == []


@pytest.mark.parametrize("path", [SUBSCRIBE, CLIENT_SUBSCRIBE])
@pytest.mark.parametrize("bodies", BROKEN_CONSENT.values(), ids=BROKEN_CONSENT)
def test_the_validation_of_consent_bites(
    spec: dict[str, Any], bodies: dict[str, Any], path: str
) -> None:
    """A body that Klaviyo would refuse is not valid here."""
    assert faults(body_schema(spec, path), bodies[path]) != []


def test_the_browsers_consent_needs_its_list(spec: dict[str, Any]) -> None:
    """Required there, and left to the caller on the server: the kit always names it."""
    bodies = consent_bodies(PERSON, relationships=None)

    assert faults(body_schema(spec, CLIENT_SUBSCRIBE), bodies[CLIENT_SUBSCRIBE]) != []
    assert faults(body_schema(spec, SUBSCRIBE), bodies[SUBSCRIBE]) == []


def without_nulls(document: Any) -> Any:
    """The document without members that are null."""
    if isinstance(document, list):
        return [without_nulls(each) for each in document]
    if not isinstance(document, dict):
        return document
    return {name: without_nulls(value) for name, value in document.items() if value is not None}


@channels_chosen
def test_klaviyos_own_sdk_subscribes_with_the_same(
    with_consent: Callable[..., list[dict[str, Any]]], sandbox: Sandbox, channels: list[str]
) -> None:
    """The SDK's model of Subscribe Profiles loses nothing of the kit's body, and sends the same."""
    with_consent(channels)
    kits = sandbox.requests()[1]
    typed = SubscriptionCreateJobCreateQuery.from_dict(kits["body"])
    sdk = KlaviyoAPI(sandbox.account.private_key, max_retries=0, test_host=sandbox.url)

    sdk.Profiles.bulk_subscribe_profiles(typed)

    sdks = sandbox.requests()[-1]
    # the SDK spells out a default of the specification's, and what isn't given as null
    sdks["body"] = without_nulls(sdks["body"])
    assert sdks["body"]["data"]["attributes"].pop("historical_import") is False
    for name in ("method", "path", "query", "operation", "body", "status", "problems"):
        assert kits[name] == sdks[name]


@pytest.mark.parametrize("kind", FAILURES)
def test_the_errors_of_consent_are_of_the_specified_shape(
    with_consent: Callable[..., list[dict[str, Any]]],
    sandbox: Sandbox,
    spec: dict[str, Any],
    kind: str,
) -> None:
    """What the kit was told of consent, it could have been told by Klaviyo."""
    sandbox.drill(kind, operation="bulk_subscribe_profiles")

    with_consent(["SMS"])

    call = sandbox.requests()[1]
    responses = spec["paths"][SUBSCRIBE]["post"]["responses"]
    schema = flat(responses[f"{call['status'] // 100}XX"], spec, closed=False)
    assert faults(schema["content"][MEDIA_TYPE]["schema"], call["reply"]) == []
