"""Consent: Subscribe Profiles from the server, Create Client Subscription from the browser."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

from ..protocol.errors import Fault, Refusal, Reply, invalid
from ..protocol.limits import Limit
from ..state.subscriptions import PURPOSES, Consent, Grant, Status
from .identifiers import CHANNELS_OF, NEEDS, identifier_faults, identifiers_in
from .operation import PARTIAL_FAILURE, Call, Operation, Side

PROFILES = "/data/attributes/profiles/data"
LIST = "/data/relationships/list/data"


@dataclass(frozen=True)
class Asked:
    """One profile of a body that has passed its schema, and the pointer to it."""

    pointer: str
    attributes: Mapping[str, Any]

    @cached_property
    def identifiers(self) -> dict[str, str]:
        """Return the email address and the phone number that were given."""
        return identifiers_in(self.attributes)

    @property
    def subscriptions(self) -> Mapping[str, Any] | None:
        """Return what is consented to, or None when it was left out."""
        return self.attributes.get("subscriptions")

    def channels(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Return each channel that is named, in the body's own small letters, with its purposes."""
        for name, purposes in (self.subscriptions or {}).items():
            if purposes is not None:
                yield (
                    name,
                    {purpose: given for purpose, given in purposes.items() if given is not None},
                )

    def grants(self) -> list[Grant]:
        """Return the consent that is given, which is all that can be when nothing is named."""
        if self.subscriptions is None:
            reached = {"email": "EMAIL", "phone_number": "SMS"}
            return [Grant(reached[name]) for name in self.identifiers]
        return [
            Grant(name.upper(), purpose, moment(given.get("consented_at")))
            for name, purposes in self.channels()
            for purpose, given in purposes.items()
            # leave to track opens is not leave to write
            if purpose in PURPOSES.get(name.upper(), ())
        ]

    def wants_texts(self) -> bool:
        """Tell whether consent to SMS is given, for whichever purpose."""
        return any(grant.channel == "SMS" for grant in self.grants())


def asked_in(call: Call) -> list[Asked]:
    """Return the profiles of a Subscribe Profiles or a Create Client Subscription."""
    attributes = call.body["data"]["attributes"]
    if call.side is Side.BROWSER:
        return [_asked("/data/attributes/profile/data", attributes["profile"]["data"])]
    profiles = attributes["profiles"]["data"]
    return [_asked(f"{PROFILES}/{index}", each) for index, each in enumerate(profiles)]


def is_historical(call: Call) -> bool:
    """Tell whether the body brings consent that was given earlier."""
    return bool(call.body["data"]["attributes"].get("historical_import"))


def source_of(call: Call) -> str | None:
    """Return the body's `custom_source`."""
    source: str | None = call.body["data"]["attributes"].get("custom_source")
    return source


def list_in(call: Call) -> Mapping[str, Any] | None:
    """Return the relationship to a list, or None when there is none."""
    found: Mapping[str, Any] | None = call.body["data"].get("relationships", {}).get("list")
    return found


