"""The people of the account: a profile is found by its email address, else its phone number."""

from dataclasses import dataclass
from datetime import datetime

from .clock import Clock
from .rows import Rows, next_number


@dataclass(slots=True)
class Profile:
    """A person, with the identifiers known so far. Equal by number, which never changes."""

    number: int
    created: datetime
    updated: datetime
    email: str | None = None
    phone_number: str | None = None

    def as_json(self) -> dict[str, str]:
        """Return the identifiers that are known."""
        known = {"email": self.email, "phone_number": self.phone_number}
        return {name: value for name, value in known.items() if value}


class Profiles:
    """Every profile. The caller holds the sandbox's lock."""

    def __init__(self, now: Clock) -> None:
        self.rows: Rows[int, Profile] = Rows(Profile)
        self._now = now
        self._by_email: dict[str, Profile] = {}
        self._by_phone: dict[str, Profile] = {}

    def identify(self, email: str | None, phone_number: str | None) -> Profile:
        """Return the profile with these identifiers, made or completed as needed.

        The email address decides; a phone number finds only a profile that has no other email
        address, since two people may share a phone.
        """
        profile = self.find(email, phone_number) or self._add()
        known = (profile.email, profile.phone_number)
        profile.email = profile.email or email
        profile.phone_number = profile.phone_number or phone_number
        if known != (profile.email, profile.phone_number):
            self._changed(profile)
        return profile

    def find(self, email: str | None, phone_number: str | None) -> Profile | None:
        """Return the profile that these identifiers are of, or None before there is one."""
        if email and (profile := self._by_email.get(email.casefold())):
            return profile
        profile = self._by_phone.get(phone_number) if phone_number else None
        return None if profile and profile.email and email else profile

    def move(self, profile: Profile, phone_number: str) -> bool:
        """Give a profile another phone number, and tell whether it had a different one."""
        before = profile.phone_number
        if before in (None, phone_number):
            return False
        profile.phone_number = phone_number
        if before and self._by_phone.get(before) is profile:
            del self._by_phone[before]
        self._changed(profile)
        return True

    def with_contact(self, contact: str) -> list[Profile]:
        """Return the profiles whose email address or phone number this is."""
        folded = contact.casefold()
        return [
            profile
            for profile in self.rows.values()
            if profile.phone_number == contact or (profile.email or "").casefold() == folded
        ]

    def everybody(self) -> list[Profile]:
        """Return the profiles, oldest first."""
        return self.rows.values()

    def index(self) -> None:
        """Find everybody by the identifiers that the rows have."""
        self._by_email.clear()
        self._by_phone.clear()
        for profile in self.rows.values():
            self._find_by(profile)

    def _add(self) -> Profile:
        now = self._now()
        return Profile(next_number(self.rows), created=now, updated=now)

    def _changed(self, profile: Profile) -> None:
        profile.updated = self._now()
        self.rows.put(profile.number, profile)
        self._find_by(profile)

    def _find_by(self, profile: Profile) -> None:
        if profile.email:
            self._by_email[profile.email.casefold()] = profile
        if profile.phone_number:
            self._by_phone.setdefault(profile.phone_number, profile)
