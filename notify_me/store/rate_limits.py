"""Rate limits counted in the kit's database, so that all processes and machines share them.

A key is stored as it is, so callers must hash what may contain an address; it has 64 characters at
most. Functions raise `sqlalchemy.exc.SQLAlchemyError` if the database is unavailable.
"""

from __future__ import annotations

import time
from contextlib import suppress

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from .tables import RateLimitRow


def add(engine: sa.Engine, key: str, seconds: float, amount: int = 1) -> int:
    """Add `amount` to the count of the current window, and return the count. A window lasts
    `seconds` from its first request.
    """
    now = time.time()
    dialect = postgresql if engine.dialect.name == "postgresql" else sqlite
    is_over = RateLimitRow.expires_at <= now
    upsert = (
        dialect.insert(RateLimitRow)
        .values(key=key, count=amount, expires_at=now + seconds)
        .on_conflict_do_update(
            index_elements=[RateLimitRow.key],
            set_={
                "count": sa.case((is_over, amount), else_=RateLimitRow.count + amount),
                "expires_at": sa.case((is_over, now + seconds), else_=RateLimitRow.expires_at),
            },
        )
        .returning(RateLimitRow.count)
    )
    with engine.begin() as connection:
        count: int = connection.execute(upsert).scalar_one()
    if count == amount:
        # once per window, so that the table contains current windows only; in a transaction without
        # other locks, because two clients could wait for each other's rows
        with suppress(SQLAlchemyError), engine.begin() as connection:
            connection.execute(sa.delete(RateLimitRow).where(RateLimitRow.expires_at < now))
    return count


def current(engine: sa.Engine, key: str) -> tuple[int, float]:
    """Return the count of the current window, and when it ends, as a Unix timestamp."""
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
