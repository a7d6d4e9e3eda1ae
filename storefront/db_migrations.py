"""Flask-Alembic for the tables of the shop and of the kit."""

from __future__ import annotations

from typing import Any

from flask_alembic import Alembic
from flask_alembic.cli import cli as group

from notify_me import admin

__all__ = ["Migrations", "group"]


class Migrations(Alembic):
    """Brings the shop's tables and the kit's up to date."""

    def upgrade(self, target: Any = "heads") -> None:
        """Bring the database up to date."""
        admin.upgrade()
        super().upgrade(target)
