"""The kit's calls, checked against Klaviyo's OpenAPI specification and Klaviyo's own SDK.

The validation is independent of the sandbox's, so that each can catch errors in the other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
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

from klaviyo_sandbox.protocol.failures import ERRORS_BY_KIND
from notify_me.klaviyo.client import REVISION
from notify_me.variants import CompositeID
from tests import sdk_models
from tests.notify_me.offers import settings_file, toml
from tests.notify_me.small_shop import DictCatalog, engine_of, small_catalog, small_shop
from tests.support import Sandbox

PREFIX = "$custom:::$default:::"
MUG = f"{PREFIX}MUG"
PARKAS = [f"{PREFIX}PARKA-M-MOSS", f"{PREFIX}PARKA-L-MOSS"]
ADA = "ada@example.org"
ELEMENT = {"X-Notify-Me": "1"}
MEDIA_TYPE = "application/vnd.api+json"

BACK_IN_STOCK = "/api/back-in-stock-subscriptions"
SUBSCRIBE = "/api/profile-subscription-bulk-create-jobs"
CLIENT_BACK_IN_STOCK = "/client/back-in-stock-subscriptions"
CLIENT_SUBSCRIBE = "/client/subscriptions"


class Spec:
    """The shapes of Klaviyo's API in the revision that the kit uses."""

    def __init__(self) -> None:
        file = files("klaviyo_sandbox").joinpath(f"klaviyo-{REVISION}.json")
        self.document: dict[str, Any] = json.loads(file.read_text("utf-8"))

    def operation(self, path: str, method: str = "post") -> dict[str, Any]:
        """Return the operation with this path and method."""
        operation: dict[str, Any] = self.document["paths"][path][method]
        return operation

    def resolve(self, schema: Any, *, closed: bool) -> Any:
        """Return the schema without references; `closed` forbids members that it doesn't list."""
        if isinstance(schema, list):
            return [self.resolve(item, closed=closed) for item in schema]
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            target: Any = self.document
            for part in schema["$ref"].split("/")[1:]:
                target = target[part]
            return self.resolve(target, closed=closed)
        resolved = {name: self.resolve(value, closed=closed) for name, value in schema.items()}
        if closed and isinstance(resolved.get("properties"), dict):
            resolved["additionalProperties"] = False
        return resolved

    def request_errors(self, path: str, body: Any) -> list[str]:
        """Return the errors in a body that is posted to this path."""
        [content] = self.operation(path)["requestBody"]["content"].values()
        return _errors(self.resolve(content["schema"], closed=True), body)

    def response_errors(self, path: str, status: int, body: Any) -> list[str]:
        """Return the errors in a response from this path."""
        response = self.operation(path)["responses"][f"{status // 100}XX"]
        content = self.resolve(response, closed=False)["content"][MEDIA_TYPE]
        return _errors(content["schema"], body)


def _errors(schema: Any, instance: Any) -> list[str]:
    return [error.message for error in OAS30Validator(schema).iter_errors(instance)]


@pytest.fixture(scope="module")
def spec() -> Spec:
    return Spec()


@pytest.fixture
def make_shop(tmp_path: Path, sandbox: Sandbox) -> Iterator[Callable[..., Flask]]:
    """Makes the small shop; keyword arguments override its Flask config."""
    shops: list[Flask] = []

    def make(**config: Any) -> Flask:
        shops.append(small_shop(tmp_path, small_catalog(), **{**sandbox.environ(), **config}))
        return shops[-1]

    yield make
    for shop in shops:
        engine_of(shop).dispose()


def sign_up(shop: Flask, email: str = ADA, variants: list[str] | None = None) -> list[Any]:
    """Sign up by email through the form; return the calls for the browser, if any."""
    variants = variants or [MUG]
    data = {"channels": "EMAIL", "email": email, "variants": variants}
    response = shop.test_client().post(
        f"/notify-me/{variants[0]}?choose=1", data=data, headers=ELEMENT
    )
    assert response.status_code == 200
    calls: list[Any] = response.get_json()["calls"]
    return calls


@pytest.fixture
def sign_up_with_consent(make_shop: Callable[..., Flask], tmp_path: Path) -> Callable[..., Any]:
    """Signs up for the mug with all checkboxes ticked; returns the browser's calls, if any."""

    def submit(channels: list[str], **config: Any) -> list[dict[str, Any]]:
        settings = toml(["EMAIL", "SMS", "WHATSAPP"], email_list="ask")
        shop = make_shop(NOTIFY_ME_CONFIG=settings_file(tmp_path, settings), **config)
        data = {
            "channels": channels,
            "email": ADA,
            "phone_number": "+12025550143",
            "opt_in_promotional_email": "EMAIL",
            "opt_in_promotional_sms": ["SMS", "WHATSAPP"],
        }
        response = shop.test_client().post(f"/notify-me/{MUG}", data=data, headers=ELEMENT)
        assert response.status_code == 200
        calls: list[dict[str, Any]] = response.get_json()["calls"]
        return calls

    return submit


