"""The catalogs of the kit's words: which languages there are, and how a word is marked for them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from babel.support import NullTranslations, Translations

DOMAIN = "notify_me"
SOURCE_LOCALE = "en"
"""The language in which the words stand in the code; it needs no catalog."""
FOLDER = Path(__file__).parents[1] / "translations"
LOCALES = (
    SOURCE_LOCALE,
    *sorted(each.parent.parent.name for each in FOLDER.glob(f"*/LC_MESSAGES/{DOMAIN}.po")),
)
"""Every language that the kit speaks, such as `de`: the source, and those with a catalog."""


def N_(text: str) -> str:
    """Mark a text for the catalogs, where it stands; whoever says it translates it."""
    return text


@cache
def translations(locale: str) -> NullTranslations:
    """The words of one language; those of the source are the texts themselves."""
    return Translations.load(FOLDER, [locale], DOMAIN)
