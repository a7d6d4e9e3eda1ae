"""Reads the settings: from the environment, else from `notify_me.toml`, else the defaults."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from .base import near
from .errors import SettingsError, path_of, wrong
from .models import Settings
from .schema import PREFIX, Known, tables, variable
from .schema import Path as KeyPath
from .schema import settings as known_settings


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


_MOST = 200
"""Lines that are looked at: the search is for a sentence, and must end soon."""


def line_of(text: str, path: Sequence[str]) -> int | None:
    """The line, from 1, where a key or a table is first set; None where that can't be told.

    It is the line before which the file, read by `tomllib`, lacks the key, and after which, as
    soon as the file can be read again, it has it.
    """
    lines = text.split("\n")
    holding = [at for at, line in enumerate(lines) if path[-1] in line]
    for at in holding[:_MOST]:
        before = _parsed(lines[:at])
        if before is None or holds(before, path):
            continue
        for end in range(at + 1, min(len(lines), at + _MOST) + 1):
            after = _parsed(lines[:end])
            if after is not None:
                if holds(after, path):
                    return at + 1
                break
    return None


def _parsed(lines: Sequence[str]) -> dict[str, Any] | None:
    try:
        return tomllib.loads("\n".join(lines))
    except ValueError:
        return None


def holds(document: object, path: Sequence[str]) -> bool:
    """Whether a document has a key."""
    for part in path:
        if not isinstance(document, dict) or part not in document:
            return False
        document = document[part]
    return True


_KNOWN = {each.variable: each for each in known_settings(Settings)}
_TABLES = {variable(path): path for path, _ in tables(Settings) if path}
_BARE = {re.sub("_+", "_", name): name for name in _KNOWN}


def from_environment(config: Mapping[str, Any]) -> dict[KeyPath, Any]:
    """The settings that a Flask config or an environment holds, by their path.

    An empty variable is as one that isn't set. Raises `SettingsError` for a name that means none.
    """
    found: dict[KeyPath, Any] = {}
    problems = []
    for name, given in config.items():
        if not name.startswith(PREFIX) or given is None or given == "":
            continue
        if name in _KNOWN:
            known = _KNOWN[name]
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
    meant = _BARE.get(bare) or near(name.upper(), list(_KNOWN), cutoff=0.8)
    hint = f"; did you mean {meant}?" if meant else "; docs/settings.md lists them all"
    return f"{name} is not a setting{hint}"


def _value(known: Known, given: str) -> Any:
    if known.is_text:
        return "" if given.strip() in {'""', "''"} else given
    if known.is_list and not given.lstrip().startswith("["):
        return [part.strip() for part in given.split(",") if part.strip()]
    try:
        document = tomllib.loads(f"value = {given}")
    except (ValueError, RecursionError):
        return given
    return document["value"] if len(document) == 1 else given
