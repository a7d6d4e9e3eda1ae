"""A pseudo-language with ⟦brackets⟧ around each message, to find strings outside the catalogs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from tests.notify_me.markup import Element, read

TEXT_ATTRIBUTES = ("alt", "aria-label", "placeholder", "title")
_INNERMOST_BRACKETS = re.compile("⟦[^⟦⟧]*⟧")
_LETTER = re.compile(r"[^\W\d_]")


def write_pseudo_catalog(source: Path, folder: Path, language: str, domain: str) -> None:
    """Write a catalog with the messages of `language` in brackets instead of its translations."""
    with (source / language / "LC_MESSAGES" / f"{domain}.po").open(encoding="utf-8") as po_file:
        messages = read_po(po_file, locale=language)
    catalog = Catalog(locale=language)
    for message in messages:
        if isinstance(message.id, str) and message.id:
            catalog.add(message.id, f"⟦{message.id}⟧")
        elif message.id:
            catalog.add(message.id, tuple(f"⟦{form}⟧" for form in message.id))
    target = folder / language / "LC_MESSAGES"
    target.mkdir(parents=True, exist_ok=True)
    with (target / f"{domain}.mo").open("wb") as mo_file:
        write_mo(mo_file, catalog)


def untranslated_strings(html: str, names: Iterable[str]) -> list[str]:
    """Return the strings on a page that are not in brackets.

    `names` (of products, variants and brands) and parts in another language are left out.
    """
    by_length = sorted(names, key=len, reverse=True)
    untranslated = []
    for text in _strings(read(html)):
        rest = text
        while _INNERMOST_BRACKETS.search(rest):
            rest = _INNERMOST_BRACKETS.sub(" ", rest)
        if _LETTER.search(rest):
            for name in by_length:
                rest = rest.replace(name, " ")
            if _LETTER.search(rest):
                untranslated.append(" ".join(rest.split()))
    return untranslated


def _strings(element: Element) -> Iterator[str]:
    is_other_language = element.get("lang", "de") != "de"
    if element.tag in ("script", "style", "svg", "code") or is_other_language:
        return
    if element.tag == "meta" and element.get("name") == "description":
        yield element["content"]
    for name in TEXT_ATTRIBUTES:
        if name in element:
            yield element[name]
    text = "".join(child if isinstance(child, str) else "\n" for child in element.children)
    # A message may have elements inside it.
    yield from [text] if "⟦" in text else text.split("\n")
    for child in element.children:
        if isinstance(child, Element):
            yield from _strings(child)
