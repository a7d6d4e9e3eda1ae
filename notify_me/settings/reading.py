"""Reads the settings: from the environment, else from `notify_me.toml`, else the defaults."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from .environment import from_environment
from .errors import SettingsError, path_of, wrong
from .fields import Path as KeyPath
from .fields import settings as known_settings
from .fields import variable
from .lines import holds, line_of
from .models import Settings


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value came from."""

    kind: Literal["default", "file", "environment"]
    where: str = ""
    """The file and its line, or the variable."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The settings, and for each of them where it came from."""

    settings: Settings
    origins: Mapping[KeyPath, Origin]


def read_settings(path: str | Path | None, config: Mapping[str, Any] | None = None) -> Settings:
    """The merchant's settings: variables in `config` win over the TOML file, which wins over the
    defaults; None is for no file.

    Raises `SettingsError` for a file that is missing, not TOML, or holds a wrong or unknown key,
    and for a variable that does.
    """
    return _read(path, config or {})[0]


def read_with_origins(path: str | Path | None, config: Mapping[str, Any]) -> Reading:
    """As `read_settings`, with where each value came from."""
    settings, text, document, variables = _read(path, config)
    origins = {}
    for each in known_settings(Settings):
        if each.path in variables:
            origins[each.path] = Origin("environment", each.variable)
        elif holds(document, each.path):
            origins[each.path] = Origin("file", _place(path, text, each.path))
        else:
            origins[each.path] = Origin("default")
    return Reading(settings, origins)


def _read(
    path: str | Path | None, config: Mapping[str, Any]
) -> tuple[Settings, str, dict[str, Any], dict[KeyPath, Any]]:
    variables = from_environment(config)
    text = "" if path is None else _text(Path(path))
    document = _document(path, text)
    try:
        return Settings.model_validate(_merged(document, variables)), text, document, variables
    except ValidationError as error:
        problems = []
        for detail in error.errors(include_url=False):
            key = path_of(detail)
            if key in variables or not holds(document, key):
                problems.append(wrong(Settings, detail, named=partial(_variables, variables)))
            else:
                problems.append(f"{_place(path, text, key)}: {wrong(Settings, detail)}")
        raise SettingsError("\n".join(problems)) from None


def _variables(variables: Mapping[KeyPath, Any], path: KeyPath) -> str:
    """The variable for a key; for a table, those of its variables that are set."""
    return ", ".join(variable(each) for each in variables if each[: len(path)] == path)


def _text(path: Path) -> str:
    try:
        written = path.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"NOTIFY_ME_CONFIG names {path}, which can't be read ({error.strerror}): "
            "correct the path, or leave the variable out for the defaults"
        ) from None
    try:
        # Windows' editors begin a file with a mark
        return written.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = written[: error.start].count(b"\n") + 1
        raise SettingsError(
            f"{path}, line {line}: is not TOML, which is in UTF-8: save the file in that encoding"
        ) from None


def _document(path: str | Path | None, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
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


def _place(path: str | Path | None, text: str, key: KeyPath) -> str:
    line = line_of(text, key)
    return f"{path}, line {line}" if line else str(path)


def _merged(document: dict[str, Any], variables: Mapping[KeyPath, Any]) -> dict[str, Any]:
    """The document with the variables in it; a wrong table stays, to be told."""
    whole = _copy(document)
    for path, value in variables.items():
        table: Any = whole
        for part in path[:-1]:
            table = table.setdefault(part, {}) if isinstance(table, dict) else None
        if isinstance(table, dict):
            table[path[-1]] = value
    return whole


def _copy(table: dict[str, Any]) -> dict[str, Any]:
    return {name: _copy(each) if isinstance(each, dict) else each for name, each in table.items()}
