"""What is under way, for a person who waits."""

from __future__ import annotations

import sys

import click

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
