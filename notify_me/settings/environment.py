"""Settings from variables of the environment, such as `NOTIFY_ME_BUTTON__LABEL`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from .errors import SettingsError, near
from .fields import PREFIX, Known, Path, settings, tables, variable
from .models import Settings

_KNOWN = {each.variable: each for each in settings(Settings)}
_TABLES = {variable(path): path for path, _ in tables(Settings) if path}
_BARE = {re.sub("_+", "_", name): name for name in _KNOWN}


def from_environment(config: Mapping[str, Any]) -> dict[Path, Any]:
    """The settings that a Flask config or an environment holds, by their path.

    An empty variable is as one that isn't set. Raises `SettingsError` for a name that means none.
    """
    found: dict[Path, Any] = {}
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
