"""One visitor's settings over the merchant's: what a Studio shows before anything is saved."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from .errors import path_of, wrong
from .models import Settings
from .schema import Path

VISITORS = (
    "button",
    "trigger",
    "modal",
    "channels",
    "consent",
    "demand",
    "languages",
    "texts",
)
"""The tables that a visitor may have of their own. The others run the shop: they are everyone's."""


class WrongChanges(ValueError):
    """Changes that can't hold; `problems` has a sentence for each path."""

    def __init__(self, problems: Mapping[Path, str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.problems = problems


def overlaid(base: Settings, changes: Mapping[str, Any]) -> Settings:
    """`base` with changes by dotted key, such as `{"button.label": "Tell me"}`.

    None is for what the shop's own look decides, or the default. Raises `WrongChanges`, also for a
    key that isn't a visitor's to set.
    """
    by_path = {tuple(key.split(".")): value for key, value in changes.items()}
    problems = {
        path: f"{'.'.join(path)} can't be changed for one visitor"
        for path in by_path
        if path[0] not in VISITORS
    }
    if problems:
        raise WrongChanges(problems)
    document = base.model_dump()
    for path, value in by_path.items():
        table: Any = document
        for part in path[:-1]:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise WrongChanges({path: f"{'.'.join(path)} is not a setting"})
        table[path[-1]] = value
    try:
        return Settings.model_validate(document)
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise WrongChanges({path_of(each): wrong(Settings, each) for each in details}) from None


@lru_cache(maxsize=256)
def _kept(base: Settings, changes: tuple[tuple[str, Any], ...]) -> Settings:
    return overlaid(base, dict(changes))


def overlaid_once(base: Settings, changes: Mapping[str, Any]) -> Settings:
    """As `overlaid`, remembered: a visitor's changes come with each of their requests."""
    return _kept(base, tuple(sorted((key, _hashable(value)) for key, value in changes.items())))


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
