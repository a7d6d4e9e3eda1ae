"""Klaviyo, asked with patience, and what its answers tell beside their documents."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from ..klaviyo.client import Deadline, Klaviyo
from ..klaviyo.outcomes import KlaviyoResponse

PATIENCE = 10.0
"""Seconds for one answer: nobody's page waits for it."""
LONGEST_WAIT = 20
"""Seconds that a throttle is waited out, all in all."""

Ask = Callable[[Deadline], KlaviyoResponse]
Tell = Callable[[str], None]


class Asking:
    """Asks Klaviyo, waits while it throttles, and remembers what the key turned out to be allowed.

    `tell` is given a few words before each call, for a person who waits.
    """

    def __init__(self, klaviyo: Klaviyo, tell: Tell) -> None:
        self.klaviyo = klaviyo
        self.has: set[str] = set()
        """The scopes that the key has proved to have."""
        self.lacks: list[frozenset[str]] = []
        """For each refusal, the scopes of which it lacks at least one."""
        self._tell = tell
        self._left = LONGEST_WAIT

    def ask(self, what: str, scopes: Iterable[str], ask: Ask) -> KlaviyoResponse:
        """The answer to one call, which needs `scopes`; `what` is told while it is awaited."""
        self._tell(what)
        answer = ask(Deadline(PATIENCE))
        while answer.status == 429:
            wait = 1 if answer.retry_after is None else answer.retry_after
            if wait > self._left:
                break
            self._left -= max(1, wait)
            self._tell(f"{what}: Klaviyo asks to wait {wait} s")
            time.sleep(wait)
            answer = ask(Deadline(PATIENCE))
        self._note(frozenset(scopes), answer)
        return answer

    def tell(self, what: str) -> None:
        """Say what is under way."""
        self._tell(what)

    def _note(self, scopes: frozenset[str], answer: KlaviyoResponse) -> None:
        if denied(answer):
            named = [each for each in _scopes_in(answer) if each in scopes]
            self.lacks += [frozenset({each}) for each in named] or [scopes]
        elif answer.status in (200, 400, 404) and not trouble(answer):
            # Klaviyo looks at the key before it looks at what is asked of it
            self.has |= scopes


def denied(answer: KlaviyoResponse) -> bool:
    """Whether Klaviyo refused for lack of a scope."""
    return answer.status == 403 and not _is_page(answer)


def trouble(answer: KlaviyoResponse) -> str:
    """What kept Klaviyo from answering, in words that follow a subject; empty when it did."""
    if answer.status is None:
        return f"gave {answer.problem}"
    if _is_page(answer):
        return f"answered with a web page (status {answer.status}), not with JSON"
    if answer.status == 429:
        return f"throttles, and asks to wait {answer.retry_after or '?'} s"
    return f"answered {answer.status}" if answer.status >= 500 else ""


def trouble_cure(answer: KlaviyoResponse) -> str:
    """What to do about it."""
    if answer.status == 429:
        return "run the check again a minute later; something else may use up the account's limit"
    if answer.status is not None and not _is_page(answer):
        return "look at https://status.klaviyo.com, and run the check again"
    return (
        "see whether this machine reaches that address (its network, a proxy or firewall, "
        "KLAVIYO_API_URL), and look at https://status.klaviyo.com"
    )


def time_of(answer: KlaviyoResponse) -> datetime | None:
    """Klaviyo's time by the answer's `Date`, to the second; None when it tells none."""
    try:
        told = parsedate_to_datetime(answer.headers["Date"])
    except (KeyError, ValueError):
        return None
    return told if told.tzinfo else told.replace(tzinfo=UTC)


def things(answer: KlaviyoResponse) -> list[Mapping[str, Any]]:
    """The resources of an answer's document, of which there may be one or many."""
    data = answer.document.get("data")
    found = data if isinstance(data, list) else [data]
    return [each for each in found if isinstance(each, dict)]


def attribute(thing: Mapping[str, Any], name: str) -> Any:
    """One attribute of a resource, or None."""
    attributes = thing.get("attributes")
    return attributes.get(name) if isinstance(attributes, dict) else None


def _is_page(answer: KlaviyoResponse) -> bool:
    return "html" in answer.headers.get("Content-Type", "")


def _scopes_in(answer: KlaviyoResponse) -> list[str]:
    return re.findall(r"[a-z-]+:(?:read|write)", str(answer.error.get("detail", "")))
