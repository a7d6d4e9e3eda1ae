"""Process a valid sign-up: record it, send it, record the outcome, respond."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Response, current_app, request
from itsdangerous import BadData
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from .. import signals
from ..channels import Channel
from ..context import current_account, current_state
from ..delivery.outcome_log import log_outcome, log_unknown_variant
from ..delivery.queue import jobs
from ..delivery.send_now import DEADLINE, calls_to_queue, must_take_over, send_now
from ..i18n.catalogs import N_
from ..i18n.text import gettext
from ..klaviyo import outcomes
from ..klaviyo.calls import Call, Operation, SignUp, build_calls
from ..klaviyo.client import LOOPBACK, Deadline, is_stand_in
from ..klaviyo.outcomes import (
    PUBLIC_KEY_REMEDIES,
    Accepted,
    KlaviyoResponse,
    Outcome,
    Refused,
    Temporary,
    UnknownVariant,
)
from ..store.logged import LoggedSignUp
from ..store.people import is_waiting_count
from ..store.tables import CallState
from . import abuse, client_mode, responses
from .correction import has_suggestion

logger = logging.getLogger(__name__)

SQLITE_LOCKED = (
    ". The SQLite database is locked: if your shop writes to it in the same request, for example "
    "in before_request, commit that first, or use a separate database for the kit"
)

LINK_MAX_AGE = 24 * 60 * 60
"""Seconds for which a signed sign-up ID is valid, in a confirmation link or a browser's report."""

_FAILURES: Mapping[int, signals.SignUpOutcome] = {
    HTTPStatus.UNPROCESSABLE_ENTITY: "refused",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limited",
}
"""The outcome that the signal reports, by the status of the reply."""

CONSENT_FRESH_FOR = timedelta(days=1)
"""How long an accepted consent isn't sent again. After that, the shopper may have unsubscribed, and
then a new consent must reach Klaviyo.
"""


def sent_by_browser() -> bool:
    """Return whether the browser makes the calls: in client mode, if it runs JavaScript."""
    return current_account().mode == "client" and responses.from_element()


def process(
    sign_up: SignUp, form_reply: responses.FormReply, *, is_report: bool = False
) -> Response:
    """Record a valid sign-up, send its calls, record their outcomes, and respond. With `is_report`,
    the browser has sent the calls, and reports how they ended.

    Sends the signal `sign_up_confirmed` or `sign_up_failed`, unless the browser still has to make
    calls.
    """
    try:
        if is_report:
            response = _accept_report(sign_up, form_reply)
        else:
            abuse.check_daily_limit(sign_up)
            respond = _hand_to_browser if sent_by_browser() else _send
            response = respond(sign_up, form_reply)
    except abuse.RateLimited as error:
        response = form_reply.rate_limited(error)
    except SQLAlchemyError as error:
        _log_database_error(error)
        response = form_reply.failed(outcomes.TRY_AGAIN)
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        outcome = _FAILURES.get(response.status_code, "failed")
        signals.send(signals.sign_up_failed, _event(sign_up, outcome))
    return response


def _event(sign_up: SignUp, outcome: signals.SignUpOutcome) -> signals.SignUpEvent:
    contact_hash = current_state().log.hash_contact(sign_up.email or sign_up.phone_number or "")
    return signals.SignUpEvent(sign_up.variants, sign_up.channels, contact_hash, outcome)


def _send(sign_up: SignUp, form_reply: responses.FormReply) -> Response:
    """Server mode, or a form without JavaScript: log the sign-up, then send its calls."""
    state = current_state()
    if state.klaviyo is None:
        return form_reply.failed(outcomes.NEEDS_SCRIPT)
    deadline = Deadline(DEADLINE)
    calls = build_calls(sign_up, "api")
    consent_known = state.log.has_consented(sign_up, CONSENT_FRESH_FOR)
    sign_up_id = state.log.start(sign_up, calls, "server")
    results = send_now(
        state.klaviyo,
        calls,
        sign_up_id=sign_up_id,
        deadline=deadline,
        consent_known=consent_known,
    )
    return _finish(sign_up_id, sign_up, calls, results, form_reply)


def _hand_to_browser(sign_up: SignUp, form_reply: responses.FormReply) -> Response:
    """Client mode: return the calls for the element to make, and the confirmation to show then."""
    state = current_state()
    if not is_stand_in(current_account().api_url):
        for variant in sign_up.variants:
            if variant.is_placeholder:
                logger.error("%s: %s", variant, outcomes.PLACEHOLDER_ID)
                return form_reply.failed(outcomes.UNAVAILABLE)
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
    """Return the calls without the refused channels, and the confirmation for their acceptance."""
    allowed = [call.without(refused) for call in calls]
    response = KlaviyoResponse(202)
    expected: list[Outcome] = [
        Accepted(response, refused_channels=frozenset(refused)) if call else Refused(response)
        for call in allowed
    ]
    logged = LoggedSignUp.from_outcomes(sign_up, calls, expected)
    requests = client_mode.browser_requests(current_account(), [*filter(None, allowed)])
    signed = current_state().signer.dumps(sign_up_id)
    return responses.send(logged, form_reply.product, sign_up, requests, signed)


