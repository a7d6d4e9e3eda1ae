"""The report of a check: one row for each topic, as a table for people and as JSON for scripts."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterable, Sequence
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
    "brand": "Brand",
    "sign_ups": "Sign-ups",
    "delivery": "Delivery",
}
"""The checks in the order of the report: the name in JSON, and the title in the table."""


class Verdict(StrEnum):
    """The result of a check."""

    PASS = "pass"  # noqa: S105 - not a password
    WARN = "warn"
    """It works, or may work, but needs attention."""
    FAIL = "fail"
    SKIP = "skip"
    """It couldn't be checked, or doesn't apply."""


@dataclass(frozen=True, slots=True)
class Row:
    """The result of one check."""

    check: str
    """A key of `TITLES`."""
    verdict: Verdict
    message: str
    remedy: str = ""
    """What to do about it; empty if nothing."""


@dataclass(frozen=True, slots=True)
class Report:
    """The rows of a check."""

    rows: Sequence[Row]

    @classmethod
    def of(cls, rows: Iterable[Row], skipped: str) -> Report:
        """Return a report with the rows in the order of `TITLES`. Missing rows are added with the
        verdict `skip` and the message `skipped`.
        """
        by_check = {row.check: row for row in rows}
        return cls([by_check.get(check, Row(check, Verdict.SKIP, skipped)) for check in TITLES])

    def with_rows(self, rows: Iterable[Row]) -> Report:
        """Return a report that also contains these rows. Each replaces an earlier row of the same
        check, unless that one failed.
        """
        failed = {row.check for row in self.rows if row.verdict is Verdict.FAIL}
        return Report.of([*self.rows, *(row for row in rows if row.check not in failed)], "")

    @property
    def ok(self) -> bool:
        """Whether no check failed."""
        return all(row.verdict is not Verdict.FAIL for row in self.rows)

    def as_json(self) -> str:
        """Return `{"ok": …, "rows": [{"check", "verdict", "message", "remedy"}, …]}`."""
        rows = [asdict(row) for row in self.rows]
        return json.dumps({"ok": self.ok, "rows": rows}, indent=2, ensure_ascii=False)

    def as_text(self, width: int = 100) -> str:
        """Return a table of this many columns, with each remedy below its message."""
        lines: list[str] = []
        for row in self.rows:
            head = f"{row.verdict.upper():<4}  {TITLES[row.check]:<11}  "
            lines += _wrapped(head, row.message, width)
            if row.remedy:
                lines += _wrapped(f"{'':{len(head)}}-> ", row.remedy, width)
        return "\n".join(lines)


def _wrapped(head: str, text: str, width: int) -> list[str]:
    return textwrap.wrap(
        text,
        max(width, 40),
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_long_words=False,
        break_on_hyphens=False,
    )


class Progress:
    """Shows what is being checked, on one line of standard error, if that is a terminal."""

    _CLEAR_LINE = "\r\x1b[K"

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()

    def __call__(self, topic: str) -> None:
        """Show this topic in place of the previous one."""
        if self._is_terminal:
            click.echo(f"{self._CLEAR_LINE}Checking: {topic} …", err=True, nl=False)

    def end(self) -> None:
        """Clear the line."""
        if self._is_terminal:
            click.echo(self._CLEAR_LINE, err=True, nl=False)
