"""`flask storefront import-brand`: matches the shop's appearance to the Klaviyo account's brand.

To remove it from a fork, delete this folder, its tests and its line in `app.py`.
"""

from __future__ import annotations

from flask import Flask

from ..cli import group
from .command import import_brand


def init_app(app: Flask) -> None:
    """Add the command."""
    group.add_command(import_brand)
