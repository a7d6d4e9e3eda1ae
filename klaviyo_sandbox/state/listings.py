"""What the pages and the sandbox's own JSON both list: who waits, who consented, the stock."""

from collections import Counter
from typing import Any

from .sandbox import Sandbox


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


def catalog(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return every variant, oldest first, with its stock, who waits for it, and until when."""
    with sandbox.lock:
        waiting = Counter(entry.variant for entry in sandbox.waiting.entries())
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


def messages(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return every message, oldest first."""
    with sandbox.lock:
        return [message.as_json() for message in sandbox.messages.entries()]
