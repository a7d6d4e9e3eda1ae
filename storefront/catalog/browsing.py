"""What a shopper asks of the listing: words, a department, a filter, an order, a page.

All of it stands in the address, so that it can be sent to somebody and works without scripts.
A value that means nothing is left out; only a department that isn't there is an error.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask import url_for
from flask_babel import lazy_gettext as N_

LONGEST = 80
"""Characters of a search that are looked at."""
MOST_WORDS = 8

SORTS = {
    "featured": N_("Featured"),
    "price-up": N_("Price, low to high"),
    "price-down": N_("Price, high to low"),
    "newest": N_("Newest"),
    "name": N_("Name"),
}
"""The orders of the listing, with their words; the first is the one without asking."""
FEATURED = next(iter(SORTS))


@dataclass(frozen=True)
class Browse:
    """One view of the listing."""

    category: str | None = None
    text: str = ""
    """The search, as typed."""
    in_stock: bool = False
    sort: str = FEATURED
    page: int = 1

    @property
    def words(self) -> list[str]:
        """The words that a product must all have somewhere, folded as `searchable` folds."""
        return fold(self.text).split()[:MOST_WORDS]

    @property
    def narrowed(self) -> bool:
        """Whether the shopper left something out by search or filter."""
        return bool(self.words) or self.in_stock

    @property
    def front(self) -> bool:
        """Whether this is the shop's front: all products, as they come."""
        return self == Browse()

    def url(self, *, external: bool = False, **changes: Any) -> str:
        """The address of this view with `changes`; other than by paging it starts at page 1."""
        view = replace(self, **{"page": 1, **changes})
        arguments: dict[str, Any] = {
            "category": view.category,
            "q": view.text or None,
            "in_stock": "1" if view.in_stock else None,
            "sort": view.sort if view.sort != FEATURED else None,
            "page": view.page if view.page > 1 else None,
        }
        return url_for("shop.listing", _external=external, **arguments)


def from_arguments(arguments: Mapping[str, str]) -> Browse:
    """The view that an address asks for."""
    sort = arguments.get("sort", FEATURED)
    page = arguments.get("page", "")
    return Browse(
        category=arguments.get("category") or None,
        text=_clean(arguments.get("q", "")),
        in_stock=arguments.get("in_stock") == "1",
        sort=sort if sort in SORTS else FEATURED,
        # longer than any page number: a database may not take it
        page=int(page) if re.fullmatch(r"[1-9][0-9]{0,6}", page) else 1,
    )


def searchable(texts: Iterable[str]) -> str:
    """What a search looks through."""
    return fold("\n".join(texts))


def fold(text: str) -> str:
    """`text` without what shoppers type differently: capitals, accents, curly apostrophes."""
    split = unicodedata.normalize("NFKD", text.casefold().replace("’", "'"))
    return "".join(letter for letter in split if not unicodedata.combining(letter))


@dataclass(frozen=True)
class Pages:
    """The pages that a view of the listing has."""

    view: Browse
    total: int
    """Products in all."""
    count: int
    """Pages; at least one."""

    @property
    def previous(self) -> str | None:
        """The address of the page before."""
        return self.view.url(page=self.view.page - 1) if self.view.page > 1 else None

    @property
    def next(self) -> str | None:
        """The address of the page after."""
        return self.view.url(page=self.view.page + 1) if self.view.page < self.count else None

    def __iter__(self) -> Iterator[tuple[int, str] | None]:
        """First, last, and those around this one, with their addresses; None for a gap."""
        here = self.view.page
        shown = sorted({1, here - 1, here, here + 1, self.count} & set(range(1, self.count + 1)))
        last = 0
        for number in shown:
            if number > last + 1:
                yield None
            yield number, self.view.url(page=number)
            last = number


def _clean(text: str) -> str:
    """One line, without control characters: PostgreSQL takes no NUL."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split())[:LONGEST].strip()
