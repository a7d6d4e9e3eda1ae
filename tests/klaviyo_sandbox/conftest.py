"""A sandbox on a real port for each test, with a clock that the test moves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
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
PHONE = "+12025550143"
MAGIC = "+15005550006"
"""Twilio's number for tests."""


def body(
    *, channels: Any = ("EMAIL",), variant: str = VARIANT, **identifiers: Any
) -> dict[str, Any]:
    """Return a sign-up's body, for EMAIL's own address unless identifiers are given."""
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


def composite(external_id: str) -> str:
    """Return the ID of something in the custom catalog."""
    return f"$custom:::$default:::{external_id}"


def item_body(external_id: str = "jacket", **more: Any) -> dict[str, Any]:
    """Return the body that creates an item."""
    attributes = {
        "external_id": external_id,
        "title": external_id.title(),
        "description": "It keeps the rain out.",
        "url": f"{SHOP}/products/{external_id}",
    }
    return {"data": {"type": "catalog-item", "attributes": attributes | more}}


def variant_body(
    external_id: str = "jacket-m", item: str = "jacket", **more: Any
) -> dict[str, Any]:
    """Return the body that creates a variant."""
    attributes = {
        "external_id": external_id,
        "title": external_id.upper(),
        "description": "It keeps the rain out.",
        "sku": external_id,
        "inventory_quantity": 0,
        "price": 120.5,
        "url": f"{SHOP}/products/{item}?variant={external_id}",
    }
    related = {"item": {"data": {"type": "catalog-item", "id": composite(item)}}}
    return {
        "data": {
            "type": "catalog-variant",
            "attributes": attributes | more,
            "relationships": related,
        }
    }


def update_body(external_id: str, kind: str = "catalog-variant", **more: Any) -> dict[str, Any]:
    """Return the body that changes a variant or an item."""
    return {"data": {"type": kind, "id": composite(external_id), "attributes": more}}


def job_body(kind: str, things: str, *bodies: dict[str, Any]) -> dict[str, Any]:
    """Return the body of a bulk job, from the bodies of its calls one by one."""
    noun = "catalog-item" if things == "items" else "catalog-variant"
    listed = {"data": [each["data"] for each in bodies]}
    return {"data": {"type": f"{noun}-bulk-{kind}-job", "attributes": {things: listed}}}


def consent_to(*channels: str, purpose: str = "marketing", **more: Any) -> dict[str, Any]:
    """Return the subscriptions that give consent to these channels."""
    return {channel: {purpose: {"consent": "SUBSCRIBED"} | more} for channel in channels}


def person(subscriptions: Any = None, **identifiers: Any) -> dict[str, Any]:
    """Return a profile that consents to email, unless anything else is given."""
    attributes = identifiers or {"email": EMAIL}
    consent = consent_to("email") if subscriptions is None else subscriptions
    return {"type": "profile", "attributes": attributes | {"subscriptions": consent}}


@dataclass
class MovableClock:
    """A clock that stands still until a test moves it."""

    now: datetime = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        """Go on by so many seconds."""
        self.now += timedelta(seconds=seconds)


