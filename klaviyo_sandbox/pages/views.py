"""Pages for people: what this is, what arrived, who waits and consents, the flow and its mail."""

import json
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, abort, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError

from ..protocol.guards import is_loopback
from ..serving.api import OPERATIONS
from ..state import listings
from ..state.drills import WORDS, groups
from ..state.messages import Message
from ..state.sandbox import current_sandbox
from .meanings import meaning

MOST_MESSAGES = 200
"""How many messages the mailbox lists."""

_THREAD = 8
_DONE = {
    "reset": "Everything is as it was at the start.",
    "flow": "The flow's settings are saved.",
    "clock": "The clock has moved on, and every wait that ended by then has run.",
    "list": "The list's opt-in is changed. Who is subscribed stays so.",
    "confirmed": "Confirmed, as if the link in the list's own email had been followed.",
    "sent": "The message is sent.",
    "drill": "The drill is set.",
    "cleared": "No drill is pending: calls succeed again.",
}

blueprint = Blueprint("pages", __name__)


def init_app(app: Flask) -> None:
    """Serve the pages, give the app's errors one too, and the templates their helpers."""
    app.register_blueprint(blueprint)
    app.register_error_handler(HTTPException, _error_page)
    app.jinja_env.globals["meaning"] = meaning
    app.jinja_env.globals["kept"] = lambda: current_sandbox().is_kept
    app.jinja_env.globals["done"] = lambda: _DONE.get(request.args.get("done", ""))
    app.jinja_env.filters["clock_time"] = _clock_time
    app.jinja_env.filters["machine_time"] = _machine_time
    app.jinja_env.filters["pretty"] = _pretty
    app.jinja_env.filters["tone"] = _tone
    app.jinja_env.filters["duration"] = _duration


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
        sizes = {
            "requests": len(sandbox.record),
            "waiting": len(sandbox.waiting.rows),
            "messages": len(sandbox.messages.rows),
            "profiles": len(sandbox.profiles.rows),
        }
        status = sandbox.flow.settings.status
    return render_template(
        "klaviyo_sandbox/overview.html",
        account=sandbox.account,
        base_url=request.host_url.rstrip("/"),
        operations=OPERATIONS,
        opt_in=opt_in.replace("_", " "),
        regions=regions,
        sizes=sizes,
        status=status,
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


@blueprint.get("/mailbox")
def mailbox() -> str:
    """List the messages, newest first, beside the newest that reached somebody."""
    return _mailbox(None)


@blueprint.get("/mailbox/<int:message_id>")
def one_message(message_id: int) -> str:
    """Show one message: an email as it is rendered, a text as on a phone."""
    sandbox = current_sandbox()
    with sandbox.lock:
        message = sandbox.messages.rows.get(message_id)
    if message is None:
        abort(404, "There is no such message.")
    return _mailbox(message)


def _mailbox(opened: Message | None) -> str:
    sandbox = current_sandbox()
    with sandbox.lock:
        entries = sandbox.messages.entries()[::-1]
    shown = opened or (entries[0] if entries else None)
    thread: list[Message] = []
    if shown and shown.subject is None:
        same = [
            each
            for each in entries
            if (each.to, each.channel) == (shown.to, shown.channel)
            and each.id <= shown.id
            and (each.sent_at or each is shown)
        ]
        thread = same[:_THREAD][::-1]
    return render_template(
        "klaviyo_sandbox/mailbox.html",
        entries=entries[:MOST_MESSAGES],
        number=len(entries),
        opened=opened,
        shown=shown,
        thread=thread,
        sender=sandbox.account.sender,
        picture=_picture(shown),
    )


@blueprint.get("/waiting")
def waiting() -> str:
    """List who waits for what, oldest first."""
    sandbox = current_sandbox()
    entries = listings.waiting(sandbox)
    takes_people = sandbox.flow.takes_people
    return render_template(
        "klaviyo_sandbox/waiting.html", entries=entries, takes_people=takes_people
    )


@blueprint.get("/flow")
def flow() -> str:
    """Show the flow's settings, the clock, and the catalog with its stock."""
    return flow_page()


def flow_page(problem: str | None = None, typed: Any = None) -> str:
    """Return the flow's page, with what is wrong with the form that was sent."""
    sandbox = current_sandbox()
    with sandbox.lock:
        settings = sandbox.flow.settings
        now, ahead = sandbox.now(), sandbox.now.ahead
        waits = sorted(until for _, until in sandbox.flow.waits.items())
    return render_template(
        "klaviyo_sandbox/flow.html",
        settings=settings,
        typed=typed,
        problem=problem,
        wait=_wait(settings.wait_seconds),
        now=now.isoformat(),
        ahead=int(ahead),
        next_wait=waits[0].isoformat() if waits else None,
        entries=listings.catalog(sandbox),
    )


@blueprint.get("/profiles")
def profiles() -> str:
    """List who is known, and who consented to what, oldest first."""
    sandbox = current_sandbox()
    with sandbox.lock:
        opt_in = sandbox.mailing_list.opt_in_process
    entries = listings.profiles(sandbox)
    return render_template("klaviyo_sandbox/profiles.html", entries=entries, opt_in=opt_in)


@blueprint.get("/drills")
def drills() -> str:
    """Offer every way to fail, and list what is pending."""
    return drills_page()


def drills_page(problem: str | None = None, typed: Any = None) -> str:
    """Return the drills' page, with what is wrong with the form that was sent."""
    return render_template(
        "klaviyo_sandbox/drills.html",
        operations=OPERATIONS,
        groups=groups(),
        words=WORDS,
        pending=current_sandbox().drills.pending(),
        problem=problem,
        typed=typed or {},
        base_url=request.host_url.rstrip("/"),
    )


def _picture(message: Message | None) -> str | None:
    """Return the address of a picture that this machine serves: no other may be asked for one."""
    image = message.image if message else None
    return image if image and is_loopback(urlsplit(image).hostname or "") else None


def _error_page(error: HTTPException) -> tuple[str, int]:
    code = error.code or 500
    words = InternalServerError.description if code >= 500 else error.description
    return render_template("klaviyo_sandbox/error.html", error=error, words=words), code


def _clock_time(moment: str) -> str:
    return moment[11:19]


def _machine_time(moment: str) -> str:
    """Return a moment as HTML's `datetime` takes it: milliseconds at the finest."""
    return datetime.fromisoformat(moment).isoformat(timespec="milliseconds")


def _pretty(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, indent=2, ensure_ascii=False)


def _tone(entry: dict[str, Any]) -> str:
    """Return the tone of a request's badge: good, bad, or still going."""
    if not entry["finished"]:
        return "going"
    return "good" if entry["status"] is not None and entry["status"] < 400 else "bad"


def _wait(seconds: int) -> tuple[int, int]:
    """Return a wait as a number of the largest unit that divides it, and that unit's seconds."""
    if not seconds:
        return 0, 60
    unit = next(each for each in (86400, 3600, 60, 1) if seconds % each == 0)
    return seconds // unit, unit


def _duration(seconds: int) -> str:
    """Return a number of seconds as people say it: `1 h 5 min`."""
    parts = []
    for unit, name in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        number, seconds = divmod(seconds, unit)
        if number:
            parts.append(f"{number} {name}")
    return " ".join(parts) or "0 s"
