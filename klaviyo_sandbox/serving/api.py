"""The way of a call: recorded at its arrival, drilled or checked, answered, and logged."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event
from typing import Any

from flask import Blueprint, Flask, Response, json, request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.routing import BaseConverter

from ..operations import (
    accounts,
    back_in_stock,
    catalog_items,
    catalog_jobs,
    catalog_variants,
    consent,
    flows,
    lists,
    profiles,
)
from ..operations.operation import Call, Operation, Side
from ..protocol import cors, failures, wire
from ..protocol.errors import Fault, Refusal, Reply, not_found, too_large
from ..protocol.guards import secure
from ..state.drills import Drill
from ..state.record import Entry
from ..state.sandbox import current_sandbox
from . import journal
from .checks import pass_all

OPERATIONS: tuple[Operation, ...] = (
    *back_in_stock.OPERATIONS,
    *consent.OPERATIONS,
    *lists.OPERATIONS,
    *catalog_items.OPERATIONS,
    *catalog_variants.OPERATIONS,
    *catalog_jobs.OPERATIONS,
    *accounts.OPERATIONS,
    *flows.OPERATIONS,
    *profiles.OPERATIONS,
)
"""Every operation that is offered. A new module adds its own here."""

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

blueprint = Blueprint("api", __name__)


def operation_names() -> list[str]:
    """Return the names by which drills and the record know the operations."""
    return [operation.name for operation in OPERATIONS]


class _Rest(BaseConverter):
    """Whatever stands in the rest of an address, doubled slashes and line breaks too."""

    regex = r"[\s\S]*?"
    part_isolating = False


def init_app(app: Flask) -> None:
    """Serve the operations, and refuse every other path of theirs in Klaviyo's form."""
    app.url_map.converters["rest"] = _Rest
    # a doubled slash is a wrong path, not a redirect
    app.url_map.merge_slashes = False
    app.register_blueprint(blueprint)


@dataclass
class _Outcome:
    """What became of a call. Without a reply the connection ends."""

    reply: Reply | None
    faults: Iterable[Fault] = ()


def _serve(side: Side, methods: Mapping[str, Operation], **path_arguments: str) -> Response:
    sandbox = current_sandbox()
    raw, too_much = _read_body()
    # the links of a reply end in a slash, and lead to the same
    named = {name: text.removesuffix("/") for name, text in path_arguments.items()}
    call = Call(sandbox, request, raw, side, methods, named)
    life = sandbox.life()
    drill = _take_drill(call)
    entry = journal.arrived(call, drill)
    if drill and drill.kind == "slow" and life.wait(drill.seconds):
        return _drop(call, entry)  # the call belongs to a life that a reset ended
    outcome = _Outcome(too_much.reply(), too_much.faults) if too_much else _outcome(call, drill)
    journal.judged(call, entry, outcome.faults)
    if outcome.reply is None:
        return _drop(call, entry)
    return _send(call, entry, outcome.reply, drill, life)


def _read_body() -> tuple[bytes, Refusal | None]:
    try:
        return request.get_data(), None
    except RequestEntityTooLarge:
        return b"", Refusal(too_large("The body is larger than a megabyte."))


def _take_drill(call: Call) -> Drill | None:
    operation = call.aim
    if operation is None or (call.is_preflight and call.side is Side.SERVER):
        return None
    return call.sandbox.drills.take(operation.name, preflight=call.is_preflight)


def _outcome(call: Call, drill: Drill | None) -> _Outcome:
    if call.is_preflight and call.side is Side.BROWSER and call.methods:
        return _preflight(drill)
    if not call.methods:
        refusal = Refusal(not_found(f"There is no {call.request.path} here."))
        return _Outcome(refusal.reply(), refusal.faults)
    call.partial = drill is not None and drill.kind == "partial"
    if drill is None or drill.kind in ("slow", "partial"):
        return _answer(call)
    faults = _faults(call)
    match drill.kind:
        case "drop":
            return _Outcome(None, faults)
        case "html":
            return _Outcome(failures.gateway_page(), faults)
        case "drip" | "drip-headers":
            return _Outcome(_failure(call, "500", None), faults)
        case kind:
            return _Outcome(_failure(call, kind, drill.retry_after), faults)


def _failure(call: Call, kind: str, retry_after: int | None) -> Reply:
    """Return a drill's error as the operation that is called would word it."""
    if call.operation is None:
        return failures.failure(kind, retry_after)
    operation = call.operation
    return failures.failure(kind, retry_after, operation.identifiers, operation.scopes)


def _preflight(drill: Drill | None) -> _Outcome:
    if drill:
        return _Outcome(cors.refused_preflight())
    return _Outcome(cors.preflight())


def _answer(call: Call) -> _Outcome:
    try:
        return _Outcome(pass_all(call).act(call))
    except Refusal as refusal:
        return _Outcome(refusal.reply(), refusal.faults)


def _faults(call: Call) -> tuple[Fault, ...]:
    """Return what is wrong with a call that is drilled, and so would not be asked."""
    try:
        pass_all(call, count=False)
    except Refusal as refusal:
        return refusal.faults
    return ()


def _send(call: Call, entry: Entry, reply: Reply, drill: Drill | None, life: Event) -> Response:
    response = _response(call, reply)
    journal.answered(call, entry, response, reply)
    if drill and drill.kind in ("drip", "drip-headers"):
        headers_too = drill.kind == "drip-headers"
        response = wire.drip(request, response, drill.seconds, life, headers_too=headers_too)
    elif "Date" in response.headers:
        response = wire.send_as_is(request, response)
    journal.finished(call, entry)
    return response


def _drop(call: Call, entry: Entry) -> Response:
    journal.finished(call, entry)
    return wire.drop(request)


def _response(call: Call, reply: Reply) -> Response:
    body = reply.body if isinstance(reply.body, str | None) else json.dumps(reply.body)
    response = Response(body, status=reply.status)
    response.content_length = len(response.get_data())
    if reply.media_type:
        response.content_type = reply.media_type
    else:
        del response.headers["Content-Type"]
    response.headers.update(call.headers)
    if call.side is Side.SERVER and (skew := call.sandbox.account_settings.date_skew):
        response.date = datetime.now(UTC) + timedelta(seconds=skew)
    response.headers.update(reply.headers)
    if call.side is Side.BROWSER and reply.readable:
        response.headers.update(cors.readable())
    return secure(response)


def _add_rules() -> None:
    """Give each path one view for all its methods, and one to what is not there."""
    for path in dict.fromkeys(operation.path for operation in OPERATIONS):
        methods = {each.method: each for each in OPERATIONS if each.path == path}
        side = next(iter(methods.values())).side
        view = partial(_serve, side, methods)
        rule = re.sub(r"\{(\w+)\}", r"<rest:\1>", path)
        _add_rule(rule, path.strip("/").replace("/", "-"), view)
    for side in Side:
        _add_rule(f"/{side}/<rest:path>", f"unknown-{side}", partial(_serve, side, {}))


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
