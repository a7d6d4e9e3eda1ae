"""The record of requests: each as it came, what it was answered, what was wrong with it."""

from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from typing import Any

from .rows import Rows, next_number

LENGTH = 1000


@dataclass(slots=True)
class Entry:
    """One request and its reply. `finished` says that nothing more will happen to it."""

    id: int
    at: str
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: Any
    origin: str | None
    operation: str | None
    status: int | None = None
    reply: Any = None
    reply_headers: dict[str, str] = field(default_factory=dict)
    drill: str | None = None
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    leak: bool = False
    finished: bool = False


class Record:
    """The last thousand requests. Safe to use from any thread; what it returns are copies."""

    def __init__(self, lock: AbstractContextManager[Any]) -> None:
        self._lock = lock
        self.rows: Rows[int, Entry] = Rows(Entry)

    def open(self, **fields: Any) -> Entry:
        """Add a request at its arrival, before anything is done about it."""
        with self._lock:
            entry = Entry(id=next_number(self.rows), **fields)
            self.rows.put(entry.id, entry)
            if len(self.rows) > LENGTH:
                self.rows.remove(self.rows.oldest())
        return entry

    def update(self, entry: Entry, **fields: Any) -> None:
        """Write down what became of a request."""
        with self._lock:
            for name, value in fields.items():
                setattr(entry, name, value)
            if entry.id in self.rows:
                self.rows.put(entry.id, entry)

    def entries(self, operation: str | None = None, *, after: int = 0) -> list[dict[str, Any]]:
        """Return the requests above an ID, oldest first, of one operation or of all."""
        with self._lock:
            return [
                asdict(entry)
                for entry in self.rows.values()
                if entry.id > after and operation in (None, entry.operation)
            ]

    def find(self, entry_id: int) -> dict[str, Any] | None:
        """Return one request, or None when it has left the record."""
        with self._lock:
            entry = self.rows.get(entry_id)
            return asdict(entry) if entry else None

    def end_all(self) -> None:
        """Say of each request that was under way that nothing more will happen to it."""
        with self._lock:
            for entry in self.rows.values():
                if not entry.finished:
                    self.update(entry, finished=True)

    def __len__(self) -> int:
        return len(self.rows)

    def clear(self) -> None:
        """Empty the record. IDs go on, so that an old link never shows another request."""
        with self._lock:
            self.rows.clear()
