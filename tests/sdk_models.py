"""The models of Klaviyo's Python SDK: the reference for the bodies and replies of an operation."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, get_args, get_type_hints

import openapi_client.api
from klaviyo_api.wrapper import KlaviyoAPI
from pydantic import BaseModel

REVISION: str = KlaviyoAPI._REVISION
"""The revision that the installed SDK uses."""


def differences(operation: str, body: Any, reply: Any, query: str = "") -> list[str]:
    """Return how a body and a reply (None if empty) differ from the SDK's models.

    `operation` is the operation's name, such as `get_list`. A member that a model doesn't have, or
    a body that an operation doesn't have, is a difference. Errors aren't compared, nor are replies
    to a query that selects fields: the SDK has no models for them.
    """
    sent, received = _models(operation)
    found = _mismatches(f"{operation}: body", sent, body)
    is_error = isinstance(reply, dict) and "errors" in reply
    if not is_error and "fields" not in query:
        found += _mismatches(f"{operation}: reply", received, reply)
    return found


def _mismatches(name: str, model: type[BaseModel] | None, document: Any) -> list[str]:
    if document is None and model is None:
        return []
    if document is None or model is None:
        return [f"{name}: is {'missing' if document is None else 'unexpected'}"]
    try:
        read = model.from_dict(document).to_dict()  # type: ignore[attr-defined]
    except ValueError as error:
        return [f"{name}: {error}"]
    return [f"{name}: {path} is unknown" for path in _missing(document, read)]


def _missing(document: Any, read: Any, path: str = "") -> Iterator[str]:
    """Yield the paths of a document that a model dropped. It may omit null values."""
    if isinstance(document, dict):
        for name, value in document.items():
            if value is not None:
                inner = read.get(name) if isinstance(read, dict) else None
                yield from _missing(value, inner, f"{path}/{name}")
    elif isinstance(document, list) and isinstance(read, list) and len(read) == len(document):
        for index, (value, inner) in enumerate(zip(document, read, strict=True)):
            yield from _missing(value, inner, f"{path}/{index}")
    elif read is None:
        yield path


@cache
def _models(operation: str) -> tuple[type[BaseModel] | None, type[BaseModel] | None]:
    """Return the models of an operation's body and reply, from the type hints of its method."""
    hints = get_type_hints(_method(operation))
    returned = _model_in(hints.pop("return"))
    sent = [model for hint in hints.values() if (model := _model_in(hint))]
    return (sent[0] if sent else None), returned


def _model_in(hint: Any) -> type[BaseModel] | None:
    if inspect.isclass(hint) and issubclass(hint, BaseModel):
        return hint
    return next((model for part in get_args(hint) if (model := _model_in(part))), None)


def _method(operation: str) -> Any:
    """Return the SDK's method of an operation. Importing all APIs would take six seconds."""
    folder = Path(openapi_client.api.__path__[0])
    [file] = [f for f in folder.glob("*.py") if f"    def {operation}(" in f.read_text("utf-8")]
    module = import_module(f"openapi_client.api.{file.stem}")
    [api] = [
        value for value in vars(module).values() if operation in getattr(value, "__dict__", ())
    ]
    return getattr(api, operation)
