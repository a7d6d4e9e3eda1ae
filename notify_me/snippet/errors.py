"""What can go wrong when an old snippet is read."""

from __future__ import annotations

INSTALL = "pip install restock-kit[import]"


class SnippetError(ValueError):
    """The snippet can't be read. Its text is a sentence; `line` and `column` count from 1."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class ExtraMissingError(SnippetError):
    """The libraries of the extra `import` aren't installed."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Reading a snippet needs {name}, which isn't installed: run {INSTALL}")


def plain(text: str, limit: int = 60) -> str:
    """A text of the snippet's in one line without control characters, for a terminal."""
    shown = text[: limit + 1]
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in shown)
    return shown if len(text) <= limit else shown[:limit] + "…"
