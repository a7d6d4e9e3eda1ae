"""Pages for people: what this is, what arrived, who waits, and who consented."""

import json
from typing import Any

from flask import Blueprint, Flask, Response, abort, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError

from . import listings
from .api import OPERATIONS
from .drills import KINDS
from .meanings import meaning
from .state import current_sandbox

blueprint = Blueprint("pages", __name__)


def init_app(app: Flask) -> None:
    """Serve the pages, give the app's errors one too, and the templates their helpers."""
    app.register_blueprint(blueprint)
    app.register_error_handler(HTTPException, _error_page)
    app.jinja_env.globals["meaning"] = meaning
    app.jinja_env.filters["clock_time"] = _clock_time
    app.jinja_env.filters["pretty"] = _pretty
    app.jinja_env.filters["tone"] = _tone


@blueprint.after_request
def _not_stored(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/")
def overview() -> str:
    """Say what this is, and with which account and addresses."""
    sandbox = current_sandbox()
    with sandbox.lock:
        opt_in, regions = sandbox.mailing_list.opt_in_process, sandbox.regions.supported
    return render_template(
        "klaviyo_sandbox/overview.html",
        account=sandbox.account,
        base_url=request.host_url.rstrip("/"),
        operations=OPERATIONS,
        kinds=KINDS,
        recorded=len(sandbox.record),
        waiting=len(listings.waiting(sandbox)),
        profiles=len(listings.profiles(sandbox)),
        opt_in=opt_in.replace("_", " "),
        regions=regions,
        drills=sandbox.drills.pending(),
    )


@blueprint.get("/requests")
def requests() -> str:
    """List what arrived, newest first."""
    entries = current_sandbox().record.entries()[::-1]
    return render_template("klaviyo_sandbox/requests.html", entries=entries)


@blueprint.get("/requests/<int:entry_id>")
def one_request(entry_id: int) -> str:
    """Show one request and its reply, whole."""
    entry = current_sandbox().record.find(entry_id)
    if entry is None:
        abort(404, "This request has left the record.")
    return render_template("klaviyo_sandbox/request.html", entry=entry)


@blueprint.get("/waiting")
def waiting() -> str:
    """List who waits for what, oldest first."""
    entries = listings.waiting(current_sandbox())
    return render_template("klaviyo_sandbox/waiting.html", entries=entries)


@blueprint.get("/profiles")
def profiles() -> str:
    """List who is known, and who consented to what, oldest first."""
    entries = listings.profiles(current_sandbox())
    return render_template("klaviyo_sandbox/profiles.html", entries=entries)


def _error_page(error: HTTPException) -> tuple[str, int]:
    code = error.code or 500
    words = InternalServerError.description if code >= 500 else error.description
    return render_template("klaviyo_sandbox/error.html", error=error, words=words), code


def _clock_time(moment: str) -> str:
    return moment[11:19]


def _pretty(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, indent=2, ensure_ascii=False)


def _tone(entry: dict[str, Any]) -> str:
    """Return the tone of a request's badge: good, bad, or still going."""
    if not entry["finished"]:
        return "going"
    return "good" if entry["status"] is not None and entry["status"] < 400 else "bad"
