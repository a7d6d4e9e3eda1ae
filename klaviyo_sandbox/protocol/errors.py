"""Klaviyo's error bodies: JSON:API, with Klaviyo's codes and titles."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

MEDIA_TYPE = "application/vnd.api+json"

_CODES: Mapping[int, tuple[str, str]] = {
    400: ("invalid", "Invalid input."),
    401: ("not_authenticated", "Authentication failed."),
    403: ("permission_denied", "Permission denied."),
    404: ("not_found", "Not found."),
    405: ("method_not_allowed", "Method not allowed."),
    409: ("duplicate", "Conflict."),
    410: ("gone", "Gone."),
    413: ("payload_too_large", "Payload too large."),
    415: ("unsupported_media_type", "Unsupported media type."),
    429: ("throttled", "Request was throttled."),
    500: ("error", "Something went wrong."),
    503: ("error", "Something went wrong."),
}
"""The code and title of an error, by status."""


@dataclass(frozen=True, slots=True)
class ApiError:
    """One error in a reply: what is wrong, and where in the request."""

    status: int
    code: str
    title: str
    detail: str
    pointer: str | None = None
    parameter: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the error in Klaviyo's format, with a new ID."""
        source = {"pointer": self.pointer, "parameter": self.parameter}
        return {
            "id": str(uuid4()),
            "status": self.status,
            "code": self.code,
            "title": self.title,
            "detail": self.detail,
            "source": {name: value for name, value in source.items() if value is not None},
            "links": {},
            "meta": {},
        }

    def __str__(self) -> str:
        place = self.pointer or self.parameter
        return f"{place}: {self.detail}" if place else self.detail


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply from the API. A script in a browser can read it only if it is `readable` (CORS)."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str | None = None
    readable: bool = True


class Refusal(Exception):
    """The API refuses a call. The reply has the status of the first error."""

    def __init__(
        self, *errors: ApiError, headers: Mapping[str, str] | None = None, readable: bool = True
    ) -> None:
        super().__init__("; ".join(map(str, errors)))
        self.errors = errors
        self.headers = headers or {}
        self.readable = readable

    def reply(self) -> Reply:
        """Return the reply with the errors."""
        body = {"errors": [error.as_json() for error in self.errors]}
        return Reply(self.errors[0].status, body, self.headers, MEDIA_TYPE, self.readable)


def error(status: int, detail: str, pointer: str = "/data/") -> ApiError:
    """Return an error with the code and the title that Klaviyo uses for the status."""
    return ApiError(status, *_CODES[status], detail, pointer)


def invalid(detail: str, pointer: str | None = None, *, parameter: str | None = None) -> ApiError:
    """Return a 400 for a part of the body, or for a parameter or header of the request."""
    return ApiError(400, *_CODES[400], detail, pointer, parameter)


def variant_not_found(detail: str, pointer: str) -> ApiError:
    """Return a 404 for a catalog variant that the account doesn't have."""
    return ApiError(404, "variant_not_found", "Variant not found.", detail, pointer)


def throttled(seconds: int) -> Refusal:
    """Return a 429 that asks the caller to wait. A browser can't read it."""
    detail = f"The rate limit has been reached. Try again in {seconds} s."
    headers = {"Retry-After": str(seconds)}
    return Refusal(error(429, detail, "/data"), headers=headers, readable=False)
