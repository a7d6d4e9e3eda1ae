"""A validated sign-up, and the calls to Klaviyo built from it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Literal

from ..channels import Channel
from ..variants import CompositeID

MAX_VARIANTS = 10
"""The maximum number of variants in one sign-up. Each needs a call, and all calls of a sign-up
share a deadline.
"""

Endpoint = Literal["api", "client"]
"""Klaviyo's two APIs: `/api` for servers (private key), `/client` for browsers (public key)."""


class Operation(StrEnum):
    """The operations of Klaviyo's API that can be queued, named as in Klaviyo's SDKs."""

    BACK_IN_STOCK = "create_back_in_stock_subscription"
    SUBSCRIBE = "bulk_subscribe_profiles"
    """Subscribe Profiles; in the browser, Create Client Subscription."""
    UPDATE_VARIANT = "update_catalog_variant"
    """Update Catalog Variant, for a changed stock quantity. Not part of a sign-up."""

    def path(self, endpoint: Endpoint) -> str:
        """Return a sign-up operation's URL path, such as `/api/back-in-stock-subscriptions`."""
        return f"/{endpoint}/{_RESOURCES[self, endpoint]}"


_RESOURCES: Mapping[tuple[Operation, Endpoint], str] = {
    (Operation.BACK_IN_STOCK, "api"): "back-in-stock-subscriptions",
    (Operation.BACK_IN_STOCK, "client"): "back-in-stock-subscriptions",
    (Operation.SUBSCRIBE, "api"): "profile-subscription-bulk-create-jobs",
    (Operation.SUBSCRIBE, "client"): "subscriptions",
}


@dataclass(frozen=True, slots=True)
class Statement:
    """The text that a shopper agreed to for one channel, as shown in the form."""

    channel: Channel
    text: str
    version: str
    """Identifies the text: the same text always has the same version."""
    locale: str
    """The language it was shown in, such as `en`."""


@dataclass(frozen=True, slots=True)
class Consent:
    """Marketing consent given with a sign-up. Klaviyo doesn't store its text; the log does."""

    statements: tuple[Statement, ...]
    """One for each channel consented to."""
    list_id: str
    custom_source: str


@dataclass(frozen=True, slots=True)
class SignUp:
    """A valid sign-up with normalized contacts, from the form or from an import."""

    variants: tuple[CompositeID, ...]
    channels: tuple[Channel, ...]
    email: str | None = None
    """Normalized by email-validator; None if no channel needs it."""
    phone_number: str | None = None
    """In E.164 format, such as `+12025550143`; None if no channel needs it."""
    consent: Consent | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One call to Klaviyo: the operation, its JSON:API body, and its variant."""

    operation: Operation
    body: Mapping[str, Any]
    variant: CompositeID | None = None
    """None for the consent call."""

    @property
    def after_any(self) -> bool:
        """Whether this call is sent only after another call of the sign-up was accepted. This
        applies while the shopper waits. Once the call is queued, a worker sends it regardless.
        """
        return self.operation is Operation.SUBSCRIBE

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The channels in the body of a sign-up's call; none if the body is empty, as in the test
        calls of `flask notify-me check`.
        """
        if not self.body:
            return ()
        attributes = self.body["data"]["attributes"]
        if self.operation is Operation.BACK_IN_STOCK:
            return tuple(map(Channel, attributes["channels"]))
        return tuple(Channel(name.upper()) for name in _profile_in(attributes)["subscriptions"])

    def without(self, channels: Collection[Channel]) -> Call | None:
        """Return the call without these channels, and without contacts that no other channel needs;
        None if no channel is left.
        """
        remaining = [channel for channel in self.channels if channel not in channels]
        if len(remaining) == len(self.channels):
            return self
        if not remaining:
            return None
        body = deepcopy({**self.body})
        attributes = body["data"]["attributes"]
        profile = _profile_in(attributes)
        for identifier in {channel.info.identifier for channel in channels}:
            if all(channel.info.identifier != identifier for channel in remaining):
                profile.pop(identifier, None)
        if self.operation is Operation.BACK_IN_STOCK:
            attributes["channels"] = [channel.value for channel in remaining]
        else:
            profile["subscriptions"] = {
                name: consent
                for name, consent in profile["subscriptions"].items()
                if name.upper() in remaining
            }
        return replace(self, body=body)


def _profile_in(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of the profile in a call's body."""
    if "profiles" in attributes:
        [data] = attributes["profiles"]["data"]
    else:
        data = attributes["profile"]["data"]
    profile: dict[str, Any] = data["attributes"]
    return profile


def build_calls(sign_up: SignUp, endpoint: Endpoint) -> tuple[Call, ...]:
    """Return the calls of a sign-up in the order in which they are sent.

    There is one call for each variant (Create Back In Stock Subscription, or Create Client Back In
    Stock Subscription, which has the same body). If the shopper gave consent, another call follows
    (Subscribe Profiles, or Create Client Subscription).
    """
    calls = [_back_in_stock(sign_up, variant) for variant in sign_up.variants]
    if sign_up.consent is not None:
        build_data = _subscribe_profiles if endpoint == "api" else _client_subscription
        data = build_data(sign_up, sign_up.consent)
        calls.append(Call(Operation.SUBSCRIBE, {"data": data}))
    return tuple(calls)


def _back_in_stock(sign_up: SignUp, variant: CompositeID) -> Call:
    body = {
        "data": {
            "type": "back-in-stock-subscription",
            "attributes": {
                "channels": [channel.value for channel in sign_up.channels],
                "profile": {"data": _profile(sign_up, sign_up.channels)},
            },
            "relationships": {
                "variant": {"data": {"type": "catalog-variant", "id": str(variant)}},
            },
        }
    }
    return Call(Operation.BACK_IN_STOCK, body, variant)


def _subscribe_profiles(sign_up: SignUp, consent: Consent) -> dict[str, Any]:
    return {
        "type": "profile-subscription-bulk-create-job",
        "attributes": {
            "custom_source": consent.custom_source,
            "profiles": {"data": [_consenting_profile(sign_up, consent)]},
        },
        "relationships": _list_relationship(consent),
    }


def _client_subscription(sign_up: SignUp, consent: Consent) -> dict[str, Any]:
    return {
        "type": "subscription",
        "attributes": {
            "custom_source": consent.custom_source,
            "profile": {"data": _consenting_profile(sign_up, consent)},
        },
        "relationships": _list_relationship(consent),
    }


def _list_relationship(consent: Consent) -> dict[str, Any]:
    return {"list": {"data": {"type": "list", "id": consent.list_id}}}


def _consenting_profile(sign_up: SignUp, consent: Consent) -> dict[str, Any]:
    """Return a profile with `subscriptions`: without them, the client endpoint would subscribe
    every identifier.
    """
    channels = [statement.channel for statement in consent.statements]
    return _profile(
        sign_up,
        channels,
        subscriptions={
            channel.lower(): {"marketing": {"consent": "SUBSCRIBED"}} for channel in channels
        },
    )


def _profile(sign_up: SignUp, channels: Sequence[Channel], **attributes: Any) -> dict[str, Any]:
    """Return a profile with only the identifiers that the channels need."""
    names = [channel.info.identifier for channel in channels]
    identifiers = {name: getattr(sign_up, name) for name in names}
    return {"type": "profile", "attributes": {**identifiers, **attributes}}
