"""The sandbox's own JSON under `/_sandbox/`: what arrived, what is waiting, what shall fail."""

from typing import Any

from flask import Blueprint, Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from ..protocol.guards import refuse_other_sites
from ..serving.api import operation_names
from ..state import listings
from ..state.drills import DrillError
from ..state.sandbox import current_sandbox
from . import account, consent, flow

PREFIX = "/_sandbox"

blueprint = Blueprint("control", __name__, url_prefix=PREFIX)
blueprint.before_request(refuse_other_sites)
account.add_rules(blueprint)
consent.add_rules(blueprint)
flow.add_rules(blueprint)


def init_app(app: Flask) -> None:
    """Serve the JSON."""
    app.register_blueprint(blueprint)


@blueprint.after_request
def _not_stored(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/requests")
def requests() -> Response:
    """Return the record, oldest first, of one `?operation=` or of all; those `?after=` an ID."""
    operation = request.args.get("operation")
    after = request.args.get("after", default=0, type=int)
    return jsonify(requests=current_sandbox().record.entries(operation, after=after))


@blueprint.delete("/requests")
def empty_requests() -> Response:
    """Empty the record."""
    current_sandbox().record.clear()
    return jsonify(requests=[])


@blueprint.get("/waiting")
def waiting() -> Response:
    """Return the waiting list, oldest first."""
    return jsonify(waiting=listings.waiting(current_sandbox()))


@blueprint.get("/unknown")
def unknown() -> Response:
    """Return the composite IDs that the catalog is without."""
    sandbox = current_sandbox()
    with sandbox.lock:
        return jsonify(unknown=sandbox.unknown)


@blueprint.put("/unknown")
def set_unknown() -> tuple[Response, int] | Response:
    """Replace them, by `{"unknown": [composite IDs]}`."""
    asked = request.get_json(force=True, silent=True)
    ids = asked.get("unknown") if isinstance(asked, dict) else None
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        return _error(400, 'Send {"unknown": [composite IDs]}.')
    sandbox = current_sandbox()
    with sandbox.lock:
        sandbox.unknown[:] = ids
    return unknown()


@blueprint.get("/drills")
def drills() -> Response:
    """Return the pending drills."""
    return jsonify(drills=current_sandbox().drills.pending())


@blueprint.post("/drills")
def add_drill() -> tuple[Response, int]:
    """Queue a drill and return all that are pending."""
    try:
        current_sandbox().drills.add(request.get_json(force=True, silent=True), operation_names())
    except DrillError as error:
        return _error(400, str(error), allowed=error.allowed)
    return drills(), 201


@blueprint.delete("/drills")
def clear_drills() -> Response:
    """Let calls succeed again."""
    current_sandbox().drills.clear()
    return drills()


@blueprint.post("/reset")
def reset() -> Response:
    """Forget everything but the account; `{"keep_catalog": true}` spares items and variants."""
    asked = request.get_json(force=True, silent=True)
    keep = isinstance(asked, dict) and asked.get("keep_catalog") is True
    current_sandbox().reset(keep_catalog=keep)
    return jsonify(reset=True)


@blueprint.route("/<path:name>", methods=("GET", "POST", "PUT", "PATCH", "DELETE"))
def missing(name: str) -> tuple[Response, int]:
    """Say so when there is no such thing here."""
    return _error(404, f"There is no {PREFIX}/{name}.")


@blueprint.errorhandler(HTTPException)
def _http_error(error: HTTPException) -> tuple[Response, int]:
    return _error(error.code or 500, error.description or "")


def _error(status: int, message: str, **more: Any) -> tuple[Response, int]:
    return jsonify(error=message, **more), status
