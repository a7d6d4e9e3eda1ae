"""The shop's current settings: those of `shop.toml`, with the changes that the last import made."""

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
RETRY_SECONDS = 1.0
"""How long the last known import is used after a database error."""
EXTENSION = "storefront_shop"


@dataclass
class _State:
    settings: ShopSettings
    """As in `shop.toml`."""
    shop: ShopSettings
    """With the changes of the last import."""
    last_import: Import | None = None
    expires_at: float = 0.0
    """When to read the import again; compared with `time.monotonic()`."""


def init_app(app: Flask) -> None:
    """Read the file `SHOP_CONFIG`, and add `shop` to the templates.

    Raises `notify_me.SettingsError` if there is an error in the file.
    """
    shop_settings = settings.read(Path(app.config["SHOP_CONFIG"]))
    app.extensions[EXTENSION] = _State(shop_settings, shop_settings)
    app.jinja_env.globals["shop"] = LocalProxy(shop)


def shop() -> ShopSettings:
    """Return the settings of `shop.toml`, with the name and the currency of the last import."""
    return _state().shop


def cached_import() -> Import | None:
    """Return the import that the products come from, from a cache that is at most a minute old."""
    return _state().last_import


def _state() -> _State:
    """Return the state, and read the import again if that was last done more than a minute ago.

    If the database fails, the last known import is used: the error page also shows the shop's name
    and menu.
    """
    state: _State = current_app.extensions[EXTENSION]
    if time.monotonic() < state.expires_at:
        return state
    # set before the query, so that other requests use the old value while a slow database responds
    state.expires_at = time.monotonic() + CACHE_SECONDS
    try:
        imported = last_import()
    except SQLAlchemyError:
        db.session.rollback()
        state.expires_at = time.monotonic() + RETRY_SECONDS
        return state
    current = state.settings
    if imported:
        # the session, and with it the row's values, ends with the request
        db.session.expunge(imported)
        current = settings.with_import(current, name=imported.shop_name, currency=imported.currency)
    # set together at the end, since other threads render pages with these values
    state.shop, state.last_import = current, imported
    return state


def clear_cache() -> None:
    """Make the next request read the import again, because this process has changed the catalog."""
    current_app.extensions[EXTENSION].expires_at = 0.0


def last_import() -> Import | None:
    """Return the import that the products come from, or None for the shop's own catalog."""
    return db.session.scalar(sa.select(Import))
