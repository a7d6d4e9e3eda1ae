"""The shop's categories: those of `shop.toml`, or those of an imported catalog."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from flask_babel import gettext

from ..base.current_shop import cached_import, shop
from ..base.settings import Text

OTHER = "more"
"""The slug of an import's category for all types of product that aren't categories themselves."""


class Category(NamedTuple):
    """A category: its name in the menu, and a line of text for its page (may be empty)."""

    name: Text | str
    description: Text | str


def categories() -> Mapping[str, Category]:
    """Return the shop's categories by slug, in menu order. Empty for an import with fewer than two
    types of product.
    """
    imported = cached_import()
    if imported is None:
        return {
            slug: Category(department.name or slug.capitalize(), department.description)
            for slug, department in shop().departments.items()
        }
    return {
        slug: Category(gettext("More") if slug == OTHER else name, "")
        for slug, name in imported.categories
    }
