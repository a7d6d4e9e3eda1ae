"""Shop name, currency and picture origins of an import."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "shop_0005"
down_revision = "shop_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("shop_import", sa.Column("shop_name", sa.String(80), nullable=True))
    op.add_column("shop_import", sa.Column("currency", sa.String(3), nullable=True))
    op.add_column(
        "shop_import", sa.Column("picture_origins", sa.JSON, nullable=False, server_default="[]")
    )


def downgrade() -> None:
    """Drop the columns."""
    with op.batch_alter_table("shop_import") as table:
        for name in ("shop_name", "currency", "picture_origins"):
            table.drop_column(name)
