"""Process a valid sign-up: record it, send it, record the outcome, respond."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Response, current_app, request
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from .. import signals
from ..channels import Channel
from ..context import current_state
from ..delivery.outcome_log import log_unknown_variant
from ..delivery.queue import jobs
from ..delivery.send_now import SHOPPER_TIMEOUT, calls_to_queue, send_now
from ..i18n.catalogs import N_
from ..i18n.text import gettext
from ..klaviyo.calls import Call, SignUp, build_calls
from ..klaviyo.client import LOOPBACK, Deadline
from ..klaviyo.outcomes import (
    FIELD_MESSAGES,
    NEEDS_SCRIPT,
    TRY_AGAIN,
    UNAVAILABLE,
    Accepted,
    Outcome,
    Refused,
    UnknownVariant,
)
from ..store.logged import LoggedSignUp
from ..store.tables import CallState
from . import abuse, responses
from .correction import has_suggestion

logger = logging.getLogger(__name__)

SQLITE_LOCKED = (
    ". The SQLite database is locked: if your shop writes to it in the same request, for example "
    "in before_request, commit that first, or use a separate database for the kit"
)

_FAILURES: Mapping[int, signals.SignUpOutcome] = {
    HTTPStatus.UNPROCESSABLE_ENTITY: "refused",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limited",
}
"""The outcome that the signal reports, by the status of the reply."""

CONSENT_FRESH_FOR = timedelta(days=1)
"""How long a consent that Klaviyo accepted counts as known, so that it isn't sent again. The time
is short, because the shopper may unsubscribe in the meantime.
"""


def process(
    sign_up: SignUp,
    form_reply: responses.FormReply,
    respond: Callable[[SignUp, responses.FormReply], Response],
) -> Response:
    """Process a valid sign-up with `respond`, which is `send_from_server` or, in client mode,
    `client_mode.hand_to_browser` for the sign-up and `client_mode.accept_report` for the report.

    Sends the `sign_up_confirmed` or `sign_up_failed` signal, unless the browser still has to make
    calls, or repeats its report on a confirmed sign-up.
    """
    try:
        response = respond(sign_up, form_reply)
    except abuse.RateLimited as error:
        response = form_reply.rate_limited(error)
    except SQLAlchemyError as error:
        _log_database_error(error)
        response = form_reply.failed(TRY_AGAIN)
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        outcome = _FAILURES.get(response.status_code, "failed")
        signals.send(signals.sign_up_failed, _event(sign_up, outcome))
    return response


def _event(sign_up: SignUp, outcome: signals.SignUpOutcome) -> signals.SignUpEvent:
    contact_hash = current_state().log.hash_contact(sign_up.email or sign_up.phone_number or "")
    return signals.SignUpEvent(sign_up.variants, sign_up.channels, contact_hash, outcome)


def send_from_server(sign_up: SignUp, form_reply: responses.FormReply) -> Response:
    """Log the sign-up and send its calls: in server mode, or if the browser has no JavaScript."""
    state = current_state()
    if state.circuit_breaker is None:
        return form_reply.failed(NEEDS_SCRIPT)
    abuse.check_daily_limit(sign_up)
    deadline = Deadline(SHOPPER_TIMEOUT)
    calls = build_calls(sign_up, "api")
    consent_known = state.log.has_consented(sign_up, CONSENT_FRESH_FOR)
    sign_up_id = state.log.start(sign_up, calls, "server")
    outcomes = send_now(
        state.circuit_breaker,
        calls,
        sign_up_id=sign_up_id,
        deadline=deadline,
        consent_known=consent_known,
    )
    return finish(sign_up_id, sign_up, calls, outcomes, form_reply)


def allowed_calls(sign_up: SignUp, refused: Collection[Channel]) -> list[Call]:
    """Return the server's calls without the refused channels. A call for which no channel is
    left stays as it is: its outcome is known, so it isn't sent.
    """
    return [call.without(refused) or call for call in build_calls(sign_up, "api")]


def finish(
    sign_up_id: str,
    sign_up: SignUp,
    calls: Sequence[Call],
    outcomes: Sequence[Outcome | None],
    form_reply: responses.FormReply,
) -> Response:
    """Record the outcomes (one per call, None if it wasn't made), queue the calls that can still
    succeed, and respond.
    """
    state = current_state()
    # without a private key nothing can be sent later
    queued = calls_to_queue(outcomes) if state.circuit_breaker is not None else []
    settings = state.settings.delivery
    logged = LoggedSignUp.from_outcomes(sign_up, calls, outcomes, queued)

    def enqueue(connection: Connection) -> None:
        # the server sends queued calls, so build them for the private key, even in client mode
        allowed = allowed_calls(sign_up, logged.refused)
        queued_jobs = jobs(sign_up_id, allowed, queued, _shop_url())
        delays = [outcome.response.retry_after or 0 for outcome in outcomes if outcome is not None]
        delay = min(float(max(delays, default=0)), settings.longest_pause)
        state.queue.enqueue(connection, queued_jobs, delay=delay)

    is_logged = True
    newly_unknown: list[tuple[str, Outcome]] = []
    try:
        if queued:
            state.queue.prepare()
            newly_unknown = _newly_unknown(calls, outcomes)
        state.log.record_outcomes(sign_up_id, logged, outcomes, enqueue if queued else None)
    except SQLAlchemyError as error:
        _log_database_error(error)
        if queued:
            # never confirm calls that neither reached Klaviyo nor were queued
            return form_reply.failed(TRY_AGAIN)
        # Klaviyo's response still counts; the log shows these calls as unknown
        is_logged = False
    else:
        _warn_if_many_waiting(logged)
    for variant, outcome in newly_unknown:
        log_unknown_variant(variant, outcome, settings.unknown_variant_hours)
    if not queued and not any(isinstance(outcome, Accepted) for outcome in outcomes):
        return _nothing_accepted(outcomes, form_reply)
    event = _event(sign_up, "queued" if queued else "accepted")
    signals.send(signals.sign_up_confirmed, event)
    product = form_reply.product
    # a suggested address must not be part of a link, since somebody else may open the link
    if responses.from_element() or not is_logged or has_suggestion(sign_up):
        return responses.done(logged, product, sign_up)
    signed = state.confirmation_signer.dumps(sign_up_id)
    return responses.redirect_to_confirmation(product.variant, signed)


def _warn_if_many_waiting(logged: LoggedSignUp) -> None:
    """Log a warning when exactly `[merchant] many_waiting` people are waiting for a variant after
    this sign-up. If two people sign up at the same moment, it may be logged twice or not at all;
    the merchant's pages always show the number.
    """
    state = current_state()
    if not (many := state.settings.merchant.many_waiting):
        return
    for call in logged.calls:
        if call.variant is None or call.state not in (CallState.ACCEPTED, CallState.QUEUED):
            continue
        try:
            if state.log.waiting_count_equals(call.variant, many):
                logger.warning("%d people are waiting for %s", many, call.variant)
        except SQLAlchemyError as error:
            logger.warning("can't count who is waiting: %s", type(error).__name__)


def _newly_unknown(
    calls: Sequence[Call], outcomes: Sequence[Outcome | None]
) -> list[tuple[str, Outcome]]:
    """Return the composite ID and outcome of each variant that Klaviyo doesn't have, unless an
    earlier sign-up has already reported it.
    """
    unknown = [
        (str(call.variant), outcome)
        for call, outcome in zip(calls, outcomes, strict=True)
        if isinstance(outcome, UnknownVariant)
    ]
    if not unknown:
        return []
    log = current_state().log
    with log.reading() as session:
        return [entry for entry in unknown if not log.is_unknown_variant(session, entry[0])]


def _shop_url() -> str:
    """Return the shop's base URL for the links of a variant that the worker creates; empty if
    unknown. Without `SHOP_URL`, the request's host is used only if Flask validates it
    (`TRUSTED_HOSTS`) or it is this machine. Otherwise, anyone could send a forged host, and
    shoppers would get links to it.
    """
    if url := current_app.config.get("SHOP_URL"):
        return f"{str(url).rstrip('/')}/"
    host = urlsplit(request.url_root).hostname
    is_trusted = current_app.config.get("TRUSTED_HOSTS") or host in LOOPBACK
    return request.url_root if is_trusted else ""


def _nothing_accepted(
    outcomes: Sequence[Outcome | None], form_reply: responses.FormReply
) -> Response:
    """Return the reply if no call was accepted or queued. If the shopper can correct every refused
    field, the reply is the form with an error next to each one; otherwise, it is a failure.
    """
    form = form_reply.form
    correctable = {"variants", *(channel.info.identifier for channel in form.selected_channels)}
    fields: dict[str, None] = {}
    for outcome in outcomes:
        if outcome is None:
            continue
        if not isinstance(outcome, Refused):
            return form_reply.failed(outcome.message)
        if not correctable.issuperset(outcome.fields):
            return form_reply.failed(UNAVAILABLE)
        fields |= dict.fromkeys(outcome.fields)
    for field in fields:
        errors = [gettext(FIELD_MESSAGES[field])]
        if field != "variants" and set(form.options.channels) - set(form.selected_channels):
            errors.append(gettext(N_("You can also choose another way to hear from us.")))
        form[field].errors = [*form[field].errors, *errors]
    return form_reply.invalid()


def _log_database_error(error: SQLAlchemyError) -> None:
    # only its class is logged, since its text may contain contact details
    remedy = SQLITE_LOCKED if "database is locked" in str(error) else ""
    logger.error("can't read or write the sign-up log: %s%s", type(error).__name__, remedy)
