"""The starter shop, made to be forked: catalog, pages, cart, orders and the merchant's pages."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from . import cli
from .base import database, errors, headers, languages, money, static_files
from .base.database import db
from .base.models import Base
from .base.visitor import visitor
from .buying import cart, cart_views, checkout
from .catalog import departments, drawings, feeds, stock
from .catalog.queries import ShopCatalog
from .merchant import access, demand, inventory, login
from .shop import crawlers, legal, views

__all__ = ["MIGRATIONS", "Base", "ShopCatalog", "db", "init_app", "serve_static_files", "visitor"]

MIGRATIONS = str(Path(__file__).with_name("migrations"))
"""The folder of the shop's Alembic revisions: the branch `storefront`."""

serve_static_files = static_files.init_app


def init_app(app: Flask) -> None:
    """Open the shop in `app`: database, pages, error pages, headers, commands.

    Raises `RuntimeError` when `DATABASE_URL` is missing, and `notify_me.SettingsError` when
    `MERCHANT_PASSWORD_HASH` is wrong.
    """
    database.init_app(app)
    departments.init_app(app)
    headers.init_app(app)
    languages.init_app(app)
    errors.init_app(app)
    access.init_app(app)
    login.init_app(app)
    pages = (views, cart_views, checkout, legal, crawlers, feeds, drawings)
    for module in (*pages, inventory, demand, login):
        app.register_blueprint(module.blueprint)
    app.jinja_env.filters.update(money=money.money, stock=stock.stock_of)
    app.jinja_env.globals.update(
        cart_count=cart.count,
        categories=departments.departments,
        drawing_url=drawings.drawing_url,
        merchant_password_required=access.password_required,
        merchant_has_access=access.has_access,
    )
    app.cli.add_command(cli.group)
