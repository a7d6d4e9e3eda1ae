"""External IDs of variants, and a table for the last import."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "shop_0003"
down_revision = "shop_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, with the SKU as its value, and create the table."""
    op.add_column("shop_variant", sa.Column("external_id", sa.String(200), nullable=True))
    op.execute("UPDATE shop_variant SET external_id = sku")
    with op.batch_alter_table("shop_variant") as table:
        table.alter_column("external_id", existing_type=sa.String(200), nullable=False)
        table.create_unique_constraint("uq_shop_variant_external_id", ["external_id"])
    op.create_table(
        "shop_import",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("file", sa.String(255), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("departments", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_shop_import"),
    )


def downgrade() -> None:
    """Drop the column and the table."""
    op.drop_table("shop_import")
    with op.batch_alter_table("shop_variant") as table:
        table.drop_constraint("uq_shop_variant_external_id", type_="unique")
        table.drop_column("external_id")
