"""The problems found in a file, by line."""

from __future__ import annotations

MAX_SHOWN = 50
"""Problems that are reported one by one."""


class Unreadable(Exception):
    """The file can't be read beyond this line."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


class InvalidFile(Exception):
    """The file has problems, so nothing was imported."""

    def __init__(self, messages: list[str], count: int) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages
        """The first problems, such as `line 7: …`."""
        self.count = count
        """The number of all problems."""


class Problems:
    """Collects the problems of one reading of a file."""

    def __init__(self) -> None:
        self._messages: list[str] = []
        self.count = 0

    def add(self, line: int, message: str) -> None:
        """Add a problem with a line."""
        self.count += 1
        if self.count <= MAX_SHOWN:
            self._messages.append(f"line {line}: {message}")

    def raise_if_any(self) -> None:
        """Raise `InvalidFile` if there are problems."""
        if self.count:
            raise InvalidFile(self._messages, self.count)
