"""Which database errors go away by themselves."""

from __future__ import annotations

import sqlite3

from sqlalchemy import exc

_TEMPORARY = frozenset({"25006", "23505"})
"""PostgreSQL's codes for a write to a standby, as during a failover, and for a row that another
worker has inserted first: the next attempt updates that row.
"""


def is_temporary(error: exc.SQLAlchemyError) -> bool:
    """Return whether the same statement may succeed later: the database is unreachable, locked or
    full, for example. A missing table or column, or any mistake in a statement, isn't temporary.
    """
    if isinstance(error, exc.TimeoutError | exc.InterfaceError):
        return True
    if not isinstance(error, exc.DBAPIError):
        return False
    if error.connection_invalidated or getattr(error.orig, "sqlstate", None) in _TEMPORARY:
        return True
    # SQLite reports mistakes in a statement as OperationalError, too
    is_mistake = getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
    return isinstance(error, exc.OperationalError) and not is_mistake