with_channels = pytest.mark.parametrize(
    "channels",
    [["EMAIL"], ["SMS"], ["EMAIL", "SMS", "WHATSAPP"]],
    ids="+".join,
)


@pytest.mark.parametrize(
    ("email", "variants"),
    [
        (ADA, PARKAS),
        ("o'hara+x@example.org", [MUG]),
        ("ada@müller.example.org", [MUG]),
    ],
)
def test_server_calls_match_the_specification(
    make_shop: Callable[..., Flask],
    sandbox: Sandbox,
    spec: Spec,
    email: str,
    variants: list[str],
) -> None:
    sign_up(make_shop(), email, variants)

    calls = sandbox.requests()
    assert len(calls) == len(variants)
    for call in calls:
        assert (call["method"], call["path"], call["query"]) == ("POST", BACK_IN_STOCK, "")
        assert spec.request_errors(BACK_IN_STOCK, call["body"]) == []
        assert call["problems"] == []
        assert (call["status"], call["reply"]) == (202, None)
        assert call["reply_headers"]["Content-Length"] == "0"


def test_headers(make_shop: Callable[..., Flask], sandbox: Sandbox, spec: Spec) -> None:
    sign_up(make_shop())

    [call] = sandbox.requests()
    headers = {name.lower(): value for name, value in call["headers"].items()}
    # the sandbox records only the last four characters of a key
    assert headers["authorization"] == f"Klaviyo-API-Key pk_…{sandbox.account.private_key[-4:]}"
    assert headers["revision"] == REVISION
    assert headers["content-type"] == headers["accept"] == MEDIA_TYPE
    for name in ("origin", "referer", "cookie", "sec-fetch-site", "x-forwarded-for"):
        assert name not in headers
    [parameter] = [
        parameter
        for parameter in spec.operation(BACK_IN_STOCK)["parameters"]
        if parameter["in"] == "header"
    ]
    assert (parameter["name"], parameter["schema"]["default"]) == ("revision", REVISION)


def test_revision_is_a_setting(make_shop: Callable[..., Flask], sandbox: Sandbox) -> None:
    sign_up(make_shop(KLAVIYO_REVISION="2026-07-15"))

    [call] = sandbox.requests()
    assert (call["headers"]["Revision"], call["status"]) == ("2026-07-15", 202)


@with_channels
def test_server_calls_with_consent_match_the_specification(
    sign_up_with_consent: Callable[..., Any], sandbox: Sandbox, spec: Spec, channels: list[str]
) -> None:
    """The sign-up is followed by Subscribe Profiles and, for the confirmation's text, Get List."""
    assert sign_up_with_consent(channels) == []

    calls = sandbox.requests()
    subscription, consent, _ = calls
    assert [(call["method"], call["path"]) for call in calls] == [
        ("POST", BACK_IN_STOCK),
        ("POST", SUBSCRIBE),
        ("GET", f"/api/lists/{sandbox.account.list_id}"),
    ]
    assert spec.operation("/api/lists/{id}", "get")
    assert [call["status"] for call in calls] == [202, 202, 200]
    for call in calls:
        assert (call["query"], call["problems"]) == ("", [])
        assert call["headers"]["Authorization"].startswith("Klaviyo-API-Key pk_")
        assert call["headers"]["Revision"] == REVISION
    for call in (subscription, consent):
        assert spec.request_errors(call["path"], call["body"]) == []
    assert subscription["body"]["data"]["attributes"]["channels"] == channels
    [profile] = consent["body"]["data"]["attributes"]["profiles"]["data"]
    assert [*profile["attributes"]["subscriptions"]] == [name.lower() for name in channels]


def browser_call_matches(spec: Spec, call: dict[str, Any], public_key: str) -> bool:
    """Check one of the browser's calls: URL, parameters, headers and body."""
    url = urlsplit(call["url"])
    operation = spec.operation(url.path)
    required = {(item["in"], item["name"]) for item in operation["parameters"] if item["required"]}
    assert required == {("query", "company_id"), ("header", "revision")}
    assert parse_qs(url.query) == {"company_id": [public_key]}
    assert [*operation["requestBody"]["content"]] == [MEDIA_TYPE]
    assert call["headers"] == {"revision": REVISION, "Content-Type": MEDIA_TYPE}
    return spec.request_errors(url.path, call["body"]) == []


def test_browser_call_matches_the_specification(
    make_shop: Callable[..., Flask], sandbox: Sandbox, spec: Spec
) -> None:
    [call] = sign_up(make_shop(NOTIFY_ME_MODE="client"))

    assert urlsplit(call["url"]).path == CLIENT_BACK_IN_STOCK
    assert browser_call_matches(spec, call, sandbox.account.public_key)


