"""What the schemas of the consent operations let through and Klaviyo refuses."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from .consent_body import LIST, PROFILES, Asked, asked_in, is_historical, list_in, moment
from .errors import Fault, Refusal, invalid
from .identifiers import NEEDS, identifier_faults
from .operations import Call, Side

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
