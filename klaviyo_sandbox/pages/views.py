"""The pages: overview, requests, waiting list, flow, mailbox, profiles, simulated failures."""

import json
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, abort, render_template, request
from markupsafe import Markup
from werkzeug.exceptions import HTTPException, InternalServerError, NotFound

from ..control import actions
from ..protocol.failures import KINDS
from ..protocol.guards import is_loopback
from ..serving.api import OPERATIONS
from ..state.brands import BRANDS, NO_BRAND
from ..state.flow import Message
from ..state.sandbox import current_sandbox
from .explanations import explain

_MAX_MESSAGES = 200
"""The maximum number of messages that the mailbox lists."""
_MAX_THREAD = 8
"""The maximum number of messages shown in a conversation."""

_NOTICES = {
    "reset": "The sandbox has been reset.",
    "brand": "Brand changed. The Brands API now reflects it.",
    "flow": "Settings saved.",
    "clock": "The clock has been set forward, and the flow has run.",
    "list": "Opt-in changed. Existing subscribers stay subscribed.",
    "confirmed": "Subscription confirmed, as if the shopper had followed the link or replied.",
    "sent": "Message sent.",
    "drill": "Failure added. Matching calls will fail.",
    "cleared": "All simulated failures have been cleared.",
}
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))

blueprint = Blueprint("pages", __name__)


def init_app(app: Flask) -> None:
    """Serve the pages and the error pages, and register the templates' helpers."""
    app.register_blueprint(blueprint)
    app.register_error_handler(HTTPException, _error_page)
    app.jinja_env.globals |= {
        "explain": explain,
        "has_file": lambda: current_sandbox().has_file,
        "notice": lambda: _NOTICES.get(request.args.get("done", "")),
    }
    app.jinja_env.filters |= {
        "time": _time,
        "pretty": _pretty,
        "tone": _tone,
        "duration": _duration,
    }


