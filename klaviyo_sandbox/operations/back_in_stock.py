"""Back-in-stock subscriptions, from the server and from the browser."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from ..protocol.contacts import is_composite_id
from ..protocol.errors import Fault, Refusal, Reply, invalid, variant_not_found
from ..protocol.limits import Limit
from ..state.waiting import Waiting
from .identifiers import NEEDS, identifier_faults, identifiers_in
from .operation import PARTIAL_FAILURE, Call, Operation, Side

CHANNELS = "/data/attributes/channels"
PROFILE = "/data/attributes/profile"
IDENTIFIERS = f"{PROFILE}/data/attributes"
VARIANT = "/data/relationships/variant/data"

_WHATSAPP_SINCE = date(2026, 1, 15)


def check(call: Call) -> None:
    """Refuse what the schema lets through and Klaviyo doesn't.

    Raises `Refusal`: 400 with a pointer for each fault, or 404 for an unknown variant.
    """
    faults = [
        *_channel_faults(call),
        *_profile_faults(call),
        *_variant_faults(call.body["data"]["relationships"]["variant"]),
    ]
    if faults:
        raise Refusal(*faults)
    variant = _variant(call)
    with call.sandbox.lock:
        unknown = variant in call.sandbox.unknown or call.sandbox.catalog.lacks(variant)
    if unknown:
        detail = f"The catalog has no variant {variant}."
        raise Refusal(variant_not_found(detail, f"{VARIANT}/id"))


def act(call: Call) -> Reply:
    """Put the profile on the waiting list, unless the flow is a draft.

    A second sign-up changes nothing and reads the same.
    """
    known = _identifiers(call.body["data"]["attributes"])
    email, phone = known.get("email"), known.get("phone_number")
    channels = tuple(call.body["data"]["attributes"]["channels"])
    headers = {}
    if call.partial and phone and email:
        headers[PARTIAL_FAILURE] = "phone_number"
        phone = None
        channels = tuple(channel for channel in channels if NEEDS[channel] != "phone_number")
    sandbox = call.sandbox
    # with no channel left nobody can wait
    if channels:
        with sandbox.lock:
            profile = sandbox.profiles.identify(email, phone)
            entry = Waiting(_variant(call), profile, channels, sandbox.now())
            if not sandbox.flow.takes_people:
                call.notes.append(f"ignored: {sandbox.flow.why_nobody_waits}, so nobody waits")
            elif not sandbox.waiting.add(entry):
                call.notes.append("ignored: the profile waits for this variant already")
    return Reply(202, headers=headers)


def _channel_faults(call: Call) -> Iterator[Fault]:
    attributes = call.body["data"]["attributes"]
    channels = attributes["channels"]
    known = _identifiers(attributes)
    if not channels:
        yield invalid("At least one channel is needed.", CHANNELS)
    for index, channel in enumerate(channels):
        pointer = f"{CHANNELS}/{index}"
        if channel in channels[:index]:
            yield invalid(f"{channel} is repeated.", pointer)
        elif channel == "PUSH":
            yield invalid("The profile has no push token for this account's app.", pointer)
        elif NEEDS[channel] not in known and known:
            need = NEEDS[channel]
            yield invalid(f"{need} is needed for the channel {channel}.", f"{IDENTIFIERS}/{need}")
        if channel == "WHATSAPP" and call.revision and call.revision.day < _WHATSAPP_SINCE:
            yield invalid(f"WHATSAPP needs revision {_WHATSAPP_SINCE} or later.", pointer)


def _profile_faults(call: Call) -> Iterator[Fault]:
    attributes = call.body["data"]["attributes"]
    if attributes.get("profile") is None:
        yield invalid("A profile is needed.", PROFILE)
        return
    with call.sandbox.lock:
        texts_to = call.sandbox.regions if "SMS" in attributes["channels"] else None
        yield from identifier_faults(_profile_attributes(attributes), IDENTIFIERS, texts_to)


def _variant_faults(variant: Mapping[str, Any]) -> Iterator[Fault]:
    if "data" not in variant:
        yield invalid("'data' is a required field.", VARIANT)
    elif not is_composite_id(variant["data"]["id"]):
        detail = "A variant's ID must be integrationType:::catalogId:::externalId."
        yield invalid(detail, f"{VARIANT}/id")


def _identifiers(attributes: Mapping[str, Any]) -> dict[str, str]:
    return identifiers_in(_profile_attributes(attributes))


def _profile_attributes(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    return ((attributes.get("profile") or {}).get("data") or {}).get("attributes") or {}


def _variant(call: Call) -> str:
    return str(call.body["data"]["relationships"]["variant"]["data"]["id"])


def _operation(side: Side) -> Operation:
    return Operation(
        side=side,
        method="POST",
        path=f"/{side}/back-in-stock-subscriptions",
        title="Create Back in Stock Subscription",
        limit=Limit(burst=350, steady=3500),
        check=check,
        act=act,
    )


OPERATIONS = (_operation(Side.SERVER), _operation(Side.BROWSER))
