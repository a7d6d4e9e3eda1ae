"""Derives the shop's categories from the types of the products in a file."""

from __future__ import annotations

import re
from collections import Counter
from functools import cached_property

from ..catalog.browsing import fold
from ..catalog.categories import OTHER

MAX_CATEGORIES = 6
"""The maximum number of categories in the menu, in addition to the one for all other types."""
MAX_CHARACTERS = 90
"""The maximum total length of the categories' names, so that they fit in one row on a desktop."""
MAX_TYPES = 10_000
"""The maximum number of different types, and of different vendors, that are counted."""
MORE = (OTHER, "More")
MAX_NAME = 40
MAX_SHOP_NAME = 80


class Categories:
    """Counts the types of all products, and then assigns each product to a category."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._names: dict[str, str] = {}
        self._vendors: Counter[str] = Counter()
        self._products = 0

    def count(self, type_: str, vendor: str, *, is_listed: bool) -> None:
        """Count a product's vendor, and its type if it is listed. Otherwise, a category
        could be empty.
        """
        self._products += 1
        if vendor in self._vendors or len(self._vendors) < MAX_TYPES:
            self._vendors[vendor] += 1
        if not is_listed:
            return
        slug = _slug(type_)
        if slug in self._counts or len(self._counts) < MAX_TYPES:
            self._counts[slug] += 1
            self._names.setdefault(slug, type_[:MAX_NAME])

    @cached_property
    def items(self) -> list[tuple[str, str]]:
        """The slug and name of each category, the largest first; empty for fewer than two types.

        Read it only after the last call to `count`.
        """
        types = [slug for slug, _ in self._counts.most_common() if slug]
        if len(types) < 2:
            return []
        items: list[tuple[str, str]] = []
        for slug in types[:MAX_CATEGORIES]:
            items += [(slug, self._names[slug])] if slug != OTHER else []
            if sum(len(name) for _, name in items) > MAX_CHARACTERS and len(items) > 2:
                items.pop()
                break
        return items if len(items) == len(self._counts) else [*items, MORE]

    @property
    def main_vendor(self) -> str | None:
        """The vendor of more than half of the products, usually the shop itself; None if there is
        no such vendor.
        """
        [(vendor, number)] = self._vendors.most_common(1) or [("", 0)]
        return vendor[:MAX_SHOP_NAME] if vendor and number > self._products / 2 else None

    def category_of(self, type_: str) -> str:
        """Return the slug of the category for a type."""
        slug = _slug(type_)
        slugs = [known for known, _ in self.items]
        return slug if slug in slugs or not slugs else OTHER


def _slug(type_: str) -> str:
    return re.sub(r"\W+", "-", fold(type_)).strip("-")[:MAX_NAME].strip("-")
