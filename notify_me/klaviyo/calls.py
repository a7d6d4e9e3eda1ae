"""A sign-up, and the calls to Klaviyo that it makes. The one payload builder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from ..channels import Channel
from ..variants import CompositeID

MAX_VARIANTS = 10
"""Variants one sign-up may name: each costs one call, inside one deadline."""

Endpoint = Literal["api", "client"]
"""Klaviyo's two sides: `/api` with the private key, `/client` with the public one."""


class Operation(StrEnum):
    """Klaviyo's operations that are queued, under their names in the API reference."""

    BACK_IN_STOCK = "create_back_in_stock_subscription"
    SUBSCRIBE = "bulk_subscribe_profiles"
    """Subscribe Profiles; from the browser its counterpart, Create Client Subscription."""
    UPDATE_VARIANT = "update_catalog_variant"
    """Update Catalog Variant, which tells of a changed stock. No part of a sign-up."""

    def path(self, endpoint: Endpoint) -> str:
        """The path on Klaviyo's host of a sign-up's operation, such as
        `/api/back-in-stock-subscriptions`.
        """
        return f"/{endpoint}/{_RESOURCES[self, endpoint]}"


_RESOURCES: Mapping[tuple[Operation, Endpoint], str] = {
    (Operation.BACK_IN_STOCK, "api"): "back-in-stock-subscriptions",
    (Operation.BACK_IN_STOCK, "client"): "back-in-stock-subscriptions",
    (Operation.SUBSCRIBE, "api"): "profile-subscription-bulk-create-jobs",
    (Operation.SUBSCRIBE, "client"): "subscriptions",
}


@dataclass(frozen=True, slots=True)
class Statement:
    """What a shopper agreed to for one channel, in the words that stood beside the box."""

    channel: Channel
    text: str
    version: str
    """Names the text: the same text, the same version."""
    locale: str
    """The language it was shown in, such as `en`."""


@dataclass(frozen=True, slots=True)
class Consent:
    """Consent to marketing, as one sign-up gives it; Klaviyo keeps no text, so the log does."""

    statements: tuple[Statement, ...]
    """One for each channel consented to, and none else."""
    list_id: str
    custom_source: str


@dataclass(frozen=True, slots=True)
class SignUp:
    """What a shopper asked for, validated: made by `SignUpForm.to_sign_up()` alone."""

    variants: tuple[CompositeID, ...]
    channels: tuple[Channel, ...]
    email: str | None = None
    """As email-validator normalized it; None without a channel that needs it."""
    phone_number: str | None = None
    """In E.164, such as `+12025550143`; None without a channel that needs it."""
    consent: Consent | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One call to Klaviyo: which operation, its JSON:API body, and the variant it is about."""

    operation: Operation
    body: Mapping[str, Any]
    variant: CompositeID | None = None
    """None for the consent call, which is about no variant."""

    @property
    def after_any(self) -> bool:
        """Whether it goes only once another call of the sign-up was accepted."""
        return self.operation is Operation.SUBSCRIBE


def build_calls(sign_up: SignUp, endpoint: Endpoint) -> tuple[Call, ...]:
    """The calls that carry `sign_up` to Klaviyo, in the order in which they go.

    One back-in-stock subscription a variant (Create Back In Stock Subscription, or its client
    counterpart, with the same body), then at most one call for consent (Subscribe Profiles, or
    Create Client Subscription). Revision 2026-07-15.
    """
    made = tuple(_back_in_stock(sign_up, variant) for variant in sign_up.variants)
    if sign_up.consent is None:
        return made
    body = {"api": _subscribe_profiles, "client": _client_subscription}[endpoint]
    return (*made, Call(Operation.SUBSCRIBE, {"data": body(sign_up, sign_up.consent)}))


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
            "profiles": {"data": [_subscribed(sign_up, consent)]},
        },
        "relationships": _to_list(consent),
    }


def _client_subscription(sign_up: SignUp, consent: Consent) -> dict[str, Any]:
    return {
        "type": "subscription",
        "attributes": {
            "custom_source": consent.custom_source,
            "profile": {"data": _subscribed(sign_up, consent)},
        },
        "relationships": _to_list(consent),
    }


def _to_list(consent: Consent) -> dict[str, Any]:
    return {"list": {"data": {"type": "list", "id": consent.list_id}}}


def _subscribed(sign_up: SignUp, consent: Consent) -> dict[str, Any]:
    """The profile with `subscriptions`, which is never left out: at the client endpoint that
    would mean consent for every identifier given.
    """
    channels = [statement.channel for statement in consent.statements]
    return _profile(
        sign_up,
        channels,
        subscriptions={
            channel.lower(): {"marketing": {"consent": "SUBSCRIBED"}} for channel in channels
        },
    )


def _profile(sign_up: SignUp, channels: Sequence[Channel], **more: Any) -> dict[str, Any]:
    """Only what the channels need: `external_id` alone would make a second profile."""
    names = [channel.info.identifier for channel in channels]
    identifiers = {name: getattr(sign_up, name) for name in names}
    return {"type": "profile", "attributes": {**identifiers, **more}}
