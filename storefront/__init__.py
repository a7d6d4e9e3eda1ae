"""The demo shop, made to be forked: catalog, pages, cart, orders and a merchant's back room."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from . import (
    cart,
    cart_views,
    checkout,
    cli,
    crawlers,
    database,
    demand,
    demo,
    departments,
    drawings,
    errors,
    feeds,
    headers,
    languages,
    legal,
    loopback,
    merchant,
    merchant_door,
    merchant_login,
    money,
    stock,
    views,
)
from .catalog import ShopCatalog
from .database import db
from .models import Base
from .studio import views as studio
from .visitor import visitor

__all__ = ["MIGRATIONS", "Base", "ShopCatalog", "db", "init_app", "visitor"]

MIGRATIONS = str(Path(__file__).with_name("migrations"))
"""The folder of the shop's Alembic revisions: the branch `storefront`."""


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
    merchant_door.init_app(app)
    merchant_login.init_app(app)
    rooms = (views, cart_views, checkout, merchant, demand, merchant_login, drawings, crawlers)
    for room in (*rooms, feeds, legal, studio):
        app.register_blueprint(room.blueprint)
    app.jinja_env.filters.update(money=money.money, stock=stock.stock_of)
    app.jinja_env.globals.update(
        cart_count=cart.count,
        categories=departments.departments,
        demo_visitor=loopback.demo_visitor,
        drawing_url=drawings.drawing_url,
        merchant_asks_password=merchant_door.asks_password,
        merchant_may_enter=merchant_door.may_enter,
    )
    demo.init_app(app)
    app.cli.add_command(cli.group)
