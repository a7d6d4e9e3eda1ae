"""What a store keeps: values by key, in their order, with a note of what a save has to write."""

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Rows(Generic[K, V]):
    """Values by key, oldest first. The caller holds the sandbox's lock.

    `kind` is the values' type, by which they are written to a file and read again.
    """

    def __init__(self, kind: type[V]) -> None:
        self.kind = kind
        self.newest: K | None = None
        """The key that was new last, even if it is there no more."""
        self._values: dict[K, V] = {}
        self._changed: dict[K, None] = {}
        self._removed: dict[K, None] = {}
        self._tracked = False

    def get(self, key: K) -> V | None:
        """Return the value of a key, or None."""
        return self._values.get(key)

    def put(self, key: K, value: V) -> None:
        """Set a key's value; a value that was changed in place is put again."""
        if key not in self._values:
            self.newest = key
        self._values[key] = value
        if self._tracked:
            self._changed[key] = None

    def remove(self, key: K) -> None:
        """Forget a key, if it is there."""
        if key in self._values:
            del self._values[key]
            if self._tracked:
                self._changed.pop(key, None)
                self._removed[key] = None

    def clear(self) -> None:
        """Forget every key."""
        for key in list(self._values):
            self.remove(key)

    def values(self) -> list[V]:
        """Return the values, oldest first."""
        return list(self._values.values())

    def items(self) -> list[tuple[K, V]]:
        """Return the keys with their values, oldest first."""
        return list(self._values.items())

    def oldest(self) -> K:
        """Return the key that was put first."""
        return next(iter(self._values))

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)

    def load(self, rows: Iterable[tuple[K, V]]) -> None:
        """Take what a file holds, and note every change from here on."""
        self._values = dict(rows)
        self.newest = next(reversed(self._values), None)
        self._tracked = True

    def drain(self) -> tuple[list[K], list[tuple[K, V]]]:
        """Return the keys removed and the rows changed since the last time, and forget that."""
        removed, changed = list(self._removed), [(key, self._values[key]) for key in self._changed]
        self._removed.clear()
        self._changed.clear()
        return removed, changed


def next_number(rows: Rows[int, V]) -> int:
    """Return the number after the newest row's: none is given twice, however many are gone."""
    return (rows.newest or 0) + 1
