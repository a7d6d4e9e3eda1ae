"""`/studio`: a control for each setting that can differ between visitors, beside a live preview.

Only the visitor who makes a change sees it, until it is published to all shoppers.

To remove it from a fork, delete this folder, its tests and its line in `app.py`.
"""

from __future__ import annotations

from flask import Flask

from ..base.visitor import add_source
from ..merchant.access import add_page
from . import looks, views


def init_app(app: Flask) -> None:
    """Add the Studio to the shop, and to the merchant's links."""
    app.register_blueprint(views.blueprint)
    add_page(app, "Studio", "studio.show")
    add_source(app, looks.visitor_overrides)
