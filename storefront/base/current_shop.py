"""The shop as pages show it: the settings of `shop.toml`, and what the last import changes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.local import LocalProxy

from . import settings
from .database import db
from .models import Import
from .settings import ShopSettings

CACHE_SECONDS = 60.0
EXTENSION = "storefront_shop"


@dataclass
class _State:
    settings: ShopSettings
    last_import: Import | None = None
    expires_at: float = 0.0
    """When to read the import again; compared with `time.monotonic()`."""


def init_app(app: Flask) -> None:
    """Read the file `SHOP_CONFIG`, and add `shop` to the templates.

    Raises `notify_me.SettingsError` if there is an error in the file.
    """
    app.extensions[EXTENSION] = _State(settings.read(Path(app.config["SHOP_CONFIG"])))
    app.jinja_env.globals["shop"] = LocalProxy(shop)


def shop() -> ShopSettings:
    """Return the settings of `shop.toml`."""
    state: _State = current_app.extensions[EXTENSION]
    return state.settings


def cached_import() -> Import | None:
    """Return the import that the products come from, as it was a minute ago at most.

    Every page needs it for its menu. If the database fails, the last known import is used: the
    error page has a menu, too.
    """
    state: _State = current_app.extensions[EXTENSION]
    if time.monotonic() >= state.expires_at:
        # before the query: while a slow database answers, other requests use the old value
        state.expires_at = time.monotonic() + CACHE_SECONDS
        try:
            state.last_import = last_import()
        except SQLAlchemyError:
            db.session.rollback()
        else:
            if state.last_import:
                # the session, and with it the row's values, ends with the request
                db.session.expunge(state.last_import)
    return state.last_import


def clear_cache() -> None:
    """Read the import again at the next request: this process has changed the catalog."""
    current_app.extensions[EXTENSION].expires_at = 0.0


def last_import() -> Import | None:
    """Return the import that the products come from, or None for the shop's own catalog."""
    return db.session.scalar(sa.select(Import))
