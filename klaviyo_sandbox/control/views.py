"""The sandbox's own JSON API under `/_sandbox/`. Tests and the demo rely on its paths and keys."""

from typing import Any

from flask import Blueprint, Flask, Response, abort, jsonify, request
from werkzeug.exceptions import HTTPException

from ..protocol.guards import refuse_other_sites
from ..serving.api import operation_names
from ..state.account import OptIn
from ..state.sandbox import current_sandbox
from ..state.validation import InvalidSetting
from . import actions

PREFIX = "/_sandbox"

blueprint = Blueprint("control", __name__, url_prefix=PREFIX)
blueprint.before_request(refuse_other_sites)


def init_app(app: Flask) -> None:
    """Register the JSON API on the app."""
    app.register_blueprint(blueprint)


@blueprint.after_request
def _disable_caching(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.errorhandler(HTTPException)
def _http_error(error: HTTPException) -> tuple[Response, int]:
    return _error(error.code or 500, error.description or "")


@blueprint.errorhandler(InvalidSetting)
def _invalid_setting(error: InvalidSetting) -> tuple[Response, int]:
    return _error(400, str(error), allowed=error.allowed)


@blueprint.get("/requests")
def requests() -> Response:
    """Return the recorded requests, oldest first. Filters: `?operation=` and `?after=` (an ID)."""
    operation = request.args.get("operation")
    after = request.args.get("after", default=0, type=int)
    return jsonify(requests=current_sandbox().requests.entries(operation, after=after))


@blueprint.delete("/requests")
def clear_requests() -> Response:
    """Delete the recorded requests."""
    current_sandbox().requests.clear()
    return jsonify(requests=[])


@blueprint.get("/waiting")
def waiting() -> Response:
    """Return the waiting list, oldest first."""
    return jsonify(waiting=actions.list_waiting(current_sandbox()))


@blueprint.get("/unknown")
def unknown() -> Response:
    """Return the composite IDs that the API treats as unknown."""
    sandbox = current_sandbox()
    with sandbox.lock:
        return jsonify(unknown=sandbox.unknown)


@blueprint.put("/unknown")
def set_unknown() -> Response:
    """Replace the unknown composite IDs. Body: `{"unknown": [composite IDs]}`."""
    ids = _member("unknown")
    if not _is_list_of_strings(ids):
        abort(400, 'Send {"unknown": [composite IDs]}.')
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
    """Add a drill, such as `{"kind": "503", "times": 2}`, and return all pending drills."""
    current_sandbox().drills.add(_body(), operation_names())
    return drills(), 201


@blueprint.delete("/drills")
def clear_drills() -> Response:
    """Remove the drills."""
    current_sandbox().drills.clear()
    return drills()


@blueprint.post("/reset")
def reset() -> Response:
    """Reset everything except the account's keys.

    The body `{"keep_catalog": true}` also keeps the catalog.
    """
    current_sandbox().reset(keep_catalog=_member("keep_catalog") is True)
    return jsonify(reset=True)


@blueprint.get("/account")
def account() -> Response:
    """Return the account, including its keys. Only this machine can read them."""
    sandbox = current_sandbox()
    with sandbox.lock:
        return jsonify(
            private_key=sandbox.account.private_key,
            public_key=sandbox.account.public_key,
            list_id=sandbox.account.list_id,
            name=sandbox.account.name,
            **sandbox.settings.as_json(),
        )


@blueprint.put("/account")
def change_account() -> Response:
    """Change the private key's `scopes`, the `date_skew` of replies in seconds, or the `brand`."""
    sandbox = current_sandbox()
    with sandbox.lock:
        sandbox.settings.change(_body())
    return account()


@blueprint.get("/profiles")
def profiles() -> Response:
    """Return every profile with its consent, oldest first."""
    return jsonify(profiles=actions.list_profiles(current_sandbox()))


@blueprint.get("/list")
def mailing_list() -> Response:
    """Return the account's list."""
    sandbox = current_sandbox()
    with sandbox.lock:
        return jsonify(sandbox.mailing_list.as_json())


@blueprint.put("/list")
def change_mailing_list() -> Response:
    """Change the list's opt-in. Example body: `{"opt_in_process": "double_opt_in"}`."""
    opt_in = _member("opt_in_process")
    if opt_in not in list(OptIn):
        abort(400, f'Send {{"opt_in_process": "{OptIn.DOUBLE}" or "{OptIn.SINGLE}"}}.')
    sandbox = current_sandbox()
    with sandbox.lock:
        sandbox.mailing_list.set_opt_in(OptIn(opt_in), sandbox.now())
    return mailing_list()


@blueprint.post("/confirm")
def confirm() -> Response:
    """Confirm pending subscriptions. Body: `{"contact": an email address or a phone number}`.

    Aborts with 404 if the contact has no pending subscriptions.
    """
    contact = _member("contact")
    if not isinstance(contact, str):
        abort(400, 'Send {"contact": an email address or a phone number}.')
    confirmed = actions.confirm(current_sandbox(), contact)
    if not confirmed:
        abort(404, f"There is nothing to confirm for {contact}.")
    return jsonify(confirmed=confirmed)


@blueprint.get("/regions")
def regions() -> Response:
    """Return the regions that the account can text."""
    sandbox = current_sandbox()
    with sandbox.lock:
        return jsonify(supported=sandbox.settings.regions)


@blueprint.put("/regions")
def set_regions() -> Response:
    """Replace the regions. Body: `{"supported": [region codes]}`; an empty list turns SMS off."""
    codes = _member("supported")
    if not _is_list_of_strings(codes):
        abort(400, 'Send {"supported": [region codes, such as "US"]}.')
    sandbox = current_sandbox()
    with sandbox.lock:
        sandbox.settings.set_regions(codes)
    return regions()


@blueprint.get("/flow")
def flow() -> Response:
    """Return the settings of the flow and its current waits."""
    sandbox = current_sandbox()
    with sandbox.lock:
        return jsonify(sandbox.flow.as_json())


@blueprint.put("/flow")
def change_flow() -> Response:
    """Change the settings in the body, such as `{"wait_seconds": 600}`."""
    sandbox = current_sandbox()
    with sandbox.lock:
        sandbox.flow.change(_body(), sandbox.now())
    return flow()


@blueprint.get("/catalog")
def catalog() -> Response:
    """Return every variant with its stock, its sign-up count and the end of its wait."""
    return jsonify(catalog=actions.list_catalog(current_sandbox()))


@blueprint.get("/messages")
def messages() -> Response:
    """Return the messages, oldest first, filtered by `?to=` (an email address or phone number)."""
    sandbox, to = current_sandbox(), request.args.get("to")
    with sandbox.lock:
        selected = [message for message in sandbox.messages.values() if to in (None, message.to)]
    return jsonify(messages=[message.as_json() for message in selected])


@blueprint.post("/messages/<int:message_id>/send")
def send_message(message_id: int) -> Response:
    """Send a message of a manual flow. Aborts with 404 (unknown message) or 409 (not manual)."""
    return jsonify(actions.send_message(current_sandbox(), message_id).as_json())


@blueprint.get("/clock")
def clock() -> Response:
    """Return the sandbox's time, and how many seconds it is ahead of real time."""
    sandbox = current_sandbox()
    with sandbox.lock:
        return jsonify(now=sandbox.now().isoformat(), ahead=sandbox.now.offset)


@blueprint.post("/clock")
def advance_clock() -> Response:
    """Set the clock forward, and run the flow for waits that are over.

    Body: `{"advance": seconds}`.
    """
    if not actions.advance_clock(current_sandbox(), _member("advance")):
        limit = actions.MAX_ADVANCE
        abort(400, f'Send {{"advance": seconds}}, with a number from 0 to {limit}.')
    return clock()


@blueprint.route("/<path:name>", methods=("GET", "POST", "PUT", "PATCH", "DELETE"))
def missing(name: str) -> tuple[Response, int]:
    """Return 404 for any other path."""
    return _error(404, f"No such path: {PREFIX}/{name}")


def _body() -> Any:
    try:
        return request.get_json(force=True, silent=True)
    except RecursionError:
        return None


def _member(name: str) -> Any:
    """Return a member of the JSON object in the body, or None."""
    body = _body()
    return body.get(name) if isinstance(body, dict) else None


def _is_list_of_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _error(status: int, message: str, **fields: Any) -> tuple[Response, int]:
    return jsonify(error=message, **fields), status