@dataclass
class Running:
    """A sandbox that runs: its address, its account, its clock, and ways to call it."""

    url: str
    account: Account
    clock: MovableClock
    session: requests.Session = field(default_factory=requests.Session)

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send any request."""
        return self.session.request(method, self.url + path, timeout=20, **options)

    def server_call(self, sent: Any = None, **headers: Any) -> requests.Response:
        """Sign up as a server does; a header given as None is left out."""
        usual = {"Authorization": f"Klaviyo-API-Key {self.account.private_key}"}
        return self._post(SERVER_PATH, sent, usual | self._headers() | _spelt(headers))

    def browser_call(
        self, sent: Any = None, *, company_id: str | None = None, **headers: Any
    ) -> requests.Response:
        """Sign up as a browser does."""
        company = company_id or self.account.public_key
        path = f"{BROWSER_PATH}?company_id={company}"
        return self._post(path, sent, {"Origin": SHOP} | self._headers() | _spelt(headers))

    def subscribe(self, *people: Any, sent: Any = None, **headers: Any) -> requests.Response:
        """Subscribe people as a server does, to the account's list."""
        usual = {"Authorization": f"Klaviyo-API-Key {self.account.private_key}"}
        sent = self.job(*people) if sent is None else sent
        return self._post(SUBSCRIBE_PATH, sent, usual | self._headers() | _spelt(headers))

    def client_subscribe(
        self, one: Any = None, *, sent: Any = None, company_id: str | None = None
    ) -> requests.Response:
        """Subscribe one person as a browser does."""
        path = f"{CLIENT_SUBSCRIBE_PATH}?company_id={company_id or self.account.public_key}"
        sent = self.client_subscription(one) if sent is None else sent
        return self._post(path, sent, {"Origin": SHOP} | self._headers())

    def job(self, *people: Any, **more: Any) -> dict[str, Any]:
        """Return the body of a Subscribe Profiles."""
        profiles = {"data": list(people) or [person()]}
        attributes = {"profiles": profiles, "custom_source": "Back in stock"} | more
        return self._with_list("profile-subscription-bulk-create-job", attributes)

    def client_subscription(self, one: Any = None) -> dict[str, Any]:
        """Return the body of a Create Client Subscription."""
        profile = {"data": person() if one is None else one}
        return self._with_list("subscription", {"profile": profile, "custom_source": "Shop"})

    def api(self, method: str, path: str, sent: Any = None, **headers: Any) -> requests.Response:
        """Call the API as a server does."""
        usual = {"Authorization": f"Klaviyo-API-Key {self.account.private_key}"}
        sent_headers = usual | self._headers() | _spelt(headers)
        given = {} if sent is None else {"json": sent}
        return self.ask(method, f"/api/{path}", headers=sent_headers, **given)

    def add(self, *variants: str, item: str = "jacket", stock: float = 0, **more: Any) -> None:
        """Add variants to the catalog, of an item that is added as needed."""
        if self.api("GET", f"catalog-items/{quote(composite(item))}").status_code == 404:
            assert self.api("POST", "catalog-items", item_body(item)).status_code == 201
        for variant in variants:
            sent = variant_body(variant, item, inventory_quantity=stock, **more)
            reply = self.api("POST", "catalog-variants", sent)
            assert reply.status_code == 201, reply.text

    def stock(self, variant: str, quantity: float) -> None:
        """Change a variant's stock."""
        path = f"catalog-variants/{quote(composite(variant), safe='')}"
        reply = self.api("PATCH", path, update_body(variant, inventory_quantity=quantity))
        assert reply.status_code == 200, reply.text

    def advance(self, seconds: float) -> None:
        """Move the sandbox's own clock on."""
        reply = self.ask("POST", "/_sandbox/clock", json={"advance": seconds})
        assert reply.status_code == 200, reply.text

    def sign_up(self, *emails: str, variant: str = "jacket-m") -> None:
        """Let people wait for a variant."""
        for email in emails:
            reply = self.server_call(body(email=email, variant=composite(variant)))
            assert reply.status_code == 202, reply.text

    def told(self) -> list[str]:
        """Return whom a message was sent to, oldest first."""
        return [each["to"] for each in self.read("messages") if each["status"] == "sent"]

    def set(self, name: str, **wanted: Any) -> None:
        """Put one of the account's settings: list, regions."""
        reply = self.ask("PUT", f"/_sandbox/{name}", json=wanted)
        assert reply.status_code == 200, reply.text

    def consent(self, channel: str, purpose: str = "marketing") -> dict[str, Any]:
        """Return the only profile's consent to a channel."""
        [profile] = self.read("profiles")
        found: dict[str, Any] = profile["consent"][channel][purpose]
        return found

    def notes(self) -> list[str]:
        """Return what the last call's entry tells beside its reply."""
        notes: list[str] = self.read("requests")[-1]["notes"]
        return notes

    def drill(self, kind: str, **options: Any) -> None:
        """Set a drill."""
        reply = self.ask("POST", "/_sandbox/drills", json={"kind": kind, **options})
        assert reply.status_code == 201, reply.text

    def read(self, name: str) -> list[dict[str, Any]]:
        """Return one of the control lists: requests, waiting, profiles, drills."""
        listed: list[dict[str, Any]] = self.ask("GET", f"/_sandbox/{name}").json()[name]
        return listed

    def _with_list(self, kind: str, attributes: dict[str, Any]) -> dict[str, Any]:
        relationships = {"list": {"data": {"type": "list", "id": self.account.list_id}}}
        return {"data": {"type": kind, "attributes": attributes, "relationships": relationships}}

    def _headers(self) -> dict[str, Any]:
        return {"revision": "2026-07-15", "Content-Type": MEDIA_TYPE}

    def _post(self, path: str, sent: Any, headers: dict[str, Any]) -> requests.Response:
        given = {"json": body() if sent is None else sent}
        if isinstance(sent, bytes):
            given = {"data": sent}
        return self.ask("POST", path, headers=headers, **given)


def _spelt(headers: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def without(tree: dict[str, Any], *path: str) -> dict[str, Any]:
    """Return a copy of a body without the thing at the path."""
    copy = deepcopy(tree)
    parent = copy
    for name in path[:-1]:
        parent = parent[name]
    del parent[path[-1]]
    return copy


def having(tree: dict[str, Any], *path: str, value: Any) -> dict[str, Any]:
    """Return a copy of a body with a value put at the path."""
    copy = deepcopy(tree)
    parent = copy
    for name in path[:-1]:
        parent = parent[name]
    parent[path[-1]] = value
    return copy


def eventually(found: Callable[[], Any]) -> Any:
    """Return the first true value, within a deadline."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if value := found():
            return value
        threading.Event().wait(0.01)
    raise AssertionError("it never came")


@pytest.fixture(scope="session")
def shared_server() -> Iterator[tuple[Flask, str]]:
    """An app on a free port of 127.0.0.1, and its address, for all tests of this room."""
    app = create_app(make_account())
    with serve(app) as url:
        yield app, url


@pytest.fixture
def sandbox(shared_server: tuple[Flask, str]) -> Iterator[Running]:
    """A sandbox that nobody has used yet, with an account of its own, on the address of all."""
    account, clock = make_account(), MovableClock()
    app, url = shared_server
    install(app, Sandbox(account, clock))
    running = Running(url, account, clock)
    running.session.trust_env = False  # no proxy between a test and its own machine
    with running.session:
        yield running
        # ends what a test left dripping or waiting
        running.ask("POST", "/_sandbox/reset")
