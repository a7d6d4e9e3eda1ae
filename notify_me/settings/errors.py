"""What is wrong with a setting, in a sentence for whoever starts the shop."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

import click
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails


class SettingsError(click.ClickException, ValueError):
    """A setting is wrong or missing. Its text says which one, and what to do."""

    exit_code = 2


def sentence(source: str, model: type[BaseModel], error: ValidationError) -> str:
    """All that is wrong, each with its key, what was given, and what is allowed."""
    lines = [_line(model, detail) for detail in error.errors(include_url=False)]
    return f"{source}: " + "; ".join(lines)


def _line(model: type[BaseModel], detail: ErrorDetails) -> str:
    key = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        nearest = difflib.get_close_matches(key, list(_keys(model)), n=1, cutoff=0.5)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        return f"{key} is not a setting{hint}"
    message = detail["msg"].removeprefix("Value error, ")
    if not key:
        return message
    # a key's own value is never repeated, nor a private key in another's place
    given = repr(detail["input"])
    secret = key.isupper() and ("KEY" in key or "pk_" in given or "@" in given)
    given = "" if secret else f", not {given}"
    return f"{key}: {message[:1].lower()}{message[1:]}{given}"


def _keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, info in model.model_fields.items():
        yield prefix + name
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from _keys(info.annotation, f"{prefix}{name}.")
