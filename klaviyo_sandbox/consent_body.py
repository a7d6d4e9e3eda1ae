"""The bodies of the consent operations, read into one form: whom they subscribe, and to what."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from .identifiers import identifiers_in
from .operations import Call, Side
from .subscriptions import PURPOSES, Grant

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
