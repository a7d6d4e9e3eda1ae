"""When the variant of a call came back in stock.

Revision ID: notify_me_0007
"""

import sqlalchemy as sa
from alembic import op

revision = "notify_me_0007"
down_revision = "notify_me_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("notify_me_call", sa.Column("alerted_at", sa.DateTime(timezone=True)))
    op.create_index("ix_notify_me_call_alerted_at", "notify_me_call", ["alerted_at", "variant"])


def downgrade() -> None:
    op.drop_index("ix_notify_me_call_alerted_at", "notify_me_call")
    with op.batch_alter_table("notify_me_call") as table:
        table.drop_column("alerted_at")
