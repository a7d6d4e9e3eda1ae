"""An operation of the API, and a call to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from flask import Request

from ..protocol import spec
from ..protocol.errors import Refusal, Reply
from ..protocol.limits import Limit
from ..protocol.revisions import Revision
from ..state.sandbox import Sandbox

PARTIAL_FAILURE = "X-Klaviyo-Partial-Failure"
"""A header of a 202 reply. It names the part of the profile that wasn't stored."""


class Side(StrEnum):
    """The caller: a server with the private key, or a browser with the public key."""

    SERVER = "api"
    BROWSER = "client"


def check_query(call: Call) -> None:
    """Refuse (400) query parameters that are unknown to the operation or have invalid values."""
    operation = call.checked_operation
    if errors := spec.query_errors(operation.path, operation.method, call.request.args):
        raise Refusal(*errors)


@dataclass(frozen=True)
class Operation:
    """An operation of the API: one method of one path.

    act: carries out the call. Raises `Refusal`.
    check: refuses what the schema allows but Klaviyo doesn't. Raises `Refusal`. It runs before
        `act`, and also if a drill makes the call fail.
    identifiers_pointer: the JSON pointer to the attributes of the (first) profile, which contain
        the email address and the phone number.
    """

    method: str
    path: str
    limit: Limit
    act: Callable[[Call], Reply]
    check: Callable[[Call], None] = check_query
    identifiers_pointer: str = "/data/attributes/profile/data/attributes"

    @property
    def side(self) -> Side:
        """Return who may call the operation."""
        return Side.SERVER if self.path.startswith("/api/") else Side.BROWSER

    @cached_property
    def name(self) -> str:
        """Return Klaviyo's name for the operation: its operationId in the specification."""
        return str(spec.operation(self.path, self.method)["operationId"])

    @property
    def title(self) -> str:
        """Return the name as the pages show it, such as `Get lists`."""
        return self.name.replace("_", " ").capitalize()

    @cached_property
    def scopes(self) -> tuple[str, ...]:
        """Return the scopes that the private key needs."""
        return tuple(spec.operation(self.path, self.method)["x-klaviyo-scopes"])

    @property
    def has_body(self) -> bool:
        """Return whether a call to the operation has a body."""
        return "requestBody" in spec.operation(self.path, self.method)


@dataclass
class Call:
    """A request to the API, and the state of its processing.

    methods: the operations of the request's path, by HTTP method.
    drops_phone: whether to store the email address but not the phone number.
    headers: headers of the reply.
    notes: effects that the reply doesn't mention.
    leak: whether a browser sent a private key.
    """

    sandbox: Sandbox
    request: Request
    raw: bytes
    side: Side
    methods: Mapping[str, Operation]
    path_arguments: Mapping[str, str]
    drops_phone: bool = False
    body: Any = None
    revision: Revision | None = None
    headers: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    leak: bool = False

    @property
    def is_preflight(self) -> bool:
        """Return whether this is a CORS preflight."""
        return (
            self.request.method == "OPTIONS"
            and "Access-Control-Request-Method" in self.request.headers
        )

    @property
    def operation(self) -> Operation | None:
        """Return the operation that is called, or None if there is no such operation.

        For a preflight, this is the operation that the browser wants to call.
        """
        method = self.request.method
        if self.is_preflight:
            method = self.request.headers["Access-Control-Request-Method"]
        return self.methods.get(method)

    @property
    def checked_operation(self) -> Operation:
        """Return the operation of a call whose method has been checked."""
        return self.methods[self.request.method]
