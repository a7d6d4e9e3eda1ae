"""Get Profiles: the known contacts and, with `additional-fields`, their consent.

https://developers.klaviyo.com/en/reference/get_profiles
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..protocol.errors import Reply
from ..protocol.filters import Allowed
from ..protocol.limits import Limit
from ..state.profiles import Profile
from ..state.subscriptions import MARKETING, PURPOSES, Consent, Status
from .operation import Call, Operation
from .replies import format_time, listing, resource

_EQUALITY = ("any", "equals")
_COMPARISONS = ("greater-than", "less-than")
_FILTERS: Allowed = {
    "id": _EQUALITY,
    "email": _EQUALITY,
    "phone_number": _EQUALITY,
    "created": _COMPARISONS,
    "updated": _COMPARISONS,
}
_ALWAYS_NULL = (
    "external_id",
    "first_name",
    "last_name",
    "organization",
    "locale",
    "title",
    "image",
    "last_event_date",
)
"""Attributes that the sandbox doesn't store."""


def _get_profiles(call: Call) -> Reply:
    with call.sandbox.lock:
        return listing(
            call,
            call.sandbox.profiles.rows.values(),
            partial(_show, call),
            allowed=_FILTERS,
            fields=_fields,
            included=lambda _: [],  # no profile has conversations or push tokens
        )


def _fields(profile: Profile) -> Mapping[str, Any]:
    return {
        "id": _profile_id(profile),
        "email": profile.email,
        "phone_number": profile.phone_number,
        "created": profile.created,
        "updated": profile.updated,
    }


def _profile_id(profile: Profile) -> str:
    return f"01SANDBOX{profile.number:017}"  # as long as Klaviyo's IDs


def _show(call: Call, profile: Profile) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "email": profile.email,
        "phone_number": profile.phone_number,
        **dict.fromkeys(_ALWAYS_NULL),
        "created": format_time(profile.created),
        "updated": format_time(profile.updated),
        "location": {},
        "properties": {},
    }
    additional_fields = call.request.args.get("additional-fields[profile]", "").split(",")
    if "subscriptions" in additional_fields:
        subscriptions = call.sandbox.subscriptions
        attributes["subscriptions"] = {
            channel.lower(): {
                purpose: _show_consent(
                    subscriptions.consent(profile, channel, purpose), channel, purpose
                )
                for purpose in purposes
            }
            for channel, purposes in PURPOSES.items()
        }
    if "predictive_analytics" in additional_fields:
        attributes["predictive_analytics"] = None
    relationships = dict.fromkeys(("lists", "segments", "push-tokens", "conversations"))
    return resource(call, "profile", _profile_id(profile), attributes, relationships)


def _show_consent(consent: Consent, channel: str, purpose: str) -> dict[str, Any]:
    """Return one consent in Klaviyo's format, which differs between channels."""
    subscribed = consent.status is Status.SUBSCRIBED
    # Emails can also be sent to people who have never subscribed.
    can_receive = subscribed or (channel == "EMAIL" and consent.status is Status.NEVER)
    since = format_time(consent.since) if consent.since else None
    shown: dict[str, Any] = {
        "consent": "SUBSCRIBED" if subscribed else "NEVER_SUBSCRIBED",
        "consent_timestamp": since if subscribed else None,
        "last_updated": since,
    }
    if channel == "WHATSAPP":
        return {"can_receive": can_receive, **shown}
    shown[f"can_receive_{channel.lower()}_{purpose}"] = can_receive
    shown["method"] = consent.source
    if channel == "EMAIL" and purpose == MARKETING:
        shown |= {"double_optin": False, "suppression": [], "list_suppressions": []}
    return shown


OPERATIONS = (Operation("GET", "/api/profiles", Limit(burst=75, steady=700), _get_profiles),)
