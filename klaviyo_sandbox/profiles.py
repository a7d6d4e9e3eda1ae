"""The people of the account: a profile is found by its email address, else its phone number."""

from dataclasses import dataclass
from itertools import count


@dataclass(slots=True)
class Profile:
    """A person, with the identifiers known so far. Equal by number, which never changes."""

    number: int
    email: str | None = None
    phone_number: str | None = None

    def as_json(self) -> dict[str, str]:
        """Return the identifiers that are known."""
        known = {"email": self.email, "phone_number": self.phone_number}
        return {name: value for name, value in known.items() if value}


class Profiles:
    """Every profile. The caller holds the sandbox's lock."""

    def __init__(self) -> None:
        self._by_email: dict[str, Profile] = {}
        self._by_phone: dict[str, Profile] = {}
        self._numbers = count(1)

    def identify(self, email: str | None, phone_number: str | None) -> Profile:
        """Return the profile with these identifiers, made or completed as needed.

        The email address decides; a phone number finds only a profile that has no other email
        address, since two people may share a phone.
        """
        profile = self._find(email, phone_number) or Profile(next(self._numbers))
        profile.email = profile.email or email
        profile.phone_number = profile.phone_number or phone_number
        if profile.email:
            self._by_email[profile.email.casefold()] = profile
        if profile.phone_number:
            self._by_phone.setdefault(profile.phone_number, profile)
        return profile

    def clear(self) -> None:
        """Forget everybody."""
        self._by_email.clear()
        self._by_phone.clear()

    def _find(self, email: str | None, phone_number: str | None) -> Profile | None:
        if email and (profile := self._by_email.get(email.casefold())):
            return profile
        profile = self._by_phone.get(phone_number) if phone_number else None
        return None if profile and profile.email and email else profile
