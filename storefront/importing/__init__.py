"""Replaces the shop's products with those in an exported file, by command or at `/merchant/import`.

To remove it from a fork, delete this folder, its tests and its line in `app.py`.
"""

from __future__ import annotations

from flask import Flask

from ..cli import group
from ..merchant.access import add_page
from . import upload
from .command import import_catalog


def init_app(app: Flask) -> None:
    """Add `flask storefront import-catalog`, the upload page, and a link to it for merchants."""
    group.add_command(import_catalog)
    app.register_blueprint(upload.blueprint)
    add_page(app, "Import products", "imports.show")
