"""The shop's database: one SQLAlchemy engine from `DATABASE_URL`, SQLite or PostgreSQL."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy_lite import SQLAlchemy

BUSY_TIMEOUT = 2.0
"""Seconds that a SQLite writer waits for another before it gives up."""

db = SQLAlchemy(engine_options={"hide_parameters": True})


def init_app(app: Flask) -> None:
    """Set up the engine for `app`.

    Raises `RuntimeError` when `DATABASE_URL` is missing.
    """
    if not (url := app.config.get("DATABASE_URL")):
        raise RuntimeError(
            "DATABASE_URL is not set: give a SQLAlchemy URL such as sqlite:///shop.db"
        )
    app.config["SQLALCHEMY_ENGINES"] = {"default": _engine_options(sa.make_url(url))}
    db.init_app(app)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            sa.event.listen(db.engine, "connect", _set_pragmas)


def _engine_options(url: sa.URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {"url": url, "connect_args": {"timeout": BUSY_TIMEOUT}}
    wait = {"connect_timeout": 2, "tcp_user_timeout": 2500, "options": "-c lock_timeout=2000"}
    # a database server drops idle connections: look before each use; a shopper waits meanwhile
    return {"url": url, "pool_pre_ping": True, "pool_timeout": BUSY_TIMEOUT, "connect_args": wait}


def _set_pragmas(connection: Any, _record: object) -> None:
    """Let readers and a writer work side by side, and hold foreign keys."""
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
