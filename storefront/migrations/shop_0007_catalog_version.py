"""The version of the catalog and stock, replaced by triggers on every change.

On SQLite, a migration that copies a table (`batch_alter_table`) drops the table's triggers, so it
must create them again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "shop_0007"
down_revision = "shop_0006"
branch_labels = None
depends_on = None

TABLES = ("shop_product", "shop_option", "shop_variant", "shop_import")
# Versions are random numbers or transaction IDs. A counter in the table would reuse numbers for
# different content after a backup of the shop's database is restored.
SQLITE = "UPDATE shop_catalog_version SET version = random()"
POSTGRESQL = """
CREATE FUNCTION shop_change_catalog_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE shop_catalog_version SET version = txid_current() WHERE version <> txid_current();
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    """Create the table and the triggers."""
    table = op.create_table(
        "shop_catalog_version",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shop_catalog_version")),
    )
    op.bulk_insert(table, [{"id": 1, "version": 0}])
    if op.get_bind().dialect.name == "sqlite":
        for name in TABLES:
            for event in ("insert", "update", "delete"):
                op.execute(
                    f"CREATE TRIGGER {name}_{event}_version AFTER {event} ON {name} "
                    f"BEGIN {SQLITE}; END"
                )
        return
    op.execute(POSTGRESQL)
    for name in TABLES:
        # Deferred to the commit, so that a transaction locks the version's row last, and only
        # briefly. Otherwise, two orders could wait for each other or deadlock.
        op.execute(
            f"CREATE CONSTRAINT TRIGGER {name}_version AFTER INSERT OR UPDATE OR DELETE ON {name} "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
            "EXECUTE FUNCTION shop_change_catalog_version()"
        )
        op.execute(
            f"CREATE TRIGGER {name}_truncate_version AFTER TRUNCATE ON {name} "
            "FOR EACH STATEMENT EXECUTE FUNCTION shop_change_catalog_version()"
        )


def downgrade() -> None:
    """Drop the triggers and the table."""
    if op.get_bind().dialect.name == "sqlite":
        for name in TABLES:
            for event in ("insert", "update", "delete"):
                op.execute(f"DROP TRIGGER {name}_{event}_version")
    else:
        op.execute("DROP FUNCTION shop_change_catalog_version CASCADE")
    op.drop_table("shop_catalog_version")
