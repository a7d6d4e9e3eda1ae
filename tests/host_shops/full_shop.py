"""A shop with common extensions: Flask-SQLAlchemy, -Migrate, -WTF, -Login, -Limiter, -Babel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flask import Flask, Response, render_template_string, request
from flask_babel import Babel
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect

import notify_me
from notify_me import CompositeID, NotifyMe, Variant

LAYOUT = """<!doctype html>
<html><head><title>{% block title %}{% endblock %}</title>{{ notify_me_head() }}
{% block head %}{% endblock %}</head>
<body>{% block main %}{% endblock %}</body></html>
"""
PRODUCT = """{% extends "base.html" %}
{% block main %}
{% call notify_me(variant) %}<button>Add to cart</button>{% endcall %}
{% endblock %}
"""


def full_shop(
    folder: Path,
    config: Mapping[str, Any],
    *,
    order: str = "kit last",
    set_up_kit: bool = True,
) -> Flask:
    """Create the shop; `order` says whether the kit is set up before or after the others."""
    (folder / "templates").mkdir(exist_ok=True)
    (folder / "templates" / "base.html").write_text(LAYOUT)
    app = Flask("full_shop", root_path=str(folder), instance_path=str(folder / "instance"))
    app.config.from_mapping(
        {
            "SECRET_KEY": "s" * 32,
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder / 'shop.db'}",
            "RATELIMIT_DEFAULT": "10 per hour",
            "RATELIMIT_STORAGE_URI": "memory://",
            "BABEL_DEFAULT_LOCALE": "de",
            # the kit's thread would poll the database until the last test has ended
            "NOTIFY_ME_DELIVERY__IN_WEB_PROCESS": "false",
            **config,
        }
    )
    db = SQLAlchemy()

    class Product(db.Model):  # type: ignore[name-defined, misc]
        sku = db.Column(db.String(32), primary_key=True)
        quantity = db.Column(db.Integer, nullable=False)

    def find_variants(composite_id: CompositeID) -> list[Variant]:
        return [variant_of(product) for product in db.session.scalars(db.select(Product))]

    def variant_of(product: Any) -> Variant:
        composite_id = CompositeID("$custom", "$default", product.sku)
        return Variant(composite_id, "tee", "Tee", url=f"/{product.sku}", quantity=product.quantity)

    def set_up_others() -> None:
        db.init_app(app)
        Migrate(app, db, include_name=notify_me.include_name)
        CSRFProtect(app)
        LoginManager(app).user_loader(lambda _user_id: None)
        Limiter(get_remote_address, app=app)
        Babel(app, locale_selector=lambda: request.args.get("sprache", "de"))

    kit = NotifyMe(catalog=find_variants, engine=lambda: db.engine)
    steps: list[Callable[[], None]] = [set_up_others]
    if set_up_kit:
        steps.insert(0 if order == "kit first" else 1, lambda: kit.init_app(app))
    for step in steps:
        step()

    @app.get("/<sku>")
    def product_page(sku: str) -> str:
        return render_template_string(PRODUCT, variant=variant_of(db.get_or_404(Product, sku)))

    @app.after_request
    def strict_csp(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = "default-src 'self'; object-src 'none'"
        return response

    app.extensions["products"] = Product
    return app