def moment(text: str | None) -> datetime | None:
    """Return the time that a text gives with its offset, or None for anything else."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at if at.tzinfo else None


def _asked(pointer: str, profile: Mapping[str, Any]) -> Asked:
    return Asked(f"{pointer}/attributes", profile["attributes"])


LARGEST = 1000
"""The most profiles that one Subscribe Profiles takes."""


def check(call: Call) -> None:
    """Refuse what is wrong with the list, the profiles, or their consent.

    Raises `Refusal`: 400 with a pointer for each fault.
    """
    faults = [*_list_faults(call), *_number_faults(call)]
    for asked in asked_in(call):
        faults += [*_profile_faults(call, asked), *_consent_faults(call, asked)]
    if faults:
        raise Refusal(*faults)


def _list_faults(call: Call) -> Iterator[Fault]:
    found = list_in(call)
    if found is None:
        return  # the browser's schema asks for one, the server's doesn't
    if "data" not in found:
        yield invalid("'data' is a required field.", LIST)
    elif found["data"]["id"] != call.sandbox.account.list_id:
        yield invalid("The account has no such list.", f"{LIST}/id")


def _number_faults(call: Call) -> Iterator[Fault]:
    if call.side is Side.BROWSER:
        return
    number = len(call.body["data"]["attributes"]["profiles"]["data"])
    if not number:
        yield invalid("At least one profile is needed.", PROFILES)
    if number > LARGEST:
        yield invalid(f"At most {LARGEST} profiles can be sent, not {number}.", PROFILES)


def _profile_faults(call: Call, asked: Asked) -> Iterator[Fault]:
    with call.sandbox.lock:
        texts_to = call.sandbox.regions if asked.wants_texts() else None
        yield from identifier_faults(asked.attributes, asked.pointer, texts_to)
    born = asked.attributes.get("age_gated_date_of_birth")
    if born is not None and not _is_date(born):
        yield invalid("Must be a date.", f"{asked.pointer}/age_gated_date_of_birth")


def _consent_faults(call: Call, asked: Asked) -> Iterator[Fault]:
    if asked.subscriptions is None:
        return
    pointer = f"{asked.pointer}/subscriptions"
    channels = dict(asked.channels())
    if not channels:
        yield invalid("At least one channel must be consented to.", pointer)
    for name, purposes in channels.items():
        if name == "push":
            detail = "The profile has no push token for this account's app."
            yield invalid(detail, f"{pointer}/push")
            continue
        need = NEEDS[name.upper()]
        if not purposes:
            yield invalid(f"{name} must name what is consented to.", f"{pointer}/{name}")
        if asked.identifiers and need not in asked.identifiers:
            detail = f"{need} is needed for consent to {name}."
            yield invalid(detail, f"{asked.pointer}/{need}")
        for purpose, given in purposes.items():
            yield from _time_faults(call, purpose, given, f"{pointer}/{name}/{purpose}")


def _time_faults(
    call: Call, purpose: str, given: Mapping[str, Any], pointer: str
) -> Iterator[Fault]:
    pointer = f"{pointer}/consented_at"
    if purpose == "open_tracking":
        return  # it has no time
    text = given.get("consented_at")
    if not is_historical(call):
        if text is not None:
            yield invalid("consented_at is for a historical import alone.", pointer)
    elif text is None:
        yield invalid("A historical import needs consented_at.", pointer)
    elif (at := moment(text)) is None:
        yield invalid("consented_at must be a time with its offset from UTC.", pointer)
    elif at >= call.sandbox.now():
        yield invalid("consented_at must be in the past.", pointer)


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def act(call: Call) -> Reply:
    """Subscribe each profile, and note why one was passed over: the reply is the same."""
    headers = {}
    with call.sandbox.lock:
        for asked in asked_in(call):
            taken = asked
            if call.partial and len(asked.identifiers) == len({"email", "phone_number"}):
                headers[PARTIAL_FAILURE] = "phone_number"
                taken = _without_phone(asked)
            if ignored := _subscribe(call, taken):
                call.notes.append(f"{asked.pointer.removesuffix('/attributes')}: {ignored}")
    return Reply(202, headers=headers)


def _subscribe(call: Call, asked: Asked) -> str | None:
    """Subscribe one profile, or return why nothing became of it."""
    sandbox, now = call.sandbox, call.sandbox.now()
    email, phone = asked.identifiers.get("email"), asked.identifiers.get("phone_number")
    grants = [grant for grant in asked.grants() if NEEDS[grant.channel] in asked.identifiers]
    if not grants:
        return "ignored: it gives no consent to messages"
    found = list_in(call)
    known = sandbox.profiles.find(email, phone)
    if known is None and found is None:
        return "ignored: without a list, Klaviyo makes no profile of a new contact"
    if known and (minutes := sandbox.subscriptions.minutes_since(known, now)) is not None:
        return f"ignored: subscribed {minutes} {'minute' if minutes == 1 else 'minutes'} ago"
    profile = sandbox.profiles.identify(email, phone)
    if phone and sandbox.profiles.move(profile, phone):
        # consent was given for the number, not for whichever the profile has
        sandbox.subscriptions.end(profile, CHANNELS_OF["phone_number"])
    must_confirm = sandbox.mailing_list.confirms and not is_historical(call)
    consent = Consent(
        status=Status.PENDING if must_confirm else Status.SUBSCRIBED,
        source=source_of(call),
        list_id=found["data"]["id"] if found else None,
    )
    sandbox.subscriptions.subscribe(profile, grants, consent, now)
    return None


def _without_phone(asked: Asked) -> Asked:
    """Return what is left of a profile whose phone number Klaviyo dropped."""
    return replace(asked, attributes={**asked.attributes, "phone_number": None})


OPERATIONS = (
    Operation(
        side=Side.SERVER,
        method="POST",
        path="/api/profile-subscription-bulk-create-jobs",
        title="Subscribe Profiles",
        limit=Limit(burst=75, steady=750),
        check=check,
        act=act,
        identifiers="/data/attributes/profiles/data/0/attributes",
    ),
    Operation(
        side=Side.BROWSER,
        method="POST",
        path="/client/subscriptions",
        title="Create Client Subscription",
        limit=Limit(burst=350, steady=750),
        check=check,
        act=act,
    ),
)
