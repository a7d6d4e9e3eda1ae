"""What the pages and the sandbox's own JSON both list: who waits, and who consented."""

from typing import Any

from .state import Sandbox


def waiting(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return the waiting list, oldest first, with the channels that would reach each now."""
    with sandbox.lock:
        reachable = sandbox.subscriptions.reachable
        return [
            entry.as_json([each for each in entry.channels if reachable(entry.profile, each)])
            for entry in sandbox.waiting.entries()
        ]


def profiles(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return every profile, oldest first, with its consent by channel and purpose."""
    with sandbox.lock:
        return [
            {"profile": profile.as_json(), "consent": sandbox.subscriptions.as_json(profile)}
            for profile in sandbox.profiles.everybody()
        ]
