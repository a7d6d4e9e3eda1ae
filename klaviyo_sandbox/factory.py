"""The application factory."""

from pathlib import Path

from flask import Flask

from .control import views as control
from .operations import restock
from .pages import forms
from .pages import views as pages
from .protocol import guards
from .serving import api
from .state.account import Account
from .state.clock import Clock, utc_now
from .state.sandbox import Sandbox, current_sandbox, install

_MAX_BODY = 1_000_000  # bytes


def create_app(account: Account, *, now: Clock = utc_now, state: Path | None = None) -> Flask:
    """Return a sandbox for the account. Its state is in the `state` file, or in memory if None.

    `now` returns the time in UTC. Raises `StorageError` if the file can't be used, for instance
    because another sandbox is using it.
    """
    app = Flask(__package__, static_url_path="/static")
    app.config["MAX_CONTENT_LENGTH"] = _MAX_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]
    install(app, Sandbox(account, now, state))
    # Saves before the server sends the reply. Replies sent by `protocol/wire.py` go out earlier.
    app.teardown_request(lambda error: current_sandbox().save())
    guards.init_app(app)
    restock.init_app(app)
    api.init_app(app)
    control.init_app(app)
    pages.init_app(app)
    forms.init_app(app)
    return app
