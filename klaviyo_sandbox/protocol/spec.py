"""Klaviyo's OpenAPI specification: the schemas of each operation's body and parameters.

Objects are closed (`additionalProperties: false`): Klaviyo refuses unknown attributes, though its
schemas don't say so.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, cast

from jsonschema.exceptions import ValidationError
from openapi_schema_validator import OAS30Validator

from .errors import MEDIA_TYPE, ApiError, invalid

REVISION = "2026-10-15"
"""The revision of the schemas. The sandbox serves every revision as if it were this one, except
that WHATSAPP needs 2026-01-15 or later.
"""
_MAX_QUOTED = 60
"""The maximum number of characters of the caller's input that an error message repeats."""


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI excerpt."""
    source = files("klaviyo_sandbox").joinpath(f"klaviyo-{REVISION}.json")
    loaded: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    return loaded


def operation(path: str, method: str) -> dict[str, Any]:
    """Return the specification of one operation."""
    specified: dict[str, Any] = document()["paths"][path][method.lower()]
    return specified


@cache
def all_scopes() -> tuple[str, ...]:
    """Return every scope that a server-side operation needs, in alphabetical order."""
    scopes = {
        scope
        for path, methods in document()["paths"].items()
        if path.startswith("/api/")
        for specified in methods.values()
        for scope in specified["x-klaviyo-scopes"]
    }
    return tuple(sorted(scopes))


def body_errors(path: str, method: str, body: Any) -> list[ApiError]:
    """Return the differences between a request's body and its schema, sorted by pointer."""
    violations = sorted(
        _validator(path, method).iter_errors(body), key=lambda violation: _pointer(violation.path)
    )
    return [error for violation in violations for error in _errors_of(violation)]


def query_errors(path: str, method: str, query: Mapping[str, str]) -> list[ApiError]:
    """Return an error for each query parameter that is unknown or has an invalid value."""
    parameters = _query_parameters(path, method)
    errors = []
    for name, text in query.items():
        if name not in parameters:
            detail = f"{name[:_MAX_QUOTED]!r} is not a parameter here."
            errors.append(invalid(detail, parameter=name[:_MAX_QUOTED]))
        elif expected := _expected(parameters[name], text):
            errors.append(invalid(f"{name} must be {expected}.", parameter=name))
    return errors


def default_of(path: str, method: str, parameter: str) -> Any:
    """Return a query parameter's default; None if the parameter is unknown or has no default."""
    return _query_parameters(path, method).get(parameter, {}).get("default")


def _query_parameters(path: str, method: str) -> dict[str, Any]:
    return {
        parameter["name"]: parameter["schema"]
        for parameter in operation(path, method)["parameters"]
        if parameter["in"] == "query"
    }


def _expected(schema: Mapping[str, Any], text: str) -> str | None:
    """Return what a parameter's value should be, or None if it is valid."""
    if schema["type"] == "array":
        allowed = schema["items"]["enum"]
        return None if set(text.split(",")) <= set(allowed) else f"a list of: {', '.join(allowed)}"
    if schema["type"] == "integer":
        lowest, highest = schema["minimum"], schema["maximum"]
        valid = text.isascii() and text.isdigit() and lowest <= int(text[:9]) <= highest
        return None if valid else f"a whole number from {lowest} to {highest}"
    if "enum" in schema and text not in schema["enum"]:
        return f"one of: {', '.join(schema['enum'])}"
    return None


@cache
def _validator(path: str, method: str) -> OAS30Validator:
    content = operation(path, method)["requestBody"]["content"]
    return OAS30Validator(_closed(content[MEDIA_TYPE]["schema"]))


def _closed(schema: Any) -> Any:
    """Return the schema with its references resolved and its objects closed.

    An object without listed properties is free-form and stays open.
    """
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        target: Any = document()
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        # OpenAPI 3.0 ignores anything next to a reference, but Klaviyo puts `nullable` there.
        return _closed(target) | {name: schema[name] for name in schema if name != "$ref"}
    closed = {name: _closed(value) for name, value in schema.items()}
    if schema.get("type") == "object" and schema.get("properties"):
        closed.setdefault("additionalProperties", False)
    return closed


def _errors_of(violation: ValidationError) -> Iterator[ApiError]:
    path = list(violation.absolute_path)
    rule: Any = violation.validator_value
    match violation.validator:
        case "additionalProperties":
            schema, instance = cast(Any, violation.schema), cast(Any, violation.instance)
            for name in sorted(instance.keys() - schema["properties"].keys()):
                detail = f"{name[:_MAX_QUOTED]!r} is not a valid field here."
                yield invalid(detail, _pointer([*path, name[:_MAX_QUOTED]]))
        case "required":
            # There is one violation for each missing name, and only its message has the name.
            name = violation.message.split("'")[1]
            yield invalid(f"{name!r} is a required field.", _pointer([*path, name]))
        case "enum":
            yield invalid(f"Must be one of: {', '.join(map(str, rule))}.", _pointer(path))
        case "type":
            yield invalid(f"Must be of type {rule}.", _pointer(path))
        case _:
            yield invalid(violation.message[:200], _pointer(path))


def _pointer(path: Any) -> str:
    """Return the JSON pointer for a path of names and indexes."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
