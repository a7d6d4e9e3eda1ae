"""Send a sign-up's calls while the shopper waits, and decide which of them to queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..klaviyo.calls import Call, Operation
from ..klaviyo.circuit_breaker import CircuitBreaker
from ..klaviyo.client import Deadline
from ..klaviyo.outcomes import (
    Accepted,
    DeadLetter,
    KlaviyoResponse,
    Misconfigured,
    Outcome,
    Refused,
    Temporary,
    UnknownVariant,
)
from .outcome_log import log_outcome

CONSENT_KNOWN = "Klaviyo accepted this consent within the last day, so it was not sent again"
SHOPPER_TIMEOUT = 4.0
"""The maximum number of seconds for sending all calls of a sign-up while the shopper waits."""


def send_now(
    breaker: CircuitBreaker,
    calls: Sequence[Call],
    *,
    sign_up_id: str,
    deadline: Deadline,
    known_outcomes: Sequence[Outcome | None] = (),
    consent_known: bool = False,
) -> list[Outcome | None]:
    """Send calls, and return their outcomes by position; None for a call that wasn't sent.

    `known_outcomes` are the outcomes that a browser has reported, by position. Of those calls, only
    the ones that may succeed with the private key are sent again. A call with `after_any` is sent
    only after another one was accepted. If a response applies to every call of an operation
    (invalid settings, throttling, a refused contact), no further call of that operation is sent.
    Channels that Klaviyo has refused are left out of later calls, and each outcome names them.

    `consent_known` means that Klaviyo already has the consent. Instead of sending the consent call,
    wait as long as a recent one took, so that the response time doesn't disclose whether somebody
    is on the list. But if a consent call might fail right now, it is sent after all: a reply
    without an error could also disclose that.
    """
    outcomes = [*known_outcomes] or [None] * len(calls)
    stopped: set[Operation] = set()
    refusal: Refused | None = None
    for position, call in enumerate(calls):
        known_outcome = outcomes[position]
        is_final = isinstance(known_outcome, Accepted | Refused | DeadLetter)
        if call.operation in stopped or is_final:
            continue
        if call.after_any and not any(isinstance(outcome, Accepted) for outcome in outcomes):
            continue
        may_skip = consent_known and call.operation is Operation.SUBSCRIBE and refusal is None
        if may_skip and breaker.simulate_consent_delay(deadline):
            outcomes[position] = Accepted(KlaviyoResponse(None), "", CONSENT_KNOWN)
            continue
        outcome, refusal = _send_allowed(breaker, call, refusal, deadline, sign_up_id)
        outcomes[position] = outcome
        throttled = outcome.response.status == 429
        if throttled or isinstance(outcome, Refused | Misconfigured):
            stopped.add(call.operation)
        if isinstance(outcome, Refused):
            # Klaviyo would also refuse the calls of this operation that failed in the browser
            for index, other in enumerate(outcomes):
                same_operation = calls[index].operation is call.operation
                if same_operation and isinstance(other, Temporary | UnknownVariant | Misconfigured):
                    outcomes[index] = None
    return outcomes


def _send_allowed(
    breaker: CircuitBreaker,
    call: Call,
    refusal: Refused | None,
    deadline: Deadline,
    sign_up_id: str,
) -> tuple[Outcome, Refused | None]:
    """Send a call without the channels of an earlier refusal. If Klaviyo refuses other channels,
    send the call again without them. Return the outcome, and all refusals combined into one.
    """
    if refusal is None:
        allowed = call
    elif (remaining := call.without(refusal.refused_channels)) is not None:
        allowed = remaining
    else:
        return refusal, refusal
    outcome = breaker.send(allowed, deadline=deadline)
    log_outcome(call, outcome, sign_up_id)
    if isinstance(outcome, Refused) and outcome.refused_channels:
        refusal = outcome.merged_with(refusal) if refusal else outcome
        return _send_allowed(breaker, call, refusal, deadline, sign_up_id)
    if refusal:
        channels = outcome.refused_channels | refusal.refused_channels
        outcome = replace(outcome, refused_channels=channels)
    return outcome, refusal


def must_take_over(reported: Sequence[Outcome | None]) -> bool:
    """Return whether the server must send calls that failed in a browser. It must if the browser
    was blocked or throttled, if Klaviyo refuses the public key, or if the browser reports that
    Klaviyo doesn't have the variant: only the server can verify that.

    If Klaviyo refuses the public key after it has accepted another call, the rest is only queued.
    """
    accepted = any(isinstance(outcome, Accepted) for outcome in reported)
    return any(
        isinstance(outcome, Temporary | UnknownVariant)
        or (isinstance(outcome, Misconfigured) and not accepted)
        for outcome in reported
    )


def calls_to_queue(outcomes: Sequence[Outcome | None]) -> list[int]:
    """Return the positions of the calls to queue: those that may succeed later, or weren't sent.

    Nothing is queued if the shop is misconfigured, unless Klaviyo has accepted some of the calls.
    In that case the shopper sees a confirmation, and the rest is sent once the merchant has fixed
    the problem.
    """
    accepted = any(isinstance(outcome, Accepted) for outcome in outcomes)
    misconfigured = any(isinstance(outcome, Misconfigured) for outcome in outcomes)
    may_succeed = any(isinstance(outcome, Temporary | UnknownVariant) for outcome in outcomes)
    if not accepted and (misconfigured or not may_succeed):
        return []
    return [
        position
        for position, outcome in enumerate(outcomes)
        if outcome is None or isinstance(outcome, Temporary | UnknownVariant | Misconfigured)
    ]
