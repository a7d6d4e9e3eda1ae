"""Actions and lists that the JSON API and the pages share."""

from collections import Counter
from dataclasses import replace
from typing import Any

from flask import abort

from ..operations.identifiers import channels_of
from ..operations.restock import process_elapsed_waits
from ..state.flow import Message, MessageStatus
from ..state.sandbox import Sandbox
from ..state.validation import is_number

MAX_ADVANCE = 31 * 24 * 60 * 60  # seconds


def advance_clock(sandbox: Sandbox, seconds: Any) -> bool:
    """Set the clock forward and run the flow, or return False for an invalid number of seconds."""
    if not is_number(seconds, 0, MAX_ADVANCE):
        return False
    with sandbox.lock:
        sandbox.now.set_offset(sandbox.now.offset + seconds)
        process_elapsed_waits(sandbox)
    return True


def send_message(sandbox: Sandbox, message_id: int) -> Message:
    """Send a message of a manual flow. Aborts with 404 (unknown message) or 409 (not manual)."""
    with sandbox.lock:
        message = sandbox.messages.get(message_id)
        if message is None:
            abort(404, f"There is no message {message_id}.")
        if message.status is not MessageStatus.MANUAL:
            abort(
                409,
                f"Message {message_id} can't be sent manually: its status is {message.status}.",
            )
        sent = replace(message, status=MessageStatus.SENT, sent_at=sandbox.now())
        sandbox.messages.put(sent.id, sent)
        return sent


def confirm(sandbox: Sandbox, contact: str) -> list[str]:
    """Confirm a contact's pending subscriptions, and return the channels that were confirmed."""
    with sandbox.lock:
        confirmed = [
            channel
            for profile in sandbox.profiles.with_contact(contact)
            for channel in sandbox.subscriptions.confirm(
                profile, channels_of(contact), sandbox.now()
            )
        ]
    return list(dict.fromkeys(confirmed))


def list_waiting(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return the waiting list, oldest first, with the channels that would reach each profile."""
    with sandbox.lock:
        return [
            {
                "variant": waiting.variant,
                "profile": waiting.profile.as_json(),
                "channels": list(waiting.channels),
                "reachable": [
                    channel
                    for channel in waiting.channels
                    if sandbox.subscriptions.can_reach(waiting.profile, channel)
                ],
                "since": waiting.since.isoformat(),
            }
            for waiting in sandbox.waiting.values()
        ]


def list_profiles(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return every profile, oldest first, with its consent by channel and purpose."""
    with sandbox.lock:
        return [
            {"profile": profile.as_json(), "consent": sandbox.subscriptions.as_json(profile)}
            for profile in sandbox.profiles.rows.values()
        ]


def list_catalog(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return every variant, oldest first, with its stock, sign-up count and end of its wait."""
    with sandbox.lock:
        waiting = Counter(waiting.variant for waiting in sandbox.waiting.values())
        waits = dict(sandbox.flow.waits.items())
        return [
            {
                "variant": variant.id,
                "title": sandbox.catalog.full_title(variant),
                "url": variant.url,
                "quantity": variant.attributes["inventory_quantity"],
                "waiting": waiting[variant.id],
                "waits_until": waits[variant.id].isoformat() if variant.id in waits else None,
            }
            for variant in sandbox.catalog.variants.values()
        ]
