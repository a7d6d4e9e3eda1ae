"""What makes a demo of the shop: made-up keys, a bar above every page, a tour, and a launcher.

Used with `DEMO=1` alone, and shown to visitors on this machine alone. A fork deletes this folder,
`tests/demo/`, and its line in `app.py`.
"""

from __future__ import annotations

from flask import Flask

from storefront.base.visitor import add_source

from . import bar, mode, views
from .keys import demo_environment

__all__ = ["demo_environment", "init_app"]


def init_app(app: Flask) -> None:
    """Give the shop's pages their bar, and its buttons their addresses."""
    app.register_blueprint(views.blueprint)
    app.jinja_env.globals["demo_bar"] = bar.demo_bar
    add_source(app, mode.visitor)
