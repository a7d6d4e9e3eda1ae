"""A pseudo-language with ⟦each message⟧ in brackets, to find texts that aren't translated."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from tests.notify_me.markup import Element, read

TRANSLATED_ATTRIBUTES = ("alt", "aria-label", "placeholder", "title")
_INNERMOST = re.compile("⟦[^⟦⟧]*⟧")


def make(source: Path, folder: Path, language: str, domain: str) -> None:
    """Write a catalog for `language` into `folder`: each message in brackets."""
    with (source / language / "LC_MESSAGES" / f"{domain}.po").open(encoding="utf-8") as file:
        original = read_po(file, locale=language)
    pseudo = Catalog(locale=language)
    for message in original:
        if isinstance(message.id, str) and message.id:
            pseudo.add(message.id, f"⟦{message.id}⟧")
        elif message.id:
            pseudo.add(message.id, tuple(f"⟦{form}⟧" for form in message.id))
    target = folder / language / "LC_MESSAGES"
    target.mkdir(parents=True, exist_ok=True)
    with (target / f"{domain}.mo").open("wb") as file_:
        write_mo(file_, pseudo)


def bare(html: str, names: Iterable[str]) -> list[str]:
    """Return the visible or spoken texts of a page that aren't in brackets.

    Texts marked as another language and the given names (products, variants, brands) don't count.
    """
    longest_first = sorted(names, key=len, reverse=True)
    untranslated = []
    for text in _texts(read(html)):
        rest = text
        while _INNERMOST.search(rest):
            rest = _INNERMOST.sub(" ", rest)
        for name in longest_first:
            rest = rest.replace(name, " ")
        if re.search(r"[^\W\d_]", rest):
            untranslated.append(" ".join(rest.split()))
    return untranslated


def _texts(element: Element) -> Iterator[str]:
    foreign = element.get("lang", "de") != "de"
    if element.tag in ("script", "style", "svg", "code") or foreign:
        return
    if element.tag == "meta" and element.get("name") == "description":
        yield element["content"]
    for name in TRANSLATED_ATTRIBUTES:
        if name in element:
            yield element[name]
    text = "".join(child if isinstance(child, str) else "\n" for child in element.children)
    yield from text.split("\n") if "⟦" not in text else [text]
    for child in element.children:
        if isinstance(child, Element):
            yield from _texts(child)
