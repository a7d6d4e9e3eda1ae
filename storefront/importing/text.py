"""A file's text, a piece at a time: UTF-8, with or without the mark that Excel puts first."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from .problems import Unreadable

LONGEST_LINE = 4_000_000
"""Bytes; a description fits many times."""
CHUNK = 65_536
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SAVE = "save it as “CSV UTF-8 (comma delimited)” and import that"

Progress = Callable[[int], object]
"""Is told of bytes that were read."""


def lines(path: Path, progress: Progress) -> Iterator[str]:
    """The lines with their ends; raises `Unreadable`."""
    with path.open("rb") as file:
        _look(file)
        for number, raw in enumerate(iter(partial(file.readline, LONGEST_LINE + 1), b""), 1):
            if len(raw) > LONGEST_LINE:
                raise Unreadable(number, "longer than any line of a list of products")
            yield _decoded(raw, number, "utf-8-sig" if number == 1 else "utf-8")
            progress(len(raw))


def chunks(path: Path, progress: Progress) -> Iterator[str]:
    """The text in pieces of any kind; raises `Unreadable`."""
    decode = codecs.getincrementaldecoder("utf-8-sig")().decode
    line = 1
    with path.open("rb") as file:
        _look(file)
        for raw in iter(partial(file.read, CHUNK), b""):
            try:
                yield decode(raw)
            except UnicodeDecodeError as error:
                raise _not_utf_8(line + raw.count(b"\n", 0, max(error.start, 0))) from None
            line += raw.count(b"\n")
            progress(len(raw))


def _look(file: BinaryIO) -> None:
    """Refuse what is no text, as far as its first bytes tell."""
    head = file.read(4)
    if head in _WORKBOOKS:
        raise Unreadable(1, f"this is a workbook, not a text: open it in a spreadsheet, {_SAVE}")
    if head.startswith(_UTF_16):
        raise Unreadable(1, f"this is UTF-16, and UTF-8 is needed: {_SAVE}")
    file.seek(0)


def _decoded(raw: bytes, number: int, encoding: str) -> str:
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        raise _not_utf_8(number) from None
    if "\0" in text:
        raise Unreadable(number, f"holds a NUL character: this is no text in UTF-8; {_SAVE}")
    return text


def _not_utf_8(number: int) -> Unreadable:
    return Unreadable(number, f"isn't UTF-8: {_SAVE}")
