"""What an operation of the API is, and the call that is made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from flask import Request

from ..protocol import spec
from ..protocol.errors import Reply
from ..protocol.limits import Limit
from ..protocol.revisions import Revision
from ..state.sandbox import Sandbox

PARTIAL_FAILURE = "X-Klaviyo-Partial-Failure"
"""The header of a 202 that names what of a profile was not taken."""


class Side(StrEnum):
    """Who may call: a server with the private key, or a browser with the public one."""

    SERVER = "api"
    BROWSER = "client"


@dataclass(frozen=True)
class Operation:
    """One method of one path. `check` refuses what the schema lets through; `act` does it."""

    side: Side
    method: str
    path: str
    title: str
    limit: Limit
    check: Callable[[Call], None]
    act: Callable[[Call], Reply]
    identifiers: str = "/data/attributes/profile/data/attributes"
    """Where a body holds the email address and the phone number (the first profile's)."""

    @cached_property
    def name(self) -> str:
        """Return Klaviyo's own name for it, the specification's operationId."""
        return spec.operation_id(self.path, self.method)

    @cached_property
    def scopes(self) -> tuple[str, ...]:
        """Return the scopes that the private key needs for it."""
        return spec.scopes(self.path, self.method)


@dataclass
class Call:
    """A request on its way through the checks, and what they learnt about it."""

    sandbox: Sandbox
    request: Request
    raw: bytes
    side: Side
    methods: Mapping[str, Operation]
    path_arguments: Mapping[str, str]
    partial: bool = False
    """Klaviyo is to take the email address and to drop the phone number."""
    body: Any = None
    revision: Revision | None = None
    headers: dict[str, str] = field(default_factory=dict)
    """Headers that every reply from here on carries."""
    notes: list[str] = field(default_factory=list)
    """What became of an accepted call that its reply doesn't tell."""
    leak: bool = False
    """A private key came from a browser."""

    @property
    def operation(self) -> Operation | None:
        """Return the operation that is called, or None when the method is wrong."""
        return self.methods.get(self.request.method)

    @property
    def called(self) -> Operation:
        """Return the operation of a call that has passed the first check: there is one."""
        return self.methods[self.request.method]

    @property
    def is_preflight(self) -> bool:
        """Tell whether a browser only asks if it may call."""
        return (
            self.request.method == "OPTIONS"
            and "Access-Control-Request-Method" in self.request.headers
        )

    @property
    def aim(self) -> Operation | None:
        """Return the operation that is called, or that a preflight asks about."""
        if not self.is_preflight:
            return self.operation
        return self.methods.get(self.request.headers["Access-Control-Request-Method"])
