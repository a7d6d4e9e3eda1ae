"""Client mode: the shopper's browser makes the calls, and reports how they ended."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from flask import Response, request
from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer

from ..channels import Channel
from ..context import current_account, current_state
from ..delivery.outcome_log import log_outcome
from ..delivery.send_now import SHOPPER_TIMEOUT, must_take_over, send_now
from ..klaviyo.calls import Call, SignUp, build_calls
from ..klaviyo.client import CONTENT_TYPE, Deadline, is_stand_in
from ..klaviyo.outcomes import (
    BLOCKED,
    PLACEHOLDER_REMEDY,
    PUBLIC_KEY_REMEDIES,
    TRY_AGAIN,
    UNAVAILABLE,
    Accepted,
    KlaviyoResponse,
    Outcome,
    Refused,
    Temporary,
    UnknownVariant,
    outcome_of,
)
from ..settings import Account
from ..store.logged import LoggedSignUp
from ..store.tables import CallState
from . import abuse, responses
from .submission import allowed_calls, finish

logger = logging.getLogger(__name__)

SIGNED_ID_MAX_AGE = 24 * 60 * 60
"""Seconds for which a signed sign-up ID is valid, in a confirmation link or a browser's report."""


def browser_makes_calls() -> bool:
    """Return whether the browser makes the calls: in client mode, if it runs JavaScript."""
    return current_account().mode == "client" and responses.from_element()


def hand_to_browser(sign_up: SignUp, form_reply: responses.FormReply) -> Response:
    """Log the sign-up. Return the calls for `<notify-me>` to make, and the confirmation to show
    once Klaviyo has accepted them. Fail if a variant has a placeholder ID, unless the calls go to a
    stand-in for Klaviyo.
    """
    abuse.check_daily_limit(sign_up)
    state = current_state()
    if not is_stand_in(current_account().api_url):
        for variant in sign_up.variants:
            if variant.is_placeholder:
                logger.error("%s: %s", variant, PLACEHOLDER_REMEDY)
                return form_reply.failed(UNAVAILABLE)
    calls = build_calls(sign_up, "client")
    sign_up_id = state.log.start(sign_up, calls, "client")
    return _calls_for_browser(sign_up_id, sign_up, calls, (), form_reply)


def _calls_for_browser(
    sign_up_id: str,
    sign_up: SignUp,
    calls: Sequence[Call],
    refused: Collection[Channel],
    form_reply: responses.FormReply,
) -> Response:
    """Return the calls without the refused channels, and the confirmation to show once Klaviyo has
    accepted them.
    """
    allowed = [call.without(refused) for call in calls]
    response = KlaviyoResponse(202)
    expected: list[Outcome] = [
        Accepted(response, refused_channels=frozenset(refused)) if call else Refused(response)
        for call in allowed
    ]
    logged = LoggedSignUp.from_outcomes(sign_up, calls, expected)
    requests = _browser_requests(current_account(), [*filter(None, allowed)])
    signed = current_state().report_signer.dumps(sign_up_id)
    return responses.calls_to_make(logged, form_reply.product, sign_up, requests, signed)


def accept_report(sign_up: SignUp, form_reply: responses.FormReply) -> Response:
    """Record how the browser's calls ended. The server sends those that didn't get through, if it
    has a private key.

    If Klaviyo refused only some of the channels, the reply has the calls without those channels.

    Nothing is sent if the report's ID is invalid or expired, the report was already processed, or
    its form differs from the logged sign-up.
    """
    state = current_state()
    try:
        sign_up_id = read_signed(state.report_signer, request.form["sign_up"])
    except BadData:
        return form_reply.failed(TRY_AGAIN)
    logged = state.log.read(sign_up_id)
    if logged is None:
        return form_reply.failed(TRY_AGAIN)
    calls = build_calls(sign_up, "client")
    if not state.log.claim(sign_up_id, sign_up, calls):
        if any(call.state in (CallState.ACCEPTED, CallState.QUEUED) for call in logged.calls):
            return responses.done(logged, form_reply.product)
        return form_reply.failed(TRY_AGAIN)
    allowed = [call.without(logged.refused) for call in calls]
    reported = _reported_outcomes(request.form.get("answers", ""), allowed)
    for call, outcome in zip(allowed, reported, strict=True):
        if call and outcome:
            log_outcome(call, outcome, sign_up_id, from_browser=True)
    refused = logged.refused.union(*(outcome.refused_channels for outcome in reported if outcome))
    if any(
        isinstance(outcome, Refused) and outcome.refused_channels and call.without(refused)
        for call, outcome in zip(calls, reported, strict=True)
    ):
        state.log.reopen(sign_up_id, refused)
        return _calls_for_browser(sign_up_id, sign_up, calls, refused, form_reply)
    if state.circuit_breaker is None:
        outcomes = [_without_private_key(outcome) for outcome in reported]
    elif must_take_over(reported):
        outcomes = send_now(
            state.circuit_breaker,
            allowed_calls(sign_up, logged.refused),
            sign_up_id=sign_up_id,
            deadline=Deadline(SHOPPER_TIMEOUT),
            known_outcomes=reported,
        )
        outcomes = [*map(_with_public_key_problem, outcomes, reported)]
    else:
        outcomes = reported
    # after the server's calls, whose outcomes don't name the channels refused before
    outcomes = [
        outcome and replace(outcome, refused_channels=outcome.refused_channels | logged.refused)
        for outcome in outcomes
    ]
    return finish(sign_up_id, sign_up, calls, outcomes, form_reply)


