"""The account's profiles, identified by email address or phone number, and its waiting list."""

from dataclasses import dataclass
from datetime import datetime

from .clock import Clock
from .rows import Rows, next_number


@dataclass(slots=True)
class Profile:
    """A person, with the identifiers known so far. `number` never changes."""

    number: int
    created: datetime
    updated: datetime
    email: str | None = None
    phone_number: str | None = None

    def as_json(self) -> dict[str, str]:
        """Return the known identifiers."""
        identifiers = {"email": self.email, "phone_number": self.phone_number}
        return {name: value for name, value in identifiers.items() if value}


@dataclass(frozen=True, slots=True)
class WaitingListEntry:
    """A profile's sign-up on the waiting list for one variant."""

    variant: str
    profile: Profile
    channels: tuple[str, ...]
    since: datetime

    @property
    def key(self) -> tuple[int, str]:
        """Return its key. A profile is on the waiting list at most once per variant."""
        return self.profile.number, self.variant


class Profiles:
    """Every profile. The caller must hold the sandbox's lock."""

    def __init__(self, now: Clock) -> None:
        self.rows: Rows[int, Profile] = Rows(Profile)
        self._now = now
        self._by_email: dict[str, Profile] = {}
        self._by_phone: dict[str, Profile] = {}

    def identify(self, email: str | None, phone_number: str | None) -> Profile:
        """Return the profile with these identifiers, creating or completing it if necessary."""
        profile = self.find(email, phone_number)
        if profile is None:
            now = self._now()
            profile = Profile(next_number(self.rows), created=now, updated=now)
        before = (profile.email, profile.phone_number)
        profile.email = profile.email or email
        profile.phone_number = profile.phone_number or phone_number
        if before != (profile.email, profile.phone_number):
            self._save(profile)
        return profile

    def find(self, email: str | None, phone_number: str | None) -> Profile | None:
        """Return the profile with these identifiers, or None.

        The email address takes precedence: since two people may share a phone, a phone number
        never matches a profile with a different email address.
        """
        if email and (profile := self._by_email.get(email.casefold())):
            return profile
        profile = self._by_phone.get(phone_number) if phone_number else None
        return None if profile and profile.email and email else profile

    def replace_phone(self, profile: Profile, phone_number: str) -> bool:
        """Replace a profile's phone number if it has a different one.

        Return whether it was replaced.
        """
        before = profile.phone_number
        if before is None or before == phone_number:
            return False
        profile.phone_number = phone_number
        if self._by_phone.get(before) is profile:
            del self._by_phone[before]
        self._save(profile)
        return True

    def with_contact(self, contact: str) -> list[Profile]:
        """Return the profiles with this email address or phone number."""
        email = contact.casefold()
        return [
            profile
            for profile in self.rows.values()
            if profile.phone_number == contact or (profile.email or "").casefold() == email
        ]

    def rebuild_index(self) -> None:
        """Index all rows by their identifiers."""
        self._by_email.clear()
        self._by_phone.clear()
        for profile in self.rows.values():
            self._index(profile)

    def _save(self, profile: Profile) -> None:
        profile.updated = self._now()
        self.rows.put(profile.number, profile)
        self._index(profile)

    def _index(self, profile: Profile) -> None:
        if profile.email:
            self._by_email[profile.email.casefold()] = profile
        if profile.phone_number:
            self._by_phone.setdefault(profile.phone_number, profile)
