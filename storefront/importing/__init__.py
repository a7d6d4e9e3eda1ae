"""`flask storefront import-catalog`: replaces the shop's products with a merchant's own.

To remove it from a fork, delete this folder, its tests and its line in `app.py`.
"""

from __future__ import annotations

from flask import Flask

from ..cli import group
from .command import import_catalog


def init_app(app: Flask) -> None:
    """Add the command to `flask storefront`."""
    group.add_command(import_catalog)
