"""What the schemas of the catalog's operations let through and Klaviyo refuses."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ..protocol.errors import Fault, conflict, invalid, not_found
from ..state.catalog import WRITABLE, Catalog, composite_id

_ADDRESSES = ("url", "image_full_url", "image_thumbnail_url")


def creation_faults(attributes: Mapping[str, Any], pointer: str) -> Iterator[Fault]:
    """Return what is wrong with the attributes of something new."""
    if not attributes["external_id"].strip():
        yield invalid("external_id must not be empty.", f"{pointer}/external_id")
    if attributes.get("catalog_type") not in (None, "$default"):
        yield invalid("Only the catalog $default can be written.", f"{pointer}/catalog_type")
    yield from attribute_faults(attributes, pointer)


def attribute_faults(attributes: Mapping[str, Any], pointer: str) -> Iterator[Fault]:
    """Return what is wrong with the attributes, new or changed."""
    for name in _ADDRESSES:
        if attributes.get(name) is not None and not is_address(attributes[name]):
            yield invalid(f"{name} must be an address: https://…", f"{pointer}/{name}")
    if attributes.get("title") is not None and not attributes["title"].strip():
        yield invalid("title must not be empty.", f"{pointer}/title")


def item_faults(catalog: Catalog, body: Mapping[str, Any]) -> Iterator[Fault]:
    """Return why an item can't be created, beyond its attributes."""
    if composite_id(body["attributes"]) in catalog.items:
        yield conflict(f"An item with the ID {composite_id(body['attributes'])} is there already.")


def variant_faults(catalog: Catalog, body: Mapping[str, Any], pointer: str) -> Iterator[Fault]:
    """Return why a variant can't be created, beyond its attributes."""
    related = body["relationships"]["item"].get("data")
    place = f"{pointer}/relationships/item/data"
    if related is None:
        yield invalid("'data' is a required field.", place)
    elif related["id"] not in catalog.items:
        yield missing("item", related["id"], f"{place}/id")
    if composite_id(body["attributes"]) in catalog.variants:
        found = composite_id(body["attributes"])
        yield conflict(f"A variant with the ID {found} is there already.")


def is_address(text: str) -> bool:
    """Tell whether the text is an http or https address, which a message can link to."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def missing(kind: str, wanted: str, pointer: str | None = None) -> Fault:
    """Return the 404 for an item or a variant that isn't there."""
    detail = f"A catalog {kind} with the ID {wanted[:120]} does not exist."
    if not wanted.startswith(WRITABLE):
        detail += f" Only IDs that begin with {WRITABLE} can be read or written."
    return not_found(detail, pointer or "/data/")
