"""The listing's query string: search, category, stock filter, sort order and page.

All state is in the URL, so a listing can be shared and works without scripts. Invalid values are
ignored; only a category or a page that doesn't exist results in a 404.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask import url_for
from flask_babel import lazy_gettext as N_

MAX_SEARCH_LENGTH = 80
MAX_SEARCH_WORDS = 8

SORTS = {
    "featured": N_("Featured"),
    "price-up": N_("Price: low to high"),
    "price-down": N_("Price: high to low"),
    "newest": N_("Newest"),
    "name": N_("Name: A to Z"),
}
"""The sort orders and their labels; the first is the default."""
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_PLAIN_LETTERS = str.maketrans(
    {"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "\N{SOFT HYPHEN}": None}
)
"""Letters that Unicode doesn't decompose into a letter and an accent, and what shoppers type."""
DEFAULT_SORT = next(iter(SORTS))


@dataclass(frozen=True)
class ListingQuery:
    """The search, filter, sort order and page that a shopper requests."""

    category: str | None = None
    search: str = ""
    """The search text as typed, up to `MAX_SEARCH_LENGTH` characters."""
    in_stock: bool = False
    sort: str = DEFAULT_SORT
    page: int = 1

    @property
    def search_words(self) -> list[str]:
        """The words a product must contain, folded like `Product.search_text`."""
        return fold(self.search).split()[:MAX_SEARCH_WORDS]

    @property
    def is_filtered(self) -> bool:
        """Whether a search or the stock filter may hide products."""
        return bool(self.search_words) or self.in_stock

    @property
    def is_home(self) -> bool:
        """Whether this is the home page: the first page of all products in the default order."""
        return self == ListingQuery()

    def url(self, *, external: bool = False, **changes: Any) -> str:
        """Return the URL of this listing with `changes`, on page 1 unless `page` is among them."""
        query = replace(self, **{"page": 1, **changes})
        arguments: dict[str, Any] = {
            "category": query.category,
            "q": query.search or None,
            "in_stock": "1" if query.in_stock else None,
            "sort": query.sort if query.sort != DEFAULT_SORT else None,
            "page": query.page if query.page > 1 else None,
        }
        return url_for("shop.listing", _external=external, **arguments)

    def page_numbers(self, last_page: int) -> list[int | None]:
        """Return the page numbers to link to: the first, the last, this one and its neighbours,
        with None for each gap.
        """
        near = {1, self.page - 1, self.page, self.page + 1, last_page}
        numbers: list[int | None] = []
        for number in sorted(near & set(range(1, last_page + 1))):
            if numbers and numbers[-1] != number - 1:
                numbers.append(None)
            numbers.append(number)
        return numbers


def parse_query(arguments: Mapping[str, str]) -> ListingQuery:
    """Return the listing that a URL's query string describes."""
    sort = arguments.get("sort", DEFAULT_SORT)
    page = arguments.get("page", "")
    # control characters become spaces: PostgreSQL rejects NUL
    text = "".join(char if char.isprintable() else " " for char in arguments.get("q", ""))
    return ListingQuery(
        category=arguments.get("category") or None,
        search=" ".join(text.split())[:MAX_SEARCH_LENGTH].strip(),
        in_stock=arguments.get("in_stock") == "1",
        sort=sort if sort in SORTS else DEFAULT_SORT,
        # seven digits at most: a larger number may be out of the database's range
        page=int(page) if re.fullmatch(r"[1-9][0-9]{0,6}", page) else 1,
    )


def build_search_text(strings: Iterable[str]) -> str:
    """Return the text that searches match, for `Product.search_text`. Words such as `bœuf` are
    followed by their plain spelling at the end.
    """
    text = fold("\n".join(strings))
    words = dict.fromkeys(part for part in text.split() if not part.isascii())
    plain = [changed for word in words if (changed := word.translate(_PLAIN_LETTERS)) != word]
    return "\n".join([text, *plain])


def fold(text: str) -> str:
    """Return `text` in lower case, without accents, and with straight apostrophes."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("’", "'"))
    return _NOT_ASCII.sub(_without_accents, decomposed)


def _without_accents(match: re.Match[str]) -> str:
    return "".join(char for char in match[0] if not unicodedata.combining(char))
