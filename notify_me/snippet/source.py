"""A theme's file: HTML or a script, with Liquid or Jinja in it, made ready for a JavaScript parser.

The template's tags are blanked out, and so is what isn't script; every byte keeps its place, so
that a place in the script is one in the file.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

LIMIT = 200_000
"""The largest file that is read, in bytes. A theme's layout has some ten thousand."""

_HTML = re.compile(rb"\A\s*<|^[ \t]*<(?:script|!doctype|html|body|div)\b", re.I | re.M)
_TEMPLATE = re.compile(
    rb"(?P<comment>\{%-?\s*comment\b(?:(?!\{%-?\s*comment\b).)*?\bendcomment\s*-?%\}"
    rb"|\{\#(?:(?!\{\#|\#\}).)*\#\})"
    rb"|(?P<tag>\{%(?:(?!\{%|%\}).)*%\})"
    rb"|(?P<output>\{\{[^{}]*\}\})",
    re.S,
)


class SnippetError(ValueError):
    """The snippet can't be read. Its text is a sentence; `line` and `column` count from 1."""

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class MissingExtraError(SnippetError):
    """The libraries of the extra `import` aren't installed."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Reading a snippet needs {name}, which isn't installed: "
            "run pip install restock-kit[import]"
        )


def plain(text: str, limit: int = 60) -> str:
    """A text of the snippet's in one line without control characters, for a terminal."""
    shown = "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[: limit + 1]
    )
    return shown if len(text) <= limit else shown[:limit] + "…"


class File:
    """A file's bytes, and the same with its template's tags blanked out."""

    def __init__(self, text: str) -> None:
        self.original = text.removeprefix("\ufeff").encode(errors="replace")
        if len(self.original) > LIMIT:
            raise SnippetError(
                f"The file has {len(self.original):,} bytes, and {LIMIT:,} at most are read: "
                "copy the <script> with the two klaviyo calls into a file of its own"
            )
        self.tags: list[tuple[int, int]] = []
        """Where a tag such as `{% if … %}` begins and ends."""
        self.outputs: list[int] = []
        """Where an output such as `{{ … }}` begins."""
        self.masked = _TEMPLATE.sub(self._mask, self.original)

    def _mask(self, found: re.Match[bytes]) -> bytes:
        if found.lastgroup == "output":
            self.outputs.append(found.start())
            # a name, so that the script can still be parsed
            return b"$" + b"_" * (len(found[0]) - 1)
        if found.lastgroup == "tag":
            self.tags.append(found.span())
        return _blank(found[0])

    @property
    def is_html(self) -> bool:
        """Whether it looks like HTML rather than a script."""
        return bool(_HTML.search(self.masked))

    def text(self, start: int, end: int) -> str:
        """What the file as given has from one byte to another."""
        return self.original[start:end].decode(errors="replace")

    def line(self, offset: int) -> int:
        """The line of a byte, counted from 1."""
        return self.original.count(b"\n", 0, offset) + 1

    def is_filled_in(self, start: int, end: int) -> bool:
        """Whether a template's output begins from one byte to another."""
        first = bisect_left(self.outputs, start)
        return first < len(self.outputs) and self.outputs[first] < end

    def wrong(self, offset: int, message: str) -> SnippetError:
        """The error for something that is no JavaScript."""
        line = self.line(offset)
        start = self.original.rfind(b"\n", 0, offset) + 1
        column = len(self.original[start:offset].decode(errors="replace")) + 1
        return SnippetError(
            f"Line {line}, column {column} is not valid JavaScript: {message}", line, column
        )


def _blank(code: bytes) -> bytes:
    return re.sub(rb"[^\n]", b" ", code)


_OPENING = re.compile(rb"<!--|<script\b", re.I)
_DATA = re.compile(rb"\btype\s*=\s*[\"']?[^\"'\s>]*(?:json|template|html|x-)", re.I)


def scripts(masked: bytes, wanted: re.Pattern[bytes]) -> Iterator[bytes]:
    """Each script of an HTML file in which a pattern is found, with all around it blanked out."""
    lower, at = masked.lower(), 0
    while opening := _OPENING.search(masked, at):
        is_comment = opening[0] == b"<!--"
        start = masked.find(b"-->" if is_comment else b">", opening.end())
        if start < 0:
            return
        at = start + 1
        if not is_comment:
            closing = lower.find(b"</script", at)
            end = len(masked) if closing < 0 else closing
            if wanted.search(masked, at, end) and not _DATA.search(masked, opening.end(), at):
                yield _blank(masked[:at]) + masked[at:end] + _blank(masked[end:])
            at = end
