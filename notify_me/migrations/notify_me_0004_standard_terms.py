"""Standard names for call states, paused queues and dead letters.

Revision ID: notify_me_0004
"""

import sqlalchemy as sa
from alembic import op

revision = "notify_me_0004"
down_revision = "notify_me_0003"
branch_labels = None
depends_on = None

STATES = {"kept": "queued", "taken": "accepted", "parked": "dead_lettered"}
DEAD_LETTERS = {"notify_me_parked": "notify_me_dead_letters"}


def upgrade() -> None:
    op.rename_table("notify_me_hold", "notify_me_pause")
    op.alter_column("notify_me_pause", "cure", new_column_name="remedy")
    op.alter_column("notify_me_call", "words", new_column_name="message")
    _rename_values(STATES, DEAD_LETTERS)


def downgrade() -> None:
    _rename_values(
        {new: old for old, new in STATES.items()}, {new: old for old, new in DEAD_LETTERS.items()}
    )
    op.alter_column("notify_me_call", "message", new_column_name="words")
    op.alter_column("notify_me_pause", "remedy", new_column_name="cure")
    op.rename_table("notify_me_pause", "notify_me_hold")


def _rename_values(states: dict[str, str], queues: dict[str, str]) -> None:
    for table in ("notify_me_call", "notify_me_consent"):
        _replace(sa.table(table, sa.column("state")), "state", states)
    # in a new database, the queue's tables don't exist yet: they are created after the migrations
    schema = "notify_me_queue" if op.get_bind().dialect.name == "postgresql" else None
    if sa.inspect(op.get_bind()).has_table("workflow_status", schema=schema):
        jobs = sa.table("workflow_status", sa.column("queue_name"), schema=schema)
        _replace(jobs, "queue_name", queues)


def _replace(table: sa.TableClause, column: str, values: dict[str, str]) -> None:
    for old, new in values.items():
        op.execute(sa.update(table).where(table.c[column] == old).values({column: new}))
