"""Product descriptions, as HTML that is safe to show and as plain text."""

from __future__ import annotations

import html
import re

import nh3

MAX_LENGTH = 200_000
"""How many characters of a description are read."""
_TAGS = (
    "a abbr b blockquote br caption code dd del div dl dt em figcaption figure h2 h3 h4 h5 h6 hr i "
    "ins li mark ol p pre q s small strong sub sup table tbody td tfoot th thead tr u ul"
)
_CLEANER = nh3.Cleaner(
    tags=set(_TAGS.split()),
    clean_content_tags={"script", "style", "iframe", "object", "noscript", "template", "svg"},
    attributes={
        "a": {"href"},
        "ol": {"start"},
        "td": {"colspan", "rowspan"},
        "th": {"colspan", "rowspan", "scope"},
    },
    url_schemes={"http", "https", "mailto", "tel"},
    # a relative link refers to a page of the merchant's old shop
    url_relative="deny",
    link_rel="nofollow noopener",
)
_IS_HTML = re.compile(r"</[a-z][a-z0-9]*\s*>|<(?:br|hr|img|p|li|ul|ol|div)\b[^>]*>", re.IGNORECASE)
_CDATA = re.compile(r"<!\[CDATA\[|\]\]>")
_BLOCK_TAG = re.compile(
    r"(</?(?:p|div|ul|ol|h[1-6]|table|blockquote|dl|pre)\b[^>]*>)", re.IGNORECASE
)
# without these elements, their texts would run together
_OTHER_BLOCK = re.compile(
    r"(</?)(?:details|summary|section|article|header|footer|main|aside|nav|address|center|form"
    r"|fieldset)\b",
    re.IGNORECASE,
)
_STRUCTURE = re.compile(r"<(?:h[2-6]|ul|ol|dl|table)\b")
_HEADING_1 = re.compile(r"(</?)h1\b", re.IGNORECASE)
_EMPTY = re.compile(r"<(p|div|li|h[2-6]|strong|em|b|i|ul|ol)>(?:\s|&nbsp;|\xa0|<br>)*</\1>")
_LINK_WITHOUT_URL = re.compile(r'<a rel="nofollow noopener">(.*?)</a>', re.DOTALL)
_INLINE_TAG = re.compile(
    r"</?(?:a|abbr|b|code|del|em|i|ins|mark|q|s|small|span|strong|sub|sup|u)\b[^>]*>"
)
_BREAK = re.compile(r"\s*<br\s*/?>\s*", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")
_ENTITY = re.compile(r"&#?\w{2,10};")


def safe_html(description: str) -> str:
    """Return a description as HTML without scripts, styles and pictures; empty if it has no text.

    Plain text becomes paragraphs. The product page has its own `h1`, so `h1` becomes `h2`. Blocks
    such as `details` become `div`.
    """
    text = _CDATA.sub("", description[:MAX_LENGTH])
    if not _IS_HTML.search(text):
        # exports made from XML contain escaped tags
        text = html.unescape(text)
    if not _IS_HTML.search(text):
        text = html.escape(text, quote=False)
    text = _OTHER_BLOCK.sub(r"\1div", _HEADING_1.sub(r"\1h2", text))
    cleaned = _CLEANER.clean(_with_paragraphs(text))
    cleaned = _LINK_WITHOUT_URL.sub(r"\1", cleaned)
    # repeated, since removing an element may leave its parent empty; four levels are enough
    for _ in range(4):
        cleaned = _EMPTY.sub("", cleaned)
    return cleaned.strip() if plain_text(cleaned) else ""


def _with_paragraphs(description: str) -> str:
    """Put the text outside of paragraphs, lists, tables and other blocks into paragraphs. WordPress
    stores only the blank lines between them, and adds `p` when it shows a page.
    """
    parts, depth = [], 0
    for index, part in enumerate(_BLOCK_TAG.split(description)):
        if index % 2:
            depth = max(0, depth - 1) if part.startswith("</") else depth + 1
        elif not depth:
            texts = re.split(r"(?:\r\n?|\n)\s*(?:\r\n?|\n)", part)
            part = "".join(f"<p>{_with_breaks(text)}</p>" for text in texts if text.strip())
        parts.append(part)
    return "".join(parts)


def _with_breaks(paragraph: str) -> str:
    return re.sub(r"\r\n?|\n", "<br>", paragraph.strip())


def plain_text(safe: str) -> str:
    """Return the text of a description's safe HTML, on one line."""
    return " ".join(html.unescape(_TAG.sub(" ", _INLINE_TAG.sub("", safe))).split())


def first_text(safe: str) -> str:
    """Return the text of a description before its first heading, list or table, or the whole text
    if it begins with one of these. A summary shouldn't run into the cells of a size chart.
    """
    return plain_text(_STRUCTURE.split(safe, maxsplit=1)[0]) or plain_text(safe)


def plain_name(text: str) -> str:
    """Return a name as plain text, such as `Home & Garden` for `<b>Home</b><br>&amp; Garden`."""
    text = _INLINE_TAG.sub("", _BREAK.sub(" ", text))
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)


def shorten(text: str, width: int) -> str:
    """Shorten text to at most `width` characters, at a word boundary if possible."""
    if len(text) <= width:
        return text
    cut = text[: width - 1]
    return f"{cut.rsplit(maxsplit=1)[0] if ' ' in cut else cut}…"
