"""The database: migrations and models agree, and SQLite is set up for several processes."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask

from storefront import Base, db
from storefront.base.models import ProductVariant


def test_migrations_make_the_models_tables(empty_app: Flask) -> None:
    """After `flask db upgrade` there is nothing left to migrate."""
    with empty_app.app_context():
        result = empty_app.test_cli_runner().invoke(args=["db", "upgrade"])
        assert result.exit_code == 0, result.output
        with db.engine.connect() as connection:
            context = MigrationContext.configure(
                connection,
                opts={
                    "compare_type": True,
                    "include_name": lambda name, kind, _parents: (
                        kind != "table" or name in Base.metadata.tables
                    ),
                },
            )
            differences = compare_metadata(context, Base.metadata)

    assert differences == []


def test_migrations_can_be_taken_back(app: Flask) -> None:
    """A downgrade of the shop's branch leaves none of its tables."""
    with app.app_context():
        result = app.test_cli_runner().invoke(args=["db", "downgrade", "storefront@base"])
        assert result.exit_code == 0, result.output
        tables = set(sa.inspect(db.engine).get_table_names())

    assert not tables & set(Base.metadata.tables)


def test_variants_of_before_have_their_sku_for_an_id(app: Flask) -> None:
    """A shop that was catalog_db before variants had IDs goes on as it was."""
    with app.app_context():
        for command in (["downgrade", "shop_0002"], ["upgrade"]):
            result = app.test_cli_runner().invoke(args=["db", *command])
            assert result.exit_code == 0, result.output
        found = db.session.execute(sa.select(ProductVariant.sku, ProductVariant.external_id)).all()

    assert len(found) == 60
    assert all(sku == external_id for sku, external_id in found)


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("foreign_keys", 1), ("busy_timeout", 2000)]
)
def test_sqlite_is_set_up(app: Flask, pragma: str, value: object) -> None:
    """Each connection waits for a writer, lets readers in beside it, and holds foreign keys."""
    with app.app_context(), db.engine.connect() as connection:
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value


def test_values_stay_out_of_database_errors(app: Flask) -> None:
    """What a shopper typed doesn't reach a log through an error of the database."""
    with app.app_context(), pytest.raises(sa.exc.OperationalError) as caught:
        db.session.execute(sa.text("SELECT * FROM nothing WHERE a = :a"), {"a": "isla@example.com"})

    assert "isla@example.com" not in str(caught.value)
