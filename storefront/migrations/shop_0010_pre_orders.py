"""Which lines of an order are pre-orders."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "shop_0010"
down_revision = "shop_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column(
        "shop_order_line",
        sa.Column("is_pre_order", sa.Boolean, nullable=False, server_default=sa.false()),
    )


def downgrade() -> None:
    """Drop the column."""
    with op.batch_alter_table("shop_order_line") as table:
        table.drop_column("is_pre_order")
