"""Converts a product description from HTML to plain text."""

from __future__ import annotations

import re
import textwrap
from html.parser import HTMLParser
from typing import NamedTuple

MAX_PARAGRAPHS, MAX_DETAILS = 40, 20
MAX_DETAIL_LENGTH = 200
_ITEM = "\x02"
"""Marks a line that comes from a list item."""
_BLOCK_TAGS = (
    "address article blockquote br dd div dl dt figure footer h1 h2 h3 h4 h5 h6 header hr li main "
    "ol p pre section table td th tr ul"
)
_BLOCKS = frozenset(_BLOCK_TAGS.split())
_IGNORED = frozenset({"script", "style", "template", "iframe", "noscript"})


class _TextParser(HTMLParser):
    """Collects the visible text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._ignored = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Start a new line at a block element."""
        self._ignored += tag in _IGNORED
        if tag in _BLOCKS:
            self.pieces.append(f"\n{_ITEM}" if tag == "li" else "\n")

    def handle_endtag(self, tag: str) -> None:
        """End the line at the end of a block element."""
        if tag in _IGNORED:
            self._ignored = max(self._ignored - 1, 0)
        if tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        """Add text, with white space collapsed."""
        if not self._ignored:
            self.pieces.append(re.sub(r"\s+", " ", data))


class PlainText(NamedTuple):
    """A description as the shop shows it."""

    paragraphs: list[str]
    details: list[str]
    """The items of its lists."""


def plain_text(description: str) -> PlainText:
    """The text of a description, which is treated as HTML if it contains a tag."""
    text = description = description.replace(_ITEM, " ")
    if re.search(r"</?[a-zA-Z][^>]*>", description):
        parser = _TextParser()
        parser.feed(description)
        parser.close()
        text = "".join(parser.pieces)
    stripped = (" ".join(line.split()) for line in text.splitlines())
    lines = [line for line in stripped if line.strip(f"{_ITEM} ")]
    details = [line[1:].strip() for line in lines if line.startswith(_ITEM)]
    return PlainText(
        [line for line in lines if not line.startswith(_ITEM)][:MAX_PARAGRAPHS],
        [shorten(detail, MAX_DETAIL_LENGTH) for detail in details[:MAX_DETAILS]],
    )


def shorten(text: str, width: int) -> str:
    """Cut a text at a word boundary, if possible, to at most `width` characters."""
    cut = textwrap.shorten(text, width, placeholder="…")
    # the first word alone is too long
    return cut if cut != "…" or len(text) <= width else f"{text[: width - 1]}…"
