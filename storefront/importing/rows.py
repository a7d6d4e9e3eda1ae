"""The rows of a CSV or JSON file, one at a time."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from .columns import Row, check_header, known
from .problems import Unreadable
from .text import LONGEST_LINE, Progress, chunks, lines

LONGEST_OBJECT = 1_000_000
"""Characters of one variant in JSON."""


def rows(path: Path, progress: Progress, *, platform_ids: str | None) -> Iterator[Row]:
    """Every row that holds anything; raises `Unreadable` where it can't go on."""
    if path.suffix.lower() == ".json":
        return _json_rows(chunks(path, progress))
    return _csv_rows(lines(path, progress), platform_ids)


def _csv_rows(text: Iterator[str], platform_ids: str | None) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_LINE)
    first = next(text, "")
    # spreadsheets write semicolons where a comma is the decimal point
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(chain([first], text), delimiter=delimiter, strict=True)
    header: list[str] = []
    names: dict[str, str] = {}
    while True:
        line = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            raise Unreadable(line, _csv_problem(str(error))) from None
        if not header:
            header, names = cells, known(cells, line)
            check_header(names.values(), platform_ids=platform_ids)
        elif any(cells):
            if any(cells[len(header) :]):
                raise Unreadable(
                    line, f"has {len(cells)} cells, and the first line names {len(header)} columns"
                )
            yield Row(
                line,
                {
                    names[name]: cell
                    for name, cell in zip(header, cells, strict=False)
                    if name in names
                },
            )


def _csv_problem(message: str) -> str:
    if "field larger" in message or "unexpected end" in message:
        return "a quotation mark opens here that nothing closes"
    if "expected after" in message:
        return "a quotation mark within a cell must be written twice"
    if "new-line character" in message:
        return "its lines end as on old Macs: save it anew as CSV"
    return f"is no CSV: {message}"


def _json_rows(pieces: Iterator[str]) -> Iterator[Row]:
    decoder = json.JSONDecoder(parse_float=str, parse_int=str)
    buffer, at, line, wanted = "", 0, 1, "["
    while True:
        rest = buffer[at:].lstrip()
        line += buffer.count("\n", at, len(buffer) - len(rest))
        buffer, at = rest, 0
        if not buffer:
            if not (piece := next(pieces, "")):
                raise Unreadable(line, "the list has no end: ] is missing")
            buffer = piece
            continue
        sign = buffer[0]
        if sign in wanted and sign != "{":
            if sign == "]":
                return
            wanted, at = ("{]" if sign == "[" else "{"), 1
            continue
        if sign != "{" or "{" not in wanted:
            raise Unreadable(line, "is no list of objects, [{…}, {…}], one for each variant")
        found, at, buffer = _object(decoder, buffer, pieces, line)
        yield Row(line, _fields(found, line))
        line += buffer.count("\n", 0, at)
        buffer, at = buffer[at:], 0
        wanted = ",]"


def _object(
    decoder: json.JSONDecoder, buffer: str, pieces: Iterator[str], line: int
) -> tuple[dict[str, Any], int, str]:
    """The object at the start of `buffer`, where it ends, and the buffer as it is then."""
    while True:
        try:
            found, end = decoder.raw_decode(buffer)
        except json.JSONDecodeError as error:
            piece = next(pieces, "") if len(buffer) < LONGEST_OBJECT else ""
            if not piece:
                raise Unreadable(
                    line + error.lineno - 1, f"is no JSON: {error.msg[:1].lower()}{error.msg[1:]}"
                ) from None
            buffer += piece
        except RecursionError:
            raise Unreadable(line, "is no variant: too many brackets") from None
        else:
            return found, end, buffer


def _fields(found: dict[str, Any], line: int) -> dict[str, str]:
    options = found.pop("options", None) or {}
    if not isinstance(options, dict) or len(options) > 3:
        raise Unreadable(line, 'options must be such as {"Size": "M"}, three at most')
    for number, (name, value) in enumerate(options.items(), 1):
        found[f"option{number}_name"], found[f"option{number}_value"] = name, value
    names = known(found, line)
    if isinstance(tags := found.get("tags"), list):
        found["tags"] = ", ".join(map(str, tags))
    return {ours: _text(found[name], name, line) for name, ours in names.items()}


def _text(value: Any, name: str, line: int) -> str:
    if isinstance(value, bool):
        value = str(value).lower()
    if not isinstance(value, str | None):
        raise Unreadable(line, f"{name} must be a text or a number")
    text = str(value or "").strip()
    # JSON can name what no text holds: a NUL, or half a character
    if "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
        raise Unreadable(line, f"{name} holds a character that no text has")
    return text
