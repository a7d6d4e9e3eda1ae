"""The shop's categories: its own, or those of an imported catalog.

Every page lists them in its menu, so each process caches them for a minute. If the database fails,
the last known categories are used: the error page has a menu, too.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import sqlalchemy as sa
from flask import Flask, current_app
from flask_babel import lazy_gettext as N_
from sqlalchemy.exc import SQLAlchemyError

from ..base.database import db
from ..base.models import Import

CACHE_SECONDS = 60.0
EXTENSION = "storefront_categories"


class Category(NamedTuple):
    """A category: its name in the menu, and a line of text for its page."""

    name: str
    description: str


CATEGORIES: Mapping[str, Category] = {
    "wear": Category(N_("Wear"), N_("Layers for a day that can’t make up its mind.")),
    "carry": Category(N_("Carry"), N_("For what must stay dry, hot, or over your head.")),
    "camp": Category(N_("Camp"), N_("A roof, a light and something warm to hold.")),
    "home": Category(N_("Home"), N_("For the right side of the window.")),
}
"""The categories of the shop's own catalog by slug, in menu order."""


@dataclass
class _Cache:
    categories: Mapping[str, Category]
    expires_at: float = 0.0
    """Compared with `time.monotonic()`."""


def init_app(app: Flask) -> None:
    """Set up the cache of `app`."""
    app.extensions[EXTENSION] = _Cache(CATEGORIES)


def categories() -> Mapping[str, Category]:
    """Return the shop's categories by slug, in menu order; empty if an import has only one type."""
    cache: _Cache = current_app.extensions[EXTENSION]
    if time.monotonic() >= cache.expires_at:
        # before the query: while a slow database answers, other requests use the old value
        cache.expires_at = time.monotonic() + CACHE_SECONDS
        try:
            imported = last_import()
        except SQLAlchemyError:
            db.session.rollback()
        else:
            cache.categories = (
                {
                    slug: Category(name, f"All products in {name}.")
                    for slug, name in imported.categories
                }
                if imported
                else CATEGORIES
            )
    return cache.categories


def clear_cache() -> None:
    """Read the categories again at the next request: this process has changed the catalog."""
    current_app.extensions[EXTENSION].expires_at = 0.0


def last_import() -> Import | None:
    """Return the import that the products come from, or None for the shop's own catalog."""
    return db.session.scalar(sa.select(Import))
