"""The demo's own: a bar above every page, a tour, and a way back to the start.

Only visitors on this machine get to see it, and only with `DEMO=1`. A fork in earnest deletes
this package, `templates/demo/`, `static/demo.*` and the line in `base.html` with `demo_bar()`.
"""

from __future__ import annotations

from flask import Flask

from . import bar, views


def init_app(app: Flask) -> None:
    """Put the bar within reach of the templates, and its buttons' addresses into the app."""
    app.register_blueprint(views.blueprint)
    app.jinja_env.globals["demo_bar"] = bar.demo_bar