@blueprint.after_request
def _disable_caching(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/")
def overview() -> str:
    """Show what the sandbox is, its account, its URLs and its operations."""
    sandbox = current_sandbox()
    with sandbox.lock:
        return render_template(
            "klaviyo_sandbox/overview.html",
            account=sandbox.account,
            base_url=request.host_url.rstrip("/"),
            operations=OPERATIONS,
            opt_in=sandbox.mailing_list.opt_in_process.replace("_opt_in", " opt-in"),
            regions=sandbox.settings.regions,
            brand=sandbox.settings.brand,
            brands={name: brand.name for name, brand in BRANDS.items()} | {NO_BRAND: "No brand"},
            counts={
                "requests": len(sandbox.requests.rows),
                "waiting": len(sandbox.waiting),
                "messages": len(sandbox.messages),
                "profiles": len(sandbox.profiles.rows),
                "drills": len(sandbox.drills.rows),
            },
            status=sandbox.flow.settings.status,
        )


@blueprint.get("/requests")
def requests() -> str:
    """List the recorded requests, newest first."""
    entries = current_sandbox().requests.entries()[::-1]
    return render_template("klaviyo_sandbox/requests.html", entries=entries)


@blueprint.get("/requests/<int:entry_id>")
def request_details(entry_id: int) -> str:
    """Show a request and its reply."""
    entry = current_sandbox().requests.find(entry_id)
    if entry is None:
        abort(404, "This request is not in the log.")
    return render_template("klaviyo_sandbox/request.html", entry=entry)


@blueprint.get("/waiting")
def waiting() -> str:
    """Show the waiting list, oldest first."""
    sandbox = current_sandbox()
    return render_template(
        "klaviyo_sandbox/waiting.html",
        entries=actions.list_waiting(sandbox),
        flow_is_active=sandbox.flow.is_active,
    )


@blueprint.get("/mailbox")
def mailbox() -> str:
    """List the messages, newest first, and show the newest."""
    return _mailbox(None)


@blueprint.get("/mailbox/<int:message_id>")
def message_details(message_id: int) -> str:
    """Show a message as an email client or a phone would."""
    sandbox = current_sandbox()
    with sandbox.lock:
        message = sandbox.messages.get(message_id)
    if message is None:
        abort(404, "There is no such message.")
    return _mailbox(message)


def _mailbox(opened: Message | None) -> str:
    sandbox = current_sandbox()
    with sandbox.lock:
        messages = sandbox.messages.values()[::-1]
    shown = opened or (messages[0] if messages else None)
    thread: list[Message] = []
    if shown and shown.subject is None:
        thread = [
            message
            for message in messages
            if (message.to, message.channel) == (shown.to, shown.channel)
            and message.id <= shown.id
            and (message.sent_at or message is shown)
        ][:_MAX_THREAD][::-1]
    image = shown.image if shown else None
    # Only images that this machine serves: the page requests nothing from other hosts.
    is_local = image and is_loopback(urlsplit(image).hostname or "")
    return render_template(
        "klaviyo_sandbox/mailbox.html",
        entries=messages[:_MAX_MESSAGES],
        message_count=len(messages),
        opened=opened,
        shown=shown,
        thread=thread,
        sender=sandbox.account.sender,
        picture=image if is_local else None,
    )


@blueprint.get("/profiles")
def profiles() -> str:
    """List the profiles and their consent, oldest first."""
    sandbox = current_sandbox()
    return render_template(
        "klaviyo_sandbox/profiles.html",
        entries=actions.list_profiles(sandbox),
        opt_in=sandbox.mailing_list.opt_in_process,
    )


@blueprint.get("/flow")
def flow() -> str:
    """Show the flow's settings, the clock, and the catalog with its stock."""
    return flow_page()


def flow_page(problem: str | None = None, typed: Any = None) -> str:
    """Return the flow's page. `problem` and `typed` are a rejected form's error and values."""
    sandbox = current_sandbox()
    with sandbox.lock:
        settings, now, offset = sandbox.flow.settings, sandbox.now(), sandbox.now.offset
        next_wait = min((until for _, until in sandbox.flow.waits.items()), default=None)
    # The wait is shown in the largest unit that divides it evenly, or in minutes if it is zero.
    wait = settings.wait_seconds
    unit = next(seconds for seconds, _ in _UNITS if wait % seconds == 0) if wait else 60
    return render_template(
        "klaviyo_sandbox/flow.html",
        settings=settings,
        typed=typed,
        problem=problem,
        wait=(wait // unit, unit),
        now=now,
        offset=int(offset),
        next_wait=next_wait,
        entries=actions.list_catalog(sandbox),
    )


@blueprint.get("/drills")
def drills() -> str:
    """Show the failures that can be simulated, and those that are pending."""
    return drills_page()


def drills_page(problem: str | None = None, typed: Any = None) -> str:
    """Return the page of simulated failures.

    `problem` and `typed` are a rejected form's error and values.
    """
    groups: dict[str, dict[str, str]] = {}
    for name, kind in KINDS.items():
        groups.setdefault(kind.group, {})[name] = kind.label
    return render_template(
        "klaviyo_sandbox/drills.html",
        operations=OPERATIONS,
        groups=groups,
        kinds=KINDS,
        pending=current_sandbox().drills.pending(),
        problem=problem,
        typed=typed or {},
        base_url=request.host_url.rstrip("/"),
    )


def _error_page(error: HTTPException) -> tuple[str, int]:
    code = error.code or 500
    description = InternalServerError.description if code >= 500 else error.description
    if description == NotFound.description:
        description = "There is no page at this URL."
    return render_template("klaviyo_sandbox/error.html", error=error, description=description), code


def _time(time: datetime | str, *, seconds: bool = False, in_list: bool = False) -> Markup:
    """Return an HTML element for a time (or its ISO format), such as `29 Nov 2026, 14:03`. In a
    list, today's times are shown with seconds instead of the date: `14:03:05`.
    """
    time = datetime.fromisoformat(time) if isinstance(time, str) else time
    if in_list and time.date() == current_sandbox().now().date():
        shown = f"{time:%H:%M:%S}"
    else:
        shown = (
            f"{time.day} {time:%b %Y, %H:%M:%S}" if seconds else f"{time.day} {time:%b %Y, %H:%M}"
        )
    # HTML's datetime allows milliseconds at most
    machine_time = time.isoformat(timespec="milliseconds")
    return Markup('<time datetime="{}">{}</time>').format(machine_time, shown)


def _pretty(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def _tone(entry: dict[str, Any]) -> str:
    """Return the tone of a request's badge."""
    if not entry["finished"]:
        return "pending"
    return "good" if entry["status"] is not None and entry["status"] < 400 else "bad"


def _duration(seconds: int) -> str:
    """Return a duration, such as `1 h 5 min`."""
    parts = []
    for unit, name in _UNITS:
        number, seconds = divmod(seconds, unit)
        if number:
            parts.append(f"{number} {name}")
    return " ".join(parts) or "0 s"
