"""The snippet's file as bytes: its lines, and what Liquid or Jinja would fill in, masked."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

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


LIMIT = 2_000_000
"""The largest file that is read, in bytes. A theme's layout has some ten thousand."""

_OPEN = re.compile(rb"\{[%#{]")
_OUTPUT = re.compile(rb"\{\{[^{}]{0,500}\}\}")
_COMMENT = re.compile(rb"\{%-?\s*comment\b")
_ENDCOMMENT = re.compile(rb"\{%-?\s*endcomment\s*-?%\}")
_NOT_NEWLINE = re.compile(rb"[^\n]")


@dataclass(frozen=True)
class Span:
    """A stretch of the file, in bytes."""

    start: int
    end: int


@dataclass(frozen=True)
class Source:
    """A file, and the same bytes with template tags masked: every byte keeps its place."""

    original: bytes
    masked: bytes
    tags: list[Span] = field(default_factory=list)
    outputs: list[Span] = field(default_factory=list)
    newlines: list[int] = field(default_factory=list)

    def line(self, offset: int) -> int:
        """The line in which a byte stands, counted from 1."""
        return bisect_left(self.newlines, offset) + 1

    def column(self, offset: int) -> int:
        """The place of a byte in its line, in characters, counted from 1."""
        line = self.line(offset)
        start = self.newlines[line - 2] + 1 if line > 1 else 0
        return len(self.original[start:offset].decode(errors="replace")) + 1

    def text(self, span: Span) -> str:
        """What stands there in the file as given."""
        return self.original[span.start : span.end].decode(errors="replace")

    def wrong(self, offset: int, message: str) -> SnippetError:
        """The error for something that is no JavaScript."""
        line, column = self.line(offset), self.column(offset)
        return SnippetError(
            f"Line {line}, column {column} is not valid JavaScript: {message}", line, column
        )


def within(spans: list[Span], outer: Span) -> list[Span]:
    """Those of the spans, which are in order, that begin inside another."""
    first = bisect_left(spans, outer.start, key=lambda span: span.start)
    return spans[first : bisect_right(spans, outer.end - 1, key=lambda span: span.start)]


def load(text: str) -> Source:
    """Take a file's text; raises `SnippetError` if there is too much of it."""
    original = text.removeprefix("\ufeff").encode(errors="replace")
    if len(original) > LIMIT:
        raise SnippetError(
            f"The file has {len(original):,} bytes, and {LIMIT:,} at most are read: "
            "copy the <script> with the two klaviyo calls into a file of its own"
        )
    tags, comments, outputs = _templates(original)
    masked = bytearray(original)
    for span in [*tags, *comments]:
        masked[span.start : span.end] = _NOT_NEWLINE.sub(b" ", original[span.start : span.end])
    for span in outputs:  # a name, so that the script still parses
        masked[span.start : span.end] = b"$" + b"_" * (span.end - span.start - 1)
    newlines = [found.start() for found in re.finditer(rb"\n", original)]
    return Source(original, bytes(masked), tags, outputs, newlines)


def _templates(code: bytes) -> tuple[list[Span], list[Span], list[Span]]:
    """The tags, comments and outputs of Liquid or Jinja; each is looked for once, forwards."""
    tags, comments, outputs = [], [], []
    unclosed: set[bytes] = set()
    at = 0
    while opening := _OPEN.search(code, at):
        start, kind = opening.start(), opening.group()
        at = opening.end()
        if kind == b"{{":
            if output := _OUTPUT.match(code, start):
                at = output.end()
                outputs.append(Span(start, at))
            continue
        close = -1 if kind in unclosed else code.find(kind[:0:-1] + b"}", at)
        if close < 0:
            unclosed.add(kind)
            continue
        at = close + 2
        if kind == b"{#":
            comments.append(Span(start, at))
        elif _COMMENT.match(code, start) and b"comment" not in unclosed:
            end = _ENDCOMMENT.search(code, at)
            if end:
                at = end.end()
            else:
                unclosed.add(b"comment")
            comments.append(Span(start, at))
        else:
            tags.append(Span(start, at))
    return tags, comments, outputs
