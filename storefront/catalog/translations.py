"""Translations of the sample catalog: `translations/<language>.json` maps each English string in
`catalog.json` to its translation. Imported products aren't translated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from flask import has_request_context
from markupsafe import Markup

from ..base.current_shop import cached_import
from ..base.languages import CATALOG_LANGUAGE, language

FOLDER = Path(__file__).with_name("translations")


def translated(text: str) -> str:
    """Return text from the catalog in the language of this page, or unchanged if there is no
    translation. A title with selected values, such as `Coat (Red / M)`, is translated in
    parts.
    """
    translations = _translations_for_page()
    if not translations or text in translations:
        return translations.get(text, text)
    return "".join(translations.get(part, part) for part in re.split(r"( \(| / |\)$)", text))


def english_attributes(text: str) -> Markup:
    """Return the `lang` and `dir` attributes of an element with this text from the catalog. They
    are needed only if the text is in English and the page isn't; otherwise, return an empty string.
    Imported products are described in the language of the page.
    """
    if (
        language().tag == CATALOG_LANGUAGE
        or translated(text) != text
        or cached_import() is not None
    ):
        return Markup("")
    return Markup(f' lang="{CATALOG_LANGUAGE}" dir="ltr"')  # noqa: S704 - a constant


def all_translations(text: str) -> list[str]:
    """Return all translations of a string from the catalog."""
    languages = sorted(file.stem for file in FOLDER.glob("*.json"))
    return [_translations(tag)[text] for tag in languages if text in _translations(tag)]


def _translations_for_page() -> Mapping[str, str]:
    if not has_request_context() or cached_import() is not None:
        return {}
    return _translations(language().tag)


@cache
def _translations(tag: str) -> Mapping[str, str]:
    file = FOLDER / f"{tag}.json"
    translations: Mapping[str, str] = {}
    if file.is_file():
        translations = json.loads(file.read_text(encoding="utf-8"))
    return translations
