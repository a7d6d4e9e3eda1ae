"""`create_app()` sets up the shop, the kit and the optional packages."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import click
import sqlalchemy as sa
from click.core import ParameterSource
from dotenv import load_dotenv
from flask import Flask, Response, jsonify, make_response
from flask.cli import run_command
from flask_sec_fetch_csrf import CSRFError, SecFetchCSRF
from werkzeug.middleware.proxy_fix import ProxyFix

import storefront
from notify_me import NotifyMe, SettingsError, admin, connect_src, include_name

ROOT = Path(__file__).parent
MAX_BODY_BYTES = 2 * 1024 * 1024
"""The maximum size of a request body, except for pages that set their own limit."""
OPTIONAL_PACKAGES: tuple[str, ...] = (
    # To remove a package, delete its folder, its tests and its line here. `demo` is set up only for
    # a demo shop.
    "storefront.branding",
    "storefront.importing",
    "storefront.studio",
    "demo",
)
CONFIG_VARIABLES = (
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
    "SHOP_CONFIG",
    "SHOP_URL",
)
"""Environment variables that are copied to the Flask config, in addition to those that begin with
`NOTIFY_ME_`.
"""


def create_app(environ: Mapping[str, str] | None = None) -> Flask:
    """Return the app. `environ`, if given, replaces the process environment and `.env`.

    Raises `SettingsError` if a setting is missing or invalid.
    """
    from_process = environ is None
    if environ is None:
        load_env_file()
        environ = os.environ
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    app = storefront.Shop(__name__)
    demo = is_demo(environ, Path(app.instance_path))
    if demo and "demo" in OPTIONAL_PACKAGES:
        environ = import_module("demo").demo_environment(environ, Path(app.instance_path))
    configure(app, environ, demo=demo)
    if from_process:
        apply_host_and_port()
    storefront.init_app(app)
    NotifyMe(
        app,
        catalog=storefront.ShopCatalog(),
        engine=lambda: storefront.db.engine,
        erase_contact=storefront.erase_contact,
        visitor_loader=storefront.visitor,
        shop_name=storefront.shop_name,
    )
    storefront.cache_forms(app)
    for name in OPTIONAL_PACKAGES:
        if demo or name != "demo":
            import_module(name).init_app(app)
    app.config["CSP_CONNECT_SRC"] = connect_src
    CrossSiteProtection(app)
    storefront.add_migrations(app)
    storefront.serve_static_files(app)
    if proxies := app.config["TRUSTED_PROXIES"]:
        # otherwise, all shoppers would appear to have the proxy's IP address and share a rate limit
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies
        )
    app.add_url_rule("/healthz", "healthz", lambda: ("ok\n", {"Content-Type": "text/plain"}))
    app.add_url_rule("/readyz", "readyz", readyz)
    return app


def load_env_file(file: Path = ROOT / ".env") -> None:
    """Add the variables in `file`, if the file exists, to the process environment. Variables that
    are already set there stay unchanged.

    Raises `SettingsError` if the file can't be read.
    """
    try:
        load_dotenv(file, override=False)
    except OSError as error:
        raise SettingsError(f"{file} can't be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{file} is not UTF-8: save the file as UTF-8") from None


def apply_host_and_port() -> None:
    """Make `flask run` use `HOST` and `PORT`, unless it was called with `--host` or `--port`.

    Flask reads the command's options before it imports the shop, so the command is started again,
    in the same process, with Flask's own variables set.
    """
    command = click.get_current_context(silent=True)
    if command is None or command.command is not run_command:
        return
    variables = {
        f"FLASK_RUN_{name}": os.environ[name]
        for name in ("HOST", "PORT")
        if os.environ.get(name)
        and command.get_parameter_source(name.lower()) is ParameterSource.DEFAULT
    }
    if variables:
        os.environ.update(variables)
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606


def is_demo(environ: Mapping[str, str], instance: Path) -> bool:
    """Whether this is the demo shop: `DEMO` is on, or this is a `flask` command in a demo's folder.

    Such a command uses the demo's data even though `DEMO` isn't set in its shell. A real shop is
    recognized by its `SECRET_KEY`.
    """
    if environ.get("DEMO") or environ.get("SECRET_KEY"):
        return flag(environ, "DEMO", default="0")
    return environ.get("FLASK_RUN_FROM_CLI") == "true" and (instance / "demo.json").exists()


class CrossSiteProtection(SecFetchCSRF):  # type: ignore[misc]
    """Refuses forms submitted from another site."""

    def protect(self) -> None:
        """Raise `CSRFError` for a cross-site request."""
        try:
            super().protect()
        except ValueError:
            # the library doesn't expect an invalid Origin, such as http://[
            raise CSRFError from None


def readyz() -> Response:
    """Return `admin.ready()` as JSON; 503 unless sign-ups can be read, stored and queued."""
    states = admin.ready()
    ready = all(states[name] == "ok" for name in ("database", "queue", "disk"))
    response = make_response(jsonify(states), 200 if ready else 503)
    response.headers["Cache-Control"] = "no-store"
    return response


def configure(app: Flask, environ: Mapping[str, str], *, demo: bool) -> None:
    """Fill the Flask config from the environment; raises `SettingsError` for invalid variables."""
    if not environ.get("SECRET_KEY"):
        demo_hint = "To try the demo: make run. " if "demo" in OPTIONAL_PACKAGES else ""
        raise SettingsError(
            f"SECRET_KEY is not set. {demo_hint}For a shop of your own, put 32 or more random "
            "characters in .env, such as the output of "
            'python -c "import secrets; print(secrets.token_hex())"'
        )
    for name, value in environ.items():
        if value and (name.startswith("NOTIFY_ME_") or name in CONFIG_VARIABLES):
            app.config[name] = value
    proxies = environ.get("TRUSTED_PROXIES") or "0"
    if not proxies.isdecimal():
        raise SettingsError(
            f"TRUSTED_PROXIES is {proxies!r}: set it to the number of proxies in front of the shop"
        )
    app.config["TRUSTED_PROXIES"] = int(proxies)
    app.config["SECRET_KEY_FALLBACKS"] = environ.get("SECRET_KEY_FALLBACKS", "").split()
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.config["DEMO"] = demo
    app.config["ALLOW_PRIVATE_PICTURES"] = flag(environ, "ALLOW_PRIVATE_PICTURES", default="0")
    app.config["RATELIMIT_ENABLED"] = flag(environ, "RATELIMIT_ENABLED", default="1")
    Path(app.instance_path).mkdir(parents=True, exist_ok=True)
    app.config.setdefault("DATABASE_URL", f"sqlite:///{app.instance_path}/shop.db")
    check_database_url(app.config["DATABASE_URL"], Path(app.instance_path))
    check_shop_url(app.config.get("SHOP_URL"))
    app.config.setdefault("NOTIFY_ME_CONFIG", str(ROOT / "notify_me.toml"))
    app.config.setdefault("NOTIFY_ME_INSTANCE_CONFIG", f"{app.instance_path}/notify_me.toml")
    app.config.setdefault("SHOP_CONFIG", str(ROOT / "shop.toml"))
    app.config["ALEMBIC"] = {"script_location": storefront.MIGRATIONS}
    app.config["ALEMBIC_CONTEXT"] = {"include_name": include_name}


def check_database_url(url: str, instance: Path) -> None:
    """Raise `SettingsError` if no engine can be created from `url`, or if `url` names a SQLite file
    in a folder that doesn't exist. A relative path is resolved against `instance`.

    The messages don't repeat the URL, which may contain a password.
    """
    try:
        parts = sa.make_url(url)
        parts.get_dialect().import_dbapi()
    except sa.exc.ArgumentError:
        raise SettingsError(
            "DATABASE_URL is not a database URL: use one such as sqlite:////srv/shop.db or "
            "postgresql+psycopg://user:password@host/shop"
        ) from None
    except ImportError as error:
        raise SettingsError(
            f"DATABASE_URL needs the Python package {error.name}: install it in .venv"
        ) from None
    if parts.get_backend_name() != "sqlite" or not parts.database:
        return
    folder = (instance / parts.database).parent
    if not parts.database.startswith((":", "file:")) and not folder.is_dir():
        raise SettingsError(
            f"DATABASE_URL points to a file in {folder}, which doesn't exist: create this folder"
        )


def check_shop_url(url: str | None) -> None:
    """Raise `SettingsError` if `SHOP_URL` is set to anything but an HTTP or HTTPS URL."""
    try:
        parts = urlsplit(url or "http://localhost")
        is_valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        # an invalid IPv6 address or port
        is_valid = False
    if not is_valid:
        raise SettingsError(
            f"SHOP_URL is {url!r}: set it to the shop's URL, such as https://shop.example"
        )


def flag(environ: Mapping[str, str], name: str, *, default: str) -> bool:
    """Whether a variable is on; raises `SettingsError` unless it is a boolean such as 1 or off."""
    value = environ.get(name) or default
    match value.strip().lower():
        case "0" | "false" | "no" | "off":
            return False
        case "1" | "true" | "yes" | "on":
            return True
    raise SettingsError(f"{name} is {value!r}: set it to 1 or 0")


if __name__ == "__main__":
    try:
        load_env_file()
    except SettingsError as error:
        sys.exit(f"The shop can't start. {error.format_message()}")
    port = os.environ.get("PORT") or "5000"
    if not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        sys.exit(f"The shop can't start. PORT is {port!r}: set it to a number from 1 to 65535")
    try:
        create_app().run(os.environ.get("HOST") or "127.0.0.1", int(port))
    except SettingsError as error:
        sys.exit(f"The shop can't start. {error.format_message()}")
