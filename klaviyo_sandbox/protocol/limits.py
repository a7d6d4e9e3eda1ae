"""Klaviyo's rate limits: fixed windows of one second and of one minute for each operation."""

import math
from collections import defaultdict
from dataclasses import dataclass
from threading import Lock

from .errors import Refusal, throttled


@dataclass(frozen=True, slots=True)
class Limit:
    """How many calls a second (burst) and a minute (steady) an operation takes."""

    burst: int
    steady: int

    def windows(self) -> tuple[tuple[int, int], ...]:
        """Return the windows as (calls, seconds)."""
        return ((self.burst, 1), (self.steady, 60))


READS = Limit(burst=350, steady=3500)
"""What reading the catalog is limited to."""

WRITES = Limit(burst=75, steady=750)
"""What writing it is limited to."""


class RateLimiter:
    """Counts the calls of each operation in its present windows."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: dict[tuple[str, int], tuple[int, int]] = defaultdict(lambda: (0, 0))

    def take(self, operation: str, limit: Limit, now: float) -> dict[str, str]:
        """Count one call and return its RateLimit headers.

        Raises `Refusal`, 429 with Retry-After, when a window is full; that call isn't counted.
        """
        with self._lock:
            left = [self._left(operation, window, now) for window in limit.windows()]
            for (_, seconds), remaining in zip(limit.windows(), left, strict=True):
                if remaining <= 0:
                    raise throttled_refusal(_until_next(seconds, now))
            for _, seconds in limit.windows():
                self._count(operation, seconds, now)
        return _headers(limit, left, now)

    def clear(self) -> None:
        """Forget every count."""
        with self._lock:
            self._counts.clear()

    def _left(self, operation: str, window: tuple[int, int], now: float) -> int:
        calls, seconds = window
        index, count = self._counts[operation, seconds]
        return calls - (count if index == int(now // seconds) else 0)

    def _count(self, operation: str, seconds: int, now: float) -> None:
        index, count = self._counts[operation, seconds]
        present = int(now // seconds)
        self._counts[operation, seconds] = (present, count + 1 if index == present else 1)


def throttled_refusal(wait: int) -> Refusal:
    """Return the 429 that asks to wait so many seconds. A browser can't read it."""
    return Refusal(throttled(wait), headers={"Retry-After": str(wait)}, readable=False)


def _until_next(seconds: int, now: float) -> int:
    return max(1, math.ceil(seconds - now % seconds))


def _headers(limit: Limit, left: list[int], now: float) -> dict[str, str]:
    # the window with the fewest calls left is the one that a client must heed
    remaining, seconds = min((left[0] - 1, 1), (left[1] - 1, 60))
    return {
        "RateLimit-Limit": f"{limit.burst}, {limit.burst};w=1, {limit.steady};w=60",
        "RateLimit-Remaining": str(remaining),
        "RateLimit-Reset": str(_until_next(seconds, now)),
    }
