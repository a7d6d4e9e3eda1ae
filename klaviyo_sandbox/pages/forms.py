"""The pages' forms. Each does what the sandbox's JSON does, and leads back to its page.

They work without a script, and only from the sandbox's own pages.
"""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Flask, redirect, request, url_for
from werkzeug.wrappers import Response

from ..control.flow import move_on, send_held
from ..operations.identifiers import CHANNELS_OF
from ..protocol.guards import refuse_other_sites
from ..serving.api import operation_names
from ..state.drills import DrillError
from ..state.flow import FlowError
from ..state.mailing_list import OptIn
from ..state.sandbox import current_sandbox
from .views import drills_page, flow_page

_SEE_OTHER = 303

blueprint = Blueprint("forms", __name__)
blueprint.before_request(refuse_other_sites)

Answer = Response | tuple[str, int]


def init_app(app: Flask) -> None:
    """Take the forms."""
    app.register_blueprint(blueprint)


@blueprint.post("/reset")
def reset() -> Answer:
    """Begin afresh, with the catalog or without it."""
    current_sandbox().reset(keep_catalog="keep_catalog" in request.form)
    return _back("pages.overview", "reset")


@blueprint.post("/flow")
def set_flow() -> Answer:
    """Save the flow's settings."""
    sandbox, form = current_sandbox(), request.form
    everybody = form.get("customers") != "some"
    asked: dict[str, Any] = {
        "status": form.get("status"),
        "minimum_inventory": _whole("minimum_inventory"),
        "customers_per_unit": None if everybody else _whole("customers_per_unit"),
        "wait_seconds": _wait(),
    }
    if not everybody and asked["customers_per_unit"] is None:
        return flow_page("Say how many customers for each unit.", form), 422
    try:
        with sandbox.lock:
            sandbox.flow.change(asked, sandbox.now())
    except FlowError as error:
        return flow_page(str(error), form), 422
    return _back("pages.flow", "flow")


@blueprint.post("/clock")
def advance_clock() -> Answer:
    """Move the clock on by some time, or to the end of the next wait."""
    sandbox = current_sandbox()
    seconds: float | None = _whole("advance")
    if request.form.get("advance") == "next":
        with sandbox.lock:
            waits = [until for _, until in sandbox.flow.waits.items()]
            now = sandbox.now()
        seconds = max(0.0, (min(waits) - now).total_seconds()) if waits else 0
    if not move_on(sandbox, seconds):
        return flow_page("The clock can't go on by that."), 422
    return _back("pages.flow", "clock")


@blueprint.post("/list")
def set_list() -> Answer:
    """Switch the list's opt-in."""
    sandbox = current_sandbox()
    asked = request.form.get("opt_in_process")
    if asked in list(OptIn):
        with sandbox.lock:
            sandbox.mailing_list.set_opt_in(OptIn(asked), sandbox.now())
    return _back("pages.profiles", "list")


@blueprint.post("/confirm")
def confirm() -> Answer:
    """Confirm one profile's consent that waits for it."""
    sandbox, contact = current_sandbox(), request.form.get("contact", "")
    channels = CHANNELS_OF["email" if "@" in contact else "phone_number"]
    with sandbox.lock:
        for profile in sandbox.profiles.with_contact(contact):
            sandbox.subscriptions.confirm(profile, channels, sandbox.now())
    return _back("pages.profiles", "confirmed")


@blueprint.post("/mailbox/<int:message_id>/send")
def send_message(message_id: int) -> Answer:
    """Send a message that a manual flow held."""
    send_held(current_sandbox(), message_id)
    return _back("pages.one_message", "sent", message_id=message_id)


@blueprint.post("/drills")
def add_drill() -> Answer:
    """Set a drill."""
    form = request.form
    asked: dict[str, Any] = {"kind": form.get("kind"), "operation": form.get("operation") or None}
    asked["times"] = None if form.get("calls") == "all" else _whole("times")
    if asked["times"] is None and form.get("calls") != "all":
        return drills_page("Say how many calls shall fail.", form), 422
    for name, read in _MORE:
        if form.get(name):
            asked[name] = read(name)
    try:
        current_sandbox().drills.add(asked, operation_names())
    except DrillError as error:
        return drills_page(str(error), form), 422
    return _back("pages.drills", "drill")


@blueprint.post("/drills/clear")
def clear_drills() -> Answer:
    """Let calls succeed again."""
    current_sandbox().drills.clear()
    return _back("pages.drills", "cleared")


def _back(endpoint: str, done: str, **values: Any) -> Answer:
    return redirect(url_for(endpoint, done=done, **values), _SEE_OTHER)


def _whole(name: str) -> int | None:
    """Return a field's whole number, or None for anything else."""
    text = request.form.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _number(name: str) -> float | str:
    text = request.form.get(name, "")
    try:
        return float(text)
    except ValueError:
        return text


def _wait() -> int | None:
    number, unit = _whole("wait"), _whole("wait_unit")
    return None if number is None or unit is None else number * unit


_MORE: tuple[tuple[str, Callable[[str], Any]], ...] = (
    ("seconds", _number),
    ("retry_after", _whole),
)
"""The fields of a drill that may be left empty, and how each is read."""
