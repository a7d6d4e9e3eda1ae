"""Table for the settings that visitors change in the Studio."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "shop_0002"
down_revision = "shop_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "shop_look",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("changes", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_shop_look"),
    )
    op.create_index("ix_shop_look_created_at", "shop_look", ["created_at"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("shop_look")
