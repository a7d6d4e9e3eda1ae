"""The channels that Klaviyo refused for a sign-up, and a daily count of refused bot posts.

Revision ID: notify_me_0005
"""

import sqlalchemy as sa
from alembic import op

revision = "notify_me_0005"
down_revision = "notify_me_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "notify_me_sign_up",
        sa.Column("refused_channels", sa.JSON, nullable=False, server_default="[]"),
    )
    op.create_table(
        "notify_me_dropped",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("notify_me_dropped")
    op.drop_column("notify_me_sign_up", "refused_channels")
