"""Looks: a visitor's changes to the settings, saved in the database and identified by a cookie."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from flask import Response, request
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from notify_me import VisitorOverrides, studio

from ..base.database import db
from ..base.models import Look
from ..merchant import access
from .changes import InvalidChanges, apply_changes

logger = logging.getLogger(__name__)

COOKIE = "notify_me_look"
HISTORY_COOKIE = "notify_me_looks"
NO_CHANGES = "0"
"""The ID of the look without changes, which isn't in the database."""
LIFETIME = timedelta(days=90)
MAX_BYTES = 256 * 1024
"""The maximum size of a look as JSON: enough if every string has its maximum length and every
character takes two bytes.
"""
MAX_HISTORY = 40
_ID = re.compile(r"[0-9a-f]{32}")
_HISTORY = re.compile(r"\d{1,2}(\.(0|[0-9a-f]{32})){1,40}")


class TooLarge(ValueError):
    """The changes exceed `MAX_BYTES`."""


def save(changes: Mapping[str, Any]) -> str:
    """Save changes, given by dotted key, and return the look's ID. Also delete all expired looks.

    Raises `TooLarge`, and `SQLAlchemyError` if the database is unavailable.
    """
    if not changes:
        return NO_CHANGES
    text = json.dumps(changes, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    data = text.encode()
    if len(data) > MAX_BYTES:
        raise TooLarge
    look_id = hashlib.sha256(data).hexdigest()[:32]
    now = datetime.now(UTC)
    db.session.execute(sa.delete(Look).where(Look.last_saved_at < now - LIFETIME))
    db.session.merge(Look(id=look_id, changes=text, last_saved_at=now))
    try:
        db.session.commit()
    except IntegrityError:
        # another request has just saved the same look
        db.session.rollback()
    return look_id


def load(look_id: str) -> dict[str, Any] | None:
    """Return the changes of a look; None if it doesn't exist, for example because it has expired
    and been deleted by `save`.
    """
    if look_id == NO_CHANGES:
        return {}
    if not _ID.fullmatch(look_id):
        return None
    text = db.session.scalar(sa.select(Look.changes).where(Look.id == look_id))
    changes: dict[str, Any] | None = None if text is None else json.loads(text)
    return changes


def current() -> str:
    """Return the ID of this visitor's look."""
    return request.cookies.get(COOKIE, NO_CHANGES)


@dataclass(frozen=True, slots=True)
class History:
    """This visitor's looks, for undo and redo."""

    steps: tuple[str, ...]
    position: int

    @classmethod
    def of_request(cls) -> History:
        """Return the history in the visitor's cookie, or a new history if the cookie doesn't match
        the visitor's look.
        """
        text, look = request.cookies.get(HISTORY_COOKIE, ""), current()
        if _HISTORY.fullmatch(text):
            position, *steps = text.split(".")
            if int(position) < len(steps) and steps[int(position)] == look:
                return cls(tuple(steps), int(position))
        return cls((NO_CHANGES, look), 1) if look != NO_CHANGES else cls((NO_CHANGES,), 0)

    @property
    def look(self) -> str:
        """The ID of the visitor's current look."""
        return self.steps[self.position]

    @property
    def can_undo(self) -> bool:
        """Whether there is an earlier look."""
        return self.position > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is a look that was undone."""
        return self.position < len(self.steps) - 1

    def moved(self, steps: int) -> History:
        """Return the history after undo (-1) or redo (1), if possible."""
        return History(self.steps, min(max(self.position + steps, 0), len(self.steps) - 1))

    def with_look(self, look: str) -> History:
        """Return the history with another look as the latest, and without undone looks."""
        if self.look == look:
            return self
        steps = (*self.steps[: self.position + 1], look)[-MAX_HISTORY:]
        return History(steps, len(steps) - 1)

    def save(self, response: Response, studio_path: str) -> None:
        """Save the look and the history in the visitor's browser."""
        if self.look == NO_CHANGES:
            response.delete_cookie(COOKIE, httponly=True, samesite="Lax", secure=request.is_secure)
        else:
            _set_cookie(response, COOKIE, self.look, path="/")
        history = ".".join((str(self.position), *self.steps))
        _set_cookie(response, HISTORY_COOKIE, history, path=studio_path)


def _set_cookie(response: Response, name: str, value: str, *, path: str) -> None:
    response.set_cookie(
        name,
        value,
        max_age=LIFETIME,
        path=path,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure,
    )


def visitor_overrides() -> VisitorOverrides | None:
    """Return the settings of this visitor's look; None if they may not use the Studio."""
    if not access.has_access():
        return None
    try:
        changes = load(current()) or {}
    except SQLAlchemyError as error:
        logger.warning("a visitor's Studio settings could not be read: %s", type(error).__name__)
        changes = {}
    try:
        settings = apply_changes(studio.shop_settings(), changes) if changes else None
    except InvalidChanges as error:
        logger.warning("ignoring a visitor's Studio settings, which are invalid: %s", error)
        settings = None
    return VisitorOverrides(settings)
