"""Rate limits counted in the kit's database, so that all processes and machines share them.

Keys have 64 characters at most, and are stored as they are: callers must hash those that may
contain an IP address or a contact. Functions raise `sqlalchemy.exc.SQLAlchemyError` if the database
is unavailable.
"""

from __future__ import annotations

import time
from contextlib import suppress

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from .tables import RateLimitRow

# as text, because SQLAlchemy offers ON CONFLICT only in its dialect modules, and the one for
# PostgreSQL would take a tenth of the kit's whole import time
ADD = sa.text(
    """
    INSERT INTO notify_me_rate_limit (key, count, expires_at) VALUES (:key, :amount, :end)
    ON CONFLICT (key) DO UPDATE SET
        count = CASE WHEN notify_me_rate_limit.expires_at BETWEEN :now AND :latest
            THEN notify_me_rate_limit.count + :amount ELSE :amount END,
        expires_at = CASE WHEN notify_me_rate_limit.expires_at BETWEEN :now AND :latest
            THEN notify_me_rate_limit.expires_at ELSE :end END
    RETURNING count
    """
)


def add(engine: sa.Engine, key: str, seconds: float, amount: int = 1) -> int:
    """Add `amount` to the count of the current window, and return the count. A window lasts
    `seconds` from its first request. If it would last much longer, because the clock was set back,
    a new window replaces it.
    """
    now = time.time()
    values = {"key": key, "amount": amount, "now": now, "end": now + seconds}
    values["latest"] = now + 2 * seconds
    with engine.begin() as connection:
        count: int = connection.execute(ADD, values).scalar_one()
    if count == amount:
        # each new window deletes those that have ended, so the table stays small; in a separate
        # transaction, because two clients could deadlock on each other's rows
        with suppress(SQLAlchemyError), engine.begin() as connection:
            connection.execute(sa.delete(RateLimitRow).where(RateLimitRow.expires_at < now))
    return count


def current(engine: sa.Engine, key: str) -> tuple[int, float]:
    """Return the count of the current window, and when that window ends, as a Unix timestamp.
    Without a window, return 0 and the current time.
    """
    query = sa.select(RateLimitRow.count, RateLimitRow.expires_at).where(
        RateLimitRow.key == key, RateLimitRow.expires_at > time.time()
    )
    with engine.connect() as connection:
        row = connection.execute(query).first()
    return (row[0], row[1]) if row else (0, time.time())


def delete(engine: sa.Engine, key: str | None = None) -> int:
    """Delete one count, or all of them; return how many there were."""
    statement = sa.delete(RateLimitRow)
    if key is not None:
        statement = statement.where(RateLimitRow.key == key)
    with engine.begin() as connection:
        return connection.execute(statement).rowcount
