"""A table for the rate limits, so that all processes share them.

Revision ID: notify_me_0006
"""

import sqlalchemy as sa
from alembic import op

revision = "notify_me_0006"
down_revision = "notify_me_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notify_me_rate_limit",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
    )
    op.create_index("ix_notify_me_rate_limit_expires_at", "notify_me_rate_limit", ["expires_at"])


def downgrade() -> None:
    op.drop_table("notify_me_rate_limit")
