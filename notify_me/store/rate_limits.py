"""Rate limits counted in the kit's database, so that all processes and machines share them.

A key is stored as it is, so callers must hash what may contain an address; it has 64 characters at
most. Functions raise `sqlalchemy.exc.SQLAlchemyError` if the database is unavailable.
"""

from __future__ import annotations

import time
from contextlib import suppress

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from .tables import RateLimitRow

# SQLAlchemy offers ON CONFLICT only in its dialect modules, and importing the one for PostgreSQL
# accounts for a tenth of the total import time
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
        # once per window, so that the table contains current windows only; in a transaction without
        # other locks, because two clients could wait for each other's rows
        with suppress(SQLAlchemyError), engine.begin() as connection:
            connection.execute(sa.delete(RateLimitRow).where(RateLimitRow.expires_at < now))
    return count


def current(engine: sa.Engine, key: str) -> tuple[int, float]:
    """Return the count of the current window, and when it ends, as a Unix timestamp. If there is no
    window, these are 0 and the current time.
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
