"""A visitor's look: changes of the settings, kept in the database, named by a cookie."""

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
from .changes import WrongChanges, applied_once

logger = logging.getLogger(__name__)

COOKIE = "notify_me_look"
NOTHING = "0"
"""The look in which nothing is changed; it needs no row."""
KEPT_FOR = timedelta(days=90)
MOST_BYTES = 256 * 1024
"""Of one look's JSON: all texts at their longest have a third of that."""
_ID = re.compile(r"[0-9a-f]{32}")


class TooLarge(ValueError):
    """The changes are more than a look can hold."""


def keep(changes: Mapping[str, Any]) -> str:
    """Keep changes by dotted key, and return the look's ID; old looks of anybody's go.

    Raises `TooLarge`, and `SQLAlchemyError` when the database doesn't answer.
    """
    if not changes:
        return NOTHING
    text = json.dumps(changes, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    written = text.encode()
    if len(written) > MOST_BYTES:
        raise TooLarge
    name = hashlib.sha256(written).hexdigest()[:32]
    now = datetime.now(UTC)
    db.session.execute(sa.delete(Look).where(Look.created_at < now - KEPT_FOR))
    db.session.merge(Look(id=name, changes=text, created_at=now))
    try:
        db.session.commit()
    except IntegrityError:
        # somebody has kept the same at this moment
        db.session.rollback()
    return name


def read(name: str) -> dict[str, Any] | None:
    """The changes of a look; None where there is none by this ID, or no longer."""
    if name == NOTHING:
        return {}
    if not _ID.fullmatch(name):
        return None
    text = db.session.scalar(sa.select(Look.changes).where(Look.id == name))
    found: dict[str, Any] | None = None if text is None else json.loads(text)
    return found


def chosen() -> str:
    """The ID of the look that this visitor has."""
    return request.cookies.get(COOKIE, NOTHING)


def choose(response: Response, name: str) -> None:
    """Give this visitor a look."""
    if name == NOTHING:
        response.delete_cookie(COOKIE, httponly=True, samesite="Lax", secure=request.is_secure)
    else:
        set_cookie(response, COOKIE, name)


def set_cookie(response: Response, key: str, value: str, path: str = "/") -> None:
    """A cookie that only the server reads, for as long as a look is kept."""
    response.set_cookie(
        key,
        value,
        max_age=KEPT_FOR,
        path=path,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure,
    )


HISTORY = "notify_me_looks"
_MOST_STEPS = 40
_STEPS = re.compile(r"\d{1,2}(\.(0|[0-9a-f]{32})){1,40}")


@dataclass(frozen=True, slots=True)
class History:
    """The looks that this visitor had one after another: what undo and redo go through."""

    steps: tuple[str, ...]
    at: int

    @classmethod
    def of_request(cls) -> History:
        """As this visitor's cookie has it; one that doesn't fit their look begins anew."""
        text, now = request.cookies.get(HISTORY, ""), chosen()
        if _STEPS.fullmatch(text):
            at, *steps = text.split(".")
            if int(at) < len(steps) and steps[int(at)] == now:
                return cls(tuple(steps), int(at))
        return cls((NOTHING, now), 1) if now != NOTHING else cls((NOTHING,), 0)

    @property
    def look(self) -> str:
        """The look at which it stands: the visitor's."""
        return self.steps[self.at]

    @property
    def can_undo(self) -> bool:
        """Whether there is a look before this one."""
        return self.at > 0

    @property
    def can_redo(self) -> bool:
        """Whether an undone look lies ahead."""
        return self.at < len(self.steps) - 1

    def moved(self, by: int) -> History:
        """One step back (-1) or on (1), as far as there is one."""
        return History(self.steps, min(max(self.at + by, 0), len(self.steps) - 1))

    def then(self, name: str) -> History:
        """With this look as the newest; what was undone is gone."""
        if self.look == name:
            return self
        steps = (*self.steps[: self.at + 1], name)[-_MOST_STEPS:]
        return History(steps, len(steps) - 1)

    def choose(self, response: Response, path: str) -> None:
        """Give this visitor the look that it stands at; `path` is the Studio's."""
        choose(response, self.look)
        set_cookie(response, HISTORY, ".".join((str(self.at), *self.steps)), path)


def visitor() -> VisitorOverrides | None:
    """The settings of this merchant's look; None for everybody but merchants."""
    if not access.has_access():
        return None
    try:
        changes = read(chosen()) or {}
    except SQLAlchemyError as error:
        logger.warning("a visitor's look can't be read: %s", type(error).__name__)
        changes = {}
    try:
        return VisitorOverrides(
            applied_once(studio.merchant_settings(), changes) if changes else None
        )
    except WrongChanges as error:
        logger.warning("a visitor's look can't be used: %s", error)
        return VisitorOverrides()
