"""The settings as a list, read off the models: for files, environment, reference and errors."""

from __future__ import annotations

import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen, MultipleOf
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from .base import Allowed

PREFIX = "NOTIFY_ME_"
"""What the name of every variable of the environment begins with that is a setting."""
KeyPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: where it stands, and what it takes."""

    path: KeyPath
    """Its tables and its key."""
    info: FieldInfo

    @property
    def key(self) -> str:
        """Its name as words and errors have it, such as `button.label`."""
        return ".".join(self.path)

    @property
    def variable(self) -> str:
        """The variable of the environment that sets it."""
        return variable(self.path)

    @property
    def kind(self) -> Any:
        """The type of its values, where it may be left out too."""
        return _plain(self.info)[0]

    @property
    def is_text(self) -> bool:
        """Whether its values are text, in TOML's sense: words, choices, colours, lengths."""
        kind = self.kind
        if get_origin(kind) is Literal:
            return all(isinstance(each, str) for each in get_args(kind))
        return isinstance(kind, type) and issubclass(kind, str)

    @property
    def is_list(self) -> bool:
        """Whether it takes a list."""
        return get_origin(self.kind) is tuple

    @property
    def choices(self) -> tuple[str, ...]:
        """All that it may be, or that its list may hold, where that is a short list."""
        kind = get_args(self.kind)[0] if self.is_list else self.kind
        if get_origin(kind) is Literal:
            return tuple(str(each) for each in get_args(kind))
        if isinstance(kind, type) and issubclass(kind, Enum):
            return tuple(str(each.value) for each in kind)
        return ()

    @property
    def default(self) -> object:
        """What holds when nothing sets it, as JSON has it; None where the shop's own look does."""
        value = self.info.default
        if isinstance(value, SecretStr):
            return value.get_secret_value()
        return list(value) if isinstance(value, tuple) else value

    @property
    def is_optional(self) -> bool:
        """Whether it may be left to what the shop's own look decides."""
        return type(None) in get_args(self.info.annotation)

    @property
    def bounds(self) -> dict[str, Any]:
        """What numbers and texts are held to: ge, gt, le, of (a step), least and most (lengths)."""
        return _bounds(_plain(self.info)[1])

    @property
    def allowed(self) -> str:
        """What it may be, in words."""
        return _allowed(self)


def variable(path: Sequence[str]) -> str:
    """The variable of the environment for a key."""
    return PREFIX + "__".join(path).upper()


def all_tables(
    model: type[BaseModel], path: KeyPath = ()
) -> Iterator[tuple[KeyPath, type[BaseModel]]]:
    """Every table under a model, itself first."""
    yield path, model
    for name, info in model.model_fields.items():
        if _is_table(info):
            yield from all_tables(info.annotation, (*path, name))  # type: ignore[arg-type]


@cache
def all_settings(model: type[BaseModel], path: KeyPath = ()) -> tuple[Setting, ...]:
    """Every setting under a model, in its order."""
    found: list[Setting] = []
    for name, info in model.model_fields.items():
        if _is_table(info):
            found += all_settings(info.annotation, (*path, name))  # type: ignore[arg-type]
        else:
            found.append(Setting((*path, str(info.alias or name)), info))
    return tuple(found)


def _is_table(info: FieldInfo) -> bool:
    return isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel)


def _plain(info: FieldInfo) -> tuple[Any, list[Any]]:
    """The type without `None` and without what `Annotated` adds, and what it adds."""
    kind, metadata = info.annotation, list(info.metadata)
    while get_origin(kind) in {Union, types.UnionType, Annotated}:
        first, *more = get_args(kind)
        if get_origin(kind) is Annotated:
            for each in more:
                metadata += each.metadata if isinstance(each, FieldInfo) else [each]
        kind = first
    return kind, metadata


def _allowed(known: Setting) -> str:
    kind, metadata = _plain(known.info)
    for each in metadata:
        if isinstance(each, Allowed):
            return each.words
    if known.is_list:
        if known.choices:
            some = "one or more of " if any(isinstance(each, MinLen) for each in metadata) else ""
            return f"a list of {some}{_either(known.choices)}"
        return "a list of texts"
    if known.choices:
        return _either(known.choices)
    if kind is bool:
        return "true or false"
    if kind in {int, float}:
        return _number("whole number" if kind is int else "number", metadata)
    bounds = _bounds(metadata)
    least, most = bounds.get("least", 0), bounds.get("most")
    if most is None:
        return "text"
    return f"text of {least} to {most} characters" if least else f"text of up to {most} characters"


def _either(choices: Sequence[str]) -> str:
    *most, last = (repr(each) for each in choices)
    return f"{', '.join(most)} or {last}" if most else last


def _number(kind: str, metadata: list[Any]) -> str:
    bounds = _bounds(metadata)
    step = f" in steps of {bounds['of']:g}" if "of" in bounds else ""
    if "gt" in bounds:
        return f"a {kind} above {bounds['gt']}, up to {bounds['le']}{step}"
    return f"a {kind} from {bounds['ge']} to {bounds['le']}{step}"


_BOUNDS = (
    ("ge", Ge, "ge"),
    ("gt", Gt, "gt"),
    ("le", Le, "le"),
    ("lt", Lt, "lt"),
    ("of", MultipleOf, "multiple_of"),
    ("least", MinLen, "min_length"),
    ("most", MaxLen, "max_length"),
)


def _bounds(metadata: Sequence[Any]) -> dict[str, Any]:
    return {
        name: getattr(each, value)
        for each in metadata
        for name, kind, value in _BOUNDS
        if isinstance(each, kind)
    }
