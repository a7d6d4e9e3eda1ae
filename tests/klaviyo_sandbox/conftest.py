"""A new sandbox for each test, on a real port, with a clock that the test controls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
import requests
from flask import Flask

from klaviyo_sandbox import Account, create_app, make_account
from klaviyo_sandbox.state.sandbox import Sandbox, install
from tests.support import serve

SERVER_PATH = "/api/back-in-stock-subscriptions"
BROWSER_PATH = "/client/back-in-stock-subscriptions"
SERVER_OPERATION = "create_back_in_stock_subscription"
BROWSER_OPERATION = "create_client_back_in_stock_subscription"
SUBSCRIBE_PATH = "/api/profile-subscription-bulk-create-jobs"
CLIENT_SUBSCRIBE_PATH = "/client/subscriptions"
SUBSCRIBE_OPERATION = "bulk_subscribe_profiles"
CLIENT_SUBSCRIBE_OPERATION = "create_client_subscription"
MEDIA_TYPE = "application/vnd.api+json"
SHOP = "http://127.0.0.1:5000"
VARIANT = "$custom:::$default:::jacket-m"
EMAIL = "ada@shop.example.org"
OTHER_EMAIL = "grace@shop.example.org"
PHONE = "+12025550143"
OTHER_PHONE = "+12025550166"
TWILIO_TEST_NUMBER = "+15005550006"
NOON = "2026-11-24T12:00:00+00:00"
PREFLIGHT = {
    "Origin": SHOP,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type,revision",
}


def body(
    *, channels: Any = ("EMAIL",), variant: str = VARIANT, **identifiers: Any
) -> dict[str, Any]:
    """Return the body of a sign-up, for the address EMAIL unless identifiers are given."""
    attributes = identifiers or {"email": EMAIL}
    return {
        "data": {
            "type": "back-in-stock-subscription",
            "attributes": {
                "channels": list(channels),
                "profile": {"data": {"type": "profile", "attributes": attributes}},
            },
            "relationships": {"variant": {"data": {"type": "catalog-variant", "id": variant}}},
        }
    }


def composite_id(external_id: str) -> str:
    """Return the ID of an item or a variant in the custom catalog."""
    return f"$custom:::$default:::{external_id}"


def item_body(external_id: str = "jacket", **attributes: Any) -> dict[str, Any]:
    """Return the body that creates an item."""
    defaults = {
        "external_id": external_id,
        "title": external_id.title(),
        "description": "It keeps the rain out.",
        "url": f"{SHOP}/products/{external_id}",
    }
    return {"data": {"type": "catalog-item", "attributes": defaults | attributes}}


def variant_body(
    external_id: str = "jacket-m", item: str = "jacket", **attributes: Any
) -> dict[str, Any]:
    """Return the body that creates a variant."""
    defaults = {
        "external_id": external_id,
        "title": external_id.upper(),
        "description": "It keeps the rain out.",
        "sku": external_id,
        "inventory_quantity": 0,
        "price": 120.5,
        "url": f"{SHOP}/products/{item}?variant={external_id}",
    }
    relationships = {"item": {"data": {"type": "catalog-item", "id": composite_id(item)}}}
    return {
        "data": {
            "type": "catalog-variant",
            "attributes": defaults | attributes,
            "relationships": relationships,
        }
    }


def update_body(
    external_id: str, kind: str = "catalog-variant", **attributes: Any
) -> dict[str, Any]:
    """Return the body that updates a variant or an item."""
    return {"data": {"type": kind, "id": composite_id(external_id), "attributes": attributes}}


def job_body(action: str, plural: str, *bodies: dict[str, Any]) -> dict[str, Any]:
    """Return the body of a bulk job, from bodies for single items or variants."""
    kind = f"catalog-{plural.removesuffix('s')}-bulk-{action}-job"
    entries = {"data": [body["data"] for body in bodies]}
    return {"data": {"type": kind, "attributes": {plural: entries}}}


def consent_to(*channels: str, purpose: str = "marketing", **more: Any) -> dict[str, Any]:
    """Return subscriptions with consent to these channels."""
    return {channel: {purpose: {"consent": "SUBSCRIBED"} | more} for channel in channels}


def person(subscriptions: Any = None, **identifiers: Any) -> dict[str, Any]:
    """Return a profile with consent to email, unless other subscriptions are given."""
    attributes = identifiers or {"email": EMAIL}
    consent = consent_to("email") if subscriptions is None else subscriptions
    return {"type": "profile", "attributes": attributes | {"subscriptions": consent}}


def without(tree: dict[str, Any], *path: str) -> dict[str, Any]:
    """Return a copy of a body without the member at the path."""
    copy = deepcopy(tree)
    parent = copy
    for name in path[:-1]:
        parent = parent[name]
    del parent[path[-1]]
    return copy


def with_value(tree: dict[str, Any], *path: str, value: Any) -> dict[str, Any]:
    """Return a copy of a body with a value at the path."""
    copy = deepcopy(tree)
    parent = copy
    for name in path[:-1]:
        parent = parent[name]
    parent[path[-1]] = value
    return copy


def error_of(reply: requests.Response) -> tuple[int, str, str]:
    """Return the status, the code and the pointer (or parameter) of a reply's first error."""
    error = reply.json()["errors"][0]
    source = error["source"]
    return reply.status_code, error["code"], source.get("pointer", source.get("parameter"))


