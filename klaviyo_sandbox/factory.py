"""The app's wiring, on one screen."""

from flask import Flask

from . import api, control, guards, pages
from .account import Account
from .clock import Clock, utc_now
from .state import Sandbox, install

LARGEST_BODY = 1_000_000


def create_app(account: Account, *, now: Clock = utc_now) -> Flask:
    """Make a sandbox for the account. `now` tells it the time, in UTC."""
    app = Flask(__package__, static_url_path="/static")
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]
    install(app, Sandbox(account, now))
    guards.init_app(app)
    api.init_app(app)
    control.init_app(app)
    pages.init_app(app)
    return app
