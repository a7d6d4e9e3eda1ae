"""The currency of an order."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "shop_0009"
down_revision = "shop_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column(
        "shop_order", sa.Column("currency", sa.String(3), nullable=False, server_default="")
    )


def downgrade() -> None:
    """Drop the column."""
    with op.batch_alter_table("shop_order") as table:
        table.drop_column("currency")
