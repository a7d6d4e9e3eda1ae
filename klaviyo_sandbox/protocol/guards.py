"""Who is let in: this machine alone, and no other site's page; and the headers of every reply."""

import ipaddress
from urllib.parse import urlsplit

from flask import Flask, Response, abort, request
from werkzeug.exceptions import Forbidden

_SAFE = ("GET", "HEAD", "OPTIONS")
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host")
_HEADERS = {
    "Content-Security-Policy": (
        # a message shows its product's picture, which the shop on this machine serves
        "default-src 'none'; style-src 'self'; "
        "img-src 'self' http://127.0.0.1:* http://localhost:*; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def init_app(app: Flask) -> None:
    """Guard every request of the app, and put the headers on every reply."""
    app.before_request(_refuse_other_machines)
    app.after_request(secure)


def secure(response: Response) -> Response:
    """Put the security headers on a reply."""
    response.headers.update(_HEADERS)
    return response


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address means this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_other_sites() -> None:
    """Refuse a change that another site's page asks for. Ports count: the shop is another site.

    Raises `Forbidden`. What is no browser sends neither header, and is let through.
    """
    if request.method in _SAFE:
        return
    fetch_site = request.headers.get("Sec-Fetch-Site", "none")
    origin = request.headers.get("Origin")
    if fetch_site not in ("none", "same-origin") or origin not in (None, _own_origin()):
        abort(403, "Another site's page may not control the sandbox.")


def _own_origin() -> str:
    return f"{request.scheme}://{request.headers.get('Host', '')}"


def _refuse_other_machines() -> None:
    # a name that only resolves to this machine (DNS rebinding) is refused with its Host
    if not is_loopback(request.remote_addr or ""):
        raise Forbidden("The sandbox answers this machine alone.")
    if any(name in request.headers for name in _FORWARDED):
        raise Forbidden("The sandbox answers this machine alone, and this was forwarded.")
    if not is_loopback(_host()):
        raise Forbidden("The sandbox answers to 127.0.0.1, localhost and [::1] alone.")


def _host() -> str:
    try:
        return urlsplit(f"//{request.headers.get('Host', '')}").hostname or ""
    except ValueError:
        return ""
