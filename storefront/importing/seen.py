"""What must be there only once in a file, with the line where it was met."""

from __future__ import annotations

import sqlite3


class Seen:
    """Remembers in a file of its own, which is gone afterwards: memory stays flat."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute(
            "CREATE TABLE seen (kind TEXT, value TEXT, line INTEGER, PRIMARY KEY (kind, value))"
            " WITHOUT ROWID"
        )
        self._connection.execute("BEGIN")

    def before(self, kind: str, value: str, line: int) -> int | None:
        """The line where this was met before; None, and it is remembered, if it wasn't."""
        new = self._connection.execute(
            "INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", (kind, value, line)
        )
        if new.rowcount:
            return None
        found: tuple[int] = self._connection.execute(
            "SELECT line FROM seen WHERE kind = ? AND value = ?", (kind, value)
        ).fetchone()
        return found[0]

    def close(self) -> None:
        """Forget it all."""
        self._connection.close()
