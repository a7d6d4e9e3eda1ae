"""What a visitor has of their own: nothing that they choose changes others' shop."""

from __future__ import annotations

import logging
from typing import Literal

from flask import request
from sqlalchemy.exc import SQLAlchemyError

from notify_me import Visitor

from . import merchant_door
from .loopback import demo_visitor
from .studio import looks

logger = logging.getLogger(__name__)

MODE_COOKIE = "notify_me_mode"
_MODES: dict[str, Literal["server", "client"]] = {"server": "server", "client": "client"}


def visitor() -> Visitor | None:
    """This visitor's own choices; None for everybody but the merchant and the demo's visitors."""
    merchant, demo = merchant_door.may_enter(), demo_visitor()
    if not merchant and not demo:
        return None
    try:
        settings = (looks.read(looks.chosen()) or {}) if merchant else {}
    except SQLAlchemyError as error:
        logger.warning("a visitor's look can't be read: %s", type(error).__name__)
        settings = {}
    # the demo's own, whatever password the merchant's pages ask for
    mode = _MODES.get(request.cookies.get(MODE_COOKIE, "")) if demo else None
    return Visitor(settings, mode)
