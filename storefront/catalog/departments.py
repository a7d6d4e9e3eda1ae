"""The shop's departments: its own, or those of the catalog that a merchant imported.

Every page names them, so they are remembered for a moment: a page asks the database for nothing but
what it shows, and one that says that the database is away can still be drawn.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import sqlalchemy as sa
from flask import Flask, current_app
from flask_babel import lazy_gettext as N_
from sqlalchemy.exc import SQLAlchemyError

from ..base.database import db
from ..base.models import Import

REMEMBERED = 60.0
"""Seconds until the menu of a running shop follows an import."""
NAME = "storefront_departments"


class Category(NamedTuple):
    """A department of the shop."""

    name: str
    line: str


CATEGORIES = {
    "wear": Category(N_("Wear"), N_("Layers for a day that can’t make up its mind.")),
    "carry": Category(N_("Carry"), N_("For what must stay dry, hot, or over your head.")),
    "camp": Category(N_("Camp"), N_("A roof, a light and something warm to hold.")),
    "home": Category(N_("Home"), N_("For the right side of the window.")),
}
"""The shop's own, by slug, in the order of the menu."""


@dataclass
class _Memory:
    """What one process knows."""

    found: Mapping[str, Category] = field(default_factory=lambda: CATEGORIES)
    until: float = 0.0


class Departments(Mapping[str, Category]):
    """The departments of the app that handles this request, by slug, in the menu's order."""

    def __getitem__(self, slug: str) -> Category:
        return _known()[slug]

    def __iter__(self) -> Iterator[str]:
        return iter(_known())

    def __len__(self) -> int:
        return len(_known())

    @property
    def own(self) -> bool:
        """Whether they are the shop's own: nothing was imported."""
        return _known() is CATEGORIES


departments = Departments()


def init_app(app: Flask) -> None:
    """Let `app` remember its departments."""
    app.extensions[NAME] = _Memory()


def last_import() -> Import | None:
    """What was imported last, if the shop's products come from an import."""
    return db.session.scalar(sa.select(Import))


def forget() -> None:
    """Look anew: this process has just changed the catalog."""
    current_app.extensions[NAME].until = 0.0


def _known() -> Mapping[str, Category]:
    memory: _Memory = current_app.extensions[NAME]
    if (now := time.monotonic()) >= memory.until:
        # first, or a database that hangs would hold up every page
        memory.until = now + REMEMBERED
        try:
            found = last_import()
        except SQLAlchemyError:
            db.session.rollback()
            return memory.found
        memory.found = (
            {slug: Category(name, f"All under {name}.") for slug, name in found.departments}
            if found
            else CATEGORIES
        )
    return memory.found
