"""The sandbox's own JSON about the flow: its settings, its messages, the stock and the clock."""

import math
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from ..operations.restock import settle
from ..state import listings
from ..state.clock import LONGEST
from ..state.flow import FlowError
from ..state.messages import Delivery, Message
from ..state.sandbox import Sandbox, current_sandbox


def add_rules(blueprint: Blueprint) -> None:
    """Serve this part under the blueprint of the JSON, by its guards."""
    blueprint.add_url_rule("/flow", view_func=flow)
    blueprint.add_url_rule("/flow", view_func=set_flow, methods=["PUT"])
    blueprint.add_url_rule("/catalog", view_func=catalog)
    blueprint.add_url_rule("/messages", view_func=messages)
    blueprint.add_url_rule(
        "/messages/<int:message_id>/send", view_func=send_message, methods=["POST"]
    )
    blueprint.add_url_rule("/clock", view_func=clock)
    blueprint.add_url_rule("/clock", view_func=advance_clock, methods=["POST"])


def flow() -> Response:
    """Return the flow's settings, and the waits under way."""
    sandbox = current_sandbox()
    with sandbox.lock:
        return jsonify(sandbox.flow.as_json())


def set_flow() -> Response:
    """Change the settings that are sent: status, minimum_inventory, and the others."""
    sandbox = current_sandbox()
    try:
        with sandbox.lock:
            sandbox.flow.change(request.get_json(force=True, silent=True), sandbox.now())
    except FlowError as error:
        abort(400, str(error))
    return flow()


def catalog() -> Response:
    """Return every variant with its stock, who waits for it, and until when the flow waits."""
    return jsonify(catalog=listings.catalog(current_sandbox()))


def messages() -> Response:
    """Return the messages, oldest first, of one `?to=` or of all."""
    found = listings.messages(current_sandbox())
    to = request.args.get("to")
    return jsonify(messages=[each for each in found if to is None or each["to"] == to])


def send_message(message_id: int) -> Response:
    """Send a message that a manual flow held. 404 when it is not there, 409 when it isn't held."""
    return jsonify(send_held(current_sandbox(), message_id).as_json())


def clock() -> Response:
    """Return the sandbox's time, and how many seconds ahead of the real time it is."""
    sandbox = current_sandbox()
    with sandbox.lock:
        return jsonify(now=sandbox.now().isoformat(), ahead=sandbox.now.ahead)


def advance_clock() -> Response:
    """Go on by `{"advance": seconds}`; every wait that ends by then has ended."""
    asked = request.get_json(force=True, silent=True)
    seconds = asked.get("advance") if isinstance(asked, dict) else None
    if not move_on(current_sandbox(), seconds):
        abort(400, f'Send {{"advance": seconds}}, a number from 0 to {LONGEST}.')
    return clock()


def move_on(sandbox: Sandbox, seconds: Any) -> bool:
    """Move the sandbox's clock on, or tell that it can't be by this."""
    number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not number or not math.isfinite(seconds) or not 0 <= seconds <= LONGEST:
        return False
    with sandbox.lock:
        sandbox.now.advance(seconds)
        settle(sandbox)
    return True


def send_held(sandbox: Sandbox, message_id: int) -> Message:
    """Send a message that was held. Raises `NotFound` or `Conflict`."""
    with sandbox.lock:
        message = sandbox.messages.rows.get(message_id)
        if message is None:
            abort(404, f"There is no message {message_id}.")
        if message.status is not Delivery.MANUAL:
            abort(409, f"Message {message_id} is not held: it was {message.status}.")
        return sandbox.messages.send(message, sandbox.now())
