"""Table for the merchant's sessions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "shop_0006"
down_revision = "shop_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "shop_merchant_session",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shop_merchant_session")),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("shop_merchant_session")
