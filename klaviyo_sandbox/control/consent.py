"""The sandbox's own JSON about consent: profiles, list, confirmation, regions."""

from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from ..operations.identifiers import CHANNELS_OF
from ..state import listings
from ..state.mailing_list import OptIn
from ..state.sandbox import current_sandbox


def add_rules(blueprint: Blueprint) -> None:
    """Serve this part under the blueprint of the JSON, by its guards."""
    blueprint.add_url_rule("/profiles", view_func=profiles)
    blueprint.add_url_rule("/list", view_func=mailing_list)
    blueprint.add_url_rule("/list", view_func=set_mailing_list, methods=["PUT"])
    blueprint.add_url_rule("/confirm", view_func=confirm, methods=["POST"])
    blueprint.add_url_rule("/regions", view_func=regions)
    blueprint.add_url_rule("/regions", view_func=set_regions, methods=["PUT"])


def profiles() -> Response:
    """Return every profile with its consent, oldest first."""
    return jsonify(profiles=listings.profiles(current_sandbox()))


def mailing_list() -> Response:
    """Return the account's list."""
    sandbox = current_sandbox()
    with sandbox.lock:
        return jsonify(sandbox.mailing_list.as_json())


def set_mailing_list() -> Response:
    """Switch its opt-in, by `{"opt_in_process": "double_opt_in"}`."""
    asked = _asked("opt_in_process")
    if asked not in list(OptIn):
        abort(400, f'Send {{"opt_in_process": "{OptIn.DOUBLE}" or "{OptIn.SINGLE}"}}.')
    sandbox = current_sandbox()
    with sandbox.lock:
        sandbox.mailing_list.set_opt_in(OptIn(asked), sandbox.now())
    return mailing_list()


def confirm() -> Response:
    """Confirm what waits for it, by `{"contact": an email address or a phone number}`.

    404 when nothing waits for a confirmation from there.
    """
    contact = _asked("contact")
    if not isinstance(contact, str):
        abort(400, 'Send {"contact": an email address or a phone number}.')
    channels = CHANNELS_OF["email" if "@" in contact else "phone_number"]
    sandbox = current_sandbox()
    with sandbox.lock:
        confirmed = [
            channel
            for profile in sandbox.profiles.with_contact(contact)
            for channel in sandbox.subscriptions.confirm(profile, channels, sandbox.now())
        ]
    if not confirmed:
        abort(404, f"Nothing waits for a confirmation from {contact}.")
    return jsonify(confirmed=list(dict.fromkeys(confirmed)))


def regions() -> Response:
    """Return the regions that the account can send texts to."""
    sandbox = current_sandbox()
    with sandbox.lock:
        return jsonify(supported=list(sandbox.regions.supported))


def set_regions() -> Response:
    """Replace them, by `{"supported": [region codes]}`; an empty list is an account without SMS."""
    asked = _asked("supported")
    if not isinstance(asked, list) or not all(isinstance(each, str) for each in asked):
        abort(400, 'Send {"supported": [region codes, such as "US"]}.')
    sandbox = current_sandbox()
    try:
        with sandbox.lock:
            sandbox.regions.set(asked)
    except ValueError as error:
        abort(400, str(error))
    return regions()


def _asked(name: str) -> Any:
    """Return one member of the JSON that was sent, or None."""
    sent = request.get_json(force=True, silent=True)
    return sent.get(name) if isinstance(sent, dict) else None
