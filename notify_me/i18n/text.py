"""The kit's words in the language of the request."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from babel.lists import format_list

from .catalogs import SOURCE_LOCALE, translations
from .locales import current_locale, tag, url_locale

_AS_ITS_LETTERS, _LEFT_TO_RIGHT, _POP = "\u2068", "\u2066", "\u2069"


def gettext(text: str, **values: Any) -> str:
    """The text in the request's language, with `%(name)s` filled in where there are values."""
    return _filled(translations(str(current_locale())).gettext(text), values)


def ngettext(one: str, many: str, num: int, **values: Any) -> str:
    """As `gettext`, in the form that the language has for `num`, which fills `%(num)s`."""
    said = translations(str(current_locale())).ngettext(one, many, num)
    return _filled(said, {"num": num, **values})


def localized_list(words: Sequence[str], kind: Literal["and", "or"] = "and") -> str:
    """Some words as a list, such as `A, B or C`."""
    locale = str(current_locale())
    style: Literal["standard", "or"] = "standard" if kind == "and" else "or"
    # Babel's "en" is American English, with a comma before the last item.
    locale = "en_GB" if locale == SOURCE_LOCALE else locale
    return format_list([bidi_isolate(each) for each in words], style, locale)


def bidi_isolate(text: str) -> str:
    """A name, a number or an address, kept in its own order within words from right to left."""
    if current_locale().text_direction == "ltr" or not text or text.endswith(_POP):
        return text
    # a number has no letters to go by
    lettered = any(unicodedata.bidirectional(each) in ("L", "R", "AL") for each in text)
    return f"{_AS_ITS_LETTERS if lettered else _LEFT_TO_RIGHT}{text}{_POP}"


def _filled(said: str, values: Mapping[str, Any]) -> str:
    if not values:
        return said
    kept = {
        name: bidi_isolate(each) if isinstance(each, str) else each for name, each in values.items()
    }
    return said % kept


@dataclass(frozen=True, slots=True)
class Language:
    """The language of the kit's markup, for `lang` and `dir`."""

    tag: str
    """As HTML names it, such as `en`."""
    direction: str
    """`ltr`, or `rtl` where the words run from right to left."""
    url_locale: str | None
    """The tag, where the page's address chose the language, so that links carry it."""


def language() -> Language:
    """The language of this request."""
    locale = current_locale()
    return Language(tag(locale), locale.text_direction, url_locale())
