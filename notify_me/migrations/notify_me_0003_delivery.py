"""Attempts, problems and paused queues, for the delivery queue.

Revision ID: notify_me_0003
"""

import sqlalchemy as sa
from alembic import op

revision = "notify_me_0003"
down_revision = "notify_me_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "notify_me_call", sa.Column("attempt", sa.Integer, nullable=False, server_default="0")
    )
    op.add_column(
        "notify_me_call", sa.Column("problem", sa.String(300), nullable=False, server_default="")
    )
    op.create_index("ix_notify_me_call_state", "notify_me_call", ["state", "settled_at"])
    op.create_table(
        "notify_me_hold",
        sa.Column("operation", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("until", sa.Double, nullable=False),
        sa.Column("since", sa.Double, nullable=False),
        sa.Column("cure", sa.String(300), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("notify_me_hold")
    op.drop_index("ix_notify_me_call_state", "notify_me_call")
    op.drop_column("notify_me_call", "problem")
    op.drop_column("notify_me_call", "attempt")
