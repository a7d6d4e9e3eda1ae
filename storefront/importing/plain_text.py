"""A description in HTML as plain text: paragraphs, and the facts that it lists."""

from __future__ import annotations

import re
import textwrap
from html.parser import HTMLParser
from typing import NamedTuple

MOST, MOST_FACTS = 40, 20
"""Paragraphs and facts that are kept."""
LONGEST_FACT = 200
_FACT = "\x02"
_BLOCK_TAGS = (
    "address article blockquote br dd div dl dt figure footer h1 h2 h3 h4 h5 h6 header hr li main "
    "ol p pre section table td th tr ul"
)
_BLOCKS = frozenset(_BLOCK_TAGS.split())
_SILENT = frozenset({"script", "style", "template", "iframe", "noscript"})


class _Text(HTMLParser):
    """Collects what a reader would read."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """A block begins a paragraph."""
        self._silent += tag in _SILENT
        if tag in _BLOCKS:
            self.pieces.append(f"\n{_FACT}" if tag == "li" else "\n")

    def handle_endtag(self, tag: str) -> None:
        """And its end ends one."""
        if tag in _SILENT:
            self._silent = max(self._silent - 1, 0)
        if tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        """Text, on one line."""
        if not self._silent:
            self.pieces.append(re.sub(r"\s+", " ", data))


class PlainText(NamedTuple):
    """A description as the shop shows it."""

    paragraphs: list[str]
    facts: list[str]
    """The items of its lists."""


def plain_text(description: str) -> PlainText:
    """The text of a description, which is HTML if it holds a tag."""
    text = description = description.replace(_FACT, " ")
    if re.search(r"</?[a-zA-Z][^>]*>", description):
        reader = _Text()
        reader.feed(description)
        reader.close()
        text = "".join(reader.pieces)
    found = (" ".join(line.split()) for line in text.splitlines())
    lines = [line for line in found if line.strip(f"{_FACT} ")]
    facts = [line[1:].strip() for line in lines if line.startswith(_FACT)]
    return PlainText(
        [line for line in lines if not line.startswith(_FACT)][:MOST],
        [short(fact, LONGEST_FACT) for fact in facts[:MOST_FACTS]],
    )


def short(text: str, width: int) -> str:
    """The first words of a text, in so many characters."""
    cut = textwrap.shorten(text, width, placeholder="…")
    # a word that is longer than all of it
    return cut if cut != "…" or len(text) <= width else f"{text[: width - 1]}…"
