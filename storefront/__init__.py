"""The starter shop: catalog, product pages, cart, checkout and the merchant's pages."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from . import cli, db_command
from .base import (
    accent,
    brand,
    current_shop,
    database,
    errors,
    headers,
    languages,
    page_cache,
    static_files,
)
from .base.database import db
from .base.hosts import Shop
from .base.models import Base
from .base.visitor import visitor
from .buying import cart, checkout
from .buying.orders import erase_contact
from .catalog import categories, drawings, feeds, pictures, stock, translations
from .catalog.queries import ShopCatalog
from .merchant import access, demand, health, inventory, login, waiting
from .shop import views

__all__ = [
    "MIGRATIONS",
    "Base",
    "Shop",
    "ShopCatalog",
    "add_migrations",
    "cache_forms",
    "db",
    "erase_contact",
    "init_app",
    "serve_static_files",
    "shop_name",
    "visitor",
]

MIGRATIONS = str(Path(__file__).with_name("migrations"))
"""The folder with the shop's Alembic revisions, which form the branch `storefront`."""

add_migrations = db_command.init_app
serve_static_files = static_files.init_app
cache_forms = page_cache.cache_forms


def shop_name() -> str:
    """Return the name in `shop.toml`, or that of an imported catalog."""
    return current_shop.shop().name


def init_app(app: Flask) -> None:
    """Add the shop to `app`: database, pages, error pages, headers and commands.

    Raises `notify_me.SettingsError` if `MERCHANT_PASSWORD_HASH` or `shop.toml` is invalid.
    """
    database.init_app(app)
    current_shop.init_app(app)
    headers.init_app(app)
    languages.init_app(app)
    errors.init_app(app)
    page_cache.init_app(app, {cart.COOKIE: cart.count})
    access.init_app(app)
    for module in (
        views,
        accent,
        brand,
        cart,
        checkout,
        feeds,
        drawings,
        pictures,
        inventory,
        demand,
        login,
    ):
        app.register_blueprint(module.blueprint)
    app.jinja_env.filters.update(stock=stock.stock_of, translated=translations.translated)
    app.jinja_env.globals.update(
        accent_stylesheet_url=accent.stylesheet_url,
        brand_logo_url=brand.logo_url,
        cart_count=cart.count,
        categories=categories.categories,
        english_attributes=translations.english_attributes,
        other_products=views.other_products,
        takes_payment=checkout.takes_payment,
        variant_image=pictures.variant_image,
        merchant_password_required=access.password_required,
        merchant_has_access=access.has_access,
        merchant_problems=health.problems,
        merchant_many_waiting=waiting.many_waiting,
    )
    app.config["CSP_IMG_SRC"] = pictures.linked_origins
    app.cli.add_command(cli.group)
