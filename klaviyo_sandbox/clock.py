"""The time, as an argument: whoever needs it calls a `Clock`, so that it can be moved."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the real time, in UTC."""
    return datetime.now(UTC)
