"""Klaviyo's OpenAPI shapes: the schema of each operation's body, with every object closed."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, cast

from jsonschema.exceptions import ValidationError
from openapi_schema_validator import OAS30Validator

from .errors import MEDIA_TYPE, Fault, invalid

_SHOWN = 60
"""Longest piece of somebody's input that an error repeats."""


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI excerpt."""
    source = files("klaviyo_sandbox").joinpath("klaviyo-2026-07-15.json")
    loaded: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    return loaded


def faults_in(path: str, method: str, body: Any) -> list[Fault]:
    """Return what differs between a request's body and its schema, in the body's order."""
    errors = sorted(_validator(path, method).iter_errors(body), key=lambda e: pointer_to(e.path))
    return [fault for error in errors for fault in _faults(error)]


def operation_id(path: str, method: str) -> str:
    """Return the name that Klaviyo gives the operation."""
    return str(document()["paths"][path][method.lower()]["operationId"])


def takes_body(path: str, method: str) -> bool:
    """Tell whether the operation is sent with a body."""
    return "requestBody" in document()["paths"][path][method.lower()]


@cache
def scopes_of(name: str) -> tuple[str, ...]:
    """Return the scopes that the operation of this name needs, none for an unknown one."""
    return next(
        (
            scopes(path, method)
            for path, methods in document()["paths"].items()
            for method in methods
            if operation_id(path, method) == name
        ),
        (),
    )


@cache
def all_scopes() -> tuple[str, ...]:
    """Return every scope that an operation of a server needs, in alphabetical order."""
    paths = [path for path in document()["paths"] if path.startswith("/api/")]
    found = {
        each for path in paths for one in document()["paths"][path] for each in scopes(path, one)
    }
    return tuple(sorted(found))


def scopes(path: str, method: str) -> tuple[str, ...]:
    """Return the scopes that a private key needs for the operation."""
    return tuple(document()["paths"][path][method.lower()]["x-klaviyo-scopes"])


def query_faults(path: str, method: str, query: Mapping[str, str]) -> list[Fault]:
    """Return the parameters of an address that the operation lacks, or whose value it lacks."""
    known = _parameters(path, method)
    faults = []
    for name, text in query.items():
        if name not in known:
            detail = f"{name[:_SHOWN]!r} is not a parameter here."
            faults.append(invalid(detail, parameter=name[:_SHOWN]))
        elif objection := _objection(known[name], text):
            faults.append(invalid(f"{name} must be {objection}.", parameter=name))
    return faults


def default_of(path: str, method: str, parameter: str) -> Any:
    """Return the value of a parameter that is left out, or None if there is no such parameter."""
    return _parameters(path, method).get(parameter, {}).get("default")


def _parameters(path: str, method: str) -> dict[str, Any]:
    return {
        parameter["name"]: parameter["schema"]
        for parameter in document()["paths"][path][method.lower()]["parameters"]
        if parameter["in"] == "query"
    }


def _objection(schema: Mapping[str, Any], text: str) -> str | None:
    """Return what a parameter's value would have to be, or None when it is that."""
    match schema["type"]:
        case "array":
            allowed = schema["items"]["enum"]
            return None if set(text.split(",")) <= set(allowed) else f"of: {', '.join(allowed)}"
        case "integer":
            lowest, highest = schema["minimum"], schema["maximum"]
            fits = text.isascii() and text.isdigit() and lowest <= int(text[:9]) <= highest
            return None if fits else f"a whole number from {lowest} to {highest}"
        case _ if "enum" in schema:
            return None if text in schema["enum"] else f"one of: {', '.join(schema['enum'])}"
        case _:
            return None


def pointer_to(path: Any) -> str:
    """Return the JSON pointer for a path of names and indexes."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


@cache
def _validator(path: str, method: str) -> OAS30Validator:
    content = document()["paths"][path][method.lower()]["requestBody"]["content"]
    return OAS30Validator(_closed(content[MEDIA_TYPE]["schema"]))


def _closed(schema: Any) -> Any:
    """Return the schema with its references written out and its objects closed.

    Klaviyo refuses unknown attributes, though its schemas don't say so. An object that lists no
    properties is free-form and stays open.
    """
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        # OpenAPI 3.0 ignores what stands beside a reference; Klaviyo means its `nullable`
        beside = {name: value for name, value in schema.items() if name != "$ref"}
        return _closed(_resolved(schema["$ref"])) | beside
    closed = {name: _closed(value) for name, value in schema.items()}
    if schema.get("type") == "object" and schema.get("properties"):
        closed.setdefault("additionalProperties", False)
    return closed


def _resolved(reference: str) -> Any:
    found: Any = document()
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def _faults(error: ValidationError) -> Iterator[Fault]:
    place = list(error.absolute_path)
    rule: Any = error.validator_value
    match error.validator:
        case "additionalProperties":
            known, sent = cast(Any, error.schema), cast(Any, error.instance)
            for name in sorted(sent.keys() - known["properties"].keys()):
                detail = f"{name[:_SHOWN]!r} is not a valid field here."
                yield invalid(detail, pointer_to([*place, name[:_SHOWN]]))
        case "required":
            # one error for each missing name, which only the message tells
            name = error.message.split("'")[1]
            yield invalid(f"{name!r} is a required field.", pointer_to([*place, name]))
        case "enum":
            yield invalid(f"Must be one of: {', '.join(map(str, rule))}.", pointer_to(place))
        case "type":
            yield invalid(f"Must be of type {rule}.", pointer_to(place))
        case _:
            yield invalid(error.message[:200], pointer_to(place))
