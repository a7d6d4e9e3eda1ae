"""Get Profiles: who is known, and with `additional-fields` who consented to what.

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
from .documents import check_query, many, moment, resource, selected
from .operation import Call, Operation, Side

_EITHER = ("any", "equals")
_TIMES = ("greater-than", "less-than")
_FILTERS: Allowed = {
    "id": _EITHER,
    "email": _EITHER,
    "phone_number": _EITHER,
    "created": _TIMES,
    "updated": _TIMES,
}
_UNKNOWN = (
    "external_id first_name last_name organization locale title image last_event_date".split()  # noqa: SIM905
)


def _act(call: Call) -> Reply:
    with call.sandbox.lock:
        entries = selected(call, call.sandbox.profiles.everybody(), _FILTERS, _fields)
        # nobody has a conversation or a push token
        return many(
            call, entries, lambda profile: profile.number, partial(_shown, call), lambda _: []
        )


def profile_id(profile: Profile) -> str:
    """Return a profile's ID, of the same length as Klaviyo's."""
    return f"01SANDBOX{profile.number:017}"


def _fields(profile: Profile) -> Mapping[str, Any]:
    return {
        "id": profile_id(profile),
        "email": profile.email,
        "phone_number": profile.phone_number,
        "created": profile.created,
        "updated": profile.updated,
    }


def _shown(call: Call, profile: Profile) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "email": profile.email,
        "phone_number": profile.phone_number,
        **dict.fromkeys(_UNKNOWN),
        "created": moment(profile.created),
        "updated": moment(profile.updated),
        "location": {},
        "properties": {},
    }
    more = call.request.args.get("additional-fields[profile]", "").split(",")
    if "subscriptions" in more:
        attributes["subscriptions"] = _subscriptions(call, profile)
    if "predictive_analytics" in more:
        attributes["predictive_analytics"] = None
    related = dict.fromkeys(("lists", "segments", "push-tokens", "conversations"))
    return resource(call, "profile", "profiles", profile_id(profile), attributes, related)


def _subscriptions(call: Call, profile: Profile) -> dict[str, Any]:
    return {
        channel.lower(): {
            purpose: _consent(
                call.sandbox.subscriptions.consent(profile, channel, purpose), channel, purpose
            )
            for purpose in purposes
        }
        for channel, purposes in PURPOSES.items()
    }


def _consent(consent: Consent, channel: str, purpose: str) -> dict[str, Any]:
    """Return one consent in Klaviyo's form, whose names differ from channel to channel."""
    subscribed = consent.status is Status.SUBSCRIBED
    # an email goes to whoever never unsubscribed
    may = subscribed or (channel == "EMAIL" and consent.status is Status.NEVER)
    since = moment(consent.since) if consent.since else None
    shown: dict[str, Any] = {
        "consent": "SUBSCRIBED" if subscribed else "NEVER_SUBSCRIBED",
        "consent_timestamp": since if subscribed else None,
        "last_updated": since,
    }
    if channel == "WHATSAPP":
        return {"can_receive": may, **shown}
    shown = {f"can_receive_{channel.lower()}_{purpose}": may, **shown, "method": consent.source}
    if channel == "EMAIL" and purpose == MARKETING:
        shown |= {"double_optin": False, "suppression": [], "list_suppressions": []}
    return shown


OPERATIONS = (
    Operation(
        side=Side.SERVER,
        method="GET",
        path="/api/profiles",
        title="Get Profiles",
        limit=Limit(burst=75, steady=700),
        check=check_query,
        act=_act,
    ),
)
