"""A sign-up, and the calls to Klaviyo that it makes. The one payload builder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from .variants import CompositeID

MAX_VARIANTS = 10
"""Variants one sign-up may name: each costs one call, inside one deadline."""

Endpoint = Literal["api", "client"]
"""Klaviyo's two sides: `/api` with the private key, `/client` with the public one."""


class Channel(StrEnum):
    """Klaviyo's `channels` of a back-in-stock subscription that a web shop can offer."""

    EMAIL = "EMAIL"


class Operation(StrEnum):
    """Klaviyo's operations that a sign-up uses, under their names in the API reference."""

    BACK_IN_STOCK = "create_back_in_stock_subscription"

    def path(self, endpoint: Endpoint) -> str:
        """The operation's path on Klaviyo's host, such as `/api/back-in-stock-subscriptions`."""
        return f"/{endpoint}/{_RESOURCES[self]}"


_RESOURCES = {Operation.BACK_IN_STOCK: "back-in-stock-subscriptions"}


@dataclass(frozen=True, slots=True)
class SignUp:
    """What a shopper asked for, validated: made by `SignUpForm.to_sign_up()` alone."""

    variants: tuple[CompositeID, ...]
    channels: tuple[Channel, ...]
    email: str | None = None
    """As email-validator normalized it."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call to Klaviyo: which operation, its JSON:API body, and the variant it is about."""

    operation: Operation
    body: Mapping[str, Any]
    variant: CompositeID | None


def calls(sign_up: SignUp, endpoint: Endpoint) -> tuple[Call, ...]:
    """The calls that carry `sign_up` to Klaviyo, in the order in which they go.

    Both endpoints take the same back-in-stock body: Create Back In Stock Subscription and
    Create Client Back In Stock Subscription, revision 2026-07-15.
    """
    return tuple(_back_in_stock(sign_up, variant) for variant in sign_up.variants)


def _back_in_stock(sign_up: SignUp, variant: CompositeID) -> Call:
    body = {
        "data": {
            "type": "back-in-stock-subscription",
            "attributes": {
                "channels": [channel.value for channel in sign_up.channels],
                "profile": {"data": {"type": "profile", "attributes": _identifiers(sign_up)}},
            },
            "relationships": {
                "variant": {"data": {"type": "catalog-variant", "id": str(variant)}},
            },
        }
    }
    return Call(Operation.BACK_IN_STOCK, body, variant)


def _identifiers(sign_up: SignUp) -> dict[str, str]:
    """Only what the chosen channels need: `external_id` alone would make a second profile."""
    identifiers = {}
    if Channel.EMAIL in sign_up.channels and sign_up.email:
        identifiers["email"] = sign_up.email
    return identifiers
