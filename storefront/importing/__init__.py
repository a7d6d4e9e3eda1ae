"""`flask storefront import-catalog`: a merchant's own products in place of the shop's.

Optional: a fork without it deletes this folder, its tests, and its line in `app.py`.
"""

from __future__ import annotations

from flask import Flask

from ..cli import group
from .command import import_catalog


def init_app(app: Flask) -> None:
    """Add the command to the shop's own."""
    group.add_command(import_catalog)
