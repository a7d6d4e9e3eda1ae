"""The state in a file, so that a restart changes nothing: one row for each thing that changed.

An SQLite database in WAL mode: a save writes what changed and no more, in one transaction, and a
process that is killed leaves the last save behind.
"""

import json
import logging
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from .rows import Rows

logger = logging.getLogger("klaviyo_sandbox")

_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS state (
    section TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (section, key)
)
"""
_PUT = """
INSERT INTO state (section, key, value) VALUES (?, ?, ?)
ON CONFLICT (section, key) DO UPDATE SET value = excluded.value
"""
_DELETE = "DELETE FROM state WHERE section = ? AND key = ?"


class StorageError(Exception):
    """The file can't be used, for a reason that the message tells with its cure."""


@dataclass(frozen=True, slots=True)
class Single:
    """A thing of which there is one: how it is read for a save, and set from one."""

    read: Callable[[], Any]
    write: Callable[[Any], None]


class Storage:
    """A file that follows rows and singles. The caller holds the sandbox's lock."""

    def __init__(
        self, file: Path, rows: Mapping[str, Rows[Any, Any]], singles: Mapping[str, Single]
    ) -> None:
        self._rows, self._singles = rows, singles
        self._kinds = {name: TypeAdapter[Any](each.kind) for name, each in rows.items()}
        self._connection = _opened(file)
        try:
            self._load()
        except (sqlite3.Error, ValueError, ValidationError) as error:
            self._connection.close()
            raise StorageError(_unreadable(file)) from error
        self._written = dict(self._stored("singles"))
        self._unwritten: list[tuple[str, tuple[str, ...]]] = []

    def save(self) -> None:
        """Write what changed since the last save, all of it or nothing.

        What can't be written, as on a full disk, is tried again with the next save.
        """
        self._note_changes()
        if not self._unwritten:
            return
        try:
            with self._connection:
                for statement, values in self._unwritten:
                    self._connection.execute(statement, values)
        except sqlite3.Error as error:
            logger.error("The state file can't be written (%s): a restart would lose that.", error)
        else:
            self._unwritten.clear()

    def _note_changes(self) -> None:
        for name, rows in self._rows.items():
            removed, changed = rows.drain()
            write = self._kinds[name].dump_json
            self._unwritten += [(_DELETE, (name, json.dumps(key))) for key in removed]
            self._unwritten += [
                (_PUT, (name, json.dumps(key), write(value).decode())) for key, value in changed
            ]
        now = self._singles_now()
        self._unwritten += [
            (_PUT, ("singles", name, text))
            for name, text in now.items()
            if self._written.get(name) != text
        ]
        self._written = now

    def close(self) -> None:
        """Let another process have the file."""
        self._connection.close()

    def _load(self) -> None:
        for name, rows in self._rows.items():
            read = self._kinds[name].validate_json
            rows.load([(_key(key), read(value)) for key, value in self._stored(name)])
        for name, text in self._stored("singles"):
            if name in self._singles:
                self._singles[name].write(json.loads(text))

    def _stored(self, section: str) -> list[tuple[str, str]]:
        # a row that was written over keeps its place, a new one comes last
        asked = "SELECT key, value FROM state WHERE section = ? ORDER BY rowid"
        return self._connection.execute(asked, (section,)).fetchall()

    def _singles_now(self) -> dict[str, str]:
        return {name: json.dumps(single.read()) for name, single in self._singles.items()}


def _opened(file: Path) -> sqlite3.Connection:
    connection = None
    try:
        # no waiting: whoever holds the file keeps it for as long as it runs
        connection = sqlite3.connect(file, timeout=0, check_same_thread=False)
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        [(version,)] = connection.execute("PRAGMA user_version")
        [(tables,)] = connection.execute("SELECT count(*) FROM sqlite_master")
        if version != _VERSION and tables:
            raise StorageError(_unreadable(file))
        connection.execute("PRAGMA journal_mode = WAL")
        # survives the process; only a power cut may lose the last save
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
        raise StorageError(_refused(file, error)) from error
    return connection


def _refused(file: Path, error: sqlite3.Error) -> str:
    if "locked" in str(error):
        return f"The state file {file} is in use: stop the other sandbox, or name another file."
    if "unable to open" in str(error):
        return f"The state file {file} can't be opened: name one in a folder that can be written."
    return _unreadable(file)


def _unreadable(file: Path) -> str:
    return f"The state file {file} is not this sandbox's: delete it, or name another file."


def _key(text: str) -> Any:
    key = json.loads(text)
    return tuple(key) if isinstance(key, list) else key
