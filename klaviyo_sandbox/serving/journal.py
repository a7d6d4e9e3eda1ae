"""What is written down about a call: its entry in the record, and one line in the log."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from flask import Response

from ..operations.operation import Call, Side
from ..protocol import cors
from ..protocol.errors import Fault, Reply
from ..protocol.masking import masked_email, masked_phone
from ..state.drills import Drill
from ..state.record import Entry
from .checks import parse_json

logger = logging.getLogger("klaviyo_sandbox")

_BROWSER_SIGNS = ("Origin", "Sec-Fetch-Site")


def arrived(call: Call, drill: Drill | None) -> Entry:
    """Record a call at its arrival: a slow one can be seen while it is under way."""
    request, mask = call.request, call.sandbox.mask
    operation = call.aim
    return call.sandbox.record.open(
        at=call.sandbox.now().isoformat(),
        method=request.method,
        path=mask.text(request.path),
        query=mask.text(request.query_string.decode("utf-8", "replace")),
        headers={name: mask.text(value) for name, value in request.headers.items()},
        body=_shown_body(call),
        origin=request.headers.get("Origin"),
        operation=operation.name if operation else None,
        drill=drill.kind if drill else None,
    )


def judged(call: Call, entry: Entry, faults: Iterable[Fault]) -> None:
    """Record what differs from the specification, and what the reply doesn't tell."""
    problems = [call.sandbox.mask.text(problem) for problem in _problems(call, faults)]
    notes = [call.sandbox.mask.text(note) for note in call.notes]
    call.sandbox.record.update(entry, problems=problems, notes=notes, leak=call.leak)


def answered(call: Call, entry: Entry, response: Response, reply: Reply) -> None:
    """Record the reply."""
    mask = call.sandbox.mask
    call.sandbox.record.update(
        entry,
        status=reply.status,
        reply=mask.tree(reply.body),
        reply_headers={name: mask.text(value) for name, value in response.headers},
    )


def finished(call: Call, entry: Entry) -> None:
    """Record that nothing more will happen, and log the call in one line."""
    call.sandbox.record.update(entry, finished=True)
    parts = [entry.method, quote(entry.path), str(entry.status or "no reply")]
    parts += [entry.operation or "unknown operation"]
    parts += [f"drill={entry.drill}"] if entry.drill else []
    parts += _masked_contact(call.body)
    logger.info(" ".join(parts))
    if entry.leak:
        logger.error("PRIVATE KEY IN A BROWSER, request %s: revoke the key.", entry.id)


def _shown_body(call: Call) -> Any:
    if not call.raw:
        return None
    try:
        return call.sandbox.mask.tree(parse_json(call.raw))
    except ValueError:
        return call.sandbox.mask.text(call.raw.decode("utf-8", "replace"))


def _problems(call: Call, faults: Iterable[Fault]) -> list[str]:
    problems = [str(fault) for fault in faults]
    signs = [name for name in _BROWSER_SIGNS if name in call.request.headers]
    if call.side is Side.SERVER and signs:
        problems.append(f"A browser called /api: {signs[0]} says so. It must call /client.")
    if call.side is Side.BROWSER and not signs:
        problems.append("No browser called /client: there is no Origin. A server calls /api.")
    if call.is_preflight and call.side is Side.BROWSER:
        wanted = call.request.headers.get("Access-Control-Request-Headers", "")
        problems += cors.problems(wanted)
    return problems


def _masked_contact(body: Any) -> list[str]:
    given = _first_profile(body)
    email, phone = given.get("email"), given.get("phone_number")
    masked = [masked_email(email)] if isinstance(email, str) and email else []
    return masked + ([masked_phone(phone)] if isinstance(phone, str) and phone else [])


def _first_profile(body: Any) -> Mapping[str, Any]:
    """Return the attributes of a body's profile, or of the first of several: a line is short."""
    try:
        attributes = body["data"]["attributes"]
        holder = attributes["profiles"] if "profiles" in attributes else attributes["profile"]
        data = holder["data"]
        given = (data[0] if isinstance(data, list) else data)["attributes"]
    except (KeyError, TypeError, IndexError):
        return {}
    return given if isinstance(given, dict) else {}