@dataclass
class MovableClock:
    """A clock that only moves when a test says so."""

    now: datetime = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        """Set the clock forward."""
        self.now += timedelta(seconds=seconds)


@dataclass
class RunningSandbox:
    """A running sandbox, and calls to it. A header given as None is omitted."""

    url: str
    account: Account
    clock: MovableClock
    session: requests.Session = field(default_factory=requests.Session)
    app: Flask | None = None
    """The app, if it runs in this process: requests for pages and `/_sandbox/` then skip the
    network.
    """

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send a request."""
        return self.session.request(method, self.url + path, timeout=20, **options)

    def api(self, method: str, path: str, sent: Any = None, **headers: Any) -> requests.Response:
        """Call a path below `/api/` as a server does."""
        key = {"Authorization": f"Klaviyo-API-Key {self.account.private_key}"}
        return self._call(method, f"/api/{path}", sent, key | _with_hyphens(headers))

    def client(
        self, path: str, sent: Any, *, company_id: str | None = None, **headers: Any
    ) -> requests.Response:
        """Call a path below `/client/` as a browser does."""
        path = f"/client/{path}?company_id={company_id or self.account.public_key}"
        return self._call("POST", path, sent, {"Origin": SHOP} | _with_hyphens(headers))

    def _call(self, method: str, path: str, sent: Any, headers: Any) -> requests.Response:
        headers = {"revision": "2026-10-15", "Content-Type": MEDIA_TYPE} | headers
        content = {"data": sent} if sent is None or isinstance(sent, bytes) else {"json": sent}
        return self.request(method, path, headers=headers, **content)

    def server_call(self, sent: Any = None, **headers: Any) -> requests.Response:
        """Sign up as a server does."""
        sent = body() if sent is None else sent
        return self.api("POST", "back-in-stock-subscriptions", sent, **headers)

    def browser_call(self, sent: Any = None, **options: Any) -> requests.Response:
        """Sign up as a browser does."""
        sent = body() if sent is None else sent
        return self.client("back-in-stock-subscriptions", sent, **options)

    def subscribe(self, *people: Any, sent: Any = None, **headers: Any) -> requests.Response:
        """Subscribe people to the account's list, as a server does."""
        sent = self.job(*people) if sent is None else sent
        return self.api("POST", "profile-subscription-bulk-create-jobs", sent, **headers)

    def client_subscribe(
        self, subscriber: Any = None, *, sent: Any = None, **options: Any
    ) -> requests.Response:
        """Subscribe one person, as a browser does."""
        sent = self.client_subscription(subscriber) if sent is None else sent
        return self.client("subscriptions", sent, **options)

    def job(self, *people: Any, **attributes: Any) -> dict[str, Any]:
        """Return the body of a Subscribe Profiles call."""
        profiles = {"data": list(people) or [person()]}
        attributes = {"profiles": profiles, "custom_source": "Back in stock"} | attributes
        return self._with_list("profile-subscription-bulk-create-job", attributes)

    def client_subscription(self, subscriber: Any = None) -> dict[str, Any]:
        """Return the body of a Create Client Subscription call."""
        profile = {"data": person() if subscriber is None else subscriber}
        return self._with_list("subscription", {"profile": profile, "custom_source": "Shop"})

    def _with_list(self, kind: str, attributes: dict[str, Any]) -> dict[str, Any]:
        relationships = {"list": {"data": {"type": "list", "id": self.account.list_id}}}
        return {"data": {"type": kind, "attributes": attributes, "relationships": relationships}}

    def add(self, *variants: str, item: str = "jacket", stock: float = 0, **more: Any) -> None:
        """Add variants to the catalog, and their item unless it exists."""
        if self.api("GET", f"catalog-items/{quote(composite_id(item))}").status_code == 404:
            assert self.api("POST", "catalog-items", item_body(item)).status_code == 201
        for variant in variants:
            sent = variant_body(variant, item, inventory_quantity=stock, **more)
            reply = self.api("POST", "catalog-variants", sent)
            assert reply.status_code == 201, reply.text

    def stock(self, variant: str, quantity: float) -> None:
        """Change a variant's stock."""
        path = f"catalog-variants/{quote(composite_id(variant), safe='')}"
        reply = self.api("PATCH", path, update_body(variant, inventory_quantity=quantity))
        assert reply.status_code == 200, reply.text

    def sign_up(self, *emails: str, variant: str = "jacket-m") -> None:
        """Sign people up for a variant."""
        for email in emails:
            reply = self.server_call(body(email=email, variant=composite_id(variant)))
            assert reply.status_code == 202, reply.text

    def advance(self, seconds: float) -> None:
        """Set the sandbox's own clock forward."""
        self._control("POST", "clock", {"advance": seconds})

    def set(self, name: str, **settings: Any) -> None:
        """Change settings, such as those of `flow` or `list`."""
        self._control("PUT", name, settings)

    def get(self, name: str) -> dict[str, Any]:
        """Return one of the objects: account, clock, flow, list, regions."""
        document: dict[str, Any] = json.loads(self._control("GET", name))
        return document

    def read(self, name: str) -> list[dict[str, Any]]:
        """Return one of the lists: requests, waiting, profiles, messages, catalog, drills."""
        entries: list[dict[str, Any]] = self.get(name)[name]
        return entries

    def drill(self, kind: str, **options: Any) -> None:
        """Add a drill."""
        self._control("POST", "drills", {"kind": kind, **options})

    def reset(self, **options: Any) -> None:
        """Reset the sandbox."""
        self._control("POST", "reset", options)

    def clear_requests(self) -> None:
        """Delete the recorded requests."""
        self._control("DELETE", "requests")

    def page(self, path: str) -> str:
        """Return one of the pages."""
        return self._send("GET", path)

    def _control(self, method: str, name: str, sent: Any = None) -> str:
        return self._send(method, f"/_sandbox/{name}", json=sent)

    def _send(self, method: str, path: str, **options: Any) -> str:
        reply: Any
        if self.app is None:
            reply = self.request(method, path, **options)
        else:
            client = self.app.test_client()
            reply = client.open(path, method=method, base_url=self.url, **options)
        assert reply.status_code in (200, 201), reply.text
        text: str = reply.text
        return text

    def recipients(self) -> list[str]:
        """Return the recipients of the messages that were sent, oldest first."""
        messages = self.read("messages")
        return [message["to"] for message in messages if message["status"] == "sent"]

    def consent(self, channel: str, purpose: str = "marketing") -> dict[str, Any]:
        """Return the only profile's consent to a channel."""
        [profile] = self.read("profiles")
        consent: dict[str, Any] = profile["consent"][channel][purpose]
        return consent

    def notes(self) -> list[str]:
        """Return the notes on the last call."""
        notes: list[str] = self.read("requests")[-1]["notes"]
        return notes


def _with_hyphens(headers: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture(scope="session")
def shared_server() -> Iterator[tuple[Flask, str]]:
    """An app on a free port, and its address, for all tests of the sandbox."""
    app = create_app(make_account())
    with serve(app) as url:
        yield app, url


@pytest.fixture
def sandbox(shared_server: tuple[Flask, str]) -> Iterator[RunningSandbox]:
    """A new sandbox with a new account, served by the shared app."""
    account, clock = make_account(), MovableClock()
    app, url = shared_server
    install(app, Sandbox(account, clock))
    running = RunningSandbox(url, account, clock, app=app)
    running.session.trust_env = False  # no proxy
    with running.session:
        yield running
        running.reset()  # cancels delayed replies
