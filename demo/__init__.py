"""Turns the starter shop into a demo: sample keys and data, a toolbar, a tour and a launcher.

The demo is only shown to visitors on this machine. To remove it from a fork, delete this folder,
its tests and its line in `app.py`.
"""

from __future__ import annotations

from flask import Flask

from storefront.base.visitor import add_source

from . import bar, samples, views
from .keys import demo_environment

__all__ = ["demo_environment", "init_app"]


def init_app(app: Flask) -> None:
    """Add the toolbar, its views and `flask demo` to the shop, and fill in the checkout form."""
    app.register_blueprint(views.blueprint)
    app.jinja_env.globals["demo_bar"] = bar.demo_bar
    app.config["CHECKOUT_DEFAULTS"] = views.checkout_defaults
    app.jinja_env.globals["merchant_note"] = samples.note
    app.cli.add_command(samples.group)
    add_source(app, views.visitor_overrides)
