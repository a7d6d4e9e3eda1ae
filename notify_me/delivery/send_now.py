"""Send a sign-up's calls while the shopper waits, and decide which of them to queue."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from ..klaviyo.calls import Call, Operation
from ..klaviyo.circuit_breaker import CircuitBreaker
from ..klaviyo.client import Deadline
from ..klaviyo.outcomes import Accepted, DeadLetter, Misconfigured, Outcome, Refused, Temporary

logger = logging.getLogger(__package__)

DEADLINE = 4.0
"""Seconds that a shopper waits for all calls to Klaviyo together."""


def send_now(
    klaviyo: CircuitBreaker,
    calls: Sequence[Call],
    *,
    sign_up_id: str,
    deadline: Deadline,
    known_outcomes: Sequence[Outcome | None] = (),
) -> list[Outcome | None]:
    """Send calls, and return their outcomes by position; None for a call that wasn't sent.

    `known_outcomes` are the outcomes by position that a browser has reported; only calls whose
    outcome there is Temporary or None are sent. A call with `after_any` is sent only after another
    one was accepted. If a response applies to all calls of an operation (the shop is misconfigured
    or throttled, or the contact is refused), no further call of that operation is sent.
    """
    outcomes = [*known_outcomes] or [None] * len(calls)
    stopped: set[Operation] = set()
    for position, call in enumerate(calls):
        if not isinstance(outcomes[position], Temporary | None) or call.operation in stopped:
            continue
        if call.after_any and not any(isinstance(outcome, Accepted) for outcome in outcomes):
            continue
        outcome = klaviyo.send(call, deadline=deadline)
        log_outcome(call, outcome, sign_up_id)
        outcomes[position] = outcome
        contact_refused = isinstance(outcome, Refused) and outcome.field != "variants"
        throttled = outcome.response.status == 429
        if contact_refused or throttled or isinstance(outcome, Misconfigured):
            stopped.add(call.operation)
        if contact_refused:
            # what a browser couldn't send for this contact would be refused too: don't queue it
            for index, other in enumerate(outcomes):
                if calls[index].operation is call.operation and isinstance(other, Temporary):
                    outcomes[index] = None
    return outcomes


def calls_to_queue(outcomes: Sequence[Outcome | None]) -> list[int]:
    """Return the positions of the calls to queue: those that failed temporarily or weren't sent.

    Nothing is queued if the shop is misconfigured, unless Klaviyo has accepted some of the calls:
    the shopper then sees a confirmation, so the rest is delivered once the merchant has fixed it.
    """
    accepted = any(isinstance(outcome, Accepted) for outcome in outcomes)
    misconfigured = any(isinstance(outcome, Misconfigured) for outcome in outcomes)
    temporary = any(isinstance(outcome, Temporary) for outcome in outcomes)
    if not accepted and (misconfigured or not temporary):
        return []
    return [
        position
        for position, outcome in enumerate(outcomes)
        if outcome is None or isinstance(outcome, Temporary | Misconfigured)
    ]


def log_outcome(
    call: Call, outcome: Outcome, sign_up_id: str | None, *, from_browser: bool = False
) -> None:
    """Log one line about a call: IDs and reasons, but no contact details or text from Klaviyo.

    `from_browser` means that a browser reported the outcome. Anyone can forge such a report, so it
    is logged as a warning at most.
    """
    level = logging.INFO
    if isinstance(outcome, Misconfigured | DeadLetter):
        level = logging.WARNING if from_browser else logging.ERROR
    elif not isinstance(outcome, Accepted | Refused):
        level = logging.WARNING
    logger.log(
        level,
        "%s%s: %s%s%s (status %s, code %s, error %s)%s",
        "the browser reports " if from_browser else "",
        type(outcome).__name__,
        call.operation.value,
        f" for {call.variant}" if call.variant else "",
        f", sign-up {sign_up_id}" if sign_up_id else "",
        outcome.response.status or "none",
        outcome.response.code or "none",
        outcome.response.error_id or "none",
        f": {outcome.remedy}" if outcome.remedy else "",
    )