@with_channels
def test_browser_calls_with_consent_match_the_specification(
    sign_up_with_consent: Callable[..., Any], sandbox: Sandbox, spec: Spec, channels: list[str]
) -> None:
    calls = sign_up_with_consent(channels, NOTIFY_ME_MODE="client")

    assert [urlsplit(call["url"]).path for call in calls] == [
        CLIENT_BACK_IN_STOCK,
        CLIENT_SUBSCRIBE,
    ]
    for call in calls:
        assert browser_call_matches(spec, call, sandbox.account.public_key)
    profile = calls[1]["body"]["data"]["attributes"]["profile"]["data"]
    assert [*profile["attributes"]["subscriptions"]] == [name.lower() for name in channels]


SUBSCRIPTION = {
    "data": {
        "type": "back-in-stock-subscription",
        "attributes": {
            "channels": ["EMAIL"],
            "profile": {"data": {"type": "profile", "attributes": {"email": ADA}}},
        },
        "relationships": {"variant": {"data": {"type": "catalog-variant", "id": MUG}}},
    }
}
CONSENT = {
    "data": {
        "type": "subscription",
        "attributes": {
            "custom_source": "Back in Stock",
            "profile": {
                "data": {
                    "type": "profile",
                    "attributes": {
                        "phone_number": "+12025550143",
                        "subscriptions": {"sms": {"marketing": {"consent": "SUBSCRIBED"}}},
                    },
                }
            },
        },
        "relationships": {"list": {"data": {"type": "list", "id": "Y6nRLr"}}},
    }
}


@pytest.mark.parametrize(
    ("body", "old", "new"),
    [
        (SUBSCRIPTION, '{"data": {"type": "back', '{"list": "x", "data": {"type": "back'),
        (SUBSCRIPTION, '"channels"', '"list_id": "x", "channels"'),
        (SUBSCRIPTION, '"EMAIL"', '"FAX"'),
        (SUBSCRIPTION, '"email": "ada@example.org"', '"email": 5'),
        (SUBSCRIPTION, '"relationships"', '"other"'),
        (CONSENT, '"type": "list"', '"type": "lists"'),
        (CONSENT, '"relationships"', '"other"'),
        (CONSENT, '{"marketing": {"consent": "SUBSCRIBED"}}', '["MARKETING"]'),
        (CONSENT, '"sms"', '"SMS"'),
        (CONSENT, '"phone_number"', '"consent_text": "Yes", "phone_number"'),
    ],
)
def test_validation_catches_errors(spec: Spec, body: dict[str, Any], old: str, new: str) -> None:
    path = CLIENT_SUBSCRIBE if body is CONSENT else BACK_IN_STOCK
    text = json.dumps(body)
    assert text.count(old) == 1

    assert spec.request_errors(path, body) == []
    assert spec.request_errors(path, json.loads(text.replace(old, new))) != []


def sdk_subscription() -> Any:
    """`SUBSCRIPTION` in the models of Klaviyo's SDK."""
    prefix = "ServerBISSubscriptionCreateQuery"

    def make(name: str, **values: Any) -> Any:
        return getattr(models, name)(**values)

    attributes = make("ProfileIdentifierDTOResourceObjectAttributes", email=ADA)
    profile = make("ProfileIdentifierDTOResourceObject", type="profile", attributes=attributes)
    variant = make(
        f"{prefix}ResourceObjectRelationshipsVariantData", type="catalog-variant", id=MUG
    )
    data = make(
        f"{prefix}ResourceObject",
        type="back-in-stock-subscription",
        attributes=make(
            f"{prefix}ResourceObjectAttributes",
            channels=["EMAIL"],
            profile=make(f"{prefix}ResourceObjectAttributesProfile", data=profile),
        ),
        relationships=make(
            f"{prefix}ResourceObjectRelationships",
            variant=make(f"{prefix}ResourceObjectRelationshipsVariant", data=variant),
        ),
    )
    return make(prefix, data=data)


def test_kit_sandbox_and_sdk_have_the_same_revision(spec: Spec) -> None:
    assert REVISION == sdk_models.REVISION == spec.document["info"]["version"]


