"""Security headers on every reply: a strict policy, without inline styles or scripts."""

from __future__ import annotations

from flask import Flask, Response, current_app

POLICY = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "font-src": ["'self'"],
    "connect-src": ["'self'"],
    "form-action": ["'self'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
    "manifest-src": ["'self'"],
}
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # no-referrer would make a form's Origin null on plain HTTP, and the post be refused
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def init_app(app: Flask) -> None:
    """Add the headers to every reply of `app`.

    `CSP_CONNECT_SRC` tells, within a request, which further origins scripts may call.
    """
    app.config.setdefault("CSP_CONNECT_SRC", list)
    app.after_request(add_headers)


def add_headers(response: Response) -> Response:
    """Set each header that the reply doesn't have yet: a view may set its own."""
    response.headers.setdefault("Content-Security-Policy", policy())
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def policy(**others: str) -> str:
    """The Content-Security-Policy of this reply, `frame_ancestors="'self'"` and the like in place
    of what it is elsewhere.
    """
    sources = POLICY | {
        "connect-src": POLICY["connect-src"] + current_app.config["CSP_CONNECT_SRC"]()
    }
    sources |= {name.replace("_", "-"): [value] for name, value in others.items()}
    return "; ".join(f"{name} {' '.join(values)}" for name, values in sources.items())
