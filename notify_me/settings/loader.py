"""Reads the settings: from the environment, else from `notify_me.toml`, else the defaults."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from .base import closest_match
from .errors import SettingsError, describe_error, path_of
from .models import Settings
from .schema import PREFIX, KeyPath, Setting, all_settings, all_tables, variable


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value came from."""

    kind: Literal["default", "file", "environment"]
    where: str = ""
    """The file, or the variable."""


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """The settings, and for each of them where it came from."""

    settings: Settings
    origins: Mapping[KeyPath, Origin]


def read_settings(path: str | Path | None, config: Mapping[str, Any] | None = None) -> Settings:
    """The merchant's settings: variables in `config` win over the TOML file, which wins over the
    defaults; None is for no file.

    Raises `SettingsError` for a file that is missing, not TOML, or holds a wrong or unknown key,
    and for a variable that does.
    """
    variables, document = _sources(path, config or {})
    return _validated(path, variables, document)


def load_settings(path: str | Path | None, config: Mapping[str, Any]) -> LoadedSettings:
    """As `read_settings`, with where each value came from."""
    variables, document = _sources(path, config)
    origins = {}
    for known in all_settings(Settings):
        if known.path in variables:
            origins[known.path] = Origin("environment", known.variable)
        elif _has(document, known.path):
            origins[known.path] = Origin("file", str(path))
        else:
            origins[known.path] = Origin("default")
    return LoadedSettings(_validated(path, variables, document), origins)


def _sources(
    path: str | Path | None, config: Mapping[str, Any]
) -> tuple[dict[KeyPath, Any], dict[str, Any]]:
    """The variables by key, and the file's document."""
    return _from_environment(config), {} if path is None else _from_file(Path(path))


def _validated(
    path: str | Path | None, variables: Mapping[KeyPath, Any], document: dict[str, Any]
) -> Settings:
    merged = deepcopy(document)
    for key, value in variables.items():
        table: Any = merged
        for part in key[:-1]:
            table = table.setdefault(part, {}) if isinstance(table, dict) else None
        # where there is no table, what the file has in its place is the error
        if isinstance(table, dict):
            table[key[-1]] = value
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        problems = []
        for detail in error.errors(include_url=False):
            key = path_of(detail)
            # for a table, those of its variables that are set
            names = ", ".join(variable(each) for each in variables if each[: len(key)] == key)
            if key in variables or not _has(document, key):
                problems.append(describe_error(Settings, detail, name=names))
            else:
                beside = f" and {names}" if names else ""
                problems.append(f"{path}{beside}: {describe_error(Settings, detail)}")
        raise SettingsError("\n".join(problems)) from None


def _has(document: object, key: KeyPath) -> bool:
    for part in key:
        if not isinstance(document, dict) or part not in document:
            return False
        document = document[part]
    return True


def _from_file(path: Path) -> dict[str, Any]:
    try:
        # Windows' editors begin a file with a mark
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
        return tomllib.loads(text)
    except OSError as error:
        raise SettingsError(
            f"NOTIFY_ME_CONFIG names {path}, which can't be read ({error.strerror}): "
            "correct the path, or leave the variable out for the defaults"
        ) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SettingsError(
            f"{path}, line {line}: is not TOML, which is in UTF-8: save the file in that encoding"
        ) from None
    except ValueError as error:
        found = re.fullmatch(r"(.*) \(at (line \d+, column \d+)\)", str(error), re.DOTALL)
        message, place = (found[1], f"{path}, {found[2]}") if found else (str(error), path)
        if message == "Invalid value":
            message += (
                ': text stands in quotation marks, such as "Notify me"; true and false do not'
            )
        raise SettingsError(f"{place}: is not TOML: {message[:1].lower()}{message[1:]}") from None
    except RecursionError:
        raise SettingsError(f"{path} is not TOML that can be read: too many brackets") from None


_KNOWN = {known.variable: known for known in all_settings(Settings)}
_TABLES = {variable(path) for path, _ in all_tables(Settings) if path}
_BARE = {re.sub("_+", "_", name): name for name in _KNOWN}


def _from_environment(config: Mapping[str, Any]) -> dict[KeyPath, Any]:
    """The settings that a Flask config or an environment holds, by their key.

    An empty variable is as one that isn't set. Raises `SettingsError` for a name that means none.
    """
    found: dict[KeyPath, Any] = {}
    problems = []
    for name, given in config.items():
        if not name.startswith(PREFIX) or given is None or given == "":
            continue
        if known := _KNOWN.get(name):
            found[known.path] = _value(known, given) if isinstance(given, str) else given
        elif "__" in name or name in _BARE:
            problems.append(_unknown(name))
    if problems:
        raise SettingsError("\n".join(problems))
    return found


def _unknown(name: str) -> str:
    if name in _TABLES:
        first = next(each for each in _KNOWN if each.startswith(f"{name}__"))
        return f"{name} is a table, not a setting: set its keys one by one, such as {first}"
    bare = re.sub("_+", "_", name.upper())
    meant = _BARE.get(bare) or closest_match(name.upper(), list(_KNOWN), cutoff=0.8)
    hint = f"; did you mean {meant}?" if meant else "; docs/settings.md lists them all"
    return f"{name} is not a setting{hint}"


def _value(known: Setting, given: str) -> Any:
    if known.is_text:
        return "" if given.strip() in {'""', "''"} else given
    if known.is_list and not given.lstrip().startswith("["):
        return [part.strip() for part in given.split(",") if part.strip()]
    try:
        document = tomllib.loads(f"value = {given}")
    except (ValueError, RecursionError):
        return given
    return document["value"] if len(document) == 1 else given