def test_every_call_and_reply_matches_the_sdks_models(
    sign_up_with_consent: Callable[..., Any],
    sandbox: Sandbox,
    tmp_path: Path,
) -> None:
    class Listed(DictCatalog):
        def composite_ids(self) -> Iterable[CompositeID]:
            return [*self.variants]

    sign_up_with_consent(["EMAIL", "SMS", "WHATSAPP"])
    catalog = Listed()
    catalog.add("mug", "Enamel Mug", "MUG", 0)
    config: dict[str, Any] = {**sandbox.environ(), "SHOP_URL": "https://shop.example.org"}
    shop = small_shop(tmp_path, catalog, **config)
    for command in ("push-catalog", "check", "stock MUG 0", "import-brand --dry-run"):
        result = shop.test_cli_runner().invoke(args=["notify-me", *command.split()])
        assert result.exit_code == 0, result.output

    calls = sandbox.requests()
    # check sends two calls with an empty body, which Klaviyo refuses if the key has the scopes
    accepted = [call for call in calls if call["status"] < 400]
    assert len(calls) - len(accepted) <= 2
    assert len({call["operation"] for call in accepted}) > 10
    for call in accepted:
        compared = (call[name] for name in ("operation", "body", "reply", "query"))
        assert sdk_models.differences(*compared) == []


def test_browser_sends_the_same_subscription_as_the_server(
    sign_up_with_consent: Callable[..., Any],
) -> None:
    """The SDK has no models of the browser's operations."""
    subscription, _ = sign_up_with_consent(["EMAIL", "SMS"], NOTIFY_ME_MODE="client")

    operation = "create_back_in_stock_subscription"
    assert sdk_models.differences(operation, subscription["body"], None) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"channels"', '"list_id": "x", "channels"'),
        ('"EMAIL"', "5"),
        ('"relationships"', '"other"'),
    ],
)
def test_comparison_with_the_models_catches_errors(old: str, new: str) -> None:
    text = json.dumps(SUBSCRIPTION)
    assert text.count(old) == 1

    def differences(body: Any) -> list[str]:
        return sdk_models.differences("create_back_in_stock_subscription", body, {"data": {}})

    unexpected_reply = ["create_back_in_stock_subscription: reply: is unexpected"]
    assert differences(SUBSCRIPTION) == unexpected_reply
    assert differences(json.loads(text.replace(old, new))) != unexpected_reply


COMPARED = ("method", "path", "query", "operation", "body", "status", "problems")


def test_sdk_sends_the_same_subscription(make_shop: Callable[..., Flask], sandbox: Sandbox) -> None:
    sdk = KlaviyoAPI(sandbox.account.private_key, max_retries=0, test_host=sandbox.url)

    sign_up(make_shop())
    sdk.Catalogs.create_back_in_stock_subscription(sdk_subscription())

    kit_request, sdk_request = sandbox.requests()
    assert {name: kit_request[name] for name in COMPARED} == {
        name: sdk_request[name] for name in COMPARED
    }
    for name in ("Authorization", "Content-Type"):
        assert kit_request["headers"][name] == sdk_request["headers"][name]
    assert len(sandbox.waiting()) == 1


def test_sdk_sends_the_same_consent(
    sign_up_with_consent: Callable[..., Any], sandbox: Sandbox
) -> None:
    """Its model of Subscribe Profiles drops nothing from the kit's body."""
    sign_up_with_consent(["EMAIL", "SMS", "WHATSAPP"])
    kit_request = sandbox.requests()[1]
    sdk = KlaviyoAPI(sandbox.account.private_key, max_retries=0, test_host=sandbox.url)

    sdk.Profiles.bulk_subscribe_profiles(
        SubscriptionCreateJobCreateQuery.from_dict(kit_request["body"])
    )

    sdk_request = sandbox.requests()[-1]
    # the SDK sends a default explicitly, and null for what is not set
    sdk_request["body"] = without_nulls(sdk_request["body"])
    assert sdk_request["body"]["data"]["attributes"].pop("historical_import") is False
    assert {name: kit_request[name] for name in COMPARED} == {
        name: sdk_request[name] for name in COMPARED
    }


def without_nulls(document: Any) -> Any:
    """Return the document without members that are null."""
    if isinstance(document, list):
        return [without_nulls(item) for item in document]
    if not isinstance(document, dict):
        return document
    return {name: without_nulls(value) for name, value in document.items() if value is not None}


def test_simulated_errors_match_the_specification(
    make_shop: Callable[..., Flask], sandbox: Sandbox, spec: Spec
) -> None:
    """The kit is tested with errors that Klaviyo could send."""
    data = {"channels": "EMAIL", "email": ADA}
    for kind in ERRORS_BY_KIND:
        # a new shop each time: after a 429, the circuit breaker would stop the next calls
        shop = make_shop().test_client()
        sandbox.drill(kind)
        shop.post(f"/notify-me/{MUG}", data=data, headers=ELEMENT)

    calls = sandbox.requests()
    assert len(calls) == len(ERRORS_BY_KIND)
    for call in calls:
        assert spec.response_errors(BACK_IN_STOCK, call["status"], call["reply"]) == []
        assert call["reply_headers"]["Content-Type"] == MEDIA_TYPE
    broken = {"errors": [{"detail": "no id, code or title"}]}
    assert spec.response_errors(BACK_IN_STOCK, 400, broken) != []
