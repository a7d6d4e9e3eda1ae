"""The shop's database: one SQLAlchemy engine from `DATABASE_URL`, SQLite or PostgreSQL."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy_lite import SQLAlchemy

from notify_me import engine_options, prepare_sqlite

db = SQLAlchemy(engine_options={"hide_parameters": True})


def init_app(app: Flask) -> None:
    """Set up the engine for `app`, whose config must have `DATABASE_URL`."""
    url = sa.make_url(app.config["DATABASE_URL"])
    app.config["SQLALCHEMY_ENGINES"] = {"default": {"url": url, **engine_options(url)}}
    db.init_app(app)
    # To close async sessions, Flask-SQLAlchemy-Lite starts an event loop after each request, which
    # takes a millisecond. The shop has no async sessions.
    app.teardown_appcontext_funcs[:] = [
        function
        for function in app.teardown_appcontext_funcs
        if function.__name__ != "_close_async_sessions"
    ]
    with app.app_context():
        prepare_sqlite(db.engine)
