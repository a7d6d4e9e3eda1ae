"""A shop's changed stock, told to Klaviyo: at once, and through the queue where that fails."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from .catalog_bodies import writable
from .delivery.queue import stock_job
from .delivery.trying import log_outcome
from .extension import current_state
from .klaviyo import Deadline
from .outcomes import Accepted, Misconfigured, Temporary
from .sign_up import Call, Operation
from .stock import tell
from .variants import CompositeID, Variant

PATIENCE = 3.0
"""Seconds that a merchant waits for Klaviyo at most."""


@dataclass(frozen=True, slots=True)
class StockTold:
    """What became of a changed stock."""

    state: Literal["told", "kept", "held", "refused", "elsewhere", "no_key"]
    """`told` Klaviyo has it; `kept` it goes out later by itself; `held` it goes out once something
    is mended; `refused` Klaviyo won't have it; `elsewhere` this catalog is filled by the shop's own
    platform; `no_key` there is no private key to tell it with.
    """
    cure: str = ""
    """What the merchant can do, for `held` and `refused`."""


def stock_changed(composite_id: CompositeID, root: str) -> StockTold:
    """Tell Klaviyo of a variant's stock, once the shop has committed it; Update Catalog Variant.

    `root` is the shop's address, such as `https://shop.example/`, for a variant that is new to
    Klaviyo. Waits three seconds at most; what doesn't get through is kept in the queue. Raises
    `sqlalchemy.exc.SQLAlchemyError` when it can't be kept.
    """
    state = current_state()
    if not writable(composite_id):
        return StockTold("elsewhere")
    if state.klaviyo is None:
        return StockTold("no_key")
    klaviyo = state.klaviyo.if_answering()
    if klaviyo is None:
        stock_will_be_told([composite_id], root)
        return StockTold("kept")
    outcome = tell(klaviyo, _find, composite_id, root, Deadline(PATIENCE))
    log_outcome(Call(Operation.UPDATE_VARIANT, {}, composite_id), outcome, None)
    if isinstance(outcome, Accepted):
        return StockTold("told")
    if isinstance(outcome, Temporary | Misconfigured):
        stock_will_be_told([composite_id], root)
        held = isinstance(outcome, Misconfigured)
        return StockTold("held", outcome.cure) if held else StockTold("kept")
    return StockTold("refused", outcome.cure)


def stock_will_be_told(composite_ids: Iterable[CompositeID], root: str) -> None:
    """Leave it to the worker to tell Klaviyo of these variants' stock; takes no time of Klaviyo's.

    Raises `sqlalchemy.exc.SQLAlchemyError` when it can't be kept.
    """
    state = current_state()
    jobs = [stock_job(each, root) for each in composite_ids if writable(each)]
    if state.klaviyo is not None and jobs:
        with state.log.writing() as session:
            state.queue.keep(session, jobs)


def _find(composite_id: CompositeID) -> Variant | None:
    state = current_state()
    # what was read before is a picture of that moment
    if state.db.session.in_transaction():
        state.db.session.rollback()
    return state.catalog.variant(composite_id)
