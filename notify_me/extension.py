"""The Flask extension: settings, state, blueprint, commands, Jinja globals, in that order."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask
from itsdangerous import URLSafeTimedSerializer

from .cli import commands
from .context import ActiveSettings, State, VisitorLoader, current_languages, klaviyo_of
from .delivery import Queue
from .delivery.queue import check_sqlite
from .form import consent
from .i18n import locales, text
from .klaviyo.circuit_breaker import CircuitBreaker
from .klaviyo.list_opt_in import ListOptIn
from .settings import Account, Settings, SettingsError, read_account, read_settings
from .store.sign_up_log import SignUpLog
from .variants import Catalog
from .web import abuse, theme
from .web.template_globals import notify_me, notify_me_head
from .web.views import CompositeIDConverter, blueprint

if TYPE_CHECKING:
    from flask_sqlalchemy_lite import SQLAlchemy

logger = logging.getLogger(__name__)

MIGRATIONS = str(Path(__file__).parent / "migrations")
"""The folder of the kit's own Alembic branch, for the shop's `version_locations`."""


class NotifyMe:
    """Adds back-in-stock sign-ups to a Flask app: `NotifyMe(app, catalog=…, db=…)`.

    `catalog` looks up the shop's variants. `db` is the shop's Flask-SQLAlchemy-Lite extension; the
    sign-up log lives in its default database. `visitor_loader` is called once per request and
    returns the settings and mode that apply to this visitor only (`VisitorOverrides`), or None.
    Reads from `app.config`:
    `KLAVIYO_PRIVATE_KEY`, `KLAVIYO_PUBLIC_KEY`, `KLAVIYO_LIST_ID`, `KLAVIYO_API_URL`,
    `KLAVIYO_REVISION`, `NOTIFY_ME_MODE`, `NOTIFY_ME_CONFIG`, `NOTIFY_ME_LOG_KEY`, `SECRET_KEY`.
    Every setting of `notify_me.toml` may stand there too, as `NOTIFY_ME_BUTTON__LABEL`.
    Raises `SettingsError` when one is wrong or missing.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        catalog: Catalog | None = None,
        db: SQLAlchemy | None = None,
        visitor_loader: VisitorLoader | None = None,
    ) -> None:
        if app is not None:
            if catalog is None or db is None:
                raise TypeError("NotifyMe(app, …) needs catalog= and db=")
            self.init_app(app, catalog=catalog, db=db, visitor_loader=visitor_loader)

    def init_app(
        self,
        app: Flask,
        *,
        catalog: Catalog,
        db: SQLAlchemy,
        visitor_loader: VisitorLoader | None = None,
    ) -> None:
        """Set the kit up on `app`; once an app."""
        if "notify_me" in app.extensions:
            raise RuntimeError("NotifyMe is already set up on this app: use that one")
        settings = read_settings(app.config.get("NOTIFY_ME_CONFIG"), app.config)
        account = read_account(app.config)
        consent.check(settings, account)
        for each in (*theme.contrast_warnings(settings), *consent.untranslated_warnings(settings)):
            logger.warning("%s", each)
        if not app.secret_key:
            raise SettingsError("SECRET_KEY is not set: it signs the links to the done page")
        with app.app_context():
            if db.engine.dialect.name == "sqlite":
                check_sqlite()
        klaviyo = _klaviyo(account, settings)
        app.extensions["notify_me"] = State(
            defaults=ActiveSettings(settings, account),
            settings=settings,
            account=account,
            catalog=catalog,
            db=db,
            log=SignUpLog(lambda: db.engine, account.log_key.get_secret_value()),
            klaviyo=klaviyo,
            opt_in=ListOptIn(klaviyo, account.list_id),
            queue=Queue(lambda: db.engine),
            signer=URLSafeTimedSerializer(app.secret_key, salt="notify-me"),
            done_signer=URLSafeTimedSerializer(app.secret_key, salt="notify-me-done"),
            visitor_loader=visitor_loader,
        )
        abuse.init_app(app)
        locales.init_app(app, settings.languages.offered[0], current_languages)
        app.url_map.converters["composite_id"] = CompositeIDConverter
        app.register_blueprint(blueprint)
        app.cli.add_command(commands)
        app.jinja_env.globals["notify_me_gettext"] = text.gettext
        app.jinja_env.globals["notify_me_language"] = text.language
        app.jinja_env.globals["notify_me"] = notify_me
        app.jinja_env.globals["notify_me_head"] = notify_me_head


def _klaviyo(account: Account, settings: Settings) -> CircuitBreaker | None:
    delivery = settings.delivery
    klaviyo = klaviyo_of(account, delivery.in_flight)
    if klaviyo is None:
        return None
    return CircuitBreaker(klaviyo, failures=delivery.breaker_failures, pause=delivery.breaker_pause)
