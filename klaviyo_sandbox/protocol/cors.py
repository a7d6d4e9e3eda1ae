"""What a browser must be told before and after it calls the `/client` side."""

from .errors import Reply

_ORIGINS = {"Access-Control-Allow-Origin": "*"}
_ALLOWED_HEADERS = ("accept", "content-type", "revision")

# `*` is enough, since no credentials are sent. Nothing is exposed: a browser can't read
# Retry-After at Klaviyo either. Preflights aren't cached, so that each is seen and can be drilled.
_PREFLIGHT = {
    **_ORIGINS,
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": ", ".join(_ALLOWED_HEADERS),
    "Access-Control-Max-Age": "0",
}


def preflight() -> Reply:
    """Return the answer to a preflight."""
    return Reply(200, headers=_PREFLIGHT)


def problems(requested_headers: str) -> list[str]:
    """Return what is wrong with the call that a preflight announces with these headers."""
    wanted = {name.strip().lower() for name in requested_headers.split(",")} - {""}
    refused = sorted(wanted - set(_ALLOWED_HEADERS))
    return [f"The browser may not send the header {name}." for name in refused]


def refused_preflight() -> Reply:
    """Return an answer to a preflight that makes the browser give up."""
    return Reply(403, readable=False)


def readable() -> dict[str, str]:
    """Return the headers that let a page's script read a reply."""
    return _ORIGINS
