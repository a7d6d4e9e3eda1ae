"""The sign-up log.

Revision ID: notify_me_0001
"""

import sqlalchemy as sa
from alembic import op

revision = "notify_me_0001"
down_revision = None
branch_labels = ("notify_me",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notify_me_sign_up",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("channels", sa.JSON, nullable=False),
        sa.Column("email_hmac", sa.String(64)),
        sa.Column("email_masked", sa.String(64)),
        sa.Column("reported_at", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_notify_me_sign_up_created_at", "notify_me_sign_up", ["created_at"])
    op.create_index("ix_notify_me_sign_up_email_hmac", "notify_me_sign_up", ["email_hmac"])
    op.create_table(
        "notify_me_call",
        sa.Column(
            "sign_up_id",
            sa.String(32),
            sa.ForeignKey("notify_me_sign_up.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("operation", sa.String(64), nullable=False),
        sa.Column("variant", sa.String(500), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("words", sa.String(300), nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("error_id", sa.String(64), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_notify_me_call_variant_state", "notify_me_call", ["variant", "state"])


def downgrade() -> None:
    op.drop_table("notify_me_call")
    op.drop_table("notify_me_sign_up")
