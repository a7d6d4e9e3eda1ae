"""Whether a request comes from this very machine: the door to pages without a password."""

from __future__ import annotations

from ipaddress import ip_address

from flask import Request, current_app, request

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")


def is_loopback(asking: Request) -> bool:
    """Whether address and Host are loopback and no proxy passed the request on.

    The Host counts too: a page elsewhere whose name resolves to 127.0.0.1 is not this machine.
    """
    if any(name in asking.headers for name in FORWARDED):
        return False
    host = asking.host.rsplit(":", 1)[0] if not asking.host.endswith("]") else asking.host
    return _loopback_address(asking.remote_addr or "") and (
        host == "localhost" or _loopback_address(host.strip("[]"))
    )


def demo_visitor() -> bool:
    """Whether this request may see the demo's pages, such as `/merchant`."""
    return bool(current_app.config.get("DEMO")) and is_loopback(request)


def _loopback_address(text: str) -> bool:
    try:
        return ip_address(text).is_loopback
    except ValueError:
        return False
