"""Consent: Subscribe Profiles (from a server), Create Client Subscription (from a browser).

https://developers.klaviyo.com/en/reference/bulk_subscribe_profiles
https://developers.klaviyo.com/en/reference/create_client_subscription
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from ..protocol.errors import ApiError, Refusal, Reply, invalid
from ..protocol.limits import Limit
from ..state.subscriptions import PURPOSES, Consent, Grant, Status
from .identifiers import IDENTIFIER_OF, identifier_errors, identifiers_in
from .operation import PARTIAL_FAILURE, Call, Operation, Side

_PROFILES = "/data/attributes/profiles/data"
_LIST = "/data/relationships/list/data"
_MAX_PROFILES = 1000


@dataclass(frozen=True)
class _Subscriber:
    """A profile in a call's body, and the profile's JSON pointer. The body matches the schema."""

    pointer: str
    attributes: Mapping[str, Any]

    @property
    def identifiers(self) -> dict[str, str]:
        """Return the email address and the phone number; missing ones are left out."""
        return identifiers_in(self.attributes)

    def channels(self) -> dict[str, dict[str, Mapping[str, Any]]]:
        """Return the purposes by channel, except null ones. All names are in lower case."""
        return {
            channel: {name: purpose for name, purpose in purposes.items() if purpose is not None}
            for channel, purposes in (self.attributes.get("subscriptions") or {}).items()
            if purposes is not None
        }

    def grants(self) -> list[Grant]:
        """Return the consent to messages.

        A server must send `subscriptions`. If a browser omits it, each identifier counts as consent
        to marketing, by email or by SMS.
        """
        if self.attributes.get("subscriptions") is None:
            channels = {"email": "EMAIL", "phone_number": "SMS"}
            return [Grant(channels[name]) for name in self.identifiers]
        return [
            Grant(channel.upper(), name, _time(purpose.get("consented_at")))
            for channel, purposes in self.channels().items()
            for name, purpose in purposes.items()
            # Consent to open or click tracking isn't consent to messages.
            if name in PURPOSES.get(channel.upper(), ())
        ]


def _subscribers(call: Call) -> list[_Subscriber]:
    attributes = call.body["data"]["attributes"]
    if call.side is Side.BROWSER:
        profile = attributes["profile"]["data"]
        return [_Subscriber("/data/attributes/profile/data", profile["attributes"])]
    return [
        _Subscriber(f"{_PROFILES}/{index}", profile["attributes"])
        for index, profile in enumerate(attributes["profiles"]["data"])
    ]


def _is_historical(call: Call) -> bool:
    return bool(call.body["data"]["attributes"].get("historical_import"))


def _list_id(call: Call) -> str | None:
    """Return the ID of the list, if the body names one."""
    relationship = call.body["data"].get("relationships", {}).get("list")
    return relationship["data"]["id"] if relationship else None


def _time(text: str | None) -> datetime | None:
    """Parse an ISO 8601 time with a UTC offset; return None for anything else."""
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return time if time.tzinfo else None


def _check(call: Call) -> None:
    data = call.body["data"]
    errors = []
    mailing_list = data.get("relationships", {}).get("list")
    if mailing_list is not None:  # optional in the server's schema
        if "data" not in mailing_list:
            errors.append(invalid("'data' is a required field.", _LIST))
        elif mailing_list["data"]["id"] != call.sandbox.account.list_id:
            errors.append(invalid("The account has no such list.", f"{_LIST}/id"))
    subscribers = _subscribers(call)
    if not 1 <= len(subscribers) <= _MAX_PROFILES:
        detail = f"A call accepts 1 to {_MAX_PROFILES} profiles, not {len(subscribers)}."
        errors.append(invalid(detail, _PROFILES))
    for subscriber in subscribers:
        errors += [*_profile_errors(call, subscriber), *_consent_errors(call, subscriber)]
    if errors:
        raise Refusal(*errors)


def _profile_errors(call: Call, subscriber: _Subscriber) -> Iterator[ApiError]:
    attributes, pointer = subscriber.attributes, f"{subscriber.pointer}/attributes"
    wants_sms = any(grant.channel == "SMS" for grant in subscriber.grants())
    with call.sandbox.lock:
        sms_settings = call.sandbox.settings if wants_sms else None
        yield from identifier_errors(attributes, pointer, sms_settings)
    birth_date = attributes.get("age_gated_date_of_birth")
    if birth_date is not None and not _is_date(birth_date):
        yield invalid("Must be a date.", f"{pointer}/age_gated_date_of_birth")


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _consent_errors(call: Call, subscriber: _Subscriber) -> Iterator[ApiError]:
    if subscriber.attributes.get("subscriptions") is None:
        return
    attributes = f"{subscriber.pointer}/attributes"
    pointer = f"{attributes}/subscriptions"
    channels, identifiers = subscriber.channels(), subscriber.identifiers
    if not channels:
        yield invalid("Consent to at least one channel is required.", pointer)
    for channel, purposes in channels.items():
        if channel == "push":
            detail = "The profile has no push token for this account's app."
            yield invalid(detail, f"{pointer}/push")
            continue
        needed = IDENTIFIER_OF[channel.upper()]
        if not purposes:
            yield invalid(f"{channel} must contain a purpose.", f"{pointer}/{channel}")
        if identifiers and needed not in identifiers:
            detail = f"{needed} is required for consent to {channel}."
            yield invalid(detail, f"{attributes}/{needed}")
        for name, purpose in purposes.items():
            if name in PURPOSES[channel.upper()]:  # consent to tracking has no consented_at
                problem = _time_problem(call, purpose.get("consented_at"))
                if problem:
                    yield invalid(problem, f"{pointer}/{channel}/{name}/consented_at")


def _time_problem(call: Call, consented_at: str | None) -> str | None:
    if not _is_historical(call):
        is_given = consented_at is not None
        return "consented_at is only for historical imports." if is_given else None
    if consented_at is None:
        return "A historical import needs consented_at."
    time = _time(consented_at)
    if time is None:
        return "consented_at must be a time with a UTC offset."
    return "consented_at must be in the past." if time >= call.sandbox.now() else None


def _create(call: Call) -> Reply:
    """Subscribe each profile, or note why it was ignored. The reply is the same either way."""
    headers = {}
    with call.sandbox.lock:
        for subscriber in _subscribers(call):
            stored = subscriber
            if call.drops_phone and len(subscriber.identifiers) == 2:
                headers[PARTIAL_FAILURE] = "phone_number"
                attributes = {**subscriber.attributes, "phone_number": None}
                stored = replace(subscriber, attributes=attributes)
            if reason := _subscribe(call, stored):
                call.notes.append(f"{subscriber.pointer}: ignored: {reason}")
    return Reply(202, headers=headers)


def _subscribe(call: Call, subscriber: _Subscriber) -> str | None:
    """Subscribe one profile, or return why Klaviyo would ignore it."""
    sandbox, now, identifiers = call.sandbox, call.sandbox.now(), subscriber.identifiers
    email, phone_number = identifiers.get("email"), identifiers.get("phone_number")
    grants = [grant for grant in subscriber.grants() if IDENTIFIER_OF[grant.channel] in identifiers]
    if not grants:
        return "it contains no consent to receive messages"
    list_id = _list_id(call)
    profile = sandbox.profiles.find(email, phone_number)
    if profile is None and list_id is None:
        return "without a list, Klaviyo doesn't create a profile for a new contact"
    if profile:
        minutes = sandbox.subscriptions.minutes_since_last(profile, now)
        if minutes is not None:
            age = f"{minutes} {'minute' if minutes == 1 else 'minutes'}"
            return (
                "Klaviyo processes one subscription per profile every 30 minutes, and the last one "
                f"was {age if minutes else 'less than a minute'} ago"
            )
    profile = sandbox.profiles.identify(email, phone_number)
    if phone_number and sandbox.profiles.replace_phone(profile, phone_number):
        # The consent was for the old number.
        sandbox.subscriptions.remove(profile, ("SMS", "WHATSAPP"))
    must_confirm = sandbox.mailing_list.is_double_opt_in and not _is_historical(call)
    consent = Consent(
        status=Status.PENDING if must_confirm else Status.SUBSCRIBED,
        source=call.body["data"]["attributes"].get("custom_source"),
        list_id=list_id,
    )
    sandbox.subscriptions.subscribe(profile, grants, consent, now)
    return None


OPERATIONS = (
    Operation(
        "POST",
        "/api/profile-subscription-bulk-create-jobs",
        Limit(burst=75, steady=750),
        _create,
        _check,
        identifiers_pointer=f"{_PROFILES}/0/attributes",
    ),
    Operation("POST", "/client/subscriptions", Limit(burst=350, steady=750), _create, _check),
)
