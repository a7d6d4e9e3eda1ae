"""Read the settings from environment variables and the two TOML files."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
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
"""The variable with the path of a second TOML file, which a Studio writes. The values in that file
take precedence over those in the first one. The file may be missing.
"""

MAX_DEPTH = 10
"""The maximum depth of nested tables to search. No setting is nested that deeply."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a setting's value came from."""

    kind: Literal["default", "file", "environment"]
    where: str = ""
    """The path of the file, or the name of the variable."""


Values = dict[KeyPath, tuple[Any, Origin]]
"""Values by key, with their origins."""


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """The settings, and where the value of each came from."""

    settings: Settings
    origins: Mapping[KeyPath, Origin]


def read_settings(path: str | Path | None, config: Mapping[str, Any] | None = None) -> Settings:
    """Read the settings from the TOML file at `path`, if any, the file that `config` names in
    `NOTIFY_ME_INSTANCE_CONFIG`, and variables such as `NOTIFY_ME_BUTTON__LABEL` in `config`. Later
    sources take precedence.

    Raises `SettingsError` if a file can't be read, and for unknown keys and invalid values.
    """
    return load_settings(path, config or {}).settings


def load_settings(path: str | Path | None, config: Mapping[str, Any]) -> LoadedSettings:
    """Read the settings as `read_settings` does, and record where each value came from."""
    values = {} if path is None else _read_file(Path(path), "NOTIFY_ME_CONFIG")
    if instance_file := config.get(INSTANCE_CONFIG):
        values |= _read_file(Path(instance_file), INSTANCE_CONFIG, may_be_missing=True)
    values |= _read_variables(config)
    origins = dict.fromkeys((setting.path for setting in all_settings(Settings)), Origin("default"))
    origins |= {key: origin for key, (_, origin) in values.items() if key in origins}
    try:
        return LoadedSettings(Settings.model_validate(_nested(values)), origins)
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise SettingsError("\n".join(_describe(detail, values) for detail in details)) from None


def _nested(values: Values) -> dict[str, Any]:
    """Return the values in nested tables."""
    document: dict[str, Any] = {}
    for key in sorted(values, key=len):
        table: Any = document
        for part in key[:-1]:
            table = table.setdefault(part, {}) if isinstance(table, dict) else None
        # if a file has some other value where a table belongs, validation reports that
        if isinstance(table, dict):
            table[key[-1]] = values[key][0]
    return document


def _describe(detail: ErrorDetails, values: Values) -> str:
    """Describe an error, beginning with the files or variables that caused it."""
    key = path_of(detail)
    causes = [values[key][1]] if key in values else _origins_below(key, values, detail["msg"])
    files = [origin.where for origin in causes if origin.kind == "file"]
    variables = ", ".join(origin.where for origin in causes if origin.kind == "environment")
    if not files:
        return describe_error(Settings, detail, name=variables)
    sources = " and ".join(filter(None, [*dict.fromkeys(files), variables]))
    return f"{sources}: {describe_error(Settings, detail)}"


def _origins_below(table: KeyPath, values: Values, message: str) -> list[Origin]:
    """Return where the values of a table came from, except for values that equal their default. If
    the message mentions some of their keys, return only where these came from.
    """
    defaults = {setting.path: setting.default for setting in all_settings(Settings)}
    origins = {
        key: origin
        for key, (value, origin) in values.items()
        if key[: len(table)] == table and value != defaults.get(key)
    }
    words = re.findall(r"\w+", message)
    mentioned = [origin for key, origin in origins.items() if key[-1] in words]
    return mentioned or [*origins.values()]


def value_problem(key: str, value: object, name: str) -> str:
    """Return why the setting `key`, such as `button.label`, can't have this value; empty if it can.
    The message refers to the setting as `name`.
    """
    values = {tuple(key.split(".")): (value, Origin("default"))}
    try:
        Settings.model_validate(_nested(values))
    except ValidationError as error:
        return describe_error(Settings, error.errors(include_url=False)[0], name=name)
    return ""


