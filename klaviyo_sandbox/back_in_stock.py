"""Back-in-stock subscriptions, from the server and from the browser."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from .contacts import is_composite_id, is_email, is_phone
from .errors import Fault, Refusal, Reply, invalid, variant_not_found
from .limits import Limit
from .operations import Call, Operation, Side
from .waiting import Waiting

CHANNELS = "/data/attributes/channels"
PROFILE = "/data/attributes/profile"
IDENTIFIERS = f"{PROFILE}/data/attributes"
VARIANT = "/data/relationships/variant/data"

_NEEDS = {"EMAIL": "email", "SMS": "phone_number", "WHATSAPP": "phone_number"}
_WHATSAPP_SINCE = date(2026, 1, 15)


def check(call: Call) -> None:
    """Refuse what the schema lets through and Klaviyo doesn't.

    Raises `Refusal`: 400 with a pointer for each fault, or 404 for an unknown variant.
    """
    faults = [
        *_channel_faults(call),
        *_profile_faults(call.body["data"]["attributes"]),
        *_variant_faults(call.body["data"]["relationships"]["variant"]),
    ]
    if faults:
        raise Refusal(*faults)
    variant = _variant(call)
    with call.sandbox.lock:
        unknown = variant in call.sandbox.unknown
    if unknown:
        detail = f"The catalog has no variant {variant}."
        raise Refusal(variant_not_found(detail, f"{VARIANT}/id"))


def act(call: Call) -> Reply:
    """Put the profile on the waiting list. A second sign-up changes nothing and reads the same."""
    known = _identifiers(call.body["data"]["attributes"])
    email, phone = known.get("email"), known.get("phone_number")
    channels = tuple(call.body["data"]["attributes"]["channels"])
    headers = {}
    if call.partial and phone and email:
        headers["X-Klaviyo-Partial-Failure"] = "phone_number"
        phone = None
        channels = tuple(channel for channel in channels if _NEEDS[channel] != "phone_number")
    sandbox = call.sandbox
    # with no channel left nobody can wait
    if channels:
        with sandbox.lock:
            profile = sandbox.profiles.identify(email, phone)
            entry = Waiting(_variant(call), profile, channels, sandbox.now())
            sandbox.waiting.add(entry)
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
        elif _NEEDS[channel] not in known and known:
            need = _NEEDS[channel]
            yield invalid(f"{need} is needed for the channel {channel}.", f"{IDENTIFIERS}/{need}")
        if channel == "WHATSAPP" and call.revision and call.revision.day < _WHATSAPP_SINCE:
            yield invalid(f"WHATSAPP needs revision {_WHATSAPP_SINCE} or later.", pointer)


def _profile_faults(attributes: Mapping[str, Any]) -> Iterator[Fault]:
    if attributes.get("profile") is None:
        yield invalid("A profile is needed.", PROFILE)
        return
    known = _identifiers(attributes)
    if not known:
        yield invalid("One of email and phone_number is needed.", IDENTIFIERS)
    if "email" in known and not is_email(known["email"]):
        yield invalid("The email address is not valid.", f"{IDENTIFIERS}/email")
    if "phone_number" in known and not is_phone(known["phone_number"]):
        detail = "The phone number is not valid. It must be in E.164, such as +12025550143."
        yield invalid(detail, f"{IDENTIFIERS}/phone_number")


def _variant_faults(variant: Mapping[str, Any]) -> Iterator[Fault]:
    if "data" not in variant:
        yield invalid("'data' is a required field.", VARIANT)
    elif not is_composite_id(variant["data"]["id"]):
        detail = "A variant's ID must be integrationType:::catalogId:::externalId."
        yield invalid(detail, f"{VARIANT}/id")


def _identifiers(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Return the email address and the phone number that were given; null counts as not given."""
    given = ((attributes.get("profile") or {}).get("data") or {}).get("attributes") or {}
    return {name: given[name] for name in ("email", "phone_number") if given.get(name) is not None}


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
