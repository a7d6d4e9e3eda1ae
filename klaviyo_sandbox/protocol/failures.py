"""The failures that can be simulated, and the error replies that some of them send."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from .errors import ApiError, Refusal, Reply, error, invalid, throttled, variant_not_found

_IDENTIFIERS = "/data/attributes/profile/data/attributes"
_REFUSED, _UNAVAILABLE, _NETWORK = (
    "Errors in the call",
    "Klaviyo is unavailable",
    "Network problems",
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of failure: its label on the page, and what the caller gets."""

    group: str
    label: str
    error: ApiError | None = None
    """The error of the reply, if the failure is an ordinary error reply."""
    seconds: float = 0.0
    """Default delay of a slow reply, or default pause between the bytes of one that drips."""
    meaning: str | None = None
    """What the request's page says, if the reply doesn't explain itself."""


CORS = "cors"
KINDS: Mapping[str, Kind] = {
    "400-email": Kind(
        _REFUSED,
        "400: invalid email address",
        invalid("The email address is not valid.", f"{_IDENTIFIERS}/email"),
    ),
    "400-phone": Kind(
        _REFUSED,
        "400: invalid phone number",
        invalid("The phone number is not valid.", f"{_IDENTIFIERS}/phone_number"),
    ),
    "400-unknown-pointer": Kind(
        _REFUSED,
        "400: another part of the body is invalid",
        invalid("Something here is not valid.", "/data/attributes/other"),
    ),
    "400-list": Kind(
        _REFUSED,
        "400: unknown list",
        invalid("There is no such list.", "/data/relationships/list/data/id"),
    ),
    "401": Kind(
        _REFUSED,
        "401: invalid private key",
        error(401, "The private key does not belong to this account."),
    ),
    "403": Kind(
        _REFUSED,
        "403: the private key lacks a scope",
        error(403, "The key lacks these scopes: catalogs:write, profiles:write."),
    ),
    "404-variant": Kind(
        _REFUSED,
        "404: unknown variant",
        variant_not_found(
            "The catalog has no such variant.", "/data/relationships/variant/data/id"
        ),
    ),
    "404-revision": Kind(
        _REFUSED,
        "404: unsupported revision",
        error(404, "No valid revisions found for method."),
    ),
    "405": Kind(_REFUSED, "405: method not allowed", error(405, "The method is not allowed here.")),
    "409": Kind(
        _REFUSED,
        "409: already exists",
        error(409, "The profile is already on the waiting list for this variant."),
    ),
    "410": Kind(_REFUSED, "410: retired revision", error(410, "The revision is retired.")),
    "415": Kind(
        _REFUSED,
        "415: unsupported Content-Type",
        error(415, "The Content-Type is not supported."),
    ),
    "partial": Kind(_REFUSED, "202, but the phone number isn't accepted"),
    "429": Kind(_UNAVAILABLE, "429: too many requests", error(429, "Too many requests.")),
    "500": Kind(_UNAVAILABLE, "500: server error", error(500, "A server error occurred.")),
    "503": Kind(
        _UNAVAILABLE,
        "503: service unavailable",
        error(503, "The service is temporarily unavailable."),
    ),
    "html": Kind(
        _UNAVAILABLE,
        "502: HTML page from a gateway",
        meaning="A gateway returned an HTML page. Treat it as a temporary failure.",
    ),
    "slow": Kind(
        _NETWORK,
        "Slow: the response is delayed",
        seconds=10.0,
        meaning="The response was delayed. How long the client waits depends on its timeout.",
    ),
    "drip": Kind(
        _NETWORK,
        "Dripping body: sent one byte at a time",
        seconds=0.2,
        meaning="The body was sent one byte at a time. A read timeout doesn't catch this.",
    ),
    "drip-headers": Kind(
        _NETWORK,
        "Dripping headers: headers and body sent one byte at a time",
        seconds=0.2,
        meaning="Headers and body were sent one byte at a time. Only a timeout for the whole call "
        "catches this.",
    ),
    "drop": Kind(
        _NETWORK,
        "Dropped: the connection closes without a response",
        meaning="The connection was closed without a response. Queue the call and retry it later.",
    ),
    CORS: Kind(
        _NETWORK,
        "CORS: the browser's preflight is refused",
        meaning="The preflight was refused, so the browser didn't make the call, and reported a "
        "network error.",
    ),
}
"""Every kind of failure that can be simulated, as ordered on the form."""

ERRORS_BY_KIND: Mapping[str, ApiError] = {
    name: kind.error for name, kind in KINDS.items() if kind.error is not None
}
"""The error of each kind that replies with an error body."""

_GATEWAY_PAGE = """<!doctype html>
<html lang="en"><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1></html>
"""


def error_reply(
    kind: str,
    retry_after: int | None,
    identifiers_pointer: str = _IDENTIFIERS,
    scopes: Collection[str] = (),
) -> Reply:
    """Return the error reply of one of the kinds in `ERRORS_BY_KIND`.

    `retry_after` is the reply's Retry-After in seconds, if it has one. `identifiers_pointer` is the
    JSON pointer to the profile's attributes in the operation's body, and `scopes` are the scopes
    that the operation needs.
    """
    failure = throttled(retry_after or 0).errors[0] if kind == "429" else ERRORS_BY_KIND[kind]
    if failure.pointer and failure.pointer.startswith(_IDENTIFIERS):
        pointer = identifiers_pointer + failure.pointer.removeprefix(_IDENTIFIERS)
        failure = replace(failure, pointer=pointer)
    if kind == "403" and scopes:
        failure = error(403, f"The key lacks these scopes: {', '.join(scopes)}.")
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Refusal(failure, headers=headers, readable=kind != "429").reply()


def gateway_page() -> Reply:
    """Return the HTML page of a gateway in front of the API."""
    return Reply(502, _GATEWAY_PAGE, media_type="text/html; charset=utf-8", readable=False)
