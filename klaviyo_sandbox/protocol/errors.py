"""Klaviyo's error bodies: JSON:API, with Klaviyo's codes and titles."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

MEDIA_TYPE = "application/vnd.api+json"


@dataclass(frozen=True, slots=True)
class Fault:
    """One error of a reply: what is wrong, and where in the body that was sent."""

    status: int
    code: str
    title: str
    detail: str
    pointer: str | None = None
    parameter: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the error as Klaviyo writes it, with an ID of its own."""
        places = {"pointer": self.pointer, "parameter": self.parameter}
        return {
            "id": str(uuid4()),
            "status": self.status,
            "code": self.code,
            "title": self.title,
            "detail": self.detail,
            "source": {name: place for name, place in places.items() if place is not None},
            "links": {},
            "meta": {},
        }

    def __str__(self) -> str:
        place = self.pointer or self.parameter
        return f"{place}: {self.detail}" if place else self.detail


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the API. A browser can read it only with `readable` (CORS)."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str | None = None
    readable: bool = True


class Refusal(Exception):
    """A call is refused, for the faults given; the first one's status is the reply's."""

    def __init__(
        self, *faults: Fault, headers: Mapping[str, str] | None = None, readable: bool = True
    ) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = faults
        self.headers = headers or {}
        self.readable = readable

    def reply(self) -> Reply:
        """Return the reply that says so."""
        body = {"errors": [fault.as_json() for fault in self.faults]}
        return Reply(self.faults[0].status, body, self.headers, MEDIA_TYPE, self.readable)


def invalid(detail: str, pointer: str | None = None, *, parameter: str | None = None) -> Fault:
    """Return a 400 for something in the call that is not as it must be."""
    return Fault(400, "invalid", "Invalid input.", detail, pointer, parameter)


def not_authenticated(detail: str) -> Fault:
    """Return a 401 for a missing or wrong private key."""
    return Fault(401, "not_authenticated", "Authentication failed.", detail, "/data/")


def permission_denied(detail: str) -> Fault:
    """Return a 403 for a key that may not do this."""
    return Fault(403, "permission_denied", "Permission denied.", detail, "/data/")


def not_found(detail: str, pointer: str = "/data/") -> Fault:
    """Return a 404 for a path, a revision or a thing that is not there."""
    return Fault(404, "not_found", "Not found.", detail, pointer)


def variant_not_found(detail: str, pointer: str) -> Fault:
    """Return a 404 for a catalog variant that the account does not have."""
    return Fault(404, "variant_not_found", "Variant not found.", detail, pointer)


def method_not_allowed(detail: str) -> Fault:
    """Return a 405 for a path that is right and a method that is not."""
    return Fault(405, "method_not_allowed", "Method not allowed.", detail, "/data/")


def conflict(detail: str) -> Fault:
    """Return a 409 for a thing that is there already."""
    return Fault(409, "duplicate", "Conflict.", detail, "/data/")


def gone(detail: str) -> Fault:
    """Return a 410 for a retired revision."""
    return Fault(410, "gone", "Gone.", detail, "/data/")


def too_large(detail: str) -> Fault:
    """Return a 413 for a body over the limit."""
    return Fault(413, "payload_too_large", "Payload too large.", detail, "/data/")


def unsupported_media_type(detail: str) -> Fault:
    """Return a 415 for a body that is not JSON:API."""
    return Fault(415, "unsupported_media_type", "Unsupported media type.", detail, "/data/")


def throttled(wait: int) -> Fault:
    """Return a 429 that may be tried again after `wait` seconds."""
    detail = f"The limit is reached. Expected to be available again in {wait} s."
    return Fault(429, "throttled", "Request was throttled.", detail, "/data")


def server_error(status: int, detail: str) -> Fault:
    """Return a 5xx."""
    return Fault(status, "error", "Something went wrong.", detail, "/data/")