def _accept_report(sign_up: SignUp, form_reply: responses.FormReply) -> Response:
    """Client mode: record how the browser's calls ended; the server sends what didn't get through.

    If Klaviyo refused only some of the channels, the reply has the calls without these.

    Nothing is sent for a report with an invalid or expired ID, for a repeated one, or for one whose
    form differs from the logged sign-up.
    """
    state = current_state()
    try:
        sign_up_id = str(state.signer.loads(request.form["sign_up"], max_age=LINK_MAX_AGE))
    except BadData:
        return form_reply.failed(outcomes.TRY_AGAIN)
    logged = state.log.read(sign_up_id)
    if logged is None:
        return form_reply.failed(outcomes.TRY_AGAIN)
    calls = build_calls(sign_up, "client")
    if not state.log.claim(sign_up_id, sign_up, calls):
        if any(call.state in (CallState.ACCEPTED, CallState.QUEUED) for call in logged.calls):
            return responses.done(logged, form_reply.product)
        return form_reply.failed(outcomes.TRY_AGAIN)
    allowed = [call.without(logged.refused) for call in calls]
    reported = client_mode.reported_outcomes(request.form.get("answers", ""), allowed)
    for call, result in zip(allowed, reported, strict=True):
        if call and result:
            log_outcome(call, result, sign_up_id, from_browser=True)
    refused = logged.refused.union(*(result.refused_channels for result in reported if result))
    if any(
        isinstance(result, Refused) and result.refused_channels and call.without(refused)
        for call, result in zip(calls, reported, strict=True)
    ):
        state.log.reopen(sign_up_id, refused)
        return _calls_for_browser(sign_up_id, sign_up, calls, refused, form_reply)
    reported = [
        result and replace(result, refused_channels=result.refused_channels | logged.refused)
        for result in reported
    ]
    if state.klaviyo is None:
        results = [_without_private_key(result) for result in reported]
    elif must_take_over(reported):
        results = send_now(
            state.klaviyo,
            _allowed_calls(sign_up, logged.refused),
            sign_up_id=sign_up_id,
            deadline=Deadline(DEADLINE),
            known_outcomes=reported,
        )
        results = [*map(_with_public_key_problem, results, reported)]
    else:
        results = reported
    return _finish(sign_up_id, sign_up, calls, results, form_reply)


def _allowed_calls(sign_up: SignUp, refused: Collection[Channel]) -> list[Call]:
    """Return the server's calls without the refused channels. The consent call stays as it is if
    nothing is left of it: its outcome is known, so it isn't sent.
    """
    return [call.without(refused) or call for call in build_calls(sign_up, "api")]


def _without_private_key(result: Outcome | None) -> Outcome | None:
    """Return the outcome to show for a browser's call that the server can't send instead."""
    if isinstance(result, Temporary) and result.response.status is None:
        return Temporary(result.response, outcomes.BLOCKED)
    if isinstance(result, UnknownVariant):
        return Refused(result.response, result.message, result.remedy, fields=("variants",))
    return result


def _with_public_key_problem(result: Outcome | None, reported: Outcome | None) -> Outcome | None:
    """Note in the server's outcome that Klaviyo refused the public key, for `status`."""
    if not isinstance(result, Accepted) or isinstance(reported, Accepted) or reported is None:
        return result
    if reported.remedy not in PUBLIC_KEY_REMEDIES.values():
        return result
    return replace(result, remedy=reported.remedy)


