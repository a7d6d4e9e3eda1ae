"""Migrations match the models, and SQLite is configured for several processes."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask

from storefront import Base, db
from storefront.base.models import ProductVariant
from tests.support import read_in_another_process


def test_migrations_match_the_models(empty_app: Flask) -> None:
    """Only the user who runs the shop can read the new database."""
    with empty_app.app_context():
        result = empty_app.test_cli_runner().invoke(args=["db", "upgrade"])
        assert result.exit_code == 0, result.output
        assert Path(str(db.engine.url.database)).stat().st_mode & 0o777 == 0o600
        with db.engine.connect() as connection:
            context = MigrationContext.configure(
                connection,
                opts={
                    # SQLite ignores lengths, so migrations don't change them there
                    "compare_type": lambda _context, _column, _other, _old, new: (
                        False if isinstance(new, (sa.String, sa.Numeric)) else None
                    ),
                    "include_name": lambda name, kind, _parents: (
                        kind != "table" or name in Base.metadata.tables
                    ),
                },
            )
            differences = compare_metadata(context, Base.metadata)

    assert differences == []


def test_downgrade_drops_all_tables(app: Flask) -> None:
    with app.app_context():
        result = app.test_cli_runner().invoke(args=["db", "downgrade", "storefront@base"])
        assert result.exit_code == 0, result.output
        tables = set(sa.inspect(db.engine).get_table_names())

    assert not tables & set(Base.metadata.tables)


def test_migration_sets_external_ids_to_skus(app: Flask) -> None:
    with app.app_context():
        for command in (["downgrade", "shop_0002"], ["upgrade"]):
            result = app.test_cli_runner().invoke(args=["db", *command])
            assert result.exit_code == 0, result.output
        rows = db.session.execute(sa.select(ProductVariant.sku, ProductVariant.external_id)).all()

    assert len(rows) == 60
    assert all(sku == external_id for sku, external_id in rows)


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("foreign_keys", 1),
        ("busy_timeout", 2000),
        ("synchronous", 2),  # FULL
    ],
)
def test_sqlite_settings(shared_app: Flask, pragma: str, value: object) -> None:
    with shared_app.app_context(), db.engine.connect() as connection:
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value


@pytest.mark.process
def test_another_connection_does_not_release_the_locks(app: Flask) -> None:
    """Without locks, the next process to close the file would delete SQLite's write-ahead log."""
    with app.app_context():
        file = Path(str(db.engine.url.database))
        with db.engine.begin() as connection, db.engine.connect():
            connection.execute(sa.delete(ProductVariant))
            read_in_another_process(file)

            assert file.with_name(f"{file.name}-wal").exists()


def test_database_errors_hide_values(shared_app: Flask) -> None:
    """Shoppers' input must not be logged."""
    with shared_app.app_context(), pytest.raises(sa.exc.OperationalError) as caught:
        db.session.execute(sa.text("SELECT * FROM nothing WHERE a = :a"), {"a": "isla@example.com"})

    assert "isla@example.com" not in str(caught.value)
