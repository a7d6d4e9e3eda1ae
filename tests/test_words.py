"""The catalogs: whole, up to date, and compiled."""

from __future__ import annotations

import io
import tomllib
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
"""As in the Makefile."""
LANGUAGES = ("ar", "de", "es", "fr")
RENEW = "run: make words, then translate what is new"
KEYWORDS = {"N_": None, "_": None, "gettext": None, "ngettext": (1, 2)}


def extracted(domain: str) -> set[object]:
    """Every message in the code and the templates."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        mappings = tomllib.load(file)["tool"]["babel"]["mappings"]
    methods = [(each["pattern"], each["method"]) for each in mappings]
    found: set[object] = {
        message
        for folder in SOURCES[domain]
        for _, _, message, _, _ in extract_from_dir(ROOT / folder, methods, keywords=KEYWORDS)
    }
    assert len(found) > 20
    return found


def catalog(domain: str, language: str) -> Catalog:
    """One language's, as it stands in the repository."""
    path = FOLDERS[domain] / language / "LC_MESSAGES" / f"{domain}.po"
    with path.open(encoding="utf-8") as file:
        return read_po(file, locale=language, domain=domain, abort_invalid=True)


@pytest.mark.parametrize("domain", FOLDERS)
def test_every_message_is_translated_and_none_is_left_over(domain: str) -> None:
    """In each language: nothing missing, fuzzy, empty or unused, and the same placeholders."""
    assert {each.name for each in FOLDERS[domain].iterdir() if each.is_dir()} == {*LANGUAGES}
    wanted = {*extracted(domain)}
    for language in LANGUAGES:
        found = catalog(domain, language)
        messages = {each.id: each for each in found if each.id}
        assert not wanted - {*messages}, f"missing in {language}; {RENEW}"
        assert not {*messages} - wanted, f"unused in {language}; {RENEW}"
        assert not found.obsolete, f"obsolete in {language}; {RENEW}"
        for message in messages.values():
            assert not message.fuzzy, (language, message.id)
            string = message.string or ""
            forms = [string] if isinstance(string, str) else [*string]
            assert all(forms), (language, message.id)
            if message.pluralizable:
                assert len(forms) == found.num_plurals
            assert not [*message.check(found)], (language, message.id)
            # {brand} and the like, which gettext knows nothing of
            english = message.id if isinstance(message.id, str) else message.id[-1]
            assert all(("{brand}" in each) == ("{brand}" in english) for each in forms)


@pytest.mark.parametrize("domain", FOLDERS)
def test_the_compiled_catalogs_are_not_stale(domain: str) -> None:
    """Those are what a shop reads, and what the wheel holds; renew with `make words`."""
    for language in LANGUAGES:
        made = io.BytesIO()
        write_mo(made, catalog(domain, language))
        path = FOLDERS[domain] / language / "LC_MESSAGES" / f"{domain}.mo"
        assert path.read_bytes() == made.getvalue(), language
        assert Locale.parse(language).language_name


@pytest.mark.parametrize(
    ("count", "said"),
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
def test_arabic_has_the_form_for_each_number(count: int, said: str) -> None:
    """Six forms, in the order of the catalog's own rule."""
    words = Translations.load(FOLDERS["messages"], ["ar"], "messages")
    assert words.ngettext("%(num)d thing", "%(num)d things", count) % {"num": count} == said
