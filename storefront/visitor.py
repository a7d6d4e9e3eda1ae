"""What a visitor of the demo has of their own: nothing that they choose changes others' shop."""

from __future__ import annotations

from typing import Literal

from flask import request

from notify_me import Visitor

from .loopback import demo_visitor

MODE_COOKIE = "notify_me_mode"
_MODES: dict[str, Literal["server", "client"]] = {"server": "server", "client": "client"}


def visitor() -> Visitor | None:
    """This visitor's own choices; None for everybody whom the demo's pages are not for."""
    if not demo_visitor():
        return None
    return Visitor(mode=_MODES.get(request.cookies.get(MODE_COOKIE, "")))
