"""The log of recent requests, with their replies and the problems found in them."""

from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from typing import Any

from .rows import Rows, next_number

MAX_ENTRIES = 1000


@dataclass(slots=True)
class Entry:
    """One request and its reply, as `/_sandbox/requests` shows them.

    notes: effects of an accepted call that its reply doesn't mention.
    leak: whether a browser sent a private key.
    finished: whether the reply has been sent or the connection closed.
    """

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


class RequestLog:
    """The latest requests. Thread-safe: the methods that read them return copies."""

    def __init__(self, lock: AbstractContextManager[Any]) -> None:
        self._lock = lock
        self.rows: Rows[int, Entry] = Rows(Entry)

    def add(self, **fields: Any) -> Entry:
        """Add a request on its arrival, before it is processed."""
        with self._lock:
            entry = Entry(id=next_number(self.rows), **fields)
            self.rows.put(entry.id, entry)
            if len(self.rows) > MAX_ENTRIES:
                self.rows.remove_oldest()
        return entry

    def update(self, entry: Entry, **fields: Any) -> None:
        """Change fields of a request."""
        with self._lock:
            for name, value in fields.items():
                setattr(entry, name, value)
            if entry.id in self.rows:
                self.rows.put(entry.id, entry)

    def entries(self, operation: str | None = None, *, after: int = 0) -> list[dict[str, Any]]:
        """Return the requests with IDs above `after`, oldest first; of one operation, if given."""
        with self._lock:
            return [
                asdict(entry)
                for entry in self.rows.values()
                if entry.id > after and operation in (None, entry.operation)
            ]

    def find(self, entry_id: int) -> dict[str, Any] | None:
        """Return one request, or None if it is no longer in the log."""
        with self._lock:
            entry = self.rows.get(entry_id)
            return asdict(entry) if entry else None

    def finish_all(self) -> None:
        """Mark every request as finished: none continues after a restart."""
        for entry in self.rows.values():
            if not entry.finished:
                self.update(entry, finished=True)

    def clear(self) -> None:
        """Remove every request.

        Until a restart, IDs aren't reused, so an old link never shows another request.
        """
        with self._lock:
            self.rows.clear()
