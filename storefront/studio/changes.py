"""Changes to the merchant's settings, by dotted key, such as `{"button.label": "Tell me"}`.

A value of None unsets a setting, so that its default or the shop's style applies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from notify_me import studio
from notify_me.settings import Settings
from notify_me.settings.errors import describe_error, path_of
from notify_me.settings.localized import localized
from notify_me.settings.schema import all_settings
from notify_me.settings.tables.languages import LocaleTexts

from ..base.languages import upper_first

CHANGEABLE_TABLES = (
    "button",
    "trigger",
    "modal",
    "channels",
    "consent",
    "demand",
    "languages",
    "texts",
)
"""The tables whose settings can differ between visitors. The other tables affect everybody."""


class InvalidChanges(ValueError):
    """Changes that can't be applied; `problems` has a sentence for each dotted key."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class CheckedChanges:
    """The settings that result from changes, or the problems with them."""

    settings: Settings | None
    """None if there are problems."""
    problems: Mapping[str, str]
    """A sentence for each dotted key; for a problem that concerns no particular setting, the key is
    empty.
    """
    warnings: Mapping[str, str]
    """Like `problems`, but for settings that work but could be improved, such as low contrast."""


def check(changes: Mapping[str, Any]) -> CheckedChanges:
    """Apply changes to the merchant's settings, and check the result."""
    try:
        settings = apply_changes(studio.shop_settings(), changes)
    except InvalidChanges as error:
        return CheckedChanges(None, error.problems, {})
    if problems := studio.problems(settings):
        return CheckedChanges(None, _by_key(problems), {})
    warnings = _by_key(studio.contrast_warnings(settings))
    if untranslated := studio.untranslated_warnings(settings):
        warnings["languages.offered"] = " ".join(map(sentence_from, untranslated))
    return CheckedChanges(settings, {}, warnings)


def apply_changes(base: Settings, changes: Mapping[str, Any]) -> Settings:
    """Return `base` with changes; raises `InvalidChanges`.

    Results are cached, because a visitor's changes apply to each of their requests.
    """
    items = {key: tuple(v) if isinstance(v, list) else v for key, v in changes.items()}
    return _apply_changes(base, tuple(sorted(items.items())))


@lru_cache(maxsize=256)
def _apply_changes(base: Settings, changes: tuple[tuple[str, Any], ...]) -> Settings:
    document = base.model_dump()
    for key, value in changes:
        *tables, name = key.split(".")
        if not tables or tables[0] not in CHANGEABLE_TABLES:
            raise InvalidChanges({key: f"{key} can't be changed for one visitor"})
        table: Any = document
        for part in tables:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise InvalidChanges({key: f"{key} is not a setting"})
        table[name] = value
    try:
        return Settings.model_validate(document)
    except ValidationError as error:
        raise InvalidChanges(
            {
                ".".join(path_of(detail)): describe_error(Settings, detail)
                for detail in error.errors(include_url=False)
            }
        ) from None


def differences(settings: Settings, base: Settings) -> dict[str, Any]:
    """Return the settings whose values differ from those in `base`: JSON values by dotted key."""
    document, base_document = settings.model_dump(mode="json"), base.model_dump(mode="json")
    values = {
        setting.key: (value_at(document, setting.path), value_at(base_document, setting.path))
        for setting in all_settings(Settings)
    }
    return {key: value for key, (value, base_value) in values.items() if value != base_value}


def value_at(document: Mapping[str, Any], path: Iterable[str]) -> Any:
    """Return the value at a path through nested tables."""
    value: Any = document
    for part in path:
        value = value[part]
    return value


def as_toml(settings: Settings) -> str:
    """Return a complete `notify_me.toml`, without settings that have their default value.

    Raises `studio.MissingExtraError` if tomlkit isn't installed.
    """
    document = settings.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    comments = ("Settings of the kit that differ from its defaults.",)
    return studio.dump_toml(with_integers(document), comments=comments)


def wording_in(settings: Settings, locale: str) -> dict[str, str]:
    """Return the text shoppers see in `locale` for each setting in `[texts.<locale>]`, by dotted
    key. Missing legal wording is left out, since its channel isn't offered in that language.
    """
    in_language = localized(settings, locale)
    missing = studio.missing_legal_wording(settings, locale)
    return {
        f"texts.{locale}.{setting.key}": getattr(getattr(in_language, table), name)
        for setting in all_settings(LocaleTexts)
        for table, name in [setting.path]
        if table != "consent" or name not in missing
    }


def _by_key(sentences: list[str]) -> dict[str, str]:
    """Return the sentences by the key of the first setting that they mention."""
    keys = [setting.key for setting in all_settings(Settings)]
    by_key: dict[str, str] = {}
    for sentence in sentences:
        # if several keys match at the same position, the longest one is meant
        mentioned = [(sentence.find(key), -len(key), key) for key in keys if key in sentence]
        key = min(mentioned)[2] if mentioned else ""
        by_key[key] = " ".join(filter(None, (by_key.get(key), sentence_from(sentence))))
    return by_key


def sentence_from(phrase: str) -> str:
    """Return a phrase as a sentence. A setting's key at the beginning isn't capitalized."""
    return f"{upper_first(phrase)}."


def with_integers(value: Any) -> Any:
    """Convert whole numbers such as 16.0 to integers, in a single value or in all nested tables."""
    if isinstance(value, Mapping):
        return {name: with_integers(item) for name, item in value.items()}
    return int(value) if isinstance(value, float) and value.is_integer() else value
