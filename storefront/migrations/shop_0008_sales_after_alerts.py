"""When the shopper of an order line signed up for an alert."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "shop_0008"
down_revision = "shop_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("shop_order_line", sa.Column("signed_up_at", sa.DateTime(timezone=True)))
    op.create_index("ix_shop_order_line_signed_up_at", "shop_order_line", ["signed_up_at"])


def downgrade() -> None:
    """Drop the column."""
    op.drop_index("ix_shop_order_line_signed_up_at", "shop_order_line")
    with op.batch_alter_table("shop_order_line") as table:
        table.drop_column("signed_up_at")
