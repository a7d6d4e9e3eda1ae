"""Get, create and update catalog items, and the variants of one.

https://developers.klaviyo.com/en/reference/catalogs_api_overview
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..protocol.errors import Refusal, Reply, invalid
from ..protocol.filters import Allowed
from ..protocol.limits import READS, WRITES
from ..state.catalog import Item
from .catalog_checks import attribute_faults, creation_faults, item_faults, missing
from .catalog_replies import included_variants, shown_item
from .catalog_variants import list_variants
from .documents import check_query, many, one, selected
from .operation import Call, Operation, Side

_LIST, _ONE = "/api/catalog-items", "/api/catalog-items/{id}"
_FILTERS: Allowed = {
    "ids": ("any",),
    "category.id": ("equals",),
    "title": ("contains",),
    "published": ("equals",),
}


def _fields(item: Item) -> Mapping[str, Any]:
    return {
        "ids": item.id,
        "category.id": None,  # there are no categories here
        "title": item.title,
        "published": item.attributes["published"],
        "created": item.created,
    }


def _list(call: Call) -> Reply:
    with call.sandbox.lock:
        entries = selected(call, call.sandbox.catalog.items.values(), _FILTERS, _fields)
        return many(
            call,
            entries,
            lambda item: item.number,
            partial(shown_item, call),
            partial(included_variants, call),
        )


def _check_creation(call: Call) -> None:
    """Refuse what can't be an item. Raises `Refusal`: 400, or 409 for one that is there."""
    check_query(call)
    data = call.body["data"]
    faults = [*creation_faults(data["attributes"], "/data/attributes")]
    with call.sandbox.lock:
        faults += [] if faults else item_faults(call.sandbox.catalog, data)
    if faults:
        raise Refusal(*faults)


def _create(call: Call) -> Reply:
    with call.sandbox.lock:
        item = call.sandbox.catalog.add_item(call.body["data"]["attributes"])
        return one(shown_item(call, item), status=201)


def _check_one(call: Call) -> None:
    """Refuse an item that isn't there. Raises `Refusal`, 404."""
    check_query(call)
    with call.sandbox.lock:
        if call.path_arguments["id"] not in call.sandbox.catalog.items:
            raise Refusal(missing("item", call.path_arguments["id"]))


def _get(call: Call) -> Reply:
    with call.sandbox.lock:
        item = _item(call)
        wanted = call.request.args.get("include")
        included = included_variants(call, [item]) if wanted else None
        return one(shown_item(call, item), included)


def _check_update(call: Call) -> None:
    """Refuse an item that isn't there, another one's ID, or bad attributes. Raises `Refusal`."""
    _check_one(call)
    data = call.body["data"]
    faults = [*attribute_faults(data["attributes"], "/data/attributes")]
    if data["id"] != call.path_arguments["id"]:
        faults.append(invalid("The ID must be the address's own.", "/data/id"))
    if faults:
        raise Refusal(*faults)


def _update(call: Call) -> Reply:
    with call.sandbox.lock:
        changed = call.sandbox.catalog.change_item(_item(call), call.body["data"]["attributes"])
        return one(shown_item(call, changed))


def _variants(call: Call) -> Reply:
    with call.sandbox.lock:
        return list_variants(call, call.sandbox.catalog.variants_of(call.path_arguments["id"]))


def _item(call: Call) -> Item:
    item = call.sandbox.catalog.items.get(call.path_arguments["id"])
    if item is None:
        raise Refusal(missing("item", call.path_arguments["id"]))
    return item


OPERATIONS = (
    Operation(Side.SERVER, "GET", _LIST, "Get Catalog Items", READS, check_query, _list),
    Operation(Side.SERVER, "POST", _LIST, "Create Catalog Item", WRITES, _check_creation, _create),
    Operation(Side.SERVER, "GET", _ONE, "Get Catalog Item", READS, _check_one, _get),
    Operation(Side.SERVER, "PATCH", _ONE, "Update Catalog Item", WRITES, _check_update, _update),
    Operation(
        Side.SERVER,
        "GET",
        f"{_ONE}/variants",
        "Get Variants for Catalog Item",
        READS,
        _check_one,
        _variants,
    ),
)
