"""Send a shop's stock changes to Klaviyo: immediately, or through the queue if that fails."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Literal

from flask import current_app, has_request_context
from sqlalchemy.exc import SQLAlchemyError

from ..context import current_state
from ..delivery.outcome_log import log_outcome
from ..delivery.queue import Job, SessionOrConnection, stock_job
from ..klaviyo.calls import Call, Operation
from ..klaviyo.client import Deadline
from ..klaviyo.outcomes import Accepted, Misconfigured, Temporary
from ..klaviyo.stock import update_stock
from ..variants import CompositeID, Variant, writable

logger = logging.getLogger(__name__)

TIMEOUT = 3.0
"""Seconds that a merchant waits for Klaviyo."""


@dataclass(frozen=True, slots=True)
class StockUpdate:
    """The outcome of a stock update."""

    state: Literal["updated", "queued", "paused", "refused", "not_managed", "no_key"]
    """`updated`: Klaviyo has the new quantity. `queued`: it will be sent later. `paused`: it will
    be sent once the merchant has followed `remedy`. `refused`: Klaviyo rejected it, or it couldn't
    be sent and isn't queued. `not_managed`: the shop's own platform fills this catalog. `no_key`:
    there is no private key.
    """
    remedy: str = ""
    """What the merchant can do; empty if nothing needs to be done. `stock_changed` sets it only for
    `paused` and `refused`.
    """


def stock_changed(
    composite_id: CompositeID, base_url: str, *, connection: SessionOrConnection | None = None
) -> StockUpdate:
    """Send a variant's stock, as the shop's catalog reports it, to Klaviyo (Update Catalog
    Variant). This waits for Klaviyo for three seconds at most.

    `connection` is the SQLAlchemy session or connection that made the uncommitted change, such as
    Flask-SQLAlchemy's `db.session`. Its database must be the one that the kit shares with the shop.
    The change is committed here, together with a queued job, so that nothing is lost if the process
    crashes. Without a `connection`, the shop must already have committed the change.

    `base_url` is the shop's base URL, such as `https://shop.example/`, for the links of a variant
    that is new to Klaviyo.

    An update stays queued if it fails because of an outage, a rate limit or an invalid setting. If
    the change or the job can't be committed, nothing is sent, and `sqlalchemy.exc.SQLAlchemyError`
    is raised.
    """
    state = current_state()
    managed = writable(composite_id)
    job = (
        stock_job(composite_id, base_url) if managed and state.circuit_breaker is not None else None
    )
    # the delay prevents a worker from sending it at the same time as this process
    _enqueue([job] if job else [], connection, delay=2 * TIMEOUT)
    if connection is not None:
        connection.commit()
    if job is None or state.circuit_breaker is None:
        return StockUpdate("no_key" if managed else "not_managed")
    try:
        klaviyo = state.circuit_breaker.if_closed()
        if klaviyo is None:
            state.queue.end_delay(job)
            return StockUpdate("queued")
        # a catalog may build URLs, for which Flask needs a request
        with nullcontext() if has_request_context() else current_app.test_request_context():
            outcome = update_stock(
                klaviyo, state.catalog.variant, composite_id, base_url, Deadline(TIMEOUT)
            )
        log_outcome(Call(Operation.UPDATE_VARIANT, {}, composite_id), outcome, None)
        if isinstance(outcome, Temporary | Misconfigured):
            state.queue.end_delay(job)
        else:
            state.queue.remove([job.id])
    except SQLAlchemyError as error:
        logger.warning("the database is unavailable: %s", type(error).__name__)
        return StockUpdate("queued")
    if isinstance(outcome, Accepted):
        return StockUpdate("updated")
    if isinstance(outcome, Temporary):
        return StockUpdate("queued")
    return StockUpdate(
        "paused" if isinstance(outcome, Misconfigured) else "refused", outcome.explanation
    )


def set_stock(variant: Variant, base_url: str) -> StockUpdate:
    """Send the quantity of `variant` to Klaviyo (Update Catalog Variant). The quantity may differ
    from the one in the shop's catalog. This waits for Klaviyo for three seconds at most, and a
    failed update isn't queued.

    `base_url` is the shop's base URL, as for `stock_changed`.
    """
    state = current_state()
    if not writable(variant.composite_id):
        return StockUpdate("not_managed", "another system fills this catalog in Klaviyo")
    if state.circuit_breaker is None:
        return StockUpdate("no_key", "set KLAVIYO_PRIVATE_KEY")
    klaviyo = state.circuit_breaker.if_closed()
    if klaviyo is None:
        return StockUpdate("refused", "Klaviyo isn't responding: try again later")
    outcome = update_stock(
        klaviyo, lambda _: variant, variant.composite_id, base_url, Deadline(TIMEOUT)
    )
    if isinstance(outcome, Accepted):
        return StockUpdate("updated")
    return StockUpdate("refused", outcome.explanation)


def queue_stock_updates(
    composite_ids: Iterable[CompositeID],
    base_url: str,
    *,
    connection: SessionOrConnection | None = None,
) -> None:
    """Queue updates of these variants' stock in Klaviyo, which a worker sends later.

    `connection` is the session or connection that made the change, as for `stock_changed`; the
    caller commits both together. Raises `sqlalchemy.exc.SQLAlchemyError` if the jobs can't be
    queued.
    """
    if current_state().circuit_breaker is not None:
        managed = filter(writable, composite_ids)
        _enqueue([stock_job(composite_id, base_url) for composite_id in managed], connection)


def _enqueue(
    jobs: Sequence[Job], connection: SessionOrConnection | None, *, delay: float = 0.0
) -> None:
    state = current_state()
    if jobs and connection is not None:
        state.queue.enqueue(connection, jobs, delay=delay)
    elif jobs:
        with state.log.writing() as session:
            state.queue.enqueue(session, jobs, delay=delay)
