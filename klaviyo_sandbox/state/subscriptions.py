"""Consent: the subscription of each profile to each channel, and how it changes."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from .profiles import Profile
from .rows import Rows

_PROCESSING_INTERVAL = timedelta(minutes=30)
"""Klaviyo processes at most one subscription per profile in this time."""

MARKETING, TRANSACTIONAL = "marketing", "transactional"
PURPOSES = {
    "EMAIL": (MARKETING,),
    "SMS": (MARKETING, TRANSACTIONAL),
    "WHATSAPP": (MARKETING, TRANSACTIONAL),
}
"""The purposes that a profile can consent to, by channel."""


class Status(StrEnum):
    """The status of a subscription."""

    NEVER = "never_subscribed"
    PENDING = "pending_confirmation"
    SUBSCRIBED = "subscribed"


@dataclass(frozen=True, slots=True)
class Grant:
    """Consent in a request. `consented_at` is only set in a historical import."""

    channel: str
    purpose: str = MARKETING
    consented_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Consent:
    """Stored consent, with the source and the list of the call that created it."""

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


_NEVER = Consent()


class Subscriptions:
    """Every consent. The caller must hold the sandbox's lock."""

    def __init__(self) -> None:
        self.consents: Rows[tuple[int, str, str], Consent] = Rows(Consent)
        """By profile number, channel and purpose."""
        self.processed: Rows[int, datetime] = Rows(datetime)
        """When the last subscription of each profile was processed."""

    def minutes_since_last(self, profile: Profile, now: datetime) -> int | None:
        """Return the minutes since the profile's last subscription was processed; None if a new one
        would be processed.
        """
        last = self.processed.get(profile.number)
        if last is None or now - last >= _PROCESSING_INTERVAL:
            return None
        return int((now - last).total_seconds() // 60)

    def subscribe(
        self, profile: Profile, grants: Iterable[Grant], consent: Consent, now: datetime
    ) -> None:
        """Store the granted consent. `consent.status` is the status of marketing consent."""
        self.processed.put(profile.number, now)
        for grant in grants:
            new = replace(consent, since=grant.consented_at or now)
            if grant.purpose == TRANSACTIONAL:
                new = replace(new, status=Status.SUBSCRIBED)  # needs no double opt-in
            key = (profile.number, grant.channel, grant.purpose)
            old = self.consents.get(key) or _NEVER
            if old.status in (Status.SUBSCRIBED, new.status):
                # Keep the status: subscribers needn't confirm again, and nobody is asked twice.
                new = replace(old, list_id=old.list_id or new.list_id)
            self.consents.put(key, new)

    def confirm(self, profile: Profile, channels: Iterable[str], now: datetime) -> list[str]:
        """Confirm pending subscriptions to the channels, and return the confirmed channels."""
        confirmed = []
        for channel in channels:
            consent = self.consent(profile, channel)
            if consent.status is Status.PENDING:
                key = (profile.number, channel, MARKETING)
                self.consents.put(key, replace(consent, status=Status.SUBSCRIBED, since=now))
                confirmed.append(channel)
        return confirmed

    def remove(self, profile: Profile, channels: Iterable[str]) -> None:
        """Delete the profile's consent to these channels."""
        for channel in channels:
            for purpose in PURPOSES[channel]:
                self.consents.remove((profile.number, channel, purpose))

    def can_reach(self, profile: Profile, channel: str) -> bool:
        """Return whether a back-in-stock message would reach the profile on this channel.

        Emails need no consent. SMS and WhatsApp messages need a current marketing subscription.
        """
        return channel == "EMAIL" or self.consent(profile, channel).status is Status.SUBSCRIBED

    def subscriber_count(self, list_id: str) -> int:
        """Return how many profiles are subscribed to the list."""
        return len(
            {
                number
                for (number, _, purpose), consent in self.consents.items()
                if purpose == MARKETING
                and consent.list_id == list_id
                and consent.status is Status.SUBSCRIBED
            }
        )

    def consent(self, profile: Profile, channel: str, purpose: str = MARKETING) -> Consent:
        """Return the profile's consent to a channel and purpose."""
        return self.consents.get((profile.number, channel, purpose)) or _NEVER

    def as_json(self, profile: Profile) -> dict[str, dict[str, Any]]:
        """Return the profile's consent by channel and purpose."""
        return {
            channel.lower(): {
                purpose: self.consent(profile, channel, purpose).as_json() for purpose in purposes
            }
            for channel, purposes in PURPOSES.items()
        }
