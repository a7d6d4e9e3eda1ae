"""Reads CSV and JSON files row by row, in common encodings and CSV dialects."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from .problems import Unreadable

MAX_LINE = 4_000_000
"""The maximum number of characters in a line."""
MAX_OBJECT = 8_000_000
"""The maximum number of characters in one object of a JSON file."""
CHUNK_BYTES = 65_536
"""The number of bytes that are read at a time."""
WINDOWS_ENCODING = "cp1252"
"""The encoding of Excel's “CSV” format in Western Europe and America."""
SAVE_AS = "save it as “CSV UTF-8 (comma delimited)”, and import that file"
# control characters, a byte order mark, and characters that reverse the text direction
_INVISIBLE = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202d\u202e\ufeff\ufffe\uffff]")
# a closing quotation mark, followed by blanks up to the delimiter
_BLANKS_AFTER_QUOTE = re.compile(r'(?<=[^",;\t]")[ ]+(?=[,;\t]|[\r\n]*$)')

Progress = Callable[[int], object]
"""Called with the number of bytes that have been read since the last call."""


@dataclass(frozen=True, slots=True)
class Table:
    """A file as rows of cells."""

    header: list[str]
    rows: Iterator[tuple[int, list[str]]]
    """The line number and the cells of each row that isn't empty. May raise `Unreadable`."""
    encoding: str


def read_csv(path: Path, progress: Progress, *, encoding: str | None = None) -> Table:
    """Open a CSV file; `encoding` is detected unless it is given. Raises `Unreadable`."""
    check_kind(path)
    encoding = encoding or detect_encoding(path)
    records = _records(path, encoding, progress)
    header: list[str] = next((cells for _, cells in records), [])
    if not header:
        raise Unreadable("the file is empty")
    # skip repeated headers, which are left over when several files have been joined
    rows = ((line, cells) for line, cells in records if cells != header)
    return Table(header, rows, encoding)


def check_kind(path: Path) -> None:
    """Raise `Unreadable` for spreadsheets, archives, web pages and other files that aren't CSV. The
    message says what to do instead.
    """
    with path.open("rb") as file:
        head = file.read(256)
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable(f"this is a spreadsheet: open it in a spreadsheet program, {SAVE_AS}")
    if head.startswith(b"\x1f\x8b"):
        raise Unreadable("this is a compressed file: unpack it, and import the CSV file in it")
    if head.startswith(b"PK"):
        names = zipfile.ZipFile(path).namelist() if zipfile.is_zipfile(path) else []
        if any(name in ("[Content_Types].xml", "content.xml") for name in names):
            raise Unreadable(f"this is a spreadsheet: open it in a spreadsheet program, {SAVE_AS}")
        raise Unreadable("this is a ZIP archive: unpack it, and import the CSV file in it")
    if head.startswith((b"%PDF", b"\x89PNG", b"\xff\xd8\xff")):
        raise Unreadable("this isn't a CSV file: export the products from your platform as CSV")
    start = head.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    if start.startswith((b"<?xml", b"<rss", b"<feed")):
        raise Unreadable("this is an XML file: export the products from your platform as CSV")
    if start.startswith(b"<"):
        raise Unreadable(
            "this is a web page, such as a login form, not a CSV file: log in to your platform, "
            "and export the products again"
        )


def is_json(path: Path) -> bool:
    """Whether a file is JSON, judged by its first character."""
    with path.open("rb") as file:
        return file.read(256).removeprefix(codecs.BOM_UTF8).lstrip()[:1] in (b"[", b"{")


def clean_text(text: str) -> str:
    """Return text without invisible characters that don't belong in names and descriptions."""
    return _INVISIBLE.sub("", text)


def detect_encoding(path: Path) -> str:
    """Return the name of a file's encoding: UTF-8, UTF-16 or Windows-1252.

    Raises `Unreadable` for a file that begins as UTF-8, but isn't UTF-8 throughout.
    """
    with path.open("rb") as file:
        head = file.read(4096)
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        # UTF-16 without a byte order mark: every other byte of English text is zero
        for first, name in ((0, "utf-16-be"), (1, "utf-16-le")):
            if 2 * head[first::2].count(0) > len(head) // 2 and not head[1 - first :: 2].count(0):
                return name
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        line, has_utf_8 = 1, False
        for chunk in iter(partial(file.read, CHUNK_BYTES), b""):
            try:
                text = decoder.decode(chunk)
            except UnicodeDecodeError as error:
                valid = error.object[: error.start]
                if has_utf_8 or not valid.isascii():
                    line += valid.count(b"\n")
                    raise Unreadable(
                        "this line isn't UTF-8, although the lines before it are: specify the "
                        "file's encoding with --encoding, such as --encoding cp1252",
                        line,
                    ) from None
                return WINDOWS_ENCODING
            has_utf_8 = has_utf_8 or not text.isascii()
            line += chunk.count(b"\n")
    return "utf-8-sig"


