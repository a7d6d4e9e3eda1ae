"""The error that each drill answers with: one row for each way in which Klaviyo refuses."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from . import errors
from .errors import Fault, Refusal, Reply

_IDENTIFIERS = "/data/attributes/profile/data/attributes"

FAILURES: Mapping[str, Fault] = {
    "400-email": errors.invalid("The email address is not valid.", f"{_IDENTIFIERS}/email"),
    "400-phone": errors.invalid("The phone number is not valid.", f"{_IDENTIFIERS}/phone_number"),
    "400-unknown-pointer": errors.invalid("Something here is not valid.", "/data/attributes/other"),
    "400-list": errors.invalid("There is no such list.", "/data/relationships/list/data/id"),
    "401": errors.not_authenticated("The private key is not one of this account's."),
    "403": errors.permission_denied("The key lacks the scopes catalogs:write, profiles:write."),
    "404-variant": errors.variant_not_found(
        "The catalog has no such variant.", "/data/relationships/variant/data/id"
    ),
    "404-revision": errors.not_found("No valid revisions found for method."),
    "405": errors.method_not_allowed("The method is not allowed here."),
    "409": errors.conflict("The profile waits for this variant already."),
    "410": errors.gone("The revision is retired."),
    "415": errors.unsupported_media_type("The Content-Type is not supported."),
    "429": errors.throttled(1),
    "500": errors.server_error(500, "A server error occurred."),
    "503": errors.server_error(503, "The service is not available just now."),
}

_GATEWAY_PAGE = """<!doctype html>
<html lang="en"><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1></html>
"""


def failure(
    kind: str,
    retry_after: int | None,
    identifiers: str = _IDENTIFIERS,
    scopes: Collection[str] = (),
) -> Reply:
    """Return the reply of a drill that answers with an error body.

    `identifiers` is where the operation's body holds them, `scopes` are those that it needs.
    """
    fault = errors.throttled(retry_after or 0) if kind == "429" else FAILURES[kind]
    if fault.pointer and fault.pointer.startswith(_IDENTIFIERS):
        pointer = identifiers + fault.pointer.removeprefix(_IDENTIFIERS)
        fault = replace(fault, pointer=pointer)
    if kind == "403" and scopes:
        fault = errors.permission_denied(f"The key lacks the scopes {', '.join(scopes)}.")
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Refusal(fault, headers=headers, readable=kind != "429").reply()


def gateway_page() -> Reply:
    """Return the HTML page of a gateway in front of the API."""
    return Reply(502, _GATEWAY_PAGE, media_type="text/html; charset=utf-8", readable=False)
