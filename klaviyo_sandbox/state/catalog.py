"""The catalog: items, variants with their stock, and bulk jobs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from .clock import Clock
from .rows import Rows

WRITABLE_PREFIX = "$custom:::$default:::"
"""Only entries whose IDs have this prefix can be changed through the API."""

ITEM, VARIANT = "catalog-item", "catalog-variant"

_ITEM_DEFAULTS: Mapping[str, Any] = {
    "external_id": None,
    "title": None,
    "description": None,
    "price": None,
    "url": None,
    "image_full_url": None,
    "image_thumbnail_url": None,
    "images": [],
    "custom_metadata": {},
    "published": True,
}
_VARIANT_DEFAULTS: Mapping[str, Any] = {
    **_ITEM_DEFAULTS,
    "sku": None,
    "inventory_policy": 0,
    "inventory_quantity": 0,
}
_NEVER_NULL = ("title", "description", "url", "sku", "inventory_quantity")
_JOB_LIFETIME = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """An item or a variant. `item` is the ID of a variant's item.

    `number` is the entry's position in the order of creation.
    """

    number: int
    id: str
    attributes: dict[str, Any]
    created: datetime
    updated: datetime
    item: str | None = None

    @property
    def kind(self) -> str:
        """Return its JSON:API type."""
        return ITEM if self.item is None else VARIANT

    @property
    def title(self) -> str:
        """Return its title."""
        return str(self.attributes["title"])

    @property
    def quantity(self) -> float:
        """Return the stock of a variant."""
        return float(self.attributes["inventory_quantity"])

    @property
    def url(self) -> str:
        """Return the URL of its page in the shop."""
        return str(self.attributes["url"])


class Catalog:
    """Every item and variant, oldest first. The caller must hold the sandbox's lock."""

    def __init__(self, now: Clock) -> None:
        self.items: Rows[str, CatalogEntry] = Rows(CatalogEntry)
        self.variants: Rows[str, CatalogEntry] = Rows(CatalogEntry)
        self._now = now

    def rows(self, kind: str) -> Rows[str, CatalogEntry]:
        """Return the items or the variants, by their JSON:API type."""
        return self.items if kind == ITEM else self.variants

    def is_missing(self, variant_id: str) -> bool:
        """Return whether the catalog lacks a variant with this well-formed composite ID.

        Always False for IDs of other integrations, and while the catalog has no variants.
        """
        return (
            len(self.variants) > 0
            and variant_id.startswith(WRITABLE_PREFIX)
            and variant_id not in self.variants
        )

    def add(self, attributes: Mapping[str, Any], item: str | None = None) -> CatalogEntry:
        """Add an item, or a variant of the item with this ID. Null attributes get the default."""
        now = self._now()
        rows = self.items if item is None else self.variants
        newest = rows.get(rows.newest or "")
        supplied = {
            name: value
            for name, value in attributes.items()
            if value is not None and name not in ("integration_type", "catalog_type")
        }
        complete = {**(_ITEM_DEFAULTS if item is None else _VARIANT_DEFAULTS), **supplied}
        complete["image_thumbnail_url"] = (
            complete["image_thumbnail_url"] or complete["image_full_url"]
        )
        number = newest.number + 1 if newest else 1
        entry = CatalogEntry(number, composite_id(attributes), complete, now, now, item)
        rows.put(entry.id, entry)
        return entry

    def update(self, entry: CatalogEntry, attributes: Mapping[str, Any]) -> CatalogEntry:
        """Change some of an entry's attributes, and return the changed entry."""
        changes = {
            name: value
            for name, value in attributes.items()
            if value is not None or name not in _NEVER_NULL
        }
        entry = replace(entry, attributes={**entry.attributes, **changes}, updated=self._now())
        self.rows(entry.kind).put(entry.id, entry)
        return entry

    def variants_of(self, item: str) -> list[CatalogEntry]:
        """Return the variants of the item with this ID, oldest first."""
        return [variant for variant in self.variants.values() if variant.item == item]

    def full_title(self, variant: CatalogEntry) -> str:
        """Return `item (variant)`, or the variant's title alone if it includes the item's title."""
        item = self.items.get(variant.item or "")
        if item is None or item.title.casefold() in variant.title.casefold():
            return variant.title
        return f"{item.title} ({variant.title})"


def composite_id(attributes: Mapping[str, Any]) -> str:
    """Return the ID of an entry that is created with these attributes."""
    return WRITABLE_PREFIX + str(attributes["external_id"])


@dataclass(frozen=True, slots=True)
class BulkJob:
    """A bulk job, which is finished as soon as it is created.

    written: the IDs of the entries that were created or updated.
    errors: what is wrong with the other entries, as JSON.
    """

    id: str
    kind: str
    created: datetime
    total: int
    written: list[str] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)

    @property
    def expires(self) -> datetime:
        """Return the time at which the job expires."""
        return self.created + _JOB_LIFETIME
