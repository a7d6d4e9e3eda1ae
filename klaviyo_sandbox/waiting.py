"""The waiting list: who waits for which variant, and since when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .profiles import Profile


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
        self._entries: dict[tuple[int, str], Waiting] = {}

    def add(self, entry: Waiting) -> bool:
        """Add an entry and tell whether it is new: only a profile's first sign-up counts."""
        key = (entry.profile.number, entry.variant)
        new = key not in self._entries
        self._entries.setdefault(key, entry)
        return new

    def entries(self) -> list[Waiting]:
        """Return the entries, oldest first."""
        return list(self._entries.values())

    def clear(self) -> None:
        """Let nobody wait."""
        self._entries.clear()
