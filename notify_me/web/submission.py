"""Process a valid sign-up: record it, send it, record the outcome, respond."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, request
from itsdangerous import BadData
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from ..context import current_account, current_state
from ..delivery import DEADLINE, calls_to_queue, jobs, log_outcome, send_now
from ..i18n.text import gettext
from ..klaviyo import outcomes
from ..klaviyo.calls import Call, SignUp, build_calls
from ..klaviyo.client import Deadline
from ..klaviyo.outcomes import Accepted, KlaviyoResponse, Outcome, Refused, Temporary
from ..store.logged import LoggedSignUp
from ..store.tables import CallState
from . import client_mode, responses

logger = logging.getLogger(__name__)

LINK_AGE = 24 * 60 * 60
"""Seconds for which what the kit signs is good: a done link, a browser's report."""


def by_browser() -> bool:
    """Whether this sign-up's calls are the browser's to make: client mode, with scripts."""
    return current_account().mode == "client" and responses.from_element()


def process(sign_up: SignUp, form_reply: responses.FormReply) -> Response:
    """Record a valid sign-up, send its calls, record how they ended, and respond.

    The log's database may be away.
    """
    state = current_state()
    try:
        if by_browser():
            if "sign_up" in request.form:
                return _report(sign_up, form_reply)
            return _hand_over(sign_up, form_reply)
        if state.klaviyo is None:
            return form_reply.failed(outcomes.NEEDS_SCRIPT)
        deadline = Deadline(DEADLINE)
        to_make = build_calls(sign_up, "api")
        sign_up_id = state.log.start(sign_up, to_make, "server")
    except SQLAlchemyError as error:
        _cant_log(error)
        return form_reply.failed(outcomes.TRY_AGAIN)
    results = send_now(state.klaviyo, to_make, sign_up_id=sign_up_id, deadline=deadline)
    return _finish(Attempt(sign_up_id, sign_up, to_make, results), form_reply)


def _hand_over(sign_up: SignUp, form_reply: responses.FormReply) -> Response:
    """Client mode: give the calls to the element, and what it shows once all are accepted."""
    state = current_state()
    to_make = build_calls(sign_up, "client")
    sign_up_id = state.log.start(sign_up, to_make, "client")
    everything = LoggedSignUp.from_outcomes(
        sign_up, to_make, [Accepted(KlaviyoResponse(202))] * len(to_make)
    )
    to_send = client_mode.to_send(current_account(), to_make)
    signed = state.signer.dumps(sign_up_id)
    return responses.send(everything, form_reply.product, to_send, signed)


def _report(sign_up: SignUp, form_reply: responses.FormReply) -> Response:
    """Client mode: record what the element says of its calls.

    A report on a sign-up that we never signed, or too long ago, that was made before, or whose form
    isn't the one that was logged, is not acted on.
    """
    state = current_state()
    reported = _report_of()
    logged = state.log.read(reported) if reported else None
    if reported is None or logged is None:
        return form_reply.failed(outcomes.TRY_AGAIN)
    to_make = build_calls(sign_up, "client")
    if not state.log.claim(reported, sign_up, to_make):
        if any(call.state in (CallState.ACCEPTED, CallState.QUEUED) for call in logged.calls):
            return responses.done(logged, form_reply.product)
        return form_reply.failed(outcomes.TRY_AGAIN)
    results = client_mode.reported(request.form.get("answers", ""), to_make)
    for call, result in zip(to_make, results, strict=True):
        if result is not None:
            log_outcome(call, result, reported, from_browser=True)
    finished = _taken_over(sign_up, reported, results)
    return _finish(Attempt(reported, sign_up, to_make, finished), form_reply)


def _report_of() -> str | None:
    """The sign-up that the element reports on, if it does."""
    try:
        signed = request.form.get("sign_up", "")
        return str(current_state().signer.loads(signed, max_age=LINK_AGE))
    except BadData:
        return None


def _taken_over(
    sign_up: SignUp, sign_up_id: str, results: Sequence[Outcome | None]
) -> Sequence[Outcome | None]:
    """The results, after the server has tried what couldn't get through from the browser."""
    klaviyo = current_state().klaviyo
    if not any(isinstance(result, Temporary) for result in results):
        return results
    if klaviyo is None:
        return [_blocked(result) for result in results]
    return send_now(
        klaviyo,
        build_calls(sign_up, "api"),
        sign_up_id=sign_up_id,
        deadline=Deadline(DEADLINE),
        known_outcomes=results,
    )


def _blocked(result: Outcome | None) -> Outcome | None:
    """The result with the words for a browser that got no answer."""
    if isinstance(result, Temporary) and result.response.status is None:
        return Temporary(result.response, outcomes.BLOCKED)
    return result


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-up that went out: its calls and how each ended, by position."""

    sign_up_id: str
    sign_up: SignUp
    calls: Sequence[Call]
    results: Sequence[Outcome | None]


def _finish(attempt: Attempt, form_reply: responses.FormReply) -> Response:
    """Log how the calls ended, keep those that must go later, and tell the shopper."""
    state, results = current_state(), attempt.results
    # without a private key nothing can be sent later
    kept = calls_to_queue(results) if state.klaviyo is not None else []
    logged = True
    try:
        state.log.settle(
            attempt.sign_up_id, results, kept, lambda connection: _keep(connection, attempt, kept)
        )
    except SQLAlchemyError as error:
        _cant_log(error)
        if kept:
            # what is neither at Klaviyo nor on the disk is never acknowledged
            return form_reply.failed(outcomes.TRY_AGAIN)
        # Klaviyo's answer stands all the same; the log shows these calls as unknown
        logged = False
    if not kept and not any(isinstance(each, Accepted) for each in results):
        return _not_taken(results, form_reply)
    if responses.from_element() or not logged:
        done = LoggedSignUp.from_outcomes(attempt.sign_up, attempt.calls, results, kept)
        return responses.done(done, form_reply.product)
    signed = state.done_signer.dumps(attempt.sign_up_id)
    return responses.done_link(form_reply.product.variant, signed)


def _keep(connection: Connection, attempt: Attempt, kept: Sequence[int]) -> None:
    """Put the calls at these positions into the queue; a throttle's end is waited for."""
    # the queue is the server's, whoever tried first: calls with the private key
    to_make = build_calls(attempt.sign_up, "api")
    waits = [each.response.retry_after or 0 for each in attempt.results if each is not None]
    delay = float(max(waits, default=0))
    current_state().queue.enqueue(connection, jobs(attempt.sign_up_id, to_make, kept), delay=delay)


def _cant_log(error: SQLAlchemyError) -> None:
    # hide_parameters is the shop's choice: the class alone is told, never the statement
    logger.error("the sign-up log can't be written: %s", type(error).__name__)


def _not_taken(results: Sequence[Outcome | None], form_reply: responses.FormReply) -> Response:
    form = form_reply.form
    made = [each for each in results if each is not None]
    refused = [each for each in made if isinstance(each, Refused)]
    for each in made:
        if not isinstance(each, Refused):
            return form_reply.failed(each.message)
        if each.field != "variants" and each.field not in {
            way.info.identifier for way in form.selected_channels
        }:
            # nothing that the shopper typed, so nothing that they can mend
            return form_reply.failed(outcomes.UNAVAILABLE)
    for each in refused:
        field = form[each.field]
        field.errors = [*dict.fromkeys([*field.errors, gettext(each.message)])]
    return form_reply.invalid()
