"""Klaviyo's rate limits: fixed windows of one second and of one minute for each operation."""

import math
from collections import Counter
from dataclasses import dataclass
from threading import Lock

from .errors import throttled


@dataclass(frozen=True, slots=True)
class Limit:
    """How many calls an operation accepts per second (burst) and per minute (steady)."""

    burst: int
    steady: int

    def windows(self) -> tuple[tuple[int, int], ...]:
        """Return the windows as (calls, seconds)."""
        return ((self.burst, 1), (self.steady, 60))


class RateLimiter:
    """Counts the calls to each operation in its current windows. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._windows: dict[tuple[str, int], int] = {}
        self._calls: Counter[tuple[str, int]] = Counter()

    def count(self, operation: str, limit: Limit, now: float) -> dict[str, str]:
        """Count one call and return its RateLimit headers. `now` is a Unix timestamp.

        Raises `Refusal` (429 with Retry-After) if a window is full; such a call isn't counted.
        """
        with self._lock:
            remaining = []
            for calls, seconds in limit.windows():
                key, window = (operation, seconds), int(now // seconds)
                if self._windows.get(key) != window:
                    self._windows[key], self._calls[key] = window, 0
                if self._calls[key] >= calls:
                    raise throttled(_until_next(seconds, now))
                remaining.append((calls - self._calls[key] - 1, seconds))
            for _, seconds in limit.windows():
                self._calls[operation, seconds] += 1
        # The window with the fewest calls left is the one that a client must respect.
        calls_left, seconds = min(remaining)
        return {
            "RateLimit-Limit": f"{limit.burst}, {limit.burst};w=1, {limit.steady};w=60",
            "RateLimit-Remaining": str(calls_left),
            "RateLimit-Reset": str(_until_next(seconds, now)),
        }

    def clear(self) -> None:
        """Forget every call."""
        with self._lock:
            self._windows.clear()


def _until_next(seconds: int, now: float) -> int:
    return max(1, math.ceil(seconds - now % seconds))
