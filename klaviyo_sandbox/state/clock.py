"""The time, as an argument: whoever needs it calls a `Clock`, so that it can be moved."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]

LONGEST = 31 * 24 * 60 * 60
"""The most seconds that the clock goes on by at once."""


def utc_now() -> datetime:
    """Return the real time, in UTC."""
    return datetime.now(UTC)


class SandboxClock:
    """The sandbox's own time: as far ahead of another clock as it was moved on."""

    def __init__(self, base: Clock) -> None:
        self._base = base
        self.ahead = 0.0
        """Seconds ahead of the other clock."""

    def __call__(self) -> datetime:
        """Return the sandbox's time."""
        return self._base() + timedelta(seconds=self.ahead)

    def advance(self, seconds: float) -> None:
        """Go on by so many seconds."""
        self.ahead += seconds

    def move_to(self, ahead: float) -> None:
        """Stand so many seconds ahead; 0 is the other clock's own time."""
        self.ahead = ahead
