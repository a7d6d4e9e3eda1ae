"""The departments of a catalog, from the types of its products."""

from __future__ import annotations

import re
from collections import Counter

from ..catalog.browsing import fold

MOST = 6
"""Departments in the menu, besides the one for the rest."""
MOST_TYPES = 10_000
"""Types that are counted at all."""
REST = ("more", "More")
LONGEST = 40


class Menu:
    """Counts the types, and then knows each product's department."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._names: dict[str, str] = {}

    def count(self, type_: str) -> None:
        """Note a product's type."""
        slug = _slug(type_)
        if slug in self._counts or len(self._counts) < MOST_TYPES:
            self._counts[slug] += 1
            self._names.setdefault(slug, type_[:LONGEST])

    @property
    def departments(self) -> list[tuple[str, str]]:
        """Slug and name of each, the largest first; none where all are of one type."""
        types = [slug for slug, _ in self._counts.most_common() if slug]
        if len(types) < 2:
            return []
        shown = [(slug, self._names[slug]) for slug in types[:MOST] if slug != REST[0]]
        return shown if len(shown) == len(self._counts) else [*shown, REST]

    def department(self, type_: str, departments: list[tuple[str, str]]) -> str:
        """The slug of the department that a product of this type is in; empty without any."""
        if not departments:
            return ""
        slug = _slug(type_)
        return slug if any(slug == each for each, _ in departments) else REST[0]


def _slug(type_: str) -> str:
    return re.sub(r"\W+", "-", fold(type_)).strip("-")[:LONGEST].strip("-")
