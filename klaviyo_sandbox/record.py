"""The record of requests: each as it came, what it was answered, what was wrong with it."""

from collections import deque
from dataclasses import asdict, dataclass, field
from itertools import count
from threading import Lock
from typing import Any

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

    def __init__(self) -> None:
        self._lock = Lock()
        self._ids = count(1)
        self._entries: deque[Entry] = deque(maxlen=LENGTH)

    def open(self, **fields: Any) -> Entry:
        """Add a request at its arrival, before anything is done about it."""
        with self._lock:
            entry = Entry(id=next(self._ids), **fields)
            self._entries.append(entry)
        return entry

    def update(self, entry: Entry, **fields: Any) -> None:
        """Write down what became of a request."""
        with self._lock:
            for name, value in fields.items():
                setattr(entry, name, value)

    def entries(self, operation: str | None = None) -> list[dict[str, Any]]:
        """Return the requests, oldest first, of one operation or of all."""
        with self._lock:
            return [
                asdict(entry)
                for entry in self._entries
                if operation is None or entry.operation == operation
            ]

    def find(self, entry_id: int) -> dict[str, Any] | None:
        """Return one request, or None when it has left the record."""
        with self._lock:
            return next((asdict(entry) for entry in self._entries if entry.id == entry_id), None)

    def __len__(self) -> int:
        return len(self._entries)

    def clear(self) -> None:
        """Empty the record. IDs go on, so that an old link never shows another request."""
        with self._lock:
            self._entries.clear()
