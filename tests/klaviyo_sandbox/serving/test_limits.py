"""Rate limits: fixed windows of a second and a minute for each operation."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from klaviyo_sandbox.protocol.errors import Refusal
from klaviyo_sandbox.protocol.limits import Limit, RateLimiter
from tests.klaviyo_sandbox.conftest import RunningSandbox, error_of

LIMIT = Limit(burst=350, steady=3500)
START = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC).timestamp()


def count(limiter: RateLimiter, calls: int, now: float) -> dict[str, str]:
    """Count a number of calls, and return the headers of the last one."""
    headers: dict[str, str] = {}
    for _ in range(calls):
        headers = limiter.count("operation", LIMIT, now)
    return headers


def retry_after(call: Callable[[], object]) -> str:
    """Return the Retry-After of a call that must be throttled."""
    with pytest.raises(Refusal) as caught:
        call()
    assert caught.value.errors[0].status == 429
    return caught.value.headers["Retry-After"]


def test_burst_window_is_a_second() -> None:
    limiter = RateLimiter()
    assert count(limiter, 350, START)["RateLimit-Remaining"] == "0"

    assert retry_after(lambda: count(limiter, 1, START + 0.9)) == "1"

    assert count(limiter, 1, START + 1)["RateLimit-Remaining"] == "349"


def test_steady_window_is_a_minute() -> None:
    limiter = RateLimiter()
    for second in range(10):
        count(limiter, 350, START + second)

    assert retry_after(lambda: count(limiter, 1, START + 10.5)) == "50"
    assert retry_after(lambda: count(limiter, 1, START + 59.9)) == "1"

    count(limiter, 1, START + 60)


def test_windows_are_fixed_not_sliding() -> None:
    limiter = RateLimiter()
    count(limiter, 350, START + 0.999)

    assert count(limiter, 350, START + 1.001)["RateLimit-Remaining"] == "0"


def test_each_operation_has_its_own_windows() -> None:
    limiter = RateLimiter()
    count(limiter, 350, START)

    assert limiter.count("other", LIMIT, START)["RateLimit-Remaining"] == "349"


def test_headers_describe_the_fullest_window() -> None:
    limiter = RateLimiter()
    for second in range(9):
        count(limiter, 350, START + second)

    assert count(limiter, 340, START + 9.5) == {
        "RateLimit-Limit": "350, 350;w=1, 3500;w=60",
        "RateLimit-Remaining": "10",
        "RateLimit-Reset": "1",
    }


def test_throttled_call_is_429(sandbox: RunningSandbox) -> None:
    """Only replies to authenticated calls have RateLimit headers, and a 429 has none."""
    assert "RateLimit-Limit" not in sandbox.api("GET", "accounts", Authorization=None).headers
    assert sandbox.api("GET", "accounts").headers["RateLimit-Remaining"] == "0"

    reply = sandbox.api("GET", "accounts")

    assert error_of(reply) == (429, "throttled", "/data")
    assert reply.headers["Retry-After"] == "1"
    assert not [name for name in reply.headers if name.startswith("RateLimit")]
    sandbox.clock.move(1)
    assert sandbox.api("GET", "accounts").status_code == 200


def test_throttled_browser_cannot_read_the_reply(sandbox: RunningSandbox) -> None:
    """The browser reports a network error. Replies to browsers have no RateLimit headers."""
    reply = sandbox.browser_call({})
    assert reply.status_code == 400
    assert "RateLimit-Limit" not in reply.headers
    assert sandbox.app
    with sandbox.app.test_client() as client:
        for _ in range(349):
            assert client.post(reply.request.url, json={}).status_code == 400

    reply = sandbox.browser_call()

    assert reply.status_code == 429
    assert "Access-Control-Allow-Origin" not in reply.headers
    assert sandbox.read("waiting") == []
