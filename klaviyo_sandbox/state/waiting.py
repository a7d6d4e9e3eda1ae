"""The waiting list: who waits for which variant, and since when."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from .profiles import Profile, Profiles
from .rows import Rows


@dataclass(frozen=True, slots=True)
class Waiting:
    """One profile that waits for one variant."""

    variant: str
    profile: Profile
    channels: tuple[str, ...]
    since: datetime

    def as_json(self, reachable: Sequence[str]) -> dict[str, Any]:
        """Return the entry as `/_sandbox/waiting` shows it, with the channels that reach it now."""
        return {
            "variant": self.variant,
            "profile": self.profile.as_json(),
            "channels": list(self.channels),
            "reachable": list(reachable),
            "since": self.since.isoformat(),
        }


class WaitingList:
    """Every entry, oldest first. The caller holds the sandbox's lock."""

    def __init__(self) -> None:
        self.rows: Rows[tuple[int, str], Waiting] = Rows(Waiting)

    def add(self, entry: Waiting) -> bool:
        """Add an entry and tell whether it is new: only a profile's first sign-up counts."""
        if _key(entry) in self.rows:
            return False
        self.rows.put(_key(entry), entry)
        return True

    def end(self, entry: Waiting) -> None:
        """Take an entry off the list, so that its profile can sign up again."""
        self.rows.remove(_key(entry))

    def entries(self) -> list[Waiting]:
        """Return the entries, oldest first."""
        return self.rows.values()

    def of(self, variant: str) -> list[Waiting]:
        """Return who waits for a variant, oldest first."""
        return [entry for entry in self.rows.values() if entry.variant == variant]

    def tie(self, profiles: Profiles) -> None:
        """Let each entry that a file held name the profile itself, not a copy of it."""
        for key, entry in self.rows.items():
            profile = profiles.rows.get(entry.profile.number)
            self.rows.put(key, replace(entry, profile=profile or entry.profile))


def _key(entry: Waiting) -> tuple[int, str]:
    return entry.profile.number, entry.variant
