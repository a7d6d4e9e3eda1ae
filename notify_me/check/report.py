"""What a check found: a row each, as a table for a person and as JSON for a script."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

import click

TITLES = {
    "klaviyo": "Klaviyo",
    "clock": "Clock",
    "private_key": "Private key",
    "public_key": "Public key",
    "revision": "Revision",
    "scopes": "Scopes",
    "list": "List",
    "flow": "Flow",
    "variants": "Variants",
}
"""By the name that a script knows, in the order of the table."""
_INDENT = " " * 19


class Verdict(StrEnum):
    """How a check ended."""

    PASS = "pass"  # noqa: S105 - no password
    WARN = "warn"
    """It works, or may: somebody should look."""
    FAIL = "fail"
    SKIP = "skip"
    """It couldn't be told, or needn't be."""


@dataclass(frozen=True, slots=True)
class Row:
    """One check."""

    check: str
    """One of `TITLES`."""
    verdict: Verdict
    found: str
    """What is so, in words."""
    cure: str = ""
    """What to do about it; empty when there is nothing to do."""


@dataclass(frozen=True, slots=True)
class Report:
    """All the rows, in the order of `TITLES`."""

    rows: Sequence[Row]

    @property
    def ok(self) -> bool:
        """Whether nothing fails."""
        return all(row.verdict is not Verdict.FAIL for row in self.rows)

    def as_json(self) -> str:
        """As one JSON object: `ok`, and `rows` with check, verdict, found, cure."""
        rows = [asdict(row) for row in self.rows]
        return json.dumps({"ok": self.ok, "rows": rows}, indent=2, ensure_ascii=False)

    def as_text(self, width: int = 100) -> str:
        """As a table of so many columns, each cure below what it is for."""
        return "\n".join(line for row in self.rows for line in _lines(row, width))


def _lines(row: Row, width: int) -> Iterator[str]:
    head = f"{row.verdict.upper():<4}  {TITLES[row.check]:<11}  "
    yield from _wrapped(head, row.found, width)
    if row.cure:
        yield from _wrapped(f"{_INDENT}-> ", row.cure, width)


def _wrapped(head: str, text: str, width: int) -> list[str]:
    return textwrap.wrap(
        text,
        max(width, 40),
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )


_BEGIN = "\r\x1b[K"


class Progress:
    """Says on standard error what is under way, on one line, to a person at a terminal alone."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()

    def __call__(self, words: str) -> None:
        """Put these words in the place of those before."""
        if self._shown:
            click.echo(f"{_BEGIN}Asking Klaviyo: {words} …", err=True, nl=False)

    def end(self) -> None:
        """Take the line away."""
        if self._shown:
            click.echo(_BEGIN, err=True, nl=False)
