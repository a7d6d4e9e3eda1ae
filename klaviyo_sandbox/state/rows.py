"""A mapping in insertion order that tracks its changes for the state file."""

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Rows(Generic[K, V]):
    """Values by key, oldest first. The caller must hold the sandbox's lock.

    `value_type` is used to convert the values to JSON and back.
    """

    def __init__(self, value_type: type[V]) -> None:
        self.value_type = value_type
        self.newest: K | None = None
        """The key that was added last, even if it was removed. A restart forgets removed keys."""
        self._values: dict[K, V] = {}
        self._changed: dict[K, None] = {}
        self._removed: dict[K, None] = {}
        self._tracked = False

    def get(self, key: K) -> V | None:
        """Return the value of a key, or None."""
        return self._values.get(key)

    def put(self, key: K, value: V) -> None:
        """Set the value of a key. A value that was changed in place must be put again."""
        if key not in self._values:
            self.newest = key
        self._values[key] = value
        if self._tracked:
            self._changed[key] = None

    def remove(self, key: K) -> None:
        """Remove a key, if it exists."""
        if key in self._values:
            del self._values[key]
            if self._tracked:
                self._changed.pop(key, None)
                self._removed[key] = None

    def remove_oldest(self) -> None:
        """Remove the key that was added first."""
        self.remove(next(iter(self._values)))

    def clear(self) -> None:
        """Remove every key."""
        for key in list(self._values):
            self.remove(key)

    def values(self) -> list[V]:
        """Return the values, oldest first."""
        return list(self._values.values())

    def items(self) -> list[tuple[K, V]]:
        """Return the keys with their values, oldest first."""
        return list(self._values.items())

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)

    def load(self, rows: Iterable[tuple[K, V]]) -> None:
        """Replace the rows with those of a state file, and track every change from now on."""
        self._values = dict(rows)
        self.newest = next(reversed(self._values), None)
        self._tracked = True

    def pop_changes(self) -> tuple[list[K], list[tuple[K, V]]]:
        """Return the removed keys and the changed rows since the last call."""
        removed, changed = list(self._removed), [(key, self._values[key]) for key in self._changed]
        self._removed.clear()
        self._changed.clear()
        return removed, changed


def next_number(rows: Rows[int, V]) -> int:
    """Return the number after the newest row's.

    Until a restart, the numbers of removed rows aren't reused.
    """
    return (rows.newest or 0) + 1
