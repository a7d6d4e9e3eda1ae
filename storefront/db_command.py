"""`flask db`, and `app.extensions["alembic"]` for other programs.

Flask-Alembic is imported on first use: a web process doesn't need it, and importing it would make
startup take about 17% longer. Use the extension before the app's first request, after which Flask
no longer accepts extensions.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING, Any

import click
from flask import Flask
from werkzeug.local import LocalProxy

from .base.models import Base

if TYPE_CHECKING:
    from .db_migrations import Migrations


class DatabaseCommand(click.Command):
    """A placeholder for Flask-Alembic's commands, which are imported when one of them is run."""

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        """Read the command line with Flask-Alembic's group, which click then runs."""
        from .db_migrations import group

        return group.make_context(*arguments, **options)


def init_app(app: Flask) -> None:
    """Add the command and the extension."""

    @cache
    def migrations() -> Migrations:
        from .db_migrations import Migrations

        return Migrations(app, metadatas=[Base.metadata], command_name="")

    # Alembic logs every plugin when it is imported
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)
    app.extensions["alembic"] = LocalProxy(migrations)
    app.cli.add_command(DatabaseCommand("db", help="Perform database migrations."))
