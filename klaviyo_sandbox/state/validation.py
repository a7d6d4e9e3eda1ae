"""Validation of settings that are sent as JSON."""

import math
from collections.abc import Collection
from typing import Any


class InvalidSetting(ValueError):
    """A setting is invalid. The message says what is valid; `allowed` lists valid values."""

    def __init__(self, message: str, allowed: Collection[str] = ()) -> None:
        super().__init__(message)
        self.allowed = list(allowed)


def is_number(value: Any, lowest: float, highest: float) -> bool:
    """Return whether a JSON value is a number in the range, not a boolean."""
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and lowest <= value <= highest
    )


def is_whole_number(value: Any, lowest: int, highest: float = math.inf) -> bool:
    """Return whether a JSON value is a whole number in the range, not a boolean."""
    return isinstance(value, int) and is_number(value, lowest, highest)
