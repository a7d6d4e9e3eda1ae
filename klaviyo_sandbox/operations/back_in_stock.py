"""Back-in-stock subscriptions, from a server or a browser.

https://developers.klaviyo.com/en/reference/create_back_in_stock_subscription
https://developers.klaviyo.com/en/reference/create_client_back_in_stock_subscription
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from ..protocol.contacts import is_composite_id
from ..protocol.errors import ApiError, Refusal, Reply, invalid, variant_not_found
from ..protocol.limits import Limit
from ..state.profiles import WaitingListEntry
from .identifiers import IDENTIFIER_OF, identifier_errors, identifiers_in
from .operation import PARTIAL_FAILURE, Call, Operation

_CHANNELS = "/data/attributes/channels"
_PROFILE = "/data/attributes/profile"
_IDENTIFIERS = f"{_PROFILE}/data/attributes"
_VARIANT = "/data/relationships/variant/data"
_WHATSAPP_SINCE = date(2026, 1, 15)


def _check(call: Call) -> None:
    data = call.body["data"]
    errors = [*_channel_errors(call), *_profile_errors(call)]
    variant = data["relationships"]["variant"].get("data")
    if variant is None:
        errors.append(invalid("'data' is a required field.", _VARIANT))
    elif not is_composite_id(variant["id"]):
        detail = "A variant's ID must be integrationType:::catalogId:::externalId."
        errors.append(invalid(detail, f"{_VARIANT}/id"))
    if errors:
        raise Refusal(*errors)
    sandbox = call.sandbox
    with sandbox.lock:
        unknown = variant["id"] in sandbox.unknown or sandbox.catalog.is_missing(variant["id"])
    if unknown:
        detail = f"The catalog has no variant {variant['id']}."
        raise Refusal(variant_not_found(detail, f"{_VARIANT}/id"))


def _channel_errors(call: Call) -> Iterator[ApiError]:
    channels = call.body["data"]["attributes"]["channels"]
    identifiers = identifiers_in(_profile_attributes(call))
    if not channels:
        yield invalid("At least one channel is required.", _CHANNELS)
    for index, channel in enumerate(channels):
        pointer = f"{_CHANNELS}/{index}"
        if channel in channels[:index]:
            yield invalid(f"{channel} is repeated.", pointer)
        elif channel == "PUSH":
            yield invalid("The profile has no push token for this account's app.", pointer)
        elif identifiers and (needed := IDENTIFIER_OF[channel]) not in identifiers:
            detail = f"The {channel} channel requires {needed}."
            yield invalid(detail, f"{_IDENTIFIERS}/{needed}")
        if channel == "WHATSAPP" and call.revision and call.revision.day < _WHATSAPP_SINCE:
            yield invalid(f"WHATSAPP needs revision {_WHATSAPP_SINCE} or later.", pointer)


def _profile_errors(call: Call) -> Iterator[ApiError]:
    attributes = call.body["data"]["attributes"]
    if attributes.get("profile") is None:
        yield invalid("A profile is required.", _PROFILE)
        return
    with call.sandbox.lock:
        sms_settings = call.sandbox.settings if "SMS" in attributes["channels"] else None
        yield from identifier_errors(_profile_attributes(call), _IDENTIFIERS, sms_settings)


def _profile_attributes(call: Call) -> Mapping[str, Any]:
    profile = call.body["data"]["attributes"].get("profile") or {}
    attributes: Mapping[str, Any] = profile.get("data", {}).get("attributes", {})
    return attributes


def _create(call: Call) -> Reply:
    """Add the profile to the waiting list, or note why not. The reply is the same either way."""
    data = call.body["data"]
    identifiers = identifiers_in(_profile_attributes(call))
    email, phone_number = identifiers.get("email"), identifiers.get("phone_number")
    channels = tuple(data["attributes"]["channels"])
    headers = {}
    if call.drops_phone and phone_number and email:
        headers[PARTIAL_FAILURE] = "phone_number"
        phone_number = None
        channels = tuple(channel for channel in channels if IDENTIFIER_OF[channel] == "email")
    sandbox = call.sandbox
    if channels:
        with sandbox.lock:
            profile = sandbox.profiles.identify(email, phone_number)
            variant = data["relationships"]["variant"]["data"]["id"]
            waiting = WaitingListEntry(variant, profile, channels, sandbox.now())
            if not sandbox.flow.is_active:
                call.notes.append(f"ignored: {sandbox.flow.inactive_reason}")
            elif waiting.key in sandbox.waiting:
                call.notes.append("ignored: the profile is already on the waiting list")
            else:
                sandbox.waiting.put(waiting.key, waiting)
    return Reply(202, headers=headers)


OPERATIONS = tuple(
    Operation("POST", path, Limit(burst=350, steady=3500), _create, _check)
    for path in ("/api/back-in-stock-subscriptions", "/client/back-in-stock-subscriptions")
)