def _finish(
    sign_up_id: str,
    sign_up: SignUp,
    calls: Sequence[Call],
    results: Sequence[Outcome | None],
    form_reply: responses.FormReply,
) -> Response:
    """Record the results (one per call, None if it wasn't made), queue the rest, and respond."""
    state = current_state()
    # without a private key nothing can be sent later
    queued = calls_to_queue(results) if state.klaviyo is not None else []
    settings = state.settings.delivery
    logged = LoggedSignUp.from_outcomes(sign_up, calls, results, queued)

    def enqueue(connection: Connection) -> None:
        # only the server sends queued calls, so they need the private key
        allowed = _allowed_calls(sign_up, logged.refused)
        queued_jobs = jobs(sign_up_id, allowed, queued, _shop_url())
        delays = [result.response.retry_after or 0 for result in results if result is not None]
        delay = min(float(max(delays, default=0)), settings.longest_pause)
        state.queue.enqueue(connection, queued_jobs, delay=delay)

    is_logged = True
    newly_unknown: list[tuple[str, Outcome]] = []
    try:
        if queued:
            state.queue.prepare()
            newly_unknown = _newly_unknown(calls, results)
        state.log.record_outcomes(sign_up_id, logged, results, enqueue if queued else None)
    except SQLAlchemyError as error:
        _log_database_error(error)
        if queued:
            # never confirm what is neither at Klaviyo nor on disk
            return form_reply.failed(outcomes.TRY_AGAIN)
        # Klaviyo's response still counts; the log shows these calls as unknown
        is_logged = False
    else:
        _warn_if_many_waiting(calls, results, queued)
    for variant, outcome in newly_unknown:
        log_unknown_variant(variant, outcome, settings.unknown_variant_hours)
    if not queued and not any(isinstance(result, Accepted) for result in results):
        return _nothing_accepted(results, form_reply)
    event = _event(sign_up, "queued" if queued else "accepted")
    signals.send(signals.sign_up_confirmed, event)
    product = form_reply.product
    # a suggested address can't be in a link, which may be passed on
    if responses.from_element() or not is_logged or has_suggestion(sign_up):
        return responses.done(logged, product, sign_up)
    return responses.redirect_to_confirmation(product.variant, state.done_signer.dumps(sign_up_id))


def _warn_if_many_waiting(
    calls: Sequence[Call], results: Sequence[Outcome | None], queued: Collection[int]
) -> None:
    """Log a warning when exactly `[merchant] many_waiting` people are waiting for a variant after
    this sign-up. If two people sign up at the same moment, it may be logged twice or not at all;
    the merchant's pages always show the number.
    """
    state = current_state()
    if not (many := state.settings.merchant.many_waiting):
        return
    for position, (call, result) in enumerate(zip(calls, results, strict=True)):
        is_waiting = isinstance(result, Accepted) or position in queued
        if not is_waiting or call.operation is not Operation.BACK_IN_STOCK:
            continue
        try:
            if is_waiting_count(state.database.engine(), str(call.variant), many):
                logger.warning("%d people are waiting for %s", many, call.variant)
        except SQLAlchemyError as error:
            logger.warning("can't count who is waiting: %s", type(error).__name__)


def _newly_unknown(
    calls: Sequence[Call], results: Sequence[Outcome | None]
) -> list[tuple[str, Outcome]]:
    """Return the variants that Klaviyo doesn't have and no earlier sign-up has reported: their
    composite IDs and outcomes.
    """
    unknown = [
        (str(call.variant), result)
        for call, result in zip(calls, results, strict=True)
        if isinstance(result, UnknownVariant)
    ]
    if not unknown:
        return []
    log = current_state().log
    with log.reading() as session:
        return [entry for entry in unknown if not log.is_unknown_variant(session, entry[0])]


def _shop_url() -> str:
    """Return the shop's address for the links of a variant that the worker creates; empty if it
    isn't known. Without `SHOP_URL`, the request's host counts only if Flask checks it or it is this
    machine: anyone could send another one, and shoppers would get links to it.
    """
    if url := current_app.config.get("SHOP_URL"):
        return f"{str(url).rstrip('/')}/"
    host = urlsplit(request.url_root).hostname
    is_trusted = current_app.config.get("TRUSTED_HOSTS") or host in LOOPBACK
    return request.url_root if is_trusted else ""


def _nothing_accepted(
    results: Sequence[Outcome | None], form_reply: responses.FormReply
) -> Response:
    """Show refusals next to their fields if the shopper can correct all of them; else fail."""
    form = form_reply.form
    correctable = {"variants", *(channel.info.identifier for channel in form.selected_channels)}
    fields: dict[str, None] = {}
    for result in results:
        if result is None:
            continue
        if not isinstance(result, Refused):
            return form_reply.failed(result.message)
        if not correctable.issuperset(result.fields):
            return form_reply.failed(outcomes.UNAVAILABLE)
        fields |= dict.fromkeys(result.fields)
    for field in fields:
        errors = [gettext(outcomes.FIELD_MESSAGES[field])]
        if field != "variants" and set(form.options.channels) - set(form.selected_channels):
            errors.append(gettext(N_("You can also choose another way to hear from us.")))
        form[field].errors = [*form[field].errors, *errors]
    return form_reply.invalid()


def _log_database_error(error: SQLAlchemyError) -> None:
    # only its class is logged, since its text may contain contact details
    remedy = SQLITE_LOCKED if "database is locked" in str(error) else ""
    logger.error("can't write to the sign-up log: %s%s", type(error).__name__, remedy)
