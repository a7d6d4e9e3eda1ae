"""A language that nobody speaks, with ⟦each message⟧ in brackets: it shows what isn't one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from tests.notify_me.markup import Element, read

SAID_TO_PEOPLE = ("alt", "aria-label", "placeholder", "title")
_INNERMOST = re.compile("⟦[^⟦⟧]*⟧")


def make(source: Path, folder: Path, language: str, domain: str) -> None:
    """Write the catalog of `language` anew into `folder`: each message as itself, in brackets."""
    with (source / language / "LC_MESSAGES" / f"{domain}.po").open(encoding="utf-8") as file:
        known = read_po(file, locale=language)
    made = Catalog(locale=language)
    for message in known:
        if isinstance(message.id, str) and message.id:
            made.add(message.id, f"⟦{message.id}⟧")
        elif message.id:
            made.add(message.id, tuple(f"⟦{each}⟧" for each in message.id))
    target = folder / language / "LC_MESSAGES"
    target.mkdir(parents=True, exist_ok=True)
    with (target / f"{domain}.mo").open("wb") as file_:
        write_mo(file_, made)


def bare(html: str, names: Iterable[str]) -> list[str]:
    """What people read or hear of this page that stands in no bracket, is marked as another
    language's, or is none of these names (products, variants, brands).
    """
    known = sorted(names, key=len, reverse=True)
    found = []
    for text in _texts(read(html)):
        left = text
        while _INNERMOST.search(left):
            left = _INNERMOST.sub(" ", left)
        for name in known:
            left = left.replace(name, " ")
        if re.search(r"[^\W\d_]", left):
            found.append(" ".join(left.split()))
    return found


def _texts(element: Element) -> Iterator[str]:
    foreign = element.get("lang", "de") != "de"
    if element.tag in ("script", "style", "svg", "code") or foreign:
        return
    if element.tag == "meta" and element.get("name") == "description":
        yield element["content"]
    for name in SAID_TO_PEOPLE:
        if name in element:
            yield element[name]
    whole = "".join(each if isinstance(each, str) else "\n" for each in element.children)
    yield from whole.split("\n") if "⟦" not in whole else [whole]
    for child in element.children:
        if isinstance(child, Element):
            yield from _texts(child)
