"""The kit's message catalogs."""

from __future__ import annotations

from functools import cache
from gettext import NullTranslations, translation
from pathlib import Path

DOMAIN = "notify_me"
SOURCE_LOCALE = "en"
"""The language of the messages in the code."""
FOLDER = Path(__file__).parents[1] / "translations"
LOCALES = (
    SOURCE_LOCALE,
    *sorted(path.parents[1].name for path in FOLDER.glob(f"*/LC_MESSAGES/{DOMAIN}.po")),
)
"""All languages that the kit supports: the source language, and those with a catalog."""


def N_(message: str) -> str:
    """Mark a message for extraction into the catalogs; it is translated later, when shown."""
    return message


@cache
def translations(locale: str) -> NullTranslations:
    """Return the catalog of a language. The source language's catalog is empty."""
    return translation(DOMAIN, FOLDER, [locale], fallback=True)
