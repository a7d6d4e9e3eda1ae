"""Get, create and update catalog variants. A change of stock may start the flow.

https://developers.klaviyo.com/en/reference/catalogs_api_overview
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from ..protocol.errors import Refusal, Reply, invalid
from ..protocol.filters import Allowed
from ..protocol.limits import READS, WRITES
from ..state.catalog import Variant
from . import restock
from .catalog_checks import attribute_faults, creation_faults, missing, variant_faults
from .catalog_replies import shown_variant
from .documents import check_query, many, one, selected
from .operation import Call, Operation, Side

_LIST, _ONE = "/api/catalog-variants", "/api/catalog-variants/{id}"
_FILTERS: Allowed = {
    "ids": ("any",),
    "item.id": ("equals",),
    "sku": ("equals",),
    "title": ("contains",),
    "published": ("equals",),
}


def list_variants(call: Call, variants: Iterable[Variant]) -> Reply:
    """Return a page of these variants. The caller holds the sandbox's lock."""
    entries = selected(call, variants, _FILTERS, _fields)
    return many(call, entries, lambda variant: variant.number, partial(shown_variant, call))


def _fields(variant: Variant) -> Mapping[str, Any]:
    return {
        "ids": variant.id,
        "item.id": variant.item,
        "sku": variant.attributes["sku"],
        "title": variant.title,
        "published": variant.attributes["published"],
        "created": variant.created,
    }


def _list(call: Call) -> Reply:
    with call.sandbox.lock:
        return list_variants(call, call.sandbox.catalog.variants.values())


def _check_creation(call: Call) -> None:
    """Refuse what can't be a variant.

    Raises `Refusal`: 400, 404 for an item that isn't there, or 409 for a variant that is.
    """
    check_query(call)
    data = call.body["data"]
    faults = [*creation_faults(data["attributes"], "/data/attributes")]
    with call.sandbox.lock:
        faults += [] if faults else variant_faults(call.sandbox.catalog, data, "/data")
    if faults:
        raise Refusal(*faults)


def _create(call: Call) -> Reply:
    data = call.body["data"]
    with call.sandbox.lock:
        item = data["relationships"]["item"]["data"]["id"]
        variant = call.sandbox.catalog.add_variant(data["attributes"], item)
        call.notes += restock.stock_changed(call.sandbox, variant)
        return one(shown_variant(call, variant), status=201)


def _check_one(call: Call) -> None:
    """Refuse a variant that isn't there. Raises `Refusal`, 404."""
    check_query(call)
    with call.sandbox.lock:
        _variant(call)


def _get(call: Call) -> Reply:
    with call.sandbox.lock:
        return one(shown_variant(call, _variant(call)))


def _check_update(call: Call) -> None:
    """Refuse a variant that isn't there, another's ID, or bad attributes. Raises `Refusal`."""
    _check_one(call)
    data = call.body["data"]
    faults = [*attribute_faults(data["attributes"], "/data/attributes")]
    if data["id"] != call.path_arguments["id"]:
        faults.append(invalid("The ID must be the address's own.", "/data/id"))
    if faults:
        raise Refusal(*faults)


def _update(call: Call) -> Reply:
    with call.sandbox.lock:
        before = _variant(call)
        after = call.sandbox.catalog.change_variant(before, call.body["data"]["attributes"])
        if after.quantity != before.quantity:
            call.notes += restock.stock_changed(call.sandbox, after)
        return one(shown_variant(call, after))


def _variant(call: Call) -> Variant:
    variant = call.sandbox.catalog.variants.get(call.path_arguments["id"])
    if variant is None:
        raise Refusal(missing("variant", call.path_arguments["id"]))
    return variant


OPERATIONS = (
    Operation(Side.SERVER, "GET", _LIST, "Get Catalog Variants", READS, check_query, _list),
    Operation(
        Side.SERVER, "POST", _LIST, "Create Catalog Variant", WRITES, _check_creation, _create
    ),
    Operation(Side.SERVER, "GET", _ONE, "Get Catalog Variant", READS, _check_one, _get),
    Operation(Side.SERVER, "PATCH", _ONE, "Update Catalog Variant", WRITES, _check_update, _update),
)
