"""Tells Klaviyo of a changed stock: the real-time restock of a catalog that the shop writes.

What goes out is always the stock as it is when it goes out, so that of several changes the last one
wins, in whatever order they are delivered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ..variants import CompositeID, Variant
from . import catalog_payloads as bodies
from .calls import Operation
from .client import Deadline, Klaviyo
from .outcomes import Accepted, KlaviyoResponse, Outcome, Temporary, outcome_of

_ROUNDS = 5
"""How often a stock that changes meanwhile is told anew; the next change has a job of its own."""

LoadVariant = Callable[[CompositeID], Variant | None]
"""Reads a variant of the shop's, afresh each time."""


class StockUpdater(Protocol):
    """Tells of a variant's stock."""

    def __call__(self, composite_id: CompositeID, root: str, deadline: Deadline) -> Outcome:
        """The outcome; never raises for what the network did."""


def update_stock(
    klaviyo: Klaviyo, find: LoadVariant, composite_id: CompositeID, root: str, deadline: Deadline
) -> Outcome:
    """Make Klaviyo's figure that of the shop: Update Catalog Variant, or Create where it is new.

    `root` is the shop's address, for the links of what is created. Nothing is sent for a variant
    that is gone; one whose stock isn't managed is told as always there, as a push tells it.
    """
    outcome: Outcome = Accepted(KlaviyoResponse(None))
    told: int | None = None
    for _ in range(_ROUNDS):
        variant = find(composite_id)
        if variant is None:
            return outcome
        quantity = bodies.inventory_quantity(variant)
        # another process may have read an older figure and told it later: look again
        if quantity == told:
            return outcome
        outcome = _told(klaviyo, variant, root, deadline)
        if not isinstance(outcome, Accepted):
            return outcome
        told = quantity
    return outcome


def _told(klaviyo: Klaviyo, variant: Variant, root: str, deadline: Deadline) -> Outcome:
    answer = _update(klaviyo, variant, deadline)
    if answer.status != 404 or isinstance(_meaning(answer), Temporary):
        return _meaning(answer)
    for create, body in (
        (klaviyo.create_catalog_item, bodies.create_item(variant, root)),
        (klaviyo.create_catalog_variant, bodies.create_variant(variant, root)),
    ):
        answer = create(body, deadline=deadline)
        outcome = _meaning(answer)
        if not isinstance(outcome, Accepted):
            return outcome
    # somebody else made it meanwhile, with a stock of their own
    return _meaning(_update(klaviyo, variant, deadline) if answer.status == 409 else answer)


def _update(klaviyo: Klaviyo, variant: Variant, deadline: Deadline) -> KlaviyoResponse:
    attributes = {"inventory_quantity": bodies.inventory_quantity(variant)}
    body = bodies.update_variant(variant.composite_id, attributes)
    return klaviyo.update_catalog_variant(str(variant.composite_id), body, deadline=deadline)


def _meaning(answer: KlaviyoResponse) -> Outcome:
    # 409: it is there already, which is all that was wanted
    if answer.status in (200, 201, 202, 409):
        return Accepted(answer)
    return outcome_of(answer, Operation.UPDATE_VARIANT)
