"""Security headers for every response, with a policy that allows no inline style or script."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from flask import Flask, Response, current_app, request

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
    # with no-referrer, browsers send forms over plain HTTP with `Origin: null`, which is refused
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


HSTS = f"max-age={365 * 24 * 3600}"
"""The value of `Strict-Transport-Security` for responses over HTTPS: browsers won't use plain HTTP
for a year. Subdomains aren't included, because they may not belong to the shop.
"""


def init_app(app: Flask) -> None:
    """Add the headers to every response of `app`.

    Two functions in the app's config return additional origins: `CSP_CONNECT_SRC` returns those
    that scripts on the current page may call, and `CSP_IMG_SRC` those that pictures may come from.
    """
    app.config.setdefault("CSP_CONNECT_SRC", list)
    app.config.setdefault("CSP_IMG_SRC", list)
    app.after_request(add_headers)


def add_headers(response: Response) -> Response:
    """Set the headers that the view hasn't set itself."""
    # collected once, since each look-up in `response.headers` scans all of them
    present = {name.lower() for name, _ in response.headers}
    added = {"Content-Security-Policy": csp(), **HEADERS}
    if request.is_secure:
        added["Strict-Transport-Security"] = HSTS
    for name, value in added.items():
        if name.lower() not in present:
            response.headers.add(name, value)
    return response


def csp(**directives: str) -> str:
    """Return the policy for this page. `directives` replace those of `POLICY`, such as
    `frame_ancestors="'self'"`.
    """
    connect_src, img_src = (
        current_app.config["CSP_CONNECT_SRC"](),
        current_app.config["CSP_IMG_SRC"](),
    )
    return _csp(tuple(connect_src), tuple(img_src), tuple(directives.items()))


@lru_cache(maxsize=64)
def _csp(
    connect_src: Sequence[str], img_src: Sequence[str], directives: Sequence[tuple[str, str]]
) -> str:
    sources = POLICY | {
        "connect-src": [*POLICY["connect-src"], *connect_src],
        "img-src": [*POLICY["img-src"], *img_src],
    }
    sources |= {name.replace("_", "-"): [value] for name, value in directives}
    return "; ".join(f"{name} {' '.join(values)}" for name, values in sources.items())
