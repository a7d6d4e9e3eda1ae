"""The translation catalogs are complete, up to date and compiled."""

from __future__ import annotations

import io
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest
from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

ROOT = Path(__file__).parents[1]
FOLDERS = {
    "notify_me": ROOT / "notify_me/translations",
    "messages": ROOT / "translations",
}
SOURCES = {"notify_me": ["notify_me"], "messages": ["storefront", "templates"]}
"""The same as in the Makefile."""
LANGUAGES = ("ar", "de", "es", "fr")
UPDATE_HINT = "run `make translations` and translate the new messages"
KEYWORDS = {"N_": None, "_": None, "gettext": None, "ngettext": (1, 2)}


def extracted(domain: str) -> set[object]:
    """Return all messages in the code and the templates."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        mappings = tomllib.load(file)["tool"]["babel"]["mappings"]
    methods = [(mapping["pattern"], mapping["method"]) for mapping in mappings]
    messages: set[object] = {
        message
        for folder in SOURCES[domain]
        for _, _, message, _, _ in extract_from_dir(ROOT / folder, methods, keywords=KEYWORDS)
    }
    assert len(messages) > 20
    return messages


def catalog(domain: str, language: str) -> Catalog:
    """Return the catalog of one language."""
    path = FOLDERS[domain] / language / "LC_MESSAGES" / f"{domain}.po"
    with path.open(encoding="utf-8") as file:
        return read_po(file, locale=language, domain=domain, abort_invalid=True)


@pytest.mark.parametrize("domain", FOLDERS)
def test_every_message_is_translated_and_none_is_unused(domain: str) -> None:
    """Translations aren't missing, fuzzy or empty, and have the same placeholders. Apostrophes are
    typographic.
    """
    assert {path.name for path in FOLDERS[domain].iterdir() if path.is_dir()} == {*LANGUAGES}
    expected = {*extracted(domain)}
    for language in LANGUAGES:
        translations = catalog(domain, language)
        messages = {message.id: message for message in translations if message.id}
        assert not expected - {*messages}, f"missing in {language}; {UPDATE_HINT}"
        assert not {*messages} - expected, f"unused in {language}; {UPDATE_HINT}"
        assert not translations.obsolete, f"obsolete in {language}; {UPDATE_HINT}"
        for message in messages.values():
            assert not message.fuzzy, (language, message.id)
            forms = _strings(message.string or "")
            assert all(forms), (language, message.id)
            assert not any("'" in text for text in (*forms, *_strings(message.id))), message.id
            if message.pluralizable:
                assert len(forms) == translations.num_plurals
            assert not [*message.check(translations)], (language, message.id)
            # gettext doesn't check placeholders such as {brand}
            english = message.id if isinstance(message.id, str) else message.id[-1]
            assert all(("{brand}" in form) == ("{brand}" in english) for form in forms)


def _strings(message: str | Sequence[str]) -> list[str]:
    return [message] if isinstance(message, str) else [*message]


@pytest.mark.parametrize("domain", FOLDERS)
def test_compiled_catalogs_are_up_to_date(domain: str) -> None:
    for language in LANGUAGES:
        compiled = io.BytesIO()
        write_mo(compiled, catalog(domain, language))
        path = FOLDERS[domain] / language / "LC_MESSAGES" / f"{domain}.mo"
        assert path.read_bytes() == compiled.getvalue(), f"{language}; {UPDATE_HINT}"
        assert Locale.parse(language).language_name


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1, "منتج واحد (1)"),
        (2, "منتجان (2)"),
        (3, "3 منتجات"),
        (15, "15 منتجًا"),
        (99, "99 منتجًا"),
        (100, "100 منتج"),
        (102, "102 منتج"),
    ],
)
def test_arabic_uses_the_right_plural_form(count: int, text: str) -> None:
    translations = Translations.load(FOLDERS["messages"], ["ar"], "messages")
    assert (
        translations.ngettext("%(num)d product", "%(num)d products", count) % {"num": count} == text
    )
