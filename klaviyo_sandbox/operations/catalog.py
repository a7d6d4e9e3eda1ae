"""Get, create and update catalog items and variants. A change in stock may trigger the flow.

https://developers.klaviyo.com/en/reference/catalogs_api_overview
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from ..protocol.errors import ApiError, Refusal, Reply, error, invalid
from ..protocol.filters import Allowed
from ..protocol.limits import Limit
from ..state.catalog import ITEM, VARIANT, WRITABLE_PREFIX, Catalog, CatalogEntry, composite_id
from .operation import Call, Operation, check_query
from .replies import format_time, listing, resource, single
from .restock import stock_changed

READ_LIMIT = Limit(burst=350, steady=3500)
WRITE_LIMIT = Limit(burst=75, steady=750)
NOUNS = {ITEM: "item", VARIANT: "variant"}

_FILTERS: Mapping[str, Allowed] = {
    ITEM: {
        "ids": ("any",),
        "category.id": ("equals",),
        "title": ("contains",),
        "published": ("equals",),
    },
    VARIANT: {
        "ids": ("any",),
        "item.id": ("equals",),
        "sku": ("equals",),
        "title": ("contains",),
        "published": ("equals",),
    },
}


def creation_errors(
    catalog: Catalog, data: Mapping[str, Any], pointer: str = "/data"
) -> list[ApiError]:
    """Return the errors that prevent the creation of an item or a variant from `data`.

    `pointer` is the JSON pointer to `data` in the body.
    """
    attributes, attributes_pointer = data["attributes"], f"{pointer}/attributes"
    errors = []
    if not attributes["external_id"].strip():
        errors.append(
            invalid("external_id must not be empty.", f"{attributes_pointer}/external_id")
        )
    if attributes.get("catalog_type") not in (None, "$default"):
        detail = "Only the $default catalog can be changed."
        errors.append(invalid(detail, f"{attributes_pointer}/catalog_type"))
    errors += attribute_errors(attributes, attributes_pointer)
    if errors:
        return errors
    kind, entry_id = data["type"], composite_id(attributes)
    if kind == VARIANT:
        item = data["relationships"]["item"].get("data")
        item_pointer = f"{pointer}/relationships/item/data"
        if item is None:
            errors.append(invalid("'data' is a required field.", item_pointer))
        elif item["id"] not in catalog.items:
            errors.append(missing_error(ITEM, item["id"], f"{item_pointer}/id"))
    if entry_id in catalog.rows(kind):
        errors.append(error(409, f"A catalog {NOUNS[kind]} with the ID {entry_id} already exists."))
    return errors


def attribute_errors(attributes: Mapping[str, Any], pointer: str) -> Iterator[ApiError]:
    """Yield the errors in the attributes of a new or changed entry.

    `pointer` is the JSON pointer to the attributes in the body.
    """
    for name in ("url", "image_full_url", "image_thumbnail_url"):
        if attributes.get(name) is not None and not _is_url(attributes[name]):
            yield invalid(f"{name} must be a URL: https://…", f"{pointer}/{name}")
    if attributes.get("title") is not None and not attributes["title"].strip():
        yield invalid("title must not be empty.", f"{pointer}/title")


def missing_error(kind: str, entry_id: str, pointer: str = "/data/") -> ApiError:
    """Return the 404 for an item or a variant that doesn't exist."""
    detail = f"A catalog {NOUNS[kind]} with the ID {entry_id[:120]} does not exist."
    if not entry_id.startswith(WRITABLE_PREFIX):
        detail += f" Only entries whose IDs begin with {WRITABLE_PREFIX} can be read or changed."
    return error(404, detail, pointer)


def create(call: Call, data: Mapping[str, Any]) -> CatalogEntry:
    """Create an item or a variant. A created variant is no longer treated as unknown.

    The caller must hold the sandbox's lock.
    """
    is_variant = data["type"] == VARIANT
    item = data["relationships"]["item"]["data"]["id"] if is_variant else None
    entry = call.sandbox.catalog.add(data["attributes"], item)
    if is_variant:
        if entry.id in call.sandbox.unknown:
            call.sandbox.unknown.remove(entry.id)
        call.notes += stock_changed(call.sandbox, entry)
    return entry


def update(call: Call, entry: CatalogEntry, attributes: Mapping[str, Any]) -> CatalogEntry:
    """Update an item or a variant. The caller must hold the sandbox's lock."""
    updated = call.sandbox.catalog.update(entry, attributes)
    if entry.kind == VARIANT and updated.quantity != entry.quantity:
        call.notes += stock_changed(call.sandbox, updated)
    return updated


