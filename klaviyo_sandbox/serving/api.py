"""The routes of Klaviyo's API. Each call is recorded, checked, processed or dropped, and logged."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event
from typing import Any

from flask import Blueprint, Flask, Response, json, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.routing import BaseConverter

from ..operations import (
    account,
    back_in_stock,
    brands,
    catalog,
    catalog_jobs,
    consent,
    flows,
    profiles,
)
from ..operations.operation import Call, Operation, Side
from ..protocol import failures, wire
from ..protocol.errors import ApiError, Refusal, Reply, error
from ..protocol.guards import add_security_headers
from ..state.drills import Drill
from ..state.request_log import Entry
from ..state.sandbox import current_sandbox
from . import recorder
from .checks import check

OPERATIONS: tuple[Operation, ...] = (
    *back_in_stock.OPERATIONS,
    *consent.OPERATIONS,
    *account.OPERATIONS,
    *catalog.OPERATIONS,
    *catalog_jobs.OPERATIONS,
    *flows.OPERATIONS,
    *profiles.OPERATIONS,
    *brands.OPERATIONS,
)
"""Every operation of the API. Add a new module's operations here."""

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

# Any origin is allowed, since browsers send no credentials. As with Klaviyo, no header is exposed,
# so a browser can't read Retry-After. Preflights aren't cached, so that each one is recorded and
# can fail.
_READABLE = {"Access-Control-Allow-Origin": "*"}
_PREFLIGHT = {
    **_READABLE,
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": ", ".join(recorder.ALLOWED_HEADERS),
    "Access-Control-Max-Age": "0",
}

blueprint = Blueprint("api", __name__)


def operation_names() -> list[str]:
    """Return the names of the operations."""
    return [operation.name for operation in OPERATIONS]


class _AnyText(BaseConverter):
    """Matches any text, including slashes and line breaks."""

    regex = r"[\s\S]*?"
    part_isolating = False


def init_app(app: Flask) -> None:
    """Serve the operations, and refuse other paths of the API in Klaviyo's format."""
    app.url_map.converters["any_text"] = _AnyText
    app.url_map.merge_slashes = False  # a path with a double slash is unknown, not redirected
    app.register_blueprint(blueprint)


def _serve(side: Side, methods: Mapping[str, Operation], **path_arguments: str) -> Response:
    sandbox = current_sandbox()
    raw, too_large = b"", None
    try:
        raw = request.get_data()
    except RequestEntityTooLarge:
        too_large = Refusal(error(413, "The body is larger than a megabyte."))
    # Paths may end in a slash, as the links in replies do.
    arguments = {name: value.removesuffix("/") for name, value in path_arguments.items()}
    call = Call(sandbox, request, raw, side, methods, arguments)
    was_reset, drill = sandbox.was_reset, _take_drill(call)
    entry = recorder.record_arrival(call, drill)
    if drill and drill.kind == "slow" and was_reset.wait(drill.seconds):
        return _drop(call, entry)  # a reset has deleted the state that the call belongs to
    try:
        if too_large:
            raise too_large
        reply, errors = _reply(call, drill)
    except Refusal as refusal:
        reply, errors = refusal.reply(), refusal.errors
    recorder.record_errors(call, entry, errors)
    if reply is None:
        return _drop(call, entry)
    return _send(call, entry, reply, drill, was_reset)


def _take_drill(call: Call) -> Drill | None:
    if call.operation is None or (call.is_preflight and call.side is Side.SERVER):
        return None
    return call.sandbox.drills.take(call.operation.name, preflight=call.is_preflight)


def _reply(call: Call, drill: Drill | None) -> tuple[Reply | None, Sequence[ApiError]]:
    """Return the reply (None: close the connection), and errors that the reply doesn't show.

    Raises `Refusal`.
    """
    if not call.methods:
        raise Refusal(error(404, f"No such path: {call.request.path}"))
    if call.is_preflight and call.side is Side.BROWSER:
        return (Reply(403, readable=False) if drill else Reply(200, headers=_PREFLIGHT)), ()
    if drill is None or drill.kind in ("slow", "partial"):
        call.drops_phone = drill is not None and drill.kind == "partial"
        return check(call).act(call), ()
    errors: Sequence[ApiError] = ()
    try:
        check(call, count=False)
    except Refusal as refusal:
        errors = refusal.errors
    if drill.kind == "drop":
        return None, errors
    if drill.kind == "html":
        return failures.gateway_page(), errors
    kind = "500" if drill.kind in ("drip", "drip-headers") else drill.kind
    operation = call.checked_operation
    reply = failures.error_reply(
        kind, drill.retry_after, operation.identifiers_pointer, operation.scopes
    )
    return reply, errors


def _send(
    call: Call, entry: Entry, reply: Reply, drill: Drill | None, was_reset: Event
) -> Response:
    body = reply.body if isinstance(reply.body, str | None) else json.dumps(reply.body)
    response = Response(body, status=reply.status)
    response.content_length = len(response.get_data())
    if reply.media_type:
        response.content_type = reply.media_type
    else:
        del response.headers["Content-Type"]
    response.headers.update(call.headers)
    if call.side is Side.SERVER and (skew := call.sandbox.settings.date_skew):
        response.date = datetime.now(UTC) + timedelta(seconds=skew)
    response.headers.update(reply.headers)
    if call.side is Side.BROWSER and reply.readable:
        response.headers.update(_READABLE)
    add_security_headers(response)
    recorder.record_reply(call, entry, response, reply)
    if drill and drill.kind in ("drip", "drip-headers"):
        headers_too = drill.kind == "drip-headers"
        response = wire.drip(request, response, drill.seconds, was_reset, headers_too=headers_too)
    elif "Date" in response.headers:
        response = wire.send_as_is(request, response)
    recorder.record_end(call, entry)
    return response


def _drop(call: Call, entry: Entry) -> Response:
    recorder.record_end(call, entry)
    return wire.drop(request)


def _add_rules() -> None:
    """Add one view for all methods of each path, and one for each side's unknown paths."""
    for path in dict.fromkeys(operation.path for operation in OPERATIONS):
        methods = {
            operation.method: operation for operation in OPERATIONS if operation.path == path
        }
        view = partial(_serve, next(iter(methods.values())).side, methods)
        rule = re.sub(r"\{(\w+)\}", r"<any_text:\1>", path)
        _add_rule(rule, path.strip("/").replace("/", "-"), view)
    for side in Side:
        _add_rule(f"/{side}/<any_text:path>", f"unknown-{side}", partial(_serve, side, {}))


def _add_rule(rule: str, endpoint: str, view: Any) -> None:
    blueprint.add_url_rule(
        rule,
        endpoint,
        view,
        methods=_METHODS,
        provide_automatic_options=False,
        strict_slashes=False,
    )


_add_rules()
