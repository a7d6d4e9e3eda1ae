"""Rate limits: fixed windows, told in headers, by a clock that the test moves."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from klaviyo_sandbox.protocol.errors import Refusal
from klaviyo_sandbox.protocol.limits import Limit, RateLimiter
from tests.klaviyo_sandbox.conftest import Running, body

LIMIT = Limit(burst=350, steady=3500)
START = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC).timestamp()


def taken(limiter: RateLimiter, calls: int, now: float) -> dict[str, str]:
    """Take so many calls and return the last one's headers."""
    headers: dict[str, str] = {}
    for _ in range(calls):
        headers = limiter.count("operation", LIMIT, now)
    return headers


def retry_after(call: Callable[[], object]) -> str:
    """Return the Retry-After of a call that must be refused."""
    with pytest.raises(Refusal) as caught:
        call()
    assert caught.value.errors[0].status == 429
    return caught.value.headers["Retry-After"]


def test_the_burst_window_is_a_second() -> None:
    """The 351st call of a second is refused, and the next second takes calls again."""
    limiter = RateLimiter()
    assert taken(limiter, 350, START)["RateLimit-Remaining"] == "0"

    assert retry_after(lambda: taken(limiter, 1, START + 0.9)) == "1"

    assert taken(limiter, 1, START + 1)["RateLimit-Remaining"] == "349"


def test_the_steady_window_is_a_minute() -> None:
    """The 3,501st call of a minute waits for the next minute, not for the next second."""
    limiter = RateLimiter()
    for second in range(10):
        taken(limiter, 350, START + second)

    assert retry_after(lambda: taken(limiter, 1, START + 10.5)) == "50"
    assert retry_after(lambda: taken(limiter, 1, START + 59.9)) == "1"

    taken(limiter, 1, START + 60)


def test_windows_are_fixed_not_sliding() -> None:
    """A burst at a second's end and one at the next one's beginning both pass."""
    limiter = RateLimiter()
    taken(limiter, 350, START + 0.999)

    assert taken(limiter, 350, START + 1.001)["RateLimit-Remaining"] == "0"


def test_operations_have_limits_of_their_own() -> None:
    """One operation's calls leave another's alone."""
    limiter = RateLimiter()
    taken(limiter, 350, START)

    assert limiter.count("other", LIMIT, START)["RateLimit-Remaining"] == "349"


def test_headers_name_the_window_that_is_fullest() -> None:
    """Remaining and Reset tell of the window that a client must heed."""
    limiter = RateLimiter()
    for second in range(9):
        taken(limiter, 350, START + second)

    headers = taken(limiter, 340, START + 9.5)

    assert headers == {
        "RateLimit-Limit": "350, 350;w=1, 3500;w=60",
        "RateLimit-Remaining": "10",
        "RateLimit-Reset": "1",
    }


def test_a_throttled_call_is_answered_429(sandbox: Running) -> None:
    """Over HTTP: 350 calls pass, the next gets Retry-After and no RateLimit headers, no entry."""
    for _ in range(350):
        last = sandbox.server_call({})
    assert last.headers["RateLimit-Remaining"] == "0"

    reply = sandbox.server_call(body())

    error = reply.json()["errors"][0]
    assert (
        reply.status_code,
        error["code"],
        error["source"]["pointer"],
        reply.headers["Retry-After"],
    ) == (429, "throttled", "/data", "1")
    assert not [name for name in reply.headers if name.startswith("RateLimit")]
    assert sandbox.read("waiting") == []
    sandbox.clock.move(1)
    assert sandbox.server_call(body()).status_code == 202


def test_who_carries_the_headers(sandbox: Running) -> None:
    """Authenticated replies carry RateLimit headers; a 401 and the browser's side don't."""
    limits = "RateLimit-Limit"

    assert sandbox.server_call().headers[limits] == "350, 350;w=1, 3500;w=60"
    assert limits in sandbox.server_call({}).headers
    assert limits not in sandbox.server_call(Authorization=None).headers
    assert limits not in sandbox.browser_call().headers
