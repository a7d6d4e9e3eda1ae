"""The shop's current settings: those of `shop.toml`, with the changes that the last import made."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import sqlalchemy as sa
from flask import Flask, current_app, g
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from werkzeug.local import LocalProxy

from . import settings
from .database import db
from .models import Import
from .settings import ShopSettings

CACHE_SECONDS = 60.0
RETRY_SECONDS = 1.0
"""How long the last known import is used after a database error."""
EXTENSION = "storefront_shop"
VERSION_QUERY = "SELECT version FROM shop_catalog_version"


@dataclass(frozen=True, slots=True)
class _Current:
    shop: ShopSettings
    """The settings of `shop.toml`, with the last import's changes."""
    last_import: Import | None = None
    catalog_version: int | None = None
    """The version of the catalog when `last_import` was read; None before the first read."""


@dataclass
class _State:
    settings: ShopSettings
    """The settings of `shop.toml`, without an import's changes."""
    current: _Current
    expires_at: float = 0.0
    """When to check for a new import, as a value of `time.monotonic()`."""


def init_app(app: Flask) -> None:
    """Read the file that `SHOP_CONFIG` names, and add `shop` to the templates.

    Raises `notify_me.SettingsError` if there is an error in the file.
    """
    shop_settings = settings.read(Path(app.config["SHOP_CONFIG"]))
    app.extensions[EXTENSION] = _State(shop_settings, _Current(shop_settings))
    app.jinja_env.globals["shop"] = LocalProxy(shop)


def shop() -> ShopSettings:
    """Return the settings of `shop.toml`, with the last import's changes."""
    return _current().shop


def cached_import() -> Import | None:
    """Return the import that the products come from. The result may be up to a minute out of date,
    unless `refresh` was called in this request.
    """
    return _current().last_import


def _current() -> _Current:
    current: _Current | None = g.get(EXTENSION)
    if current is not None:
        return current
    state: _State = current_app.extensions[EXTENSION]
    if time.monotonic() >= state.expires_at:
        # set before the query, so that other requests use the old import if the database is slow
        state.expires_at = time.monotonic() + CACHE_SECONDS
        refresh_if_possible()
    return state.current


def refresh_if_possible() -> None:
    """Call `refresh`. If the database fails, the last known import stays in use, so that the error
    page can show the shop's name and menu.
    """
    try:
        refresh()
    except SQLAlchemyError:
        db.session.rollback()
        current_app.extensions[EXTENSION].expires_at = time.monotonic() + RETRY_SECONDS


def refresh() -> int:
    """Read the import again if the catalog has changed, in this process or in another, and use it
    for the rest of this request or command. Return the version of the catalog.

    Raises `SQLAlchemyError` if the database is unavailable.
    """
    state: _State = current_app.extensions[EXTENSION]
    current, version = state.current, _catalog_version()
    if current.catalog_version != version:
        shop_settings, imported = state.settings, last_import()
        if imported:
            # the session, and with it the row's values, ends with the request
            db.session.expunge(imported)
            shop_settings = settings.with_import(
                shop_settings, name=imported.shop_name, currency=imported.currency
            )
        state.current = current = _Current(shop_settings, imported, version)
    setattr(g, EXTENSION, current)
    return version


def _catalog_version() -> int:
    """Read the version through the database driver, since SQLAlchemy takes four times as long.

    Raises `OperationalError` if the database is unavailable.
    """
    try:
        with closing(db.engine.raw_connection()) as connection:
            cursor = connection.cursor()
            cursor.execute(VERSION_QUERY)
            return cast(int, cursor.fetchall()[0][0])
    except db.engine.dialect.loaded_dbapi.Error as error:
        raise OperationalError(VERSION_QUERY, {}, error) from error


def last_import() -> Import | None:
    """Return the import that the products come from, or None for the shop's own catalog."""
    return db.session.scalar(sa.select(Import))
