"""Reads the rows of a CSV or JSON file one at a time, so that large files need little memory."""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from .columns import Row, check_header, identify
from .problems import Unreadable

MAX_LINE = 4_000_000
"""Bytes in a line."""
MAX_OBJECT = 1_000_000
"""Characters in the JSON of one variant."""
CHUNK = 65_536
_WORKBOOK_SIGNATURES = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SAVE_AS = "save it as “CSV UTF-8 (comma delimited)” and import that file"

Progress = Callable[[int], object]
"""Called with the number of bytes that were read."""


def rows(path: Path, progress: Progress, *, platform: str | None) -> Iterator[Row]:
    """Yield every row that isn't empty; raises `Unreadable`.

    `platform` is the platform whose variant IDs are required, if any.
    """
    with path.open("rb") as file:
        _check_signature(file)
        if path.suffix.lower() == ".json":
            yield from _json_rows(_decoded_chunks(file, progress))
        else:
            yield from _csv_rows(_decoded_lines(file, progress), platform)


def _check_signature(file: BinaryIO) -> None:
    head = file.read(4)
    if head in _WORKBOOK_SIGNATURES:
        raise Unreadable(1, f"this is a spreadsheet file: open it in a spreadsheet, {_SAVE_AS}")
    if head.startswith(_UTF_16):
        raise Unreadable(1, f"the text is UTF-16 instead of UTF-8: {_SAVE_AS}")
    file.seek(0)


def _decoded_lines(file: BinaryIO, progress: Progress) -> Iterator[str]:
    for number, raw in enumerate(iter(partial(file.readline, MAX_LINE + 1), b""), 1):
        if len(raw) > MAX_LINE:
            raise Unreadable(number, "the line is too long")
        try:
            # Excel starts a UTF-8 file with a byte order mark
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise _not_utf_8(number) from None
        if "\0" in text:
            raise Unreadable(number, f"the line contains a NUL character: {_SAVE_AS}")
        yield text
        progress(len(raw))


def _decoded_chunks(file: BinaryIO, progress: Progress) -> Iterator[str]:
    decode = codecs.getincrementaldecoder("utf-8-sig")().decode
    line = 1
    for raw in iter(partial(file.read, CHUNK), b""):
        try:
            yield decode(raw)
        except UnicodeDecodeError as error:
            raise _not_utf_8(line + raw.count(b"\n", 0, max(error.start, 0))) from None
        line += raw.count(b"\n")
        progress(len(raw))


def _not_utf_8(line: int) -> Unreadable:
    return Unreadable(line, f"the text isn't UTF-8: {_SAVE_AS}")


def _csv_rows(lines: Iterator[str], platform: str | None) -> Iterator[Row]:
    csv.field_size_limit(MAX_LINE)
    first = next(lines, "")
    # spreadsheets use semicolons where the comma is the decimal point
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(chain([first], lines), delimiter=delimiter, strict=True)
    header: list[str] = []
    columns: dict[str, str] = {}
    while True:
        line = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            raise Unreadable(line, _csv_problem(str(error))) from None
        if not header:
            header, columns = cells, identify(cells, line)
            check_header(columns.values(), platform=platform)
        elif any(cells):
            if any(cells[len(header) :]):
                raise Unreadable(
                    line, f"{len(cells)} cells, but the first line has {len(header)} columns"
                )
            pairs = zip(header, cells, strict=False)
            yield Row(line, {columns[name]: cell for name, cell in pairs if name in columns})


def _csv_problem(message: str) -> str:
    if "field larger" in message or "unexpected end" in message:
        return "a quotation mark is opened here but never closed"
    if "expected after" in message:
        return "quotation marks inside a quoted cell must be doubled"
    if "new-line character" in message:
        return "unsupported line endings (classic Mac OS): save the file again as CSV"
    return f"invalid CSV: {message}"


def _json_rows(chunks: Iterator[str]) -> Iterator[Row]:
    decoder = json.JSONDecoder(parse_float=str, parse_int=str)
    buffer, position, line, expected = "", 0, 1, "["
    while True:
        rest = buffer[position:].lstrip()
        line += buffer.count("\n", position, len(buffer) - len(rest))
        buffer, position = rest, 0
        if not buffer:
            if not (chunk := next(chunks, "")):
                raise Unreadable(line, "the closing ] of the list is missing")
            buffer = chunk
            continue
        char = buffer[0]
        if char in expected and char != "{":
            if char == "]":
                return
            expected, position = ("{]" if char == "[" else "{"), 1
            continue
        if char != "{" or "{" not in expected:
            raise Unreadable(line, "expected a list of objects, [{…}, {…}], one for each variant")
        entry, position, buffer = _read_object(decoder, buffer, chunks, line)
        yield Row(line, _object_fields(entry, line))
        line += buffer.count("\n", 0, position)
        buffer, position = buffer[position:], 0
        expected = ",]"


def _read_object(
    decoder: json.JSONDecoder, buffer: str, chunks: Iterator[str], line: int
) -> tuple[dict[str, Any], int, str]:
    """The object at the start of `buffer`, its end, and the buffer including what was read."""
    while True:
        try:
            value, end = decoder.raw_decode(buffer)
        except json.JSONDecodeError as error:
            chunk = next(chunks, "") if len(buffer) < MAX_OBJECT else ""
            if not chunk:
                message = f"{error.msg[:1].lower()}{error.msg[1:]}"
                raise Unreadable(line + error.lineno - 1, f"invalid JSON: {message}") from None
            buffer += chunk
        except RecursionError:
            raise Unreadable(line, "invalid JSON: too deeply nested") from None
        else:
            return value, end, buffer


def _object_fields(entry: dict[str, Any], line: int) -> dict[str, str]:
    options = entry.pop("options", None) or {}
    if not isinstance(options, dict) or len(options) > 3:
        raise Unreadable(line, 'options must be an object such as {"Size": "M"}, with up to three')
    for number, (name, value) in enumerate(options.items(), 1):
        entry[f"option{number}_name"], entry[f"option{number}_value"] = name, value
    columns = identify(entry, line)
    if isinstance(tags := entry.get("tags"), list):
        entry["tags"] = ", ".join(map(str, tags))
    return {column: _json_text(entry[name], name, line) for name, column in columns.items()}


def _json_text(value: Any, name: str, line: int) -> str:
    if isinstance(value, bool):
        value = str(value).lower()
    if not isinstance(value, str | None):
        raise Unreadable(line, f"{name} must be text or a number")
    text = str(value or "").strip()
    # JSON escapes allow NUL and lone surrogates, which can't be stored
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise Unreadable(line, f"{name} contains an invalid character")
    return text
