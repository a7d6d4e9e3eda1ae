"""Who consented to what: the state of each channel of a profile, and what changes it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from .profiles import Profile
from .rows import Rows

PAUSE = timedelta(minutes=30)
"""Klaviyo processes one subscribe of a profile in this time."""

MARKETING, TRANSACTIONAL = "marketing", "transactional"
PURPOSES = {
    "EMAIL": (MARKETING,),
    "SMS": (MARKETING, TRANSACTIONAL),
    "WHATSAPP": (MARKETING, TRANSACTIONAL),
}
"""What each channel can be consented to for."""


class Status(StrEnum):
    """Where the consent to one channel stands."""

    NEVER = "never_subscribed"
    PENDING = "pending_confirmation"
    SUBSCRIBED = "subscribed"


@dataclass(frozen=True, slots=True)
class Grant:
    """Consent that a body gives. `consented_at` is the time of a historical import."""

    channel: str
    purpose: str = MARKETING
    consented_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Consent:
    """Consent as it is kept, with the source and the list that the call named."""

    status: Status = Status.NEVER
    since: datetime | None = None
    source: str | None = None
    list_id: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the consent as `/_sandbox/profiles` shows it."""
        return {
            "status": str(self.status),
            "since": self.since.isoformat() if self.since else None,
            "source": self.source,
            "list": self.list_id,
        }


_NONE = Consent()


class Subscriptions:
    """Every consent. The caller holds the sandbox's lock."""

    def __init__(self) -> None:
        self.consents: Rows[tuple[int, str, str], Consent] = Rows(Consent)
        self.processed: Rows[int, datetime] = Rows(datetime)

    def minutes_since(self, profile: Profile, now: datetime) -> int | None:
        """Return how long ago a subscribe was processed, or None when another one may be."""
        before = self.processed.get(profile.number)
        if before is None or now - before >= PAUSE:
            return None
        return int((now - before).total_seconds() // 60)

    def subscribe(
        self, profile: Profile, grants: Iterable[Grant], consent: Consent, now: datetime
    ) -> None:
        """Keep consent to each grant, in the status that `consent` has for marketing."""
        self.processed.put(profile.number, now)
        for grant in grants:
            given = replace(consent, since=grant.consented_at or now)
            if grant.purpose == TRANSACTIONAL:
                # a list confirms its marketing alone
                given = replace(given, status=Status.SUBSCRIBED)
            key = (profile.number, grant.channel, grant.purpose)
            self.consents.put(key, _merged(self.consents.get(key) or _NONE, given))

    def confirm(self, profile: Profile, channels: Iterable[str], now: datetime) -> list[str]:
        """Subscribe the profile to the channels that wait for it, and return them."""
        confirmed = []
        for channel in channels:
            key = (profile.number, channel, MARKETING)
            consent = self.consents.get(key)
            if consent and consent.status is Status.PENDING:
                self.consents.put(key, replace(consent, status=Status.SUBSCRIBED, since=now))
                confirmed.append(channel)
        return confirmed

    def end(self, profile: Profile, channels: Iterable[str]) -> None:
        """Forget what the profile consented to for these channels."""
        for channel in channels:
            for purpose in PURPOSES[channel]:
                self.consents.remove((profile.number, channel, purpose))

    def reachable(self, profile: Profile, channel: str) -> bool:
        """Tell whether a back-in-stock message would reach the profile by this channel.

        An email needs no consent; a text reaches current subscribers to its marketing alone.
        """
        if channel == "EMAIL":
            return True
        return self.consent(profile, channel).status is Status.SUBSCRIBED

    def size_of(self, list_id: str) -> int:
        """Return how many profiles are subscribed through the list."""
        return len(
            {
                number
                for (number, _, purpose), consent in self.consents.items()
                if purpose == MARKETING
                and consent.list_id == list_id
                and consent.status is Status.SUBSCRIBED
            }
        )

    def as_json(self, profile: Profile) -> dict[str, dict[str, Any]]:
        """Return the profile's consent by channel and purpose."""
        return {
            channel.lower(): {
                purpose: self.consent(profile, channel, purpose).as_json() for purpose in purposes
            }
            for channel, purposes in PURPOSES.items()
        }

    def consent(self, profile: Profile, channel: str, purpose: str = MARKETING) -> Consent:
        """Return where the profile's consent to a channel's purpose stands."""
        return self.consents.get((profile.number, channel, purpose)) or _NONE


def _merged(before: Consent, given: Consent) -> Consent:
    """Return what is kept: who is subscribed, or has been asked to confirm, is not asked again."""
    if before.status is Status.SUBSCRIBED or before.status is given.status:
        return replace(before, list_id=before.list_id or given.list_id)
    return given
