"""The sandbox's clock, which can be set forward."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the real time in UTC."""
    return datetime.now(UTC)


class SandboxClock:
    """The sandbox's time: another clock's time plus an offset in seconds."""

    def __init__(self, base: Clock) -> None:
        self._base = base
        self.offset = 0.0

    def __call__(self) -> datetime:
        """Return the sandbox's time."""
        return self._base() + timedelta(seconds=self.offset)

    def set_offset(self, seconds: float) -> None:
        """Set the offset from the other clock, in seconds."""
        self.offset = seconds
