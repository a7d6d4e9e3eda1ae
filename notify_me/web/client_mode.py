"""Client mode: the calls that the shopper's browser makes, and its report on them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ..klaviyo.calls import Call
from ..klaviyo.client import CONTENT_TYPE
from ..klaviyo.outcomes import Accepted, KlaviyoResponse, Outcome, Refused, outcome_of
from ..settings import Account


def browser_requests(account: Account, calls: Sequence[Call]) -> list[dict[str, Any]]:
    """Return the requests that `<notify-me>` makes: the URL, headers and body for `fetch`, and
    `after_any`.

    They are Create Client Back In Stock Subscription and Create Client Subscription. The public key
    is sent as `company_id`; they never contain the private key.
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


def reported_outcomes(text: str, calls: Sequence[Call | None]) -> list[Outcome | None]:
    """Return the outcomes that the form's `answers` report, or None for a call that wasn't made
    because no other call was accepted. Calls that are None had no channel left, and weren't made.

    `text` is a JSON list that has `{status, body}` for each call, or null if there was no answer.
    Anything else is treated as no answer, since anyone can send it.
    """
    try:
        answers = json.loads(text)
    except (ValueError, RecursionError):
        answers = None
    if not isinstance(answers, list) or len(answers) != len([*filter(None, calls)]):
        answers = [None] * len(calls)
    remaining = iter(answers)
    outcomes: list[Outcome | None] = []
    for call in calls:
        if call is None:
            outcomes.append(Refused(KlaviyoResponse(None)))
            continue
        accepted = any(isinstance(outcome, Accepted) for outcome in outcomes)
        was_made = accepted or not call.after_any
        response = _response(next(remaining))
        outcome = outcome_of(response, call.operation, "client", call.channels)
        outcomes.append(outcome if was_made else None)
    return outcomes


def _response(answer: Any) -> KlaviyoResponse:
    status = answer.get("status") if isinstance(answer, Mapping) else None
    if type(status) is not int or not 100 <= status <= 599:
        return KlaviyoResponse(None, problem="the browser got no answer")
    return KlaviyoResponse(status, document=answer.get("body"))
