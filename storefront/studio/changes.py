"""Changes of the merchant's settings, by dotted key such as `{"button.label": "Tell me"}`.

A value of None stands for what the shop's own look decides, or the default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from notify_me import studio
from notify_me.settings import Settings
from notify_me.settings.errors import describe_error, path_of
from notify_me.settings.localized import localized
from notify_me.settings.schema import KeyPath, all_settings
from notify_me.settings.tables.languages import LocaleTexts

CHANGEABLE = (
    "button",
    "trigger",
    "modal",
    "channels",
    "consent",
    "demand",
    "languages",
    "texts",
)
"""The tables that a visitor may change for themselves. The others run the shop for everyone."""


class WrongChanges(ValueError):
    """Changes that can't be applied; `problems` has a sentence by dotted key."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Checked:
    """What changes make: the settings, or what is wrong with them."""

    settings: Settings | None
    """None where there are problems."""
    problems: Mapping[str, str]
    """A sentence by dotted key; an empty key for what belongs to no single one."""
    warnings: Mapping[str, str]
    """As `problems`, of what works but reads badly, such as a faint contrast."""


def check(changes: Mapping[str, Any]) -> Checked:
    """The merchant's settings with these changes, or why they can't be applied."""
    try:
        settings = applied_once(studio.merchant_settings(), changes)
    except WrongChanges as error:
        return Checked(None, error.problems, {})
    if problems := studio.problems(settings):
        return Checked(None, _by_key(problems), {})
    warnings = _by_key(studio.contrast_warnings(settings))
    if unavailable := studio.untranslated_warnings(settings):
        warnings["languages.offered"] = " ".join(map(_sentence, unavailable))
    return Checked(settings, {}, warnings)


def applied(base: Settings, changes: Mapping[str, Any]) -> Settings:
    """`base` with the changes; raises `WrongChanges`."""
    paths = {key: key.split(".") for key in changes}
    fixed = [key for key, path in paths.items() if path[0] not in CHANGEABLE]
    if fixed:
        raise WrongChanges({key: f"{key} can't be changed for one visitor" for key in fixed})
    document = base.model_dump()
    for key, (*tables, name) in paths.items():
        table: Any = document
        for part in tables:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise WrongChanges({key: f"{key} is not a setting"})
        table[name] = changes[key]
    try:
        return Settings.model_validate(document)
    except ValidationError as error:
        details = error.errors(include_url=False)
        problems = {".".join(path_of(each)): describe_error(Settings, each) for each in details}
        raise WrongChanges(problems) from None


def applied_once(base: Settings, changes: Mapping[str, Any]) -> Settings:
    """As `applied`, cached: a visitor's changes come with each of their requests."""
    hashable = {key: tuple(v) if isinstance(v, list) else v for key, v in changes.items()}
    return _cached(base, tuple(sorted(hashable.items())))


@lru_cache(maxsize=256)
def _cached(base: Settings, changes: tuple[tuple[str, Any], ...]) -> Settings:
    return applied(base, dict(changes))


def differing(of: Settings, base: Settings) -> dict[str, Any]:
    """The settings that are other than in `base`, by dotted key, as JSON has them."""
    one, other = of.model_dump(mode="json"), base.model_dump(mode="json")
    pairs = {
        known.key: (_at(one, known.path), _at(other, known.path))
        for known in all_settings(Settings)
    }
    return {key: value for key, (value, before) in pairs.items() if value != before}


def as_toml(of: Settings) -> str:
    """These settings as a whole `notify_me.toml`: what differs from the defaults.

    What is None follows the shop, as by default. Raises `studio.SnippetError` if tomlkit isn't
    installed.
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
    return studio.written(tables, head=("notify_me.toml: what differs from the defaults.",))


def in_language(of: Settings, locale: str) -> dict[str, str]:
    """What shoppers read in `locale` for each text of `[texts.<locale>]`, by its dotted key.

    A legal text that is missing in that language is left out: its channel isn't offered there.
    """
    texts = localized(of, locale)
    missing = studio.missing_legal_texts(of, locale)
    return {
        f"texts.{locale}.{known.key}": getattr(getattr(texts, known.path[0]), known.path[1])
        for known in all_settings(LocaleTexts)
        if known.path[0] != "consent" or known.path[1] not in missing
    }


def _by_key(sentences: list[str]) -> dict[str, str]:
    """Each sentence under the first setting that it names."""
    keys = [known.key for known in all_settings(Settings)]
    found: dict[str, str] = {}
    for sentence in sentences:
        named = [(sentence.find(key), -len(key), key) for key in keys if key in sentence]
        key = min(named)[2] if named else ""
        found[key] = " ".join(filter(None, (found.get(key), _sentence(sentence))))
    return found


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _plain(value: Any) -> Any:
    """A value as TOML has it, which knows no null."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items() if each is not None}
    # TOML tells 16 from 16.0, and people write the former
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _at(document: Mapping[str, Any], path: KeyPath) -> Any:
    value: Any = document
    for part in path:
        value = value[part]
    return value
