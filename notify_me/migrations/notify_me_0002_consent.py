"""Phone numbers and consent.

Revision ID: notify_me_0002
"""

import sqlalchemy as sa
from alembic import op

revision = "notify_me_0002"
down_revision = "notify_me_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("notify_me_sign_up", sa.Column("phone_hmac", sa.String(64)))
    op.add_column("notify_me_sign_up", sa.Column("phone_masked", sa.String(32)))
    op.add_column("notify_me_sign_up", sa.Column("digest", sa.String(64)))
    op.create_index("ix_notify_me_sign_up_phone_hmac", "notify_me_sign_up", ["phone_hmac"])
    # batch mode copies the table on SQLite, which can't alter a column
    with op.batch_alter_table("notify_me_call") as batch:
        batch.alter_column("variant", existing_type=sa.String(500), nullable=True)
    op.create_table(
        "notify_me_consent",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "sign_up_id",
            sa.String(32),
            sa.ForeignKey("notify_me_sign_up.id", ondelete="SET NULL"),
        ),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("contact_hmac", sa.String(64), nullable=False),
        sa.Column("contact_masked", sa.String(64), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("locale", sa.String(35), nullable=False),
        sa.Column("list_id", sa.String(64), nullable=False),
        sa.Column("custom_source", sa.String(100), nullable=False),
    )
    op.create_index("ix_notify_me_consent_contact_hmac", "notify_me_consent", ["contact_hmac"])
    op.create_index("ix_notify_me_consent_sign_up_id", "notify_me_consent", ["sign_up_id"])


def downgrade() -> None:
    # this would delete the proof of consent, which can't be restored
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM notify_me_consent")):
        raise RuntimeError(
            "notify_me_consent has records of consent: back them up and delete them before you "
            "downgrade"
        )
    op.drop_table("notify_me_consent")
    op.execute("DELETE FROM notify_me_call WHERE variant IS NULL")
    with op.batch_alter_table("notify_me_call") as batch:
        batch.alter_column("variant", existing_type=sa.String(500), nullable=False)
    op.drop_index("ix_notify_me_sign_up_phone_hmac", "notify_me_sign_up")
    op.drop_column("notify_me_sign_up", "digest")
    op.drop_column("notify_me_sign_up", "phone_masked")
    op.drop_column("notify_me_sign_up", "phone_hmac")
