"""Try a sign-up's calls at once, under one deadline for all of them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

from ..klaviyo.calls import Call, Operation
from ..klaviyo.client import Deadline
from ..klaviyo.outcomes import Accepted, DeadLetter, Misconfigured, Outcome, Refused, Temporary

logger = logging.getLogger(__package__)

DEADLINE = 4.0
"""Seconds that a shopper waits for Klaviyo at most, however many calls there are."""


class Sender(Protocol):
    """Whatever sends one call: `Klaviyo`, or `CircuitBreaker` round it."""

    def send(self, call: Call, *, deadline: Deadline) -> Outcome:
        """The outcome of one call; never raises for what the network did."""


def send_now(
    klaviyo: Sender,
    calls: Sequence[Call],
    *,
    sign_up_id: str,
    deadline: Deadline,
    known_outcomes: Sequence[Outcome | None] = (),
) -> list[Outcome | None]:
    """The outcome of each call, by position; None for one that was not made.

    `known_outcomes`: outcomes by position that a browser has reported; only calls that are
    Temporary or None there are sent. A call with `after_any` is sent only after another one was
    accepted. After an answer that the other calls of an operation would get too (the shop is
    misconfigured or throttled, or the contact is refused), none of them is sent.
    """
    outcomes = [*known_outcomes] or [None] * len(calls)
    ended: set[Operation] = set()
    for place, call in enumerate(calls):
        if not isinstance(outcomes[place], Temporary | None) or call.operation in ended:
            continue
        if call.after_any and not any(isinstance(each, Accepted) for each in outcomes):
            continue
        outcome = klaviyo.send(call, deadline=deadline)
        log_outcome(call, outcome, sign_up_id)
        outcomes[place] = outcome
        if _same_for_all(outcome):
            ended.add(call.operation)
        if _contact_refused(outcome):
            # nor can what a browser couldn't send of it get through later
            outcomes = [
                None if each.operation is call.operation and isinstance(known, Temporary) else known
                for each, known in zip(calls, outcomes, strict=True)
            ]
    return outcomes


def _same_for_all(outcome: Outcome) -> bool:
    if isinstance(outcome, Misconfigured) or outcome.response.status == 429:
        return True
    return _contact_refused(outcome)


def _contact_refused(outcome: Outcome) -> bool:
    return isinstance(outcome, Refused) and outcome.field != "variants"


def calls_to_queue(outcomes: Sequence[Outcome | None]) -> list[int]:
    """The positions of the calls to keep for later, by the design's table of outcomes.

    What met a passing trouble is kept, and so is what was not made because of it. A shop that
    turns out to be misconfigured keeps nothing, unless Klaviyo has accepted a part already: then
    the shopper is told so, and the rest must follow once the merchant has mended it.
    """
    accepted = any(isinstance(each, Accepted) for each in outcomes)
    misconfigured = any(isinstance(each, Misconfigured) for each in outcomes)
    temporary = any(isinstance(each, Temporary) for each in outcomes)
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
    """One line a call: IDs and reasons, no contact details and no text of Klaviyo's.

    `from_browser`: a browser reported it. Anybody can send such a report, so it is logged as a
    warning at most.
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
