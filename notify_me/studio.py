"""For a shop's Studio: what a visitor's changes of the settings make, before anything is saved.

Changes are by dotted key, such as `{"button.label": "Tell me"}`; None is for what follows the
shop's own look. Every function works within an app context.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .channels import Channel
from .context import current_account, current_state
from .form import consent, legal_texts
from .i18n.catalogs import KNOWN as LANGUAGES
from .settings import Settings
from .settings.localized import localized
from .settings.overlay import VISITORS, WrongChanges, overlaid
from .settings.schema import Path, settings
from .settings.tables.languages import LocaleTexts
from .snippet import ExtraMissingError, Imported, Note, SnippetError, read_snippet
from .snippet.toml_writer import written
from .snippet.writing import TITLES
from .web import theme
from .web.preview_mode import STATES, PreviewState, preview

__all__ = [
    "LANGUAGES",
    "STATES",
    "TITLES",
    "VISITORS",
    "Checked",
    "ExtraMissingError",
    "Imported",
    "Note",
    "PreviewState",
    "SnippetError",
    "as_toml",
    "check",
    "differing",
    "in_language",
    "merchants",
    "preview",
    "read_snippet",
]


@dataclass(frozen=True, slots=True)
class Checked:
    """What changes make: the settings, or what is wrong with them."""

    settings: Settings | None
    """None where they can't hold."""
    problems: Mapping[str, str]
    """A sentence by dotted key; an empty key for what belongs to no single one."""
    warnings: Mapping[str, str]
    """As `problems`, of what holds but reads badly, such as a faint contrast."""


def merchants() -> Settings:
    """The merchant's own settings, which everybody sees who has changed nothing."""
    return current_state().settings


def check(changes: Mapping[str, Any]) -> Checked:
    """Whether the merchant's settings can hold these changes."""
    try:
        found = overlaid(merchants(), changes)
    except WrongChanges as error:
        return Checked(None, {".".join(path): words for path, words in error.problems.items()}, {})
    if problems := consent.problems(found, current_account()):
        return Checked(None, _by_key(problems), {})
    warnings = _by_key(theme.faint(found))
    if unspoken := legal_texts.unspoken(found):
        warnings["languages.offered"] = " ".join(map(_sentence, unspoken))
    return Checked(found, {}, warnings)


def in_language(of: Settings, locale: str) -> dict[str, str]:
    """What whoever reads `locale` sees for each text of `[texts.<locale>]`, by its dotted key.

    A legal text that is lacking in that language is left out: its channel isn't offered there.
    """
    spoken = localized(of, locale)
    lacking = {name for channel in Channel for name in legal_texts.lacking(of, channel, locale)}
    found = {}
    for path in (each.path for each in settings(LocaleTexts)):
        if path[0] != "consent" or path[1] not in lacking:
            found[".".join(("texts", locale, *path))] = getattr(getattr(spoken, path[0]), path[1])
    return found


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _by_key(sentences: list[str]) -> dict[str, str]:
    """Each sentence under the first setting that it names."""
    keys = [each.key for each in settings(Settings)]
    found: dict[str, str] = {}
    for sentence in sentences:
        named = [(sentence.find(key), -len(key), key) for key in keys if key in sentence]
        key = min(named)[2] if named else ""
        found[key] = " ".join(filter(None, (found.get(key), _sentence(sentence))))
    return found


def differing(of: Settings, base: Settings) -> dict[str, Any]:
    """The settings that are other than in `base`, by dotted key, as JSON has them."""
    one, other = of.model_dump(mode="json"), base.model_dump(mode="json")
    return {
        each.key: _at(one, each.path)
        for each in settings(Settings)
        if _at(one, each.path) != _at(other, each.path)
    }


def as_toml(of: Settings) -> str:
    """These settings as a whole `notify_me.toml`: what differs from the defaults.

    What is None follows the shop, as by default. Raises `SnippetError` if tomlkit isn't installed.
    """
    tables: dict[str, Any] = {}
    for key, value in differing(of, Settings()).items():
        if value is None:
            continue
        *path, name = key.split(".")
        table = tables
        for part in path:
            table = table.setdefault(part, {})
        table[name] = _plain(value)
    return written(tables, head=("notify_me.toml: what differs from the defaults.",))


def _plain(value: Any) -> Any:
    """A value as TOML has it, which knows no null."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items() if each is not None}
    # TOML keeps 16 and 16.0 apart, and people write the former
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _at(document: Mapping[str, Any], path: Path) -> Any:
    found: Any = document
    for part in path:
        found = found[part]
    return found
