"""How strictly the account is played: what its private key may do, and how far its time is off."""

import math
from collections.abc import Mapping
from typing import Any

from . import spec

ALL = "all"
"""What `scopes` is when the key may do everything."""
_LONGEST = 24 * 60 * 60
_FIELDS = ("scopes", "date_skew")


class AccountSettings:
    """The settings. The caller holds the sandbox's lock.

    `scopes` is None for a key with full access. `date_skew` is by how many seconds the `Date` of
    the API's replies is ahead of the real time: a caller whose clock is wrong sees the same.
    """

    def __init__(self) -> None:
        self.scopes: tuple[str, ...] | None = None
        self.date_skew = 0.0

    def missing(self, needed: tuple[str, ...]) -> list[str]:
        """Return which of the scopes the key lacks."""
        return [] if self.scopes is None else [each for each in needed if each not in self.scopes]

    def change(self, asked: Any) -> None:
        """Change the settings that are named. Raises `ValueError`, and then changes none."""
        if not isinstance(asked, Mapping) or not asked or asked.keys() - set(_FIELDS):
            raise ValueError(f"Send one or more of: {', '.join(_FIELDS)}.")
        given = {**self.as_json(), **asked}
        self.scopes, self.date_skew = _scopes(given["scopes"]), _skew(given["date_skew"])

    def as_json(self) -> dict[str, Any]:
        """Return the settings as `/_sandbox/account` shows and takes them."""
        return {
            "scopes": ALL if self.scopes is None else list(self.scopes),
            "date_skew": self.date_skew,
        }

    def reset(self) -> None:
        """Return to a key with full access, and the right time."""
        self.scopes, self.date_skew = None, 0.0


def _scopes(value: Any) -> tuple[str, ...] | None:
    if value == ALL:
        return None
    known = spec.all_scopes()
    if not isinstance(value, list) or not set(map(str, value)) <= set(known):
        raise ValueError(f'scopes must be "{ALL}", or a list of: {", ".join(known)}.')
    return tuple(value)


def _skew(value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or abs(value) > _LONGEST:
        raise ValueError(f"date_skew must be a number of seconds from -{_LONGEST} to {_LONGEST}.")
    return float(value)
