"""Runs the Alembic migrations of the kit's tables.

Their revision is recorded in `notify_me_version`, separately from the revision of the shop's own
tables.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from .tables import VERSION_TABLE

_MIGRATIONS = Path(__file__).parents[1] / "migrations"
_POSTGRESQL_LOCK = 0x6E6F746966796D65
"""Key of the advisory lock that keeps two processes from migrating at the same time."""


def migrate(engine: sa.Engine, revision: str = "head") -> None:
    """Upgrade the kit's tables to the latest revision, or downgrade them to `revision`, in one
    transaction.
    """
    scripts = ScriptDirectory(str(_MIGRATIONS), version_locations=[str(_MIGRATIONS)])

    def steps(current: Any, _context: MigrationContext) -> Any:
        if revision == "head":
            return scripts._upgrade_revs(revision, current)
        return scripts._downgrade_revs(revision, current)

    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            # Python's sqlite3 doesn't begin a transaction before CREATE TABLE
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_POSTGRESQL_LOCK)))
        _adopt_revision(connection, scripts)
        with EnvironmentContext(Config(), scripts, fn=steps) as environment:
            environment.configure(
                connection=connection, version_table=VERSION_TABLE, transactional_ddl=True
            )
            environment.run_migrations()
        connection.commit()


def _adopt_revision(connection: sa.Connection, scripts: ScriptDirectory) -> None:
    """Move the revision that version 0.1 recorded in the shop's `alembic_version` to the kit's own
    table.
    """
    inspector = sa.inspect(connection)
    if inspector.has_table(VERSION_TABLE) or not inspector.has_table("alembic_version"):
        return
    shop_version = sa.table("alembic_version", sa.column("version_num"))
    is_ours = shop_version.c.version_num.startswith("notify_me_", autoescape=True)
    revision = connection.scalar(sa.select(shop_version.c.version_num).where(is_ours))
    if revision is not None:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        context.stamp(scripts, revision)
        connection.execute(sa.delete(shop_version).where(is_ours))
