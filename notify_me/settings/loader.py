"""Read the settings from environment variables and the two TOML files."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from .base import closest_match
from .errors import SettingsError, describe_error, path_of
from .models import Settings
from .schema import PREFIX, KeyPath, Setting, all_settings, all_tables, variable

INSTANCE_CONFIG = "NOTIFY_ME_INSTANCE_CONFIG"
"""The variable with the path of a second TOML file, which a Studio writes. Its values take
precedence over those in the first one. It may be missing.
"""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a setting's value came from."""

    kind: Literal["default", "file", "environment"]
    where: str = ""
    """The path of the file, or the name of the variable."""


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """The settings, and where the value of each came from."""

    settings: Settings
    origins: Mapping[KeyPath, Origin]


def read_settings(path: str | Path | None, config: Mapping[str, Any] | None = None) -> Settings:
    """Read the settings from the TOML file at `path`, if any, the file that `config` names in
    `NOTIFY_ME_INSTANCE_CONFIG`, and variables such as `NOTIFY_ME_BUTTON__LABEL` in `config`. Each
    takes precedence over the ones before.

    Raises `SettingsError` if a file can't be read, and for unknown keys and wrong values.
    """
    return load_settings(path, config or {}).settings


def load_settings(path: str | Path | None, config: Mapping[str, Any]) -> LoadedSettings:
    """Read the settings as `read_settings` does, with where each value came from."""
    variables = _read_variables(config)
    document = {} if path is None else _read_file(Path(path))
    instance_file = Path(config.get(INSTANCE_CONFIG) or "")
    instance = _read_file(instance_file, INSTANCE_CONFIG) if instance_file.is_file() else {}
    files = _merge(document, _flatten(instance))
    origins = {}
    for setting in all_settings(Settings):
        if setting.path in variables:
            origins[setting.path] = Origin("environment", setting.variable)
        elif _contains(instance, setting.path):
            origins[setting.path] = Origin("file", str(instance_file))
        elif _contains(document, setting.path):
            origins[setting.path] = Origin("file", str(path))
        else:
            origins[setting.path] = Origin("default")
    try:
        return LoadedSettings(Settings.model_validate(_merge(files, variables)), origins)
    except ValidationError as error:
        problems = []
        for detail in error.errors(include_url=False):
            key = path_of(detail)
            if key in variables or not _contains(files, key):
                name = ", ".join(_variables_below(key, variables))
                problems.append(describe_error(Settings, detail, name=name))
            else:
                paths = {str(path): document, str(instance_file): instance}
                file = " and ".join(name for name, part in paths.items() if _contains(part, key))
                if key in _flatten(instance):
                    file = str(instance_file)
                sources = " and ".join(_sources(detail, file, files, variables))
                problems.append(f"{sources}: {describe_error(Settings, detail)}")
        raise SettingsError("\n".join(problems)) from None


def _flatten(document: Mapping[str, Any], path: KeyPath = ()) -> dict[KeyPath, Any]:
    """Return the values in nested tables by key."""
    values: dict[KeyPath, Any] = {}
    for name, value in document.items():
        key = (*path, name)
        values |= _flatten(value, key) if isinstance(value, dict) else {key: value}
    return values


def _merge(document: Mapping[str, Any], variables: Mapping[KeyPath, Any]) -> dict[str, Any]:
    """Return the document with the values of the variables."""
    merged = deepcopy(dict(document))
    for key, value in variables.items():
        table: Any = merged
        for part in key[:-1]:
            table = table.setdefault(part, {}) if isinstance(table, dict) else None
        # If the file has another value in place of the table, validation reports that.
        if isinstance(table, dict):
            table[key[-1]] = value
    return merged


def _variables_below(key: KeyPath, variables: Mapping[KeyPath, Any]) -> list[str]:
    """Return the names of the variables that set this key or keys of this table."""
    return [variable(other) for other in variables if other[: len(key)] == key]


def _sources(
    detail: ErrorDetails,
    path: str,
    document: Mapping[str, Any],
    variables: Mapping[KeyPath, Any],
) -> list[str]:
    """Return what causes an error that concerns a whole table: the file, variables, or both."""
    names = ", ".join(_variables_below(path_of(detail), variables))
    if not names or _has_error(document, detail):
        return [path]
    return [names] if _has_error(_merge({}, variables), detail) else [path, names]


def _has_error(document: Mapping[str, Any], expected: ErrorDetails) -> bool:
    """Return whether these settings alone have an error."""
    try:
        Settings.model_validate(document)
    except ValidationError as error:
        return any(
            (detail["loc"], detail["msg"]) == (expected["loc"], expected["msg"])
            for detail in error.errors(include_url=False)
        )
    return False


def _contains(document: object, key: KeyPath) -> bool:
    for part in key:
        if not isinstance(document, dict) or part not in document:
            return False
        document = document[part]
    return True


def _read_file(path: Path, name: str = "NOTIFY_ME_CONFIG") -> dict[str, Any]:
    try:
        return read_toml(path)
    except OSError as error:
        raise SettingsError(
            f"{name} is {path}, which can't be read ({error.strerror}): "
            "correct the path, or unset the variable to use the defaults"
        ) from None


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file.

    Raises `SettingsError` with the line if it isn't valid, and `OSError` if it can't be opened.
    """
    try:
        # Editors on Windows may write a byte order mark, which TOML doesn't allow.
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
        return tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SettingsError(f"{path}, line {line}: not UTF-8: save the file as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        message, _, place = str(error).removesuffix(")").partition(" (at ")
        if message == "Invalid value":
            message += ": text needs quotation marks, and true and false are lower case"
        place = f"{path}, {place}" if place else str(path)
        raise SettingsError(f"{place}: invalid TOML: {message[:1].lower()}{message[1:]}") from None


@cache
def _settings_by_variable() -> dict[str, Setting]:
    return {setting.variable: setting for setting in all_settings(Settings)}


def _read_variables(config: Mapping[str, Any]) -> dict[KeyPath, Any]:
    """Return the settings in a Flask config by key. An empty variable counts as unset.

    Raises `SettingsError` for names that look like those of settings but aren't.
    """
    settings = _settings_by_variable()
    with_single_underscores = {re.sub("_+", "_", name) for name in settings}
    values: dict[KeyPath, Any] = {}
    problems = []
    for name, value in config.items():
        if not name.startswith(PREFIX) or value is None or value == "":
            continue
        if setting := settings.get(name):
            values[setting.path] = _parse(setting, value) if isinstance(value, str) else value
        elif "__" in name or name in with_single_underscores:
            problems.append(_describe_unknown(name))
    if problems:
        raise SettingsError("\n".join(problems))
    return values


def _describe_unknown(name: str) -> str:
    known_names = _settings_by_variable()
    if name in {variable(path) for path, _ in all_tables(Settings) if path}:
        example = next(known for known in known_names if known.startswith(f"{name}__"))
        return f"{name} is a table, not a setting: set its keys one by one, such as {example}"
    match = closest_match(name.upper(), known_names, cutoff=0.8)
    hint = f"; did you mean {match}?" if match else "; see docs/settings.md for all settings"
    return f"{name} is not a setting{hint}"


def _parse(setting: Setting, text: str) -> Any:
    """Parse a variable's value as TOML. Text needs no quotes, and lists may just have commas."""
    if setting.type == "string":
        return "" if text.strip() in {'""', "''"} else text
    if setting.type == "array" and not text.lstrip().startswith("["):
        return [item.strip() for item in text.split(",") if item.strip()]
    try:
        document = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return document["value"] if len(document) == 1 else text
