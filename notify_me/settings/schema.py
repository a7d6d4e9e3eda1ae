"""A flat list of all settings, derived from the models' JSON Schema.

The loader, the error messages, the reference and the Studio use it.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, cast

from pydantic import BaseModel

PREFIX = "NOTIFY_ME_"
"""The prefix of all environment variables for settings."""
KeyPath = tuple[str, ...]
"""The tables and the key of a setting, such as `("button", "label")`."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting and what it allows."""

    path: KeyPath
    model: type[BaseModel]
    """The model of its table."""
    attribute: str
    """Its name in the model."""
    schema: Mapping[str, Any]
    """The JSON Schema of its values other than null."""
    title: str
    """Its label in the Studio."""
    unit: str
    """The unit of its numbers, such as px; empty if there is none."""
    default: Any
    """As in JSON; None if the setting is unset by default."""
    is_optional: bool
    """Whether it may be unset."""

    @property
    def description(self) -> str:
        """One or more sentences: the docstring below the field."""
        return _docstrings(self.model.__module__)[self.model.__name__, self.attribute]

    @property
    def key(self) -> str:
        """The dotted key, such as `button.label`."""
        return ".".join(self.path)

    @property
    def variable(self) -> str:
        """The environment variable that sets it, such as `NOTIFY_ME_BUTTON__LABEL`."""
        return variable(self.path)

    @property
    def type(self) -> str:
        """The type of its values in JSON Schema: string, integer, number, boolean or array."""
        return str(self.schema["type"])

    @property
    def choices(self) -> tuple[str, ...]:
        """The allowed values of the setting or of its list items, if they are a fixed set."""
        return tuple(self.schema.get("items", self.schema).get("enum", ()))

    @property
    def allowed(self) -> str:
        """A phrase that describes the allowed values, to follow "must be"."""
        schema = self.schema
        if "allowed" in schema:
            return str(schema["allowed"])
        if self.choices:
            *others, last = map(repr, self.choices)
            choices = f"{', '.join(others)} or {last}"
            at_least_one = "one or more of " if schema.get("minItems") else ""
            return f"a list of {at_least_one}{choices}" if self.type == "array" else choices
        match self.type:
            case "array":
                return "a list of strings"
            case "boolean":
                return "true or false"
            case "integer" | "number":
                return _number(schema)
        shortest, longest = schema.get("minLength"), schema.get("maxLength")
        if longest is None:
            return "text"
        if shortest:
            return f"text of {shortest} to {longest} characters"
        return f"text of up to {longest} characters"


def variable(path: Sequence[str]) -> str:
    """Return the environment variable for a key or a table."""
    return PREFIX + "__".join(path).upper()


def all_tables(
    model: type[BaseModel], path: KeyPath = ()
) -> Iterator[tuple[KeyPath, type[BaseModel]]]:
    """Yield every table below a model with its path, beginning with the model itself."""
    yield path, model
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from all_tables(field.annotation, (*path, name))


@cache
def all_settings(model: type[BaseModel]) -> tuple[Setting, ...]:
    """Return every setting below a model, in the order of its fields."""
    document = model.model_json_schema()
    return tuple(_settings(model, document, document.get("$defs", {}), ()))


def _settings(
    model: type[BaseModel],
    table: Mapping[str, Any],
    definitions: Mapping[str, Any],
    path: KeyPath,
) -> Iterator[Setting]:
    for (name, field), (attribute, info) in zip(
        table["properties"].items(), model.model_fields.items(), strict=True
    ):
        alternatives = [
            _resolve(alternative, definitions) for alternative in field.get("anyOf", [field])
        ]
        schema = alternatives[0]
        if "properties" in schema:
            inner = cast("type[BaseModel]", info.annotation)
            yield from _settings(inner, schema, definitions, (*path, name))
            continue
        if "items" in schema:
            schema = {**schema, "items": _resolve(schema["items"], definitions)}
        yield Setting(
            path=(*path, name),
            model=model,
            attribute=attribute,
            schema=schema,
            title=field.get("title", ""),
            unit=schema.get("unit", ""),
            default=field.get("default"),
            is_optional=len(alternatives) > 1,
        )


def _resolve(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    return definitions[reference.removeprefix("#/$defs/")] if reference else schema


@cache
def _docstrings(module: str) -> dict[tuple[str, str], str]:
    """Return the docstring below each attribute of a module's classes, by class and attribute.

    Pydantic can read them itself, but would do so at each start, which takes as long as loading the
    rest of this package.
    """
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {
        (definition.name, field.target.id): " ".join(ast.literal_eval(docstring.value).split())
        for definition in tree.body
        if isinstance(definition, ast.ClassDef)
        for field, docstring in pairwise(definition.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(docstring, ast.Expr) and isinstance(docstring.value, ast.Constant)
    }


def _number(schema: Mapping[str, Any]) -> str:
    kind = "a whole number" if schema["type"] == "integer" else "a number"
    step = f" in steps of {schema['multipleOf']:g}" if "multipleOf" in schema else ""
    if "exclusiveMinimum" in schema:
        return f"{kind} above {schema['exclusiveMinimum']}, up to {schema['maximum']}{step}"
    return f"{kind} from {schema['minimum']} to {schema['maximum']}{step}"
