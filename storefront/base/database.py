"""The shop's database: one SQLAlchemy engine from `DATABASE_URL`, SQLite or PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy_lite import SQLAlchemy

TIMEOUT = 2.0
"""Seconds to wait for a lock or a free connection: a shopper is waiting, too."""

db = SQLAlchemy(engine_options={"hide_parameters": True})


def init_app(app: Flask) -> None:
    """Set up the engine for `app`, whose config must have `DATABASE_URL`."""
    url = sa.make_url(app.config["DATABASE_URL"])
    if url.get_backend_name() == "sqlite":
        options: dict[str, Any] = {"connect_args": {"timeout": TIMEOUT}}
    else:
        options = {
            # a database server closes idle connections: test each before use
            "pool_pre_ping": True,
            "pool_timeout": TIMEOUT,
            "connect_args": {
                "connect_timeout": 2,
                "tcp_user_timeout": 2500,
                "options": "-c lock_timeout=2000",
            },
        }
    app.config["SQLALCHEMY_ENGINES"] = {"default": {"url": url, **options}}
    db.init_app(app)
    # Flask-SQLAlchemy-Lite starts an event loop after each request to close async sessions, which
    # takes a millisecond; there are none
    app.teardown_appcontext_funcs[:] = [
        function
        for function in app.teardown_appcontext_funcs
        if function.__name__ != "_close_async_sessions"
    ]
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            sa.event.listen(db.engine, "do_connect", _create_private_file)
            sa.event.listen(db.engine, "connect", _set_pragmas)


def _create_private_file(
    _dialect: Any, _record: Any, arguments: Sequence[Any], _options: Any
) -> None:
    """Let only this user read a new SQLite file, which has orders and sign-ups. Its write-ahead log
    gets the same permissions. An existing file keeps its own.
    """
    if arguments and not str(arguments[0]).startswith((":", "file:")):
        # Closing a descriptor of an existing file would release the locks of this process's other
        # connections (POSIX locks). SQLite reports a missing folder better.
        with suppress(OSError):
            os.close(os.open(arguments[0], os.O_RDONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _set_pragmas(connection: Any, _record: object) -> None:
    """Let SQLite serve readers during a write, and enforce foreign keys. With `FULL`, a confirmed
    order or sign-up survives a power failure.
    """
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
