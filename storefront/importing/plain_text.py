"""A description in HTML as paragraphs of plain text."""

from __future__ import annotations

import re
import textwrap
from html.parser import HTMLParser

MOST = 40
"""Paragraphs that are kept."""
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
            self.pieces.append("\n")

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


def paragraphs(description: str) -> list[str]:
    """The paragraphs of a description, which is HTML if it holds a tag."""
    text = description
    if re.search(r"</?[a-zA-Z][^>]*>", description):
        reader = _Text()
        reader.feed(description)
        reader.close()
        text = "".join(reader.pieces)
    found = (" ".join(line.split()) for line in text.splitlines())
    return [line for line in found if line][:MOST]


def short(text: str, width: int) -> str:
    """The first words of a text, in so many characters."""
    cut = textwrap.shorten(text, width, placeholder="…")
    # a word that is longer than all of it
    return cut if cut != "…" else f"{text[: width - 1]}…"
