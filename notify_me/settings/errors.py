"""What is wrong with a setting, in a sentence for whoever starts the shop."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, datetime, time

import click
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .base import closest_match
from .schema import KeyPath, Setting, all_settings, all_tables

_PRIVATE = re.compile(r"pk_\w+")
_MOST_SHOWN = 60


class SettingsError(click.ClickException, ValueError):
    """A setting is wrong or missing. Its text says which one, and what to do."""

    exit_code = 2


def error_summary(source: str, model: type[BaseModel], error: ValidationError) -> str:
    """All that is wrong with what came from one source, each with its key, what was given, and
    what is allowed.
    """
    told = (describe_error(model, detail) for detail in error.errors(include_url=False))
    return f"{source}: " + "; ".join(told)


def path_of(detail: ErrorDetails) -> KeyPath:
    """The key that an error is about: an item of a list is about the list."""
    return tuple(part for part in detail["loc"] if isinstance(part, str))


def describe_error(model: type[BaseModel], detail: ErrorDetails, name: str = "") -> str:
    """One thing that is wrong; `name` is what whoever set it calls the key, if not by its path."""
    path = path_of(detail)
    key = name or ".".join(map(_key, path))
    if detail["type"] == "extra_forbidden":
        return _masked(f"{key} is not a setting{_hint(model, path)}")
    message = detail["msg"].removeprefix("Value error, ")
    own = detail["type"] == "value_error"
    known = {each.path: each for each in all_settings(model)}.get(path)
    if not path:
        return message
    if own and not message.startswith("must "):
        return _masked(f"{key}: {message}")
    if not own and known is None:
        message = f"must be a table, as under [{'.'.join(path)}]"
    # a validator's sentence says more than the type's words
    elif not own and known is not None and known.allowed != "text":
        message = f"must be {known.allowed}"
    # a key's own value is never repeated, nor a private key in another's place
    given = format_value(detail["input"])
    secret = key.isupper() and "__" not in key and ("KEY" in key or "pk_" in given or "@" in given)
    hint = _choice(known, detail["input"]) if known else ""
    message = f"{message[:1].lower()}{message[1:]}"
    return f"{key}: {message}" if secret else _masked(f"{key}: {message}, not {given}{hint}")


def format_value(value: object) -> str:
    """A value as it may stand in a sentence: short, on one line, much as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list) and any(isinstance(each, dict) for each in value):
        return "a list of tables"
    try:
        listed = isinstance(value, list | tuple)
        text = json.dumps(value, default=str, ensure_ascii=False) if listed else repr(value)
    except ValueError:
        return "a number of thousands of digits"
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def _masked(text: str) -> str:
    return _PRIVATE.sub("pk_…", text)


def _key(part: str) -> str:
    return part if re.fullmatch(r"[\w-]{1,60}", part) else format_value(part)


def _choice(known: Setting, given: object) -> str:
    """The choice that was meant, where only its case or a letter is wrong."""
    if not isinstance(given, str) or not known.choices:
        return ""
    folded = {each.lower(): each for each in known.choices}
    found = closest_match(given.lower(), list(folded))
    return f"; did you mean {folded[found]!r}?" if found else ""


def _hint(model: type[BaseModel], path: KeyPath) -> str:
    """The known key that was meant, else those that stand in the same table."""
    found = _nearest(model, path)
    if found:
        return f"; did you mean {'.'.join(found)}?"
    inside = [each[-1] for each in _paths(model) if each[:-1] == path[:-1]]
    if len(path) == 1:
        return f"; the tables are {', '.join(f'[{name}]' for name in inside)}"
    return f"; [{'.'.join(path[:-1])}] has {', '.join(inside)}"


def _paths(model: type[BaseModel]) -> list[KeyPath]:
    return [
        *(each.path for each in all_settings(model)),
        *(path for path, _ in all_tables(model) if path),
    ]


def _nearest(model: type[BaseModel], path: KeyPath) -> KeyPath | None:
    known = _paths(model)
    flat = {"_".join(each): each for each in reversed(known)}
    if found := flat.get("_".join(path)):  # border_color for border.color
        return found
    beside = {each[-1]: each for each in known if each[:-1] == path[:-1]}
    longer = (name for name in beside if name.startswith(f"{path[-1]}_"))  # body, body_content
    if name := closest_match(path[-1], list(beside)) or next(longer, None):
        return beside[name]
    # the right key in the wrong table, of those further in first
    wrong_place = [each for each in known if each[-1] == path[-1]]
    inside = (each for each in wrong_place if each[: len(path) - 1] == path[:-1])
    if found := next(inside, next(iter(wrong_place), None)):
        return found
    name = closest_match("_".join(path), list(flat), cutoff=0.75)
    return flat[name] if name else None
