"""The settings in one language: the merchant's own wording, or translations of the defaults."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ..i18n.catalogs import translations
from .models import Settings
from .schema import KeyPath, all_settings
from .tables.languages import LocaleTexts


def locale_text(base: Settings, locale: str, path: KeyPath) -> str | None:
    """Return the text that `[texts.<locale>]` sets for a key such as `("button", "label")`, or
    None.
    """
    value: Any = getattr(base.texts, locale)
    for part in path:
        value = getattr(value, part)
    return None if value is None else str(value)


@lru_cache(maxsize=256)
def localized(base: Settings, locale: str) -> Settings:
    """Return the settings with the text that shoppers read in `locale`.

    Text under `[texts.<locale>]` takes precedence. Otherwise, text that the merchant wrote stays as
    it is, and a default is translated, unless it exists in English only. The results are cached
    because a visitor's overrides are new objects in each request.
    """
    document = base.model_dump()
    translate = translations(locale).gettext
    defaults = {setting.path: setting.default for setting in all_settings(Settings)}
    for setting in all_settings(LocaleTexts):
        table, key = setting.path
        text = locale_text(base, locale, setting.path)
        default = defaults[setting.path]
        is_translated = setting.schema["shopper_text"] == "translated"
        if text is not None:
            document[table][key] = text
        elif is_translated and document[table][key] == default != "":
            document[table][key] = translate(default)
    return Settings.model_validate(document)
