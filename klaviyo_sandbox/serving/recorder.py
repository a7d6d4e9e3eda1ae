"""Records each call: an entry in the request log, and one line in the process log."""

import logging
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from flask import Response

from ..operations.operation import Call, Side
from ..protocol.errors import ApiError, Reply
from ..protocol.masking import masked_email, masked_phone
from ..state.drills import Drill
from ..state.request_log import Entry
from .checks import parse_json

logger = logging.getLogger("klaviyo_sandbox")

ALLOWED_HEADERS = ("accept", "content-type", "revision")
"""The headers that a browser may send."""


def record_arrival(call: Call, drill: Drill | None) -> Entry:
    """Add a call to the request log on its arrival, so that slow calls are visible immediately."""
    request, mask = call.request, call.sandbox.mask
    return call.sandbox.requests.add(
        at=call.sandbox.now().isoformat(),
        method=request.method,
        path=mask.text(request.path),
        query=mask.text(request.query_string.decode("utf-8", "replace")),
        headers={name: mask.text(value) for name, value in request.headers.items()},
        body=_masked_body(call),
        origin=request.headers.get("Origin"),
        operation=call.operation.name if call.operation else None,
        drill=drill.kind if drill else None,
    )


def record_errors(call: Call, entry: Entry, errors: Iterable[ApiError]) -> None:
    """Record the errors in the call, its notes, and whether a browser sent a private key."""
    mask = call.sandbox.mask
    problems = [*map(str, errors), *_side_problems(call)]
    call.sandbox.requests.update(
        entry,
        problems=[mask.text(problem) for problem in problems],
        notes=[mask.text(note) for note in call.notes],
        leak=call.leak,
    )


def record_reply(call: Call, entry: Entry, response: Response, reply: Reply) -> None:
    """Record the reply."""
    mask = call.sandbox.mask
    call.sandbox.requests.update(
        entry,
        status=reply.status,
        reply=mask.json_value(reply.body),
        reply_headers={name: mask.text(value) for name, value in response.headers},
    )


def record_end(call: Call, entry: Entry) -> None:
    """Record that the call is finished, and log it in one line with contact details masked."""
    call.sandbox.requests.update(entry, finished=True)
    parts = [entry.method, quote(entry.path), str(entry.status or "no reply")]
    parts += [entry.operation or "unknown operation"]
    parts += [f"drill={entry.drill}"] if entry.drill else []
    logger.info(" ".join([*parts, *_masked_contacts(call.body)]))
    if entry.leak:
        logger.error(
            "A browser sent a private key (request %s). Revoke the key in Klaviyo and remove it "
            "from the page.",
            entry.id,
        )


def _masked_body(call: Call) -> Any:
    if not call.raw:
        return None
    try:
        return call.sandbox.mask.json_value(parse_json(call.raw))
    except ValueError:
        return call.sandbox.mask.text(call.raw.decode("utf-8", "replace"))


def _side_problems(call: Call) -> list[str]:
    headers = call.request.headers
    browser_headers = [name for name in ("Origin", "Sec-Fetch-Site") if name in headers]
    if call.side is Side.SERVER:
        if not browser_headers:
            return []
        return [f"A browser called /api (it sent {browser_headers[0]}). Use /client."]
    if not browser_headers:
        return ["A server called /client (there is no Origin header). Use /api."]
    if not call.is_preflight:
        return []
    requested = headers.get("Access-Control-Request-Headers", "").split(",")
    refused = {name.strip().lower() for name in requested} - {"", *ALLOWED_HEADERS}
    return [
        f"Klaviyo doesn't allow browsers to send the {name} header." for name in sorted(refused)
    ]


def _masked_contacts(body: Any) -> list[str]:
    """Return the masked identifiers of a body's profile, or of the first if it has several."""
    try:
        attributes = body["data"]["attributes"]
        profile = (attributes.get("profiles") or attributes["profile"])["data"]
        identifiers = (profile[0] if isinstance(profile, list) else profile)["attributes"]
        contacts = [
            (identifiers.get("email"), masked_email),
            (identifiers.get("phone_number"), masked_phone),
        ]
    except (AttributeError, KeyError, TypeError, IndexError):
        return []  # the body doesn't match its schema
    return [mask(contact) for contact, mask in contacts if contact and isinstance(contact, str)]
