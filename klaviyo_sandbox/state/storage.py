"""The state file: a SQLite database with one row for each value of the state.

A save writes all changes in one transaction. A killed process loses only unsaved changes.
"""

import json
import logging
import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from .rows import Rows

logger = logging.getLogger("klaviyo_sandbox")

_VERSION = 1
_SINGLES = "singles"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS state (
    section TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (section, key)
)
"""
# An updated row keeps its rowid, so SELECT returns the rows in insertion order.
_PUT = """
INSERT INTO state (section, key, value) VALUES (?, ?, ?)
ON CONFLICT (section, key) DO UPDATE SET value = excluded.value
"""
_DELETE = "DELETE FROM state WHERE section = ? AND key = ?"
_SELECT = "SELECT key, value FROM state WHERE section = ? ORDER BY rowid"


class StorageError(Exception):
    """The state file can't be used. The message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Single:
    """A single JSON value of the state: how to read and set it."""

    read: Callable[[], Any]
    write: Callable[[Any], None]


class Storage:
    """Loads rows and singles from a file, and saves their changes to it.

    The caller must hold the sandbox's lock. Raises `StorageError` if the file can't be used.
    """

    def __init__(
        self, file: Path, rows: Mapping[str, Rows[Any, Any]], singles: Mapping[str, Single]
    ) -> None:
        self._rows, self._singles = rows, singles
        self._adapters = {
            name: TypeAdapter[Any](section.value_type) for name, section in rows.items()
        }
        self._pending: list[tuple[str, tuple[str, ...]]] = []
        """Statements for the changes that aren't in the file yet, with their parameters."""
        self._connection = _open(file)
        try:
            for name, section in rows.items():
                read = self._adapters[name].validate_json
                stored = self._connection.execute(_SELECT, (name,))
                section.load([(_key(key), read(value)) for key, value in stored])
            self._saved = dict(self._connection.execute(_SELECT, (_SINGLES,)).fetchall())
            for name, value in self._saved.items():
                if name in singles:
                    singles[name].write(json.loads(value))
        except (sqlite3.Error, ValueError) as error:
            self._connection.close()
            raise StorageError(_not_a_state_file(file)) from error

    def save(self) -> None:
        """Write the changes since the last save in one transaction.

        If that fails, for example on a full disk, they are written with the next save.
        """
        self._collect_changes()
        if not self._pending:
            return
        try:
            with self._connection:
                for statement, values in self._pending:
                    self._connection.execute(statement, values)
        except sqlite3.Error as error:
            logger.error(
                "Can't write the state file (%s). The changes stay in memory and will be written "
                "with the next save.",
                error,
            )
        else:
            self._pending.clear()

    def close(self) -> None:
        """Release the file for other processes."""
        self._connection.close()

    def _collect_changes(self) -> None:
        for name, rows in self._rows.items():
            removed, changed = rows.pop_changes()
            dump = self._adapters[name].dump_json
            self._pending += [(_DELETE, (name, json.dumps(key))) for key in removed]
            self._pending += [
                (_PUT, (name, json.dumps(key), dump(value).decode())) for key, value in changed
            ]
        for name, single in self._singles.items():
            text = json.dumps(single.read())
            if self._saved.get(name) != text:
                self._pending.append((_PUT, (_SINGLES, name, text)))
                self._saved[name] = text


def _open(file: Path) -> sqlite3.Connection:
    connection = None
    # The file is created here, readable only by its owner. SQLite gives the write-ahead log the
    # same permissions. Errors are ignored here, since SQLite reports them below.
    with suppress(OSError):
        os.close(os.open(file, os.O_RDONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        # No timeout: a process that uses the file keeps it locked as long as it runs.
        connection = sqlite3.connect(file, timeout=0, check_same_thread=False)
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        [(version,)] = connection.execute("PRAGMA user_version")
        [(tables,)] = connection.execute("SELECT count(*) FROM sqlite_master")
        if version != _VERSION and tables:
            raise StorageError(_not_a_state_file(file))
        connection.execute("PRAGMA journal_mode = WAL")
        # With NORMAL, saved changes survive a crash of the process, but the latest may be lost in a
        # power failure.
        connection.execute("PRAGMA synchronous = NORMAL")
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(_SCHEMA)
            connection.execute(f"PRAGMA user_version = {_VERSION}")
    except (sqlite3.Error, StorageError) as error:
        if connection:
            connection.close()
        if isinstance(error, StorageError):
            raise
        if "locked" in str(error):
            message = (
                f"The state file {file} is in use: stop the other sandbox, or choose another file."
            )
        elif "unable to open" in str(error):
            message = f"Can't open the state file {file}: choose one in a writable folder."
        else:
            message = _not_a_state_file(file)
        raise StorageError(message) from error
    return connection


def _not_a_state_file(file: Path) -> str:
    return f"Can't read the state file {file}: choose another file, or delete this one."


def _key(text: str) -> Any:
    key = json.loads(text)
    return tuple(key) if isinstance(key, list) else key
