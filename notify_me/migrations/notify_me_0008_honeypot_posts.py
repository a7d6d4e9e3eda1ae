"""Rename the table that counts the posts whose hidden field was filled in.

Revision ID: notify_me_0008
"""

from alembic import op

revision = "notify_me_0008"
down_revision = "notify_me_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.rename_table("notify_me_dropped", "notify_me_honeypot_posts")


def downgrade() -> None:
    op.rename_table("notify_me_honeypot_posts", "notify_me_dropped")
