"""Sends the check's calls to Klaviyo, and collects the scopes of the private key."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from ..klaviyo.client import Deadline, Klaviyo, send_with_retries
from ..klaviyo.outcomes import KlaviyoResponse
from .report import Row, Verdict

CALL_TIMEOUT = 10.0
"""Seconds for one call."""
MAX_RETRY_AFTER = 20.0
"""The longest Retry-After to wait for, in seconds."""
CALL_ATTEMPTS = 4
_UNREACHABLE = (
    "make sure that this machine can reach Klaviyo (network, proxy, firewall, "
    "KLAVIYO_API_URL), and see https://status.klaviyo.com"
)


class Reader:
    """Sends the check's calls. `progress` is called with a topic before each of them.

    With a `deadline`, all calls share it and aren't retried; without one, each call may take
    `CALL_TIMEOUT`.
    """

    def __init__(
        self,
        klaviyo: Klaviyo,
        progress: Callable[[str], None] = lambda topic: None,
        *,
        deadline: Deadline | None = None,
    ) -> None:
        self.klaviyo = klaviyo
        self._deadline = deadline
        self.granted: set[str] = set()
        """The scopes that the key has, according to Klaviyo's responses."""
        self.denied: list[frozenset[str]] = []
        """A set of scopes for each refused call. The key lacks at least one scope of each set."""
        self._progress = progress

    def read(
        self, topic: str, scopes: str, send: Callable[..., KlaviyoResponse], *arguments: Any
    ) -> KlaviyoResponse:
        """Call `send` with the arguments and a deadline. After a 429, wait and try again, unless
        Klaviyo asks for a wait of more than `MAX_RETRY_AFTER`.

        `scopes` are those that the call needs, separated by spaces; empty if a missing scope
        shouldn't be reported.
        """

        def wait(seconds: float) -> None:
            self._progress(f"{topic}, throttled for {seconds:.0f} s")
            time.sleep(seconds)

        self._progress(topic)
        response = send_with_retries(
            lambda: send(*arguments, deadline=self._deadline or Deadline(CALL_TIMEOUT)),
            attempts=1 if self._deadline else CALL_ATTEMPTS,
            should_retry=lambda response: response.status == 429,
            max_wait=MAX_RETRY_AFTER,
            wait=wait,
        )
        needed = frozenset(scopes.split())
        if not needed:
            return response
        if is_denied(response):
            detail = str(response.error.get("detail", ""))
            named = needed.intersection(re.findall(r"[a-z-]+:(?:read|write)", detail))
            self.denied += [frozenset({scope}) for scope in named] or [needed]
        elif response.status in (200, 400, 404) and not response.is_html:
            # Klaviyo checks the key's scopes before it looks at the rest of the request
            self.granted |= needed
        return response


def is_denied(response: KlaviyoResponse) -> bool:
    """Return whether the response says that the key lacks a scope."""
    return response.status == 403 and not response.is_html


def failure(response: KlaviyoResponse) -> tuple[str, str] | None:
    """Return what went wrong (a predicate whose subject is Klaviyo) and what to do about it; None
    if the response is from Klaviyo and isn't a temporary failure.
    """
    if response.status is None:
        return f"couldn't be reached: {response.problem}", _UNREACHABLE
    if response.is_html:
        return f"returned a web page (status {response.status}), not JSON", _UNREACHABLE
    if response.status == 429:
        wait = f" for another {response.retry_after} s" if response.retry_after else ""
        problem = f"is rate-limiting requests{wait}"
        return problem, "try again later; other programs share the account's rate limit"
    if response.status >= 500:
        return (
            f"returned status {response.status}",
            "see https://status.klaviyo.com, and try again later",
        )
    return None


def unreadable(check: str, response: KlaviyoResponse, scope: str) -> Row:
    """Return the row of a check whose call was refused or failed."""
    if is_denied(response):
        return Row(check, Verdict.SKIP, f"can't be read without the {scope} scope")
    unexpected = (f"returned status {response.status}", "run the check again")
    problem, remedy = failure(response) or unexpected
    return Row(check, Verdict.WARN, f"couldn't be read: Klaviyo {problem}", remedy)
