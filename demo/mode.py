"""Who calls Klaviyo for one visitor of the demo: the server or the browser, kept in a cookie."""

from __future__ import annotations

from typing import Literal

from flask import request
from werkzeug.wrappers import Response

from notify_me import VisitorOverrides
from storefront.base.loopback import demo_visitor

COOKIE = "notify_me_mode"
MAX_AGE = 30 * 86400
_MODES: dict[str, Literal["server", "client"]] = {"server": "server", "client": "client"}


def visitor() -> VisitorOverrides | None:
    """The mode that this visitor chose; None for everybody whom the demo isn't for."""
    if not demo_visitor():
        return None
    return VisitorOverrides(mode=_MODES.get(request.cookies.get(COOKIE, "")))


def choose(response: Response, mode: str) -> None:
    """Remember the mode in the visitor's browser."""
    response.set_cookie(COOKIE, mode, httponly=True, samesite="Lax", max_age=MAX_AGE)


def forget(response: Response) -> None:
    """Go back to the shop's own mode."""
    response.delete_cookie(COOKIE, httponly=True, samesite="Lax")