def _read_file(path: Path, name: str, *, may_be_missing: bool = False) -> Values:
    """Return the values in a TOML file. `name` is the environment variable with the file's path,
    for error messages.
    """
    try:
        return dict(_flatten(read_toml(path), Origin("file", str(path))))
    except OSError as error:
        if may_be_missing and isinstance(error, FileNotFoundError):
            return {}
        raise SettingsError(
            f"{name} is {path}, which can't be read ({error.strerror}): "
            "correct the path, or unset the variable to use the defaults"
        ) from None


def _flatten(
    document: Mapping[str, Any], origin: Origin, path: KeyPath = ()
) -> Iterator[tuple[KeyPath, tuple[Any, Origin]]]:
    """Yield the values in nested tables by key."""
    for name, value in document.items():
        key = (*path, name)
        if value and isinstance(value, dict) and len(key) < MAX_DEPTH:
            yield from _flatten(value, origin, key)
        else:
            yield key, (value, origin)


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file.

    Raises `SettingsError` with the line if it isn't valid, and `OSError` if it can't be opened.
    """
    try:
        # editors on Windows may write a byte order mark, which TOML doesn't allow
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
        return tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SettingsError(f"{path}, line {line}, is not UTF-8: save the file as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        message, _, place = str(error).removesuffix(")").partition(" (at ")
        if message == "Invalid value":
            message += ": text needs quotation marks, and true and false are lower case"
        place = f"{path}, {place}" if place else str(path)
        raise SettingsError(f"{place}: invalid TOML: {message[:1].lower()}{message[1:]}") from None
    except RecursionError:
        raise SettingsError(f"{path}: invalid TOML: the brackets are nested too deeply") from None
    except ValueError:
        raise SettingsError(f"{path}: invalid TOML: a number has too many digits") from None


@cache
def _settings_by_variable() -> dict[str, Setting]:
    return {setting.variable: setting for setting in all_settings(Settings)}


@cache
def _names_with_single_underscores() -> frozenset[str]:
    return frozenset(re.sub("_+", "_", name) for name in _settings_by_variable())


def _read_variables(config: Mapping[str, Any]) -> Values:
    """Return the settings in a Flask config. An empty variable counts as unset.

    Raises `SettingsError` for names that resemble a setting's name but aren't one.
    """
    settings = _settings_by_variable()
    values: Values = {}
    problems = []
    for name, value in _flat_variables(config):
        if value is None or value == "":
            continue
        if setting := settings.get(name):
            parsed = _parse(setting, value) if isinstance(value, str) else value
            values[setting.path] = parsed, Origin("environment", name)
        elif "__" in name or name in _names_with_single_underscores() | _table_names():
            problems.append(_describe_unknown(name))
    if problems:
        raise SettingsError("\n".join(problems))
    return values


def _flat_variables(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the variables in a Flask config. `app.config.from_prefixed_env()` turns a variable with
    `__` into a nested dict.
    """
    for name, value in config.items():
        if isinstance(value, dict) and name in _table_names():
            yield from _flat_variables({f"{name}__{key}": value[key] for key in value})
        elif name.startswith(PREFIX):
            yield name, value


@cache
def _table_names() -> frozenset[str]:
    return frozenset(variable(path) for path, _ in all_tables(Settings) if path)


def _describe_unknown(name: str) -> str:
    known_names = _settings_by_variable()
    if name in _table_names():
        example = next(known for known in known_names if known.startswith(f"{name}__"))
        return f"{name} is a table, not a setting: set its keys one by one, such as {example}"
    match = closest_match(name.upper(), known_names, cutoff=0.8)
    hint = f"; did you mean {match}?" if match else "; see docs/settings.md for all settings"
    return f"{name} is not a setting{hint}"


def _parse(setting: Setting, text: str) -> Any:
    """Parse a variable's value as TOML. Text needs no quotes, and lists need no brackets."""
    if setting.type == "string":
        return "" if text.strip() in {'""', "''"} else text
    if setting.type == "array" and not text.lstrip().startswith("["):
        return [item.strip() for item in text.split(",") if item.strip()]
    try:
        document = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return document["value"] if len(document) == 1 else text