def _records(path: Path, encoding: str, progress: Progress) -> Iterator[tuple[int, list[str]]]:
    # newline="" because line endings inside quoted cells must not change
    with path.open("rb") as binary, io.TextIOWrapper(binary, encoding, newline="") as text:
        lines = _lines(text, binary, progress)
        first = next(lines, "")
        line_offset = 0
        # some plugins of WordPress leave a blank line in front of each download
        while first and not first.strip():
            first, line_offset = next(lines, ""), line_offset + 1
        delimiter = max(",;\t|", key=re.sub('"[^"]*"', "", first).count)
        # Excel may write the delimiter in an extra first line, such as sep=;
        if match := re.fullmatch(r'"?sep=(.)"?\s*', first):
            delimiter, first, line_offset = match[1], next(lines, ""), line_offset + 1
        csv.field_size_limit(MAX_LINE)
        reader = csv.reader(
            chain([first], lines), delimiter=delimiter, skipinitialspace=True, strict=True
        )
        while True:
            line = reader.line_num + line_offset + 1
            try:
                cells = [cell.strip() for cell in next(reader)]
            except StopIteration:
                return
            except csv.Error as error:
                raise Unreadable(_csv_problem(str(error)), line) from None
            if any(cells):
                yield line, cells


def _lines(text: TextIO, binary: BinaryIO, progress: Progress) -> Iterator[str]:
    """Yield the lines of `text`; report the bytes read from the underlying `binary`."""
    position = 0
    for number, line in enumerate(_read_lines(text), 1):
        if len(line) > MAX_LINE:
            raise Unreadable(f"the line is longer than {MAX_LINE:,} characters", number)
        if "\0" in line:
            raise Unreadable(
                "the line contains a NUL character: open the file in a spreadsheet program, "
                f"{SAVE_AS}",
                number,
            )
        line = clean_text(line)
        yield _BLANKS_AFTER_QUOTE.sub("", line) if '" ' in line else line
        if (now := binary.tell()) != position:
            progress(now - position)
            position = now


def _read_lines(text: TextIO) -> Iterator[str]:
    number = 1
    try:
        while line := text.readline(MAX_LINE + 1):
            number += 1
            yield line
    except UnicodeDecodeError as error:
        encoding = "Windows-1252" if error.encoding == "charmap" else error.encoding
        raise Unreadable(
            f"the text isn't {encoding}: save the file as “CSV UTF-8”, or specify its encoding "
            "with --encoding",
            number,
        ) from None


def _csv_problem(message: str) -> str:
    if "field larger" in message or "unexpected end" in message:
        return "the cell has an opening quotation mark, but no closing one"
    if "expected after" in message:
        return "quotation marks inside a quoted cell must be doubled"
    return f"invalid CSV: {message}"


def read_json(path: Path, progress: Progress) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each object in a list, with its line number.

    The list may be the value of `products`, as in Shopify's `products.json`. Raises `Unreadable`.
    """
    with path.open("rb") as file:
        yield from _json_objects(_decoded_chunks(file, progress))


def _decoded_chunks(file: BinaryIO, progress: Progress) -> Iterator[str]:
    decode = codecs.getincrementaldecoder("utf-8-sig")().decode
    line = 1
    for raw in iter(partial(file.read, CHUNK_BYTES), b""):
        try:
            yield decode(raw)
        except UnicodeDecodeError as error:
            line += error.object[: error.start].count(b"\n")
            raise Unreadable("the text isn't UTF-8", line) from None
        line += raw.count(b"\n")
        progress(len(raw))


def _json_objects(chunks: Iterator[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    # numbers stay strings, so that prices keep their decimals and IDs all their digits
    decoder = json.JSONDecoder(parse_float=str, parse_int=str)
    buffer = next(chunks, "")
    start = re.match(r'\s*\{\s*"products"\s*:\s*', buffer)
    line = 1 + (buffer.count("\n", 0, start.end()) if start else 0)
    buffer = buffer[start.end() :] if start else buffer
    position, expected = 0, "["
    while True:
        rest = buffer[position:].lstrip()
        line += buffer.count("\n", position, len(buffer) - len(rest))
        buffer, position = rest, 0
        if not buffer:
            if not (chunk := next(chunks, "")):
                raise Unreadable("the closing ] of the list is missing", line)
            buffer = chunk
            continue
        char = buffer[0]
        if char in expected and char != "{":
            if char == "]":
                return
            expected, position = ("{]" if char == "[" else "{"), 1
            continue
        if char != "{" or "{" not in expected:
            raise Unreadable("expected a list of objects, [{…}, {…}], one for each variant", line)
        entry, position, buffer = _read_object(decoder, buffer, chunks, line)
        yield line, entry
        line += buffer.count("\n", 0, position)
        buffer, position = buffer[position:], 0
        expected = ",]"


def _read_object(
    decoder: json.JSONDecoder, buffer: str, chunks: Iterator[str], line: int
) -> tuple[dict[str, Any], int, str]:
    """Return the object at the start of `buffer`, the position after it, and the buffer. Chunks are
    added to the buffer until it contains the whole object.
    """
    while True:
        try:
            value, end = decoder.raw_decode(buffer)
        except json.JSONDecodeError as error:
            chunk = next(chunks, "") if len(buffer) < MAX_OBJECT else ""
            if not chunk:
                message = f"{error.msg[:1].lower()}{error.msg[1:]}"
                raise Unreadable(f"invalid JSON: {message}", line + error.lineno - 1) from None
            buffer += chunk
        except RecursionError:
            raise Unreadable("invalid JSON: too deeply nested", line) from None
        else:
            return value, end, buffer
