"""The settings in one language: its own texts, and the kit's default words from the catalogs."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ..i18n.catalogs import translations
from .models import Settings
from .schema import KeyPath, all_settings
from .tables.languages import LocaleTexts, marked


def locale_text(base: Settings, locale: str, path: KeyPath) -> str | None:
    """What `[texts.<locale>]` says for a setting, such as `("button", "label")`, if anything."""
    found: Any = getattr(base.texts, locale)
    for part in path:
        found = getattr(found, part)
    return None if found is None else str(found)


@lru_cache(maxsize=256)
def localized(base: Settings, locale: str) -> Settings:
    """`base` as shoppers read it in `locale`.

    A text of `[texts.<locale>]` wins; else what the merchant wrote stays as it is, and a default
    is translated, unless it is a legal text. Results are cached, because a visitor's own settings
    come with each of their requests.
    """
    document = base.model_dump()
    translate = translations(locale).gettext
    known = {each.path: each for each in all_settings(Settings)}
    for text in all_settings(LocaleTexts):
        table, key = text.path
        mark, default = marked(known[text.path]), known[text.path].info.default
        own = locale_text(base, locale, text.path)
        if own is not None:
            document[table][key] = own
        elif default and document[table][key] == default and mark and mark.translated:
            document[table][key] = translate(default)
    return Settings.model_validate(document)
