"""A shop's changed stock, told to Klaviyo: at once, and through the queue where that fails."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ..context import current_state
from ..delivery.queue import Job, Queue, stock_job
from ..delivery.send_now import log_outcome
from ..klaviyo.calls import Call, Operation
from ..klaviyo.client import Deadline, Klaviyo
from ..klaviyo.outcomes import Accepted, Misconfigured, Temporary
from ..klaviyo.stock import update_stock
from ..variants import CompositeID, Variant, writable

logger = logging.getLogger(__name__)

PATIENCE = 3.0
"""Seconds that a merchant waits for Klaviyo at most."""


@dataclass(frozen=True, slots=True)
class StockUpdate:
    """What became of a changed stock."""

    state: Literal["updated", "queued", "paused", "refused", "not_managed", "no_key"]
    """`updated`: Klaviyo has it. `queued`: it is sent later. `paused`: it is sent once `remedy` is
    done. `refused`: Klaviyo rejected it. `not_managed`: this catalog is filled by the shop's own
    platform. `no_key`: there is no private key.
    """
    remedy: str = ""
    """What the merchant can do, for `paused` and `refused`."""


def send_stock_update(
    composite_id: CompositeID, root: str, *, within: Session | None = None
) -> StockUpdate:
    """Tell Klaviyo of a variant's stock: Update Catalog Variant.

    `within` is the session that holds the change, which this commits, together with a job for the
    worker: a process that dies meanwhile loses nothing. Without it the shop has committed already.
    `root` is the shop's address, such as `https://shop.example/`, for a variant that is new to
    Klaviyo. Waits three seconds at most; what doesn't get through stays in the queue. Raises
    `sqlalchemy.exc.SQLAlchemyError` when change or job can't be kept: Klaviyo isn't told then.
    """
    state = current_state()
    known = writable(composite_id)
    job = stock_job(composite_id, root) if known and state.klaviyo is not None else None
    # later than this process has patience, or the worker would tell it at the same time
    _enqueue([job] if job else [], within, delay=2 * PATIENCE)
    if within is not None:
        within.commit()
    if job is None or state.klaviyo is None:
        return StockUpdate("no_key" if known else "not_managed")
    try:
        return _told(state.klaviyo.if_closed(), state.queue, job, composite_id)
    except SQLAlchemyError as error:
        logger.warning("the database is unavailable: %s", type(error).__name__)
        return StockUpdate("queued")


def _told(
    klaviyo: Klaviyo | None, queue: Queue, job: Job, composite_id: CompositeID
) -> StockUpdate:
    """Tell it now; the job goes where that is settled, and out at once where it isn't."""
    if klaviyo is None:
        queue.send_soon(job)
        return StockUpdate("queued")
    outcome = update_stock(klaviyo, _find, composite_id, str(job.body["root"]), Deadline(PATIENCE))
    log_outcome(Call(Operation.UPDATE_VARIANT, {}, composite_id), outcome, None)
    if isinstance(outcome, Temporary | Misconfigured):
        queue.send_soon(job)
        held = isinstance(outcome, Misconfigured)
        return StockUpdate("paused", outcome.remedy) if held else StockUpdate("queued")
    queue.remove([job.id])
    return (
        StockUpdate("updated")
        if isinstance(outcome, Accepted)
        else StockUpdate("refused", outcome.remedy)
    )


def queue_stock_updates(
    composite_ids: Iterable[CompositeID], root: str, *, within: Session | None = None
) -> None:
    """Leave it to the worker to tell Klaviyo of these variants' stock; takes no time of Klaviyo's.

    `within`: the session that holds the change, so that it and the jobs are one commit, the
    caller's. Raises `sqlalchemy.exc.SQLAlchemyError` when it can't be kept.
    """
    if current_state().klaviyo is not None:
        _enqueue([stock_job(each, root) for each in composite_ids if writable(each)], within)


def _enqueue(jobs: Sequence[Job], within: Session | None, *, delay: float = 0.0) -> None:
    state = current_state()
    if not jobs:
        return
    if within is not None:
        state.queue.enqueue(within, jobs, delay=delay)
        return
    with state.log.writing() as session:
        state.queue.enqueue(session, jobs, delay=delay)


def _find(composite_id: CompositeID) -> Variant | None:
    state = current_state()
    # what was read before is a picture of that moment
    if state.db.session.in_transaction():
        state.db.session.rollback()
    return state.catalog.variant(composite_id)
