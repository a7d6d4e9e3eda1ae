"""The pages' forms. Each makes a change, as the JSON API does, then redirects to its page.

The forms need no script, and refuse posts from other sites' pages.
"""

from typing import Any

from flask import Blueprint, Flask, abort, redirect, request, url_for
from werkzeug.wrappers import Response

from ..control import actions
from ..protocol.guards import refuse_other_sites
from ..serving.api import operation_names
from ..state.account import OptIn
from ..state.sandbox import current_sandbox
from ..state.validation import InvalidSetting
from .views import drills_page, flow_page

blueprint = Blueprint("forms", __name__)
blueprint.before_request(refuse_other_sites)

Result = Response | tuple[str, int]


def init_app(app: Flask) -> None:
    """Register the forms on the app."""
    app.register_blueprint(blueprint)


@blueprint.post("/reset")
def reset() -> Result:
    """Reset the sandbox. The catalog is kept if its checkbox is ticked."""
    current_sandbox().reset(keep_catalog="keep_catalog" in request.form)
    return _redirect("pages.overview", "reset")


@blueprint.post("/brand")
def set_brand() -> Result:
    """Switch the account's brand."""
    sandbox = current_sandbox()
    try:
        with sandbox.lock:
            sandbox.settings.change({"brand": request.form.get("brand")})
    except InvalidSetting:
        abort(422, "The account has no such brand.")
    return _redirect("pages.overview", "brand")


@blueprint.post("/flow")
def set_flow() -> Result:
    """Save the flow's settings."""
    sandbox, form = current_sandbox(), request.form
    everybody = form.get("customers") != "some"
    customers = None if everybody else _whole_number("customers_per_unit")
    if not everybody and customers is None:
        return flow_page("Enter the number of customers per unit.", form), 422
    wait, unit = _whole_number("wait"), _whole_number("wait_unit")
    changes = {
        "status": form.get("status"),
        "minimum_inventory": _whole_number("minimum_inventory"),
        "customers_per_unit": customers,
        "wait_seconds": None if wait is None or unit is None else wait * unit,
    }
    try:
        with sandbox.lock:
            sandbox.flow.change(changes, sandbox.now())
    except InvalidSetting as error:
        return flow_page(str(error), form), 422
    return _redirect("pages.flow", "flow")


@blueprint.post("/clock")
def advance_clock() -> Result:
    """Set the clock forward, by a number of seconds or to the end of the next wait."""
    sandbox = current_sandbox()
    seconds: float | None = _whole_number("advance")
    if request.form.get("advance") == "next":
        with sandbox.lock:
            ends = [until for _, until in sandbox.flow.waits.items()]
            seconds = max(0.0, (min(ends) - sandbox.now()).total_seconds()) if ends else 0
    if not actions.advance_clock(sandbox, seconds):
        return flow_page("The clock can't be set forward by that much."), 422
    return _redirect("pages.flow", "clock")


@blueprint.post("/list")
def set_list() -> Result:
    """Change the list's opt-in."""
    sandbox = current_sandbox()
    opt_in = request.form.get("opt_in_process")
    if opt_in in list(OptIn):
        with sandbox.lock:
            sandbox.mailing_list.set_opt_in(OptIn(opt_in), sandbox.now())
    return _redirect("pages.profiles", "list")


@blueprint.post("/confirm")
def confirm() -> Result:
    """Confirm the pending subscriptions of a contact."""
    actions.confirm(current_sandbox(), request.form.get("contact", ""))
    return _redirect("pages.profiles", "confirmed")


@blueprint.post("/mailbox/<int:message_id>/send")
def send_message(message_id: int) -> Result:
    """Send a message of a manual flow."""
    actions.send_message(current_sandbox(), message_id)
    return _redirect("pages.message_details", "sent", message_id=message_id)


@blueprint.post("/drills")
def add_drill() -> Result:
    """Add a simulated failure."""
    form = request.form
    drill: dict[str, Any] = {"kind": form.get("kind"), "operation": form.get("operation") or None}
    drill["times"] = None if form.get("calls") == "all" else _whole_number("times")
    if drill["times"] is None and form.get("calls") != "all":
        return drills_page("Enter how many calls should fail.", form), 422
    if seconds := form.get("seconds"):
        try:
            drill["seconds"] = float(seconds)
        except ValueError:
            drill["seconds"] = seconds  # rejected below
    if form.get("retry_after"):
        drill["retry_after"] = _whole_number("retry_after")
    try:
        current_sandbox().drills.add(drill, operation_names())
    except InvalidSetting as error:
        return drills_page(str(error), form), 422
    return _redirect("pages.drills", "drill")


@blueprint.post("/drills/clear")
def clear_drills() -> Result:
    """Remove the simulated failures."""
    current_sandbox().drills.clear()
    return _redirect("pages.drills", "cleared")


def _redirect(endpoint: str, done: str, **values: Any) -> Result:
    return redirect(url_for(endpoint, done=done, **values), 303)


def _whole_number(name: str) -> int | None:
    """Return the whole number in a field, or None for any other input."""
    text = request.form.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