def show(call: Call, entry: CatalogEntry) -> dict[str, Any]:
    """Return an item or a variant as a resource."""
    attributes = {
        **entry.attributes,
        "created": format_time(entry.created),
        "updated": format_time(entry.updated),
    }
    relationships: dict[str, Any] = {"item": {"type": ITEM, "id": entry.item}}
    if entry.kind == ITEM:
        relationships = {"variants": None}
        if "variants" in call.request.args.get("include", "").split(","):
            variants = call.sandbox.catalog.variants_of(entry.id)
            relationships["variants"] = [
                {"type": VARIANT, "id": variant.id} for variant in variants
            ]
    return resource(call, entry.kind, entry.id, attributes, relationships)


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _list(kind: str, call: Call) -> Reply:
    with call.sandbox.lock:
        return _listing(call, kind, call.sandbox.catalog.rows(kind).values())


def _listing(call: Call, kind: str, entries: Sequence[CatalogEntry]) -> Reply:
    return listing(
        call,
        entries,
        partial(show, call),
        allowed=_FILTERS[kind],
        fields=_fields,
        included=partial(_variants_of, call) if kind == ITEM else None,
    )


def _fields(entry: CatalogEntry) -> Mapping[str, Any]:
    return {
        "ids": entry.id,
        "category.id": None,  # the sandbox has no categories
        "item.id": entry.item,
        "sku": entry.attributes.get("sku"),
        "title": entry.title,
        "published": entry.attributes["published"],
        "created": entry.created,
    }


def _variants_of(call: Call, items: Sequence[CatalogEntry]) -> list[dict[str, Any]]:
    return [
        show(call, variant)
        for item in items
        for variant in call.sandbox.catalog.variants_of(item.id)
    ]


def _check_creation(call: Call) -> None:
    check_query(call)
    with call.sandbox.lock:
        errors = creation_errors(call.sandbox.catalog, call.body["data"])
    if errors:
        raise Refusal(*errors)


def _create(call: Call) -> Reply:
    with call.sandbox.lock:
        return single(show(call, create(call, call.body["data"])), status=201)


def _check_exists(kind: str, call: Call) -> None:
    check_query(call)
    with call.sandbox.lock:
        _entry(kind, call)


def _entry(kind: str, call: Call) -> CatalogEntry:
    entry_id = call.path_arguments["id"]
    entry = call.sandbox.catalog.rows(kind).get(entry_id)
    if entry is None:
        raise Refusal(missing_error(kind, entry_id))
    return entry


def _get(kind: str, call: Call) -> Reply:
    with call.sandbox.lock:
        entry = _entry(kind, call)
        wants_variants = kind == ITEM and call.request.args.get("include")
        return single(show(call, entry), _variants_of(call, [entry]) if wants_variants else None)


def _check_update(kind: str, call: Call) -> None:
    _check_exists(kind, call)
    data = call.body["data"]
    errors = [*attribute_errors(data["attributes"], "/data/attributes")]
    if data["id"] != call.path_arguments["id"]:
        errors.append(invalid("The ID must match the one in the URL.", "/data/id"))
    if errors:
        raise Refusal(*errors)


def _update(kind: str, call: Call) -> Reply:
    with call.sandbox.lock:
        updated = update(call, _entry(kind, call), call.body["data"]["attributes"])
        return single(show(call, updated))


def _get_variants(call: Call) -> Reply:
    with call.sandbox.lock:
        variants = call.sandbox.catalog.variants_of(call.path_arguments["id"])
        return _listing(call, VARIANT, variants)


def _operations(kind: str) -> tuple[Operation, ...]:
    collection, entry = f"/api/{kind}s", f"/api/{kind}s/{{id}}"
    check_update = partial(_check_update, kind)
    return (
        Operation("GET", collection, READ_LIMIT, partial(_list, kind)),
        Operation("POST", collection, WRITE_LIMIT, _create, _check_creation),
        Operation("GET", entry, READ_LIMIT, partial(_get, kind), partial(_check_exists, kind)),
        Operation("PATCH", entry, WRITE_LIMIT, partial(_update, kind), check_update),
    )


OPERATIONS = (
    *_operations(ITEM),
    *_operations(VARIANT),
    Operation(
        "GET",
        "/api/catalog-items/{id}/variants",
        READ_LIMIT,
        _get_variants,
        partial(_check_exists, ITEM),
    ),
)
