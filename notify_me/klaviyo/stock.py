"""Sends changed stock quantities to Klaviyo, which starts the back-in-stock flow if the variant is
back in stock. A variant that is new to Klaviyo is created there.

An update reads the quantity from the shop just before sending it. Even if several updates run out
of order, Klaviyo ends up with the latest quantity.
"""

from __future__ import annotations

from collections.abc import Callable

from ..variants import CompositeID, Variant
from .calls import Operation
from .catalog_payloads import inventory_quantity, new_resource
from .client import Deadline, Klaviyo
from .outcomes import (
    PLACEHOLDER_REMEDY,
    UNAVAILABLE,
    Accepted,
    DeadLetter,
    KlaviyoResponse,
    Outcome,
    outcome_of,
)

MAX_SENDS = 5
"""How many times one update may send the quantity if the stock keeps changing. No later change is
missed, because every change of the stock starts another update.
"""

LoadVariant = Callable[[CompositeID], Variant | None]
"""Reads a variant from the shop's catalog, without a cache."""


def update_stock(
    klaviyo: Klaviyo,
    load_variant: LoadVariant,
    composite_id: CompositeID,
    base_url: str,
    deadline: Deadline,
) -> Outcome:
    """Set the variant's quantity in Klaviyo to the shop's: Update Catalog Variant.

    A variant that is new to Klaviyo is created; its links begin with `base_url`, the shop's base
    URL. Nothing is sent for a variant that the shop no longer has. A variant with a placeholder ID
    is sent only to a stand-in for Klaviyo. Network errors are returned as an outcome, not raised.
    """
    if not klaviyo.may_send(composite_id):
        return DeadLetter(KlaviyoResponse(None), UNAVAILABLE, PLACEHOLDER_REMEDY)
    outcome: Outcome = Accepted(KlaviyoResponse(None))
    sent: int | None = None
    for _ in range(MAX_SENDS):
        variant = load_variant(composite_id)
        # after sending the quantity, read it again: it may have changed, and another process may
        # have sent an older one in the meantime
        if variant is None or inventory_quantity(variant) == sent:
            break
        outcome = _outcome(_send(klaviyo, variant, base_url, deadline))
        if not isinstance(outcome, Accepted):
            break
        sent = inventory_quantity(variant)
    return outcome


def _send(klaviyo: Klaviyo, variant: Variant, base_url: str, deadline: Deadline) -> KlaviyoResponse:
    response = _update(klaviyo, variant, deadline)
    if response.status != 404 or response.is_html:
        return response
    response = create_variant(klaviyo, variant, base_url, deadline).response
    # 409: another process has just created it, perhaps with a different quantity
    return _update(klaviyo, variant, deadline) if response.status == 409 else response


def create_variant(
    klaviyo: Klaviyo, variant: Variant, base_url: str, deadline: Deadline
) -> Outcome:
    """Create a variant's item, unless it exists, and the variant in Klaviyo's custom catalog:
    Create Catalog Item, Create Catalog Variant.

    The links begin with `base_url`, the shop's base URL. Network errors are returned as an outcome.
    """
    for kind in ("item", "variant"):
        body = {"data": new_resource(kind, variant, base_url)}
        response = klaviyo.create_in_catalog(kind, body, deadline=deadline)
        outcome = _outcome(response)
        if not isinstance(outcome, Accepted):
            break
    return outcome


def _update(klaviyo: Klaviyo, variant: Variant, deadline: Deadline) -> KlaviyoResponse:
    composite_id = str(variant.composite_id)
    resource = {
        "type": "catalog-variant",
        "id": composite_id,
        "attributes": {"inventory_quantity": inventory_quantity(variant)},
    }
    return klaviyo.update_catalog_variant(composite_id, {"data": resource}, deadline=deadline)


def _outcome(response: KlaviyoResponse) -> Outcome:
    # 409: the item or variant already exists, which is as good as creating it
    if response.status in (200, 201, 202, 409):
        return Accepted(response)
    return outcome_of(response, Operation.UPDATE_VARIANT)
