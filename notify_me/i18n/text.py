"""The kit's strings in the language of the request."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from babel.lists import format_list

from .catalogs import SOURCE_LOCALE, translations
from .locales import Language, language

_FIRST_STRONG_ISOLATE, _LEFT_TO_RIGHT_ISOLATE, _POP_ISOLATE = "\u2068", "\u2066", "\u2069"


def gettext(message: str, **values: Any) -> str:
    """Translate a message and fill in its placeholders such as `%(name)s`."""
    current = language()
    return _fill_in(translations(current.name).gettext(message), values, current)


def ngettext(singular: str, plural: str, num: int, **values: Any) -> str:
    """Like `gettext`, but with the plural form for `num`. Also fills in `%(num)s`."""
    current = language()
    text = translations(current.name).ngettext(singular, plural, num)
    return _fill_in(text, {"num": num, **values}, current)


def localized_list(items: Sequence[str], kind: Literal["and", "or"] = "and") -> str:
    """Join items into a list in the language of the request, such as `A, B and C`."""
    locale = language().name
    style: Literal["standard", "or"] = "standard" if kind == "and" else "or"
    # Babel's "en" is American English, which has a comma before the last item
    locale = "en_GB" if locale == SOURCE_LOCALE else locale
    return format_list([bidi_isolate(item) for item in items], style, locale)


def bidi_isolate(text: str) -> str:
    """Isolate a name, number or address so that it isn't reordered in right-to-left text. Return it
    unchanged if the language is written from left to right.
    """
    return _isolate(text) if language().direction == "rtl" else text


def _isolate(text: str) -> str:
    if not text or text.endswith(_POP_ISOLATE):
        return text
    # without letters, as in a phone number, there is no direction to detect
    has_letters = any(unicodedata.bidirectional(char) in ("L", "R", "AL") for char in text)
    isolate = _FIRST_STRONG_ISOLATE if has_letters else _LEFT_TO_RIGHT_ISOLATE
    return f"{isolate}{text}{_POP_ISOLATE}"


def _fill_in(text: str, values: Mapping[str, Any], current: Language) -> str:
    if not values:
        return text
    if current.direction == "rtl":
        values = {
            name: _isolate(value) if isinstance(value, str) else value
            for name, value in values.items()
        }
    return text % values
