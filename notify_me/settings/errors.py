"""Error messages for invalid settings: the key, the value, what is allowed, and the nearest key."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, time

import click
from pydantic import BaseModel
from pydantic_core import ErrorDetails

from .base import closest_match
from .schema import KeyPath, Setting, all_settings, all_tables

_MAX_VALUE_LENGTH = 60


class SettingsError(click.ClickException, ValueError):
    """A setting is invalid or missing. The message says which one, and what to do."""

    exit_code = 2


def path_of(detail: ErrorDetails) -> KeyPath:
    """Return the key that an error is about; for an item of a list, the key of the list."""
    return tuple(part for part in detail["loc"] if isinstance(part, str))


def describe_error(model: type[BaseModel], detail: ErrorDetails, name: str = "") -> str:
    """Describe one of pydantic's validation errors in a sentence.

    If `name` is given, such as an environment variable, it replaces the setting's key. Private keys
    never appear in the result.
    """
    path = path_of(detail)
    key = name or ".".join(path)
    message = detail["msg"].removeprefix("Value error, ")
    is_from_validator = detail["type"] == "value_error"
    if detail["type"] == "extra_forbidden":
        text = f"{key} is not a setting{_key_hint(model, path)}"
    elif not path:
        text = message
    elif is_from_validator and not message.startswith("must "):
        text = f"{key}: {message}"
    else:
        setting = {setting.path: setting for setting in all_settings(model)}.get(path)
        if setting is None:
            message = f"must be a table with the header [{'.'.join(path)}]"
        elif not is_from_validator:
            message = f"must be {setting.allowed}"
        text = f"{key}: {message}"
        if setting is None or not setting.schema.get("writeOnly"):
            hint = _choice_hint(setting, detail["input"])
            text += f", not {_format_value(detail['input'])}{hint}"
    return re.sub(r"pk_\w+", "pk_…", text)


def _format_value(value: object) -> str:
    """Return a value much as TOML writes it, shortened and on one line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        return "a list of tables"
    is_list = isinstance(value, list | tuple)
    text = json.dumps(value, default=str, ensure_ascii=False) if is_list else repr(value)
    return text if len(text) <= _MAX_VALUE_LENGTH else f"{text[:_MAX_VALUE_LENGTH]}…"


def _choice_hint(setting: Setting | None, value: object) -> str:
    """Return a suggestion for a mistyped choice, to append to the message; empty if none is
    similar.
    """
    if setting is None or not isinstance(value, str):
        return ""
    choices = {choice.lower(): choice for choice in setting.choices}
    match = closest_match(value.lower(), choices)
    if not match:
        return ""
    choice = choices[match]
    return f"; did you mean {_format_value([choice]) if choice == value else repr(choice)}?"


def _key_hint(model: type[BaseModel], path: KeyPath) -> str:
    """Return the end of the message about an unknown key: the key that was probably meant, or else
    all keys of the table.
    """
    known = [
        *(setting.path for setting in all_settings(model)),
        *(table for table, _ in all_tables(model) if table),
    ]
    if match := _closest_key(path, known):
        return f"; did you mean {'.'.join(match)}?"
    siblings = [key[-1] for key in known if key[:-1] == path[:-1]]
    if len(path) == 1 and not any(len(setting.path) == 1 for setting in all_settings(model)):
        return f"; the tables are {', '.join(f'[{name}]' for name in siblings)}"
    if len(path) == 1:
        return f"; the settings are {', '.join(siblings)}"
    return f"; [{'.'.join(path[:-1])}] contains {', '.join(siblings)}"


def _closest_key(path: KeyPath, known: list[KeyPath]) -> KeyPath | None:
    """Return the known key or table that was probably meant, or None."""
    flat = {"_".join(key): key for key in reversed(known)}
    if match := flat.get("_".join(path)):  # such as border_color instead of border.color
        return match
    siblings = {key[-1]: key for key in known if key[:-1] == path[:-1]}
    if name := closest_match(path[-1], siblings):
        return siblings[name]
    # the right key in the wrong table: prefer one in a table inside the given one
    elsewhere = [key for key in known if key[-1] == path[-1]]
    nested = [key for key in elsewhere if key[: len(path) - 1] == path[:-1]]
    if elsewhere:
        return (nested or elsewhere)[0]
    name = closest_match("_".join(path), flat, cutoff=0.9)
    return flat[name] if name else None
