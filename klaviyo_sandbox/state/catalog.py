"""The catalog: items, their variants, and the stock of each variant."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from .clock import Clock
from .rows import Rows

WRITABLE = "$custom:::$default:::"
"""What the ID of everything begins with that the API can write."""

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


@dataclass(frozen=True, slots=True)
class Item:
    """A product. `number` is its place in the order of creation."""

    number: int
    id: str
    attributes: dict[str, Any]
    created: datetime
    updated: datetime

    @property
    def title(self) -> str:
        """Return its title."""
        return str(self.attributes["title"])


@dataclass(frozen=True, slots=True)
class Variant(Item):
    """What somebody can wait for: one of an item's variants."""

    item: str

    @property
    def quantity(self) -> float:
        """Return how many are in stock."""
        return float(self.attributes["inventory_quantity"])

    @property
    def url(self) -> str:
        """Return the address where it is sold."""
        return str(self.attributes["url"])

    @property
    def image(self) -> str | None:
        """Return the address of its picture, if it has one."""
        image: str | None = self.attributes["image_full_url"]
        return image


class Catalog:
    """Every item and variant, oldest first. The caller holds the sandbox's lock."""

    def __init__(self, now: Clock) -> None:
        self.items: Rows[str, Item] = Rows(Item)
        self.variants: Rows[str, Variant] = Rows(Variant)
        self._now = now

    def lacks(self, composite_id: str) -> bool:
        """Tell whether this is no variant: never of another catalog, nor before there is one."""
        return (
            len(self.variants) > 0
            and composite_id.startswith(WRITABLE)
            and composite_id not in self.variants
        )

    def add_item(self, attributes: Mapping[str, Any]) -> Item:
        """Add an item that isn't there yet."""
        now = self._now()
        item = Item(
            _number_after(self.items),
            composite_id(attributes),
            _with_thumbnail({**_ITEM_DEFAULTS, **_kept(attributes)}),
            created=now,
            updated=now,
        )
        self.items.put(item.id, item)
        return item

    def add_variant(self, attributes: Mapping[str, Any], item: str) -> Variant:
        """Add a variant, which isn't there yet, of an item that is."""
        now = self._now()
        variant = Variant(
            _number_after(self.variants),
            composite_id(attributes),
            _with_thumbnail({**_VARIANT_DEFAULTS, **_kept(attributes)}),
            created=now,
            updated=now,
            item=item,
        )
        self.variants.put(variant.id, variant)
        return variant

    def change_item(self, item: Item, attributes: Mapping[str, Any]) -> Item:
        """Change some of an item's attributes."""
        changed = replace(item, attributes=_changed(item, attributes), updated=self._now())
        self.items.put(item.id, changed)
        return changed

    def change_variant(self, variant: Variant, attributes: Mapping[str, Any]) -> Variant:
        """Change some of a variant's attributes."""
        changed = replace(variant, attributes=_changed(variant, attributes), updated=self._now())
        self.variants.put(variant.id, changed)
        return changed

    def variants_of(self, item: str) -> list[Variant]:
        """Return an item's variants, oldest first."""
        return [variant for variant in self.variants.values() if variant.item == item]

    def full_title(self, variant: Variant) -> str:
        """Return a variant's title with its item's before it, unless it is in it."""
        item = self.items.get(variant.item)
        if item is None or item.title.casefold() in variant.title.casefold():
            return variant.title
        return f"{item.title}, {variant.title}"


def composite_id(attributes: Mapping[str, Any]) -> str:
    """Return the ID of what these attributes create."""
    return WRITABLE + str(attributes["external_id"])


def _number_after(rows: Rows[str, Any]) -> int:
    newest = rows.get(rows.newest or "")
    return newest.number + 1 if newest else 1


def _kept(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is stored: the ID's parts are not, and null is the default."""
    return {
        name: value
        for name, value in attributes.items()
        if value is not None and name not in ("integration_type", "catalog_type")
    }


def _with_thumbnail(attributes: dict[str, Any]) -> dict[str, Any]:
    thumbnail = attributes["image_thumbnail_url"] or attributes["image_full_url"]
    return {**attributes, "image_thumbnail_url": thumbnail}


def _changed(entry: Item, attributes: Mapping[str, Any]) -> dict[str, Any]:
    given = {
        name: value
        for name, value in attributes.items()
        if value is not None or name not in _NEVER_NULL
    }
    return {**entry.attributes, **given}
