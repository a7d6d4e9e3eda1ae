"""Client mode: the calls that the shopper's browser makes, and its report on them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ..klaviyo.calls import Call
from ..klaviyo.client import CONTENT_TYPE
from ..klaviyo.outcomes import Accepted, KlaviyoResponse, Outcome, outcome_of
from ..settings import Account


def browser_requests(account: Account, calls: Sequence[Call]) -> list[dict[str, Any]]:
    """The client-side calls of a sign-up, ready for `fetch`: url, headers, body, after_any.

    Create Client Back In Stock Subscription and Create Client Subscription: the public key goes
    as `company_id`; the private key is never part of it.
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


def reported_outcomes(text: str, calls: Sequence[Call]) -> list[Outcome | None]:
    """Return the outcome of each call from the form's `answers`, a JSON list with `{status, body}`,
    or null if there was no answer. Anything else counts as no answer, since anybody can send it.
    None is a call that wasn't made because no other call was accepted.
    """
    try:
        answers = json.loads(text)
    except (ValueError, RecursionError):
        answers = None
    if not isinstance(answers, list) or len(answers) != len(calls):
        answers = [None] * len(calls)
    outcomes: list[Outcome | None] = []
    for call, answer in zip(calls, answers, strict=True):
        waits = call.after_any and not any(isinstance(outcome, Accepted) for outcome in outcomes)
        outcomes.append(None if waits else outcome_of(_response(answer), call.operation, "client"))
    return outcomes


def _response(answer: Any) -> KlaviyoResponse:
    status = answer.get("status") if isinstance(answer, Mapping) else None
    if type(status) is not int or not 100 <= status <= 599:
        return KlaviyoResponse(None, problem="the browser got no answer")
    return KlaviyoResponse(status, document=answer.get("body"))
