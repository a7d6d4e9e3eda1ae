"""The problems found in a file. The same problem on many lines is reported once."""

from __future__ import annotations

MAX_SHOWN = 20
"""The maximum number of different problems that are reported."""


class Unreadable(Exception):
    """The file can't be read, or can't be read past a certain line."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class InvalidFile(Exception):
    """The file has problems, so nothing was imported."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages


class Problems:
    """Collects the problems of a file.

    A problem consists of a message and a detail. The message is the same on all lines that have the
    problem; the detail, such as the invalid value, may differ.
    """

    def __init__(self) -> None:
        self._first: dict[str, tuple[int | None, str]] = {}
        self._counts: dict[str, int] = {}
        self._others = 0

    def __len__(self) -> int:
        return sum(self._counts.values()) + self._others

    def add(self, line: int | None, message: str, detail: str = "") -> None:
        """Add a problem; `line` is None if it concerns the whole file."""
        if message in self._counts:
            self._counts[message] += 1
        elif len(self._first) < MAX_SHOWN:
            self._first[message] = line, detail
            self._counts[message] = 1
        else:
            self._others += 1

    def raise_if_any(self) -> None:
        """Raise `InvalidFile` if there are problems."""
        if not self._first:
            return
        messages = [
            self._text(message, line, detail) for message, (line, detail) in self._first.items()
        ]
        if self._others:
            noun = "problem" if self._others == 1 else "problems"
            messages.append(f"and {self._others:,} other {noun}")
        raise InvalidFile(messages)

    def _text(self, message: str, line: int | None, detail: str) -> str:
        text = f"{detail}: {message}" if detail else message
        if line is None:
            return text
        count = self._counts[message]
        return f"line {line}: {text}" + (f" ({count:,} lines have this problem)" * (count > 1))
