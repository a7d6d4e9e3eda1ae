"""`create_app()` wires the shop and the kit together: the one file that knows every package."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dotenv import load_dotenv
from flask import Flask, Response, jsonify, make_response
from flask_alembic import Alembic
from flask_sec_fetch_csrf import SecFetchCSRF
from werkzeug.middleware.proxy_fix import ProxyFix

import storefront
from notify_me import MIGRATIONS, NotifyMe, SettingsError, admin, connect_src, include_name
from notify_me import metadata as notify_me_metadata
from notify_me import upgrade as upgrade_queue

ROOT = Path(__file__).parent
EXTRAS = (
    "storefront.importing",
    "storefront.studio",
    "demo",
)
"""Packages that a fork may delete, each with its line here. The demo is for `DEMO=1` alone."""
ENVIRONMENT = (
    "DATABASE_URL",
    "KLAVIYO_API_URL",
    "KLAVIYO_LIST_ID",
    "KLAVIYO_PRIVATE_KEY",
    "KLAVIYO_PUBLIC_KEY",
    "KLAVIYO_REVISION",
    "MERCHANT_PASSWORD_HASH",
    "RATELIMIT_STORAGE_URI",
    "SANDBOX_URL",
    "SECRET_KEY",
    "SHOP_URL",
)
"""What goes from the environment into the Flask config under the same name, besides all settings of
the kit's, which begin with `NOTIFY_ME_`.
"""


def create_app(environ: Mapping[str, str] | None = None) -> Flask:
    """The whole app. `environ` stands for the environment and `.env`, which are read without it.

    Raises `SettingsError` in a sentence for whoever starts it, when a setting is wrong or missing.
    """
    if environ is None:
        load_dotenv(ROOT / ".env", override=False)
        environ = os.environ
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    app = Flask(__name__)
    demo = is_demo(environ, Path(app.instance_path))
    if demo and "demo" in EXTRAS:
        environ = import_module("demo").demo_environment(environ, Path(app.instance_path))
    configure(app, environ, demo=demo)
    storefront.init_app(app)
    NotifyMe(
        app, catalog=storefront.ShopCatalog(), db=storefront.db, visitor_loader=storefront.visitor
    )
    for name in EXTRAS:
        if demo or name != "demo":
            import_module(name).init_app(app)
    app.config["CSP_CONNECT_SRC"] = connect_src
    SecFetchCSRF(app)
    Migrations(app, metadatas=[storefront.Base.metadata, notify_me_metadata])
    storefront.serve_static_files(app)
    if proxies := app.config["TRUSTED_PROXIES"]:
        # else every shopper behind the proxy shares its address, and so one limit
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies
        )
    app.add_url_rule("/healthz", "healthz", lambda: ("ok\n", {"Content-Type": "text/plain"}))
    app.add_url_rule("/readyz", "readyz", readyz)
    return app


def is_demo(environ: Mapping[str, str], instance: Path) -> bool:
    """Whether `DEMO` is on, or this is a `flask …` command beside a demo that `make run` made: it
    uses the demo's data, though nobody set `DEMO` in its shell. Other shops have a `SECRET_KEY`.
    """
    if environ.get("DEMO") or environ.get("SECRET_KEY"):
        return flag(environ, "DEMO", default="0")
    return environ.get("FLASK_RUN_FROM_CLI") == "true" and (instance / "demo.json").exists()


class Migrations(Alembic):
    """`flask db upgrade`: the shop's tables and the kit's, then those of the kit's queue."""

    def upgrade(self, target: Any = "heads") -> None:
        """Bring the database up to date."""
        super().upgrade(target)
        upgrade_queue(storefront.db.engine)


def readyz() -> Response:
    """Whether the database and the queue in it answer: 200, else 503."""
    found = admin.ready()
    well = all(each == "ok" for each in found.values())
    response = make_response(jsonify(found), 200 if well else 503)
    response.headers["Cache-Control"] = "no-store"
    return response


def configure(app: Flask, environ: Mapping[str, str], *, demo: bool) -> None:
    """Fill the Flask config from the environment."""
    if not environ.get("SECRET_KEY"):
        raise SettingsError(
            "SECRET_KEY is not set. For a demo: make run. For a shop of your own, put 32 or more "
            "random characters in .env, such as the output of "
            'python -c "import secrets; print(secrets.token_hex())"'
        )
    given = {name: value for name, value in environ.items() if name.startswith("NOTIFY_ME_")}
    given |= {name: environ[name] for name in ENVIRONMENT if environ.get(name)}
    app.config.from_mapping({name: value for name, value in given.items() if value})
    app.config["DEMO"] = demo
    app.config["RATELIMIT_ENABLED"] = flag(environ, "RATELIMIT_ENABLED", default="1")
    app.config["TRUSTED_PROXIES"] = _count("TRUSTED_PROXIES", environ.get("TRUSTED_PROXIES", ""))
    app.config.setdefault("DATABASE_URL", f"sqlite:///{app.instance_path}/shop.db")
    _check_database(app.config["DATABASE_URL"])
    app.config.setdefault("NOTIFY_ME_CONFIG", str(ROOT / "notify_me.toml"))
    app.config["ALEMBIC"] = {
        "script_location": storefront.MIGRATIONS,
        "version_locations": [("notify_me", MIGRATIONS)],
    }
    app.config["ALEMBIC_CONTEXT"] = {"include_name": include_name}
    Path(app.instance_path).mkdir(parents=True, exist_ok=True)


def _check_database(url: str) -> None:
    """Refuse a URL that no engine can be made from. It may hold a password: never repeat it."""
    try:
        sa.make_url(url).get_dialect().import_dbapi()
    except sa.exc.ArgumentError:
        raise SettingsError(
            "DATABASE_URL is not a database URL: write one such as sqlite:////srv/shop.db or "
            "postgresql+psycopg://user:password@host/shop"
        ) from None
    except ImportError as error:
        raise SettingsError(
            f"DATABASE_URL needs the Python package {error.name}: install it in .venv"
        ) from None


def _count(name: str, value: str) -> int:
    if not (value or "0").isdecimal():
        raise SettingsError(f"{name} is {value!r}: set it to the number of proxies before the shop")
    return int(value or "0")


def flag(environ: Mapping[str, str], name: str, *, default: str) -> bool:
    """Whether a variable is on; raises `SettingsError` for what is neither on nor off."""
    value = environ.get(name) or default
    match value.strip().lower():
        case "0" | "false" | "no" | "off":
            return False
        case "1" | "true" | "yes" | "on":
            return True
    raise SettingsError(f"{name} is {value!r}: set it to 1 or 0")


if __name__ == "__main__":
    try:
        create_app().run(os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "5000")))
    except SettingsError as error:
        sys.exit(f"The shop can't start. {error.format_message()}")
