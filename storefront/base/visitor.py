"""The visitor who sent a request: whether they may see the demo, and which settings they see."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address

from flask import Flask, current_app, request

from notify_me import VisitorOverrides

FORWARDED_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")
EXTENSION = "storefront_visitor"


def is_demo_visitor() -> bool:
    """Whether this visitor may see the demo's pages: `DEMO` is on, and the request is from this
    machine.

    Both the client's IP address and the Host must be loopback, and no proxy may have forwarded the
    request. The Host is checked because any domain can resolve to 127.0.0.1 (DNS rebinding).
    """
    if not current_app.config.get("DEMO") or any(
        name in request.headers for name in FORWARDED_HEADERS
    ):
        return False
    host = request.host if request.host.endswith("]") else request.host.rsplit(":", 1)[0]
    return _is_loopback(request.remote_addr or "") and (
        host == "localhost" or _is_loopback(host.strip("[]"))
    )


def _is_loopback(text: str) -> bool:
    try:
        return ip_address(text).is_loopback
    except ValueError:
        return False


def add_source(app: Flask, source: Callable[[], VisitorOverrides | None]) -> None:
    """Register a function that returns the current visitor's own settings or mode, or None."""
    app.extensions.setdefault(EXTENSION, []).append(source)


def visitor() -> VisitorOverrides | None:
    """Return the visitor's own settings and mode, each from the first source that has one."""
    sources: list[Callable[[], VisitorOverrides | None]] = current_app.extensions.get(EXTENSION, [])
    overrides = [result for source in sources if (result := source())]
    if not overrides:
        return None
    return VisitorOverrides(
        settings=next((override.settings for override in overrides if override.settings), None),
        mode=next((override.mode for override in overrides if override.mode), None),
    )
