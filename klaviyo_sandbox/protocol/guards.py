"""Access control (this machine only, no changes from other sites' pages) and security headers."""

import ipaddress
from urllib.parse import urlsplit

from flask import Flask, Response, abort, request

_HEADERS = {
    "Content-Security-Policy": (
        # A message shows its product's picture, which the shop on this machine serves.
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "img-src 'self' http://127.0.0.1:* http://localhost:*; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def init_app(app: Flask) -> None:
    """Check every request of the app, and add the security headers to every reply."""
    app.before_request(_refuse_other_machines)
    app.after_request(add_security_headers)


def add_security_headers(response: Response) -> Response:
    """Add the security headers to a reply."""
    response.headers.update(_HEADERS)
    return response


def is_loopback(host: str) -> bool:
    """Return whether a host name or IP address refers to this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_other_sites() -> None:
    """Refuse (403) a change requested by a page from another origin, such as the shop.

    Clients other than browsers send neither `Sec-Fetch-Site` nor `Origin` and are allowed.
    """
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    fetch_site = request.headers.get("Sec-Fetch-Site", "none")
    origin = request.headers.get("Origin")
    own_origin = f"{request.scheme}://{request.headers.get('Host', '')}"
    if fetch_site not in ("none", "same-origin") or origin not in (None, own_origin):
        abort(403, "Pages from other sites may not control the sandbox.")


def _refuse_other_machines() -> None:
    try:
        host = urlsplit(f"//{request.headers.get('Host', '')}").hostname or ""
    except ValueError:
        host = ""
    if not is_loopback(request.remote_addr or ""):
        abort(403, "The sandbox only serves this machine.")
    if any(
        name in request.headers for name in ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host")
    ):
        abort(403, "The sandbox only serves this machine, and this request was forwarded.")
    # This also refuses a foreign host name that resolves to this machine (DNS rebinding).
    if not is_loopback(host):
        abort(403, "The Host header must be localhost or a loopback address.")