def read_signed(serializer: URLSafeTimedSerializer, text: str) -> str:
    """Return the sign-up's ID from a signed link or report.

    Raises `BadData` if it is forged or older than `SIGNED_ID_MAX_AGE`. A time in the future is
    valid: it may be from another machine, whose clock is ahead.
    """
    sign_up_id, signed_at = serializer.loads(text, return_timestamp=True)
    if signed_at < datetime.now(UTC) - timedelta(seconds=SIGNED_ID_MAX_AGE):
        raise SignatureExpired("the link or report is too old", date_signed=signed_at)
    return str(sign_up_id)


def _without_private_key(outcome: Outcome | None) -> Outcome | None:
    """Return the outcome to show for a browser's call that the server can't send instead, because
    it has no private key.
    """
    if isinstance(outcome, Temporary) and outcome.response.status is None:
        return Temporary(outcome.response, BLOCKED)
    if isinstance(outcome, UnknownVariant):
        return Refused(outcome.response, outcome.message, outcome.explanation, fields=("variants",))
    return outcome


def _with_public_key_problem(outcome: Outcome | None, reported: Outcome | None) -> Outcome | None:
    """Note in the server's outcome that Klaviyo refused the public key, so that `flask notify-me
    status` reports it.
    """
    if not isinstance(outcome, Accepted) or isinstance(reported, Accepted) or reported is None:
        return outcome
    if reported.explanation not in PUBLIC_KEY_REMEDIES.values():
        return outcome
    return replace(outcome, explanation=reported.explanation)


def _browser_requests(account: Account, calls: Sequence[Call]) -> list[dict[str, Any]]:
    """Return the requests that `<notify-me>` makes: the URL, headers and body for `fetch`, and
    `after_any`.

    They are Create Client Back In Stock Subscription and Create Client Subscription. They contain
    the public key, as `company_id`, and never the private key.
    """
    return [
        {
            "url": f"{account.api_url}{call.operation.path('client')}"
            f"?company_id={quote(account.public_key)}",
            "headers": {"Content-Type": CONTENT_TYPE, "revision": account.revision},
            "body": call.body,
            "after_any": call.after_any,
        }
        for call in calls
    ]


def _reported_outcomes(text: str, calls: Sequence[Call | None]) -> list[Outcome | None]:
    """Return the outcomes of the browser's calls: one per call, or None if the call wasn't made
    because no other call was accepted. If a call in `calls` is None, all its channels were refused,
    so the browser didn't make it; its outcome is `Refused`.

    `text` is the value of the `answers` form field: a JSON list of Klaviyo's responses to the calls
    that the browser was given. Each is `{status, body}`, or null if the call wasn't made or got no
    response. Since anyone can send this field, anything else counts as no response.
    """
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError):
        entries = None
    if not isinstance(entries, list) or len(entries) != len([*filter(None, calls)]):
        entries = [None] * len(calls)
    remaining = iter(entries)
    reported: list[Outcome | None] = []
    for call in calls:
        if call is None:
            reported.append(Refused(KlaviyoResponse(None)))
            continue
        accepted = any(isinstance(outcome, Accepted) for outcome in reported)
        was_made = accepted or not call.after_any
        response = _response(next(remaining))
        outcome = outcome_of(response, call.operation, "client", call.channels)
        reported.append(outcome if was_made else None)
    return reported


def _response(entry: Any) -> KlaviyoResponse:
    status = entry.get("status") if isinstance(entry, Mapping) else None
    if type(status) is not int or not 100 <= status <= 599:
        return KlaviyoResponse(None, problem="the browser got no response")
    return KlaviyoResponse(status, document=entry.get("body"))
