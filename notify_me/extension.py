"""The Flask extension: `NotifyMe.init_app` sets everything up on an app."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import sqlalchemy as sa
from flask import Flask
from itsdangerous import URLSafeTimedSerializer

from .check.flow import FlowCheck
from .commands import commands
from .context import (
    ActiveSettings,
    State,
    VisitorLoader,
    current_languages,
    delivery_context,
    instance_config_version,
    klaviyo_client,
    reload_settings,
)
from .database import Database, create_engine
from .delivery.background import BackgroundDelivery
from .delivery.queue import Queue
from .form import consent
from .i18n import locales, text
from .klaviyo.circuit_breaker import CircuitBreaker
from .klaviyo.list_opt_in import ListOptIn
from .settings import Account, Settings, SettingsError, log_keys, read_account, read_settings
from .settings.loader import INSTANCE_CONFIG
from .store.sign_up_log import SignUpLog
from .variants import Catalog, CompositeID, FunctionCatalog, Variant
from .web import abuse, theme
from .web.template_globals import notify_me, notify_me_head
from .web.views import CompositeIDConverter, blueprint

logger = logging.getLogger(__name__)

CatalogSource = Catalog | Callable[[CompositeID], Sequence[Variant]]
"""A catalog, or a function that takes a variant's composite ID and returns all variants of its
product. For an unknown ID, it returns an empty list.
"""
EngineSource = sa.Engine | Callable[[], sa.Engine]


class NotifyMe:
    """Adds back-in-stock sign-ups to a Flask app: `NotifyMe(app, catalog=find_variants)`.

    Arguments:
        app: the Flask app. Without it, call `init_app(app)` later; arguments passed to `init_app`
            take precedence over those passed here.
        catalog: a function `find_variants(composite_id)` that returns a list of all variants of the
            product, or an object with the methods of `Catalog`.
        engine: a SQLAlchemy engine, or a function that returns one, such as `lambda: db.engine`, to
            store sign-ups in the shop's database. Without it, they are stored in the database at
            `NOTIFY_ME_DATABASE_URI`, or else in `notify_me.db` in the app's instance folder.
        url_prefix: the prefix of the URLs of the kit's pages.
        erase_contact: a function that removes an email address or phone number from the shop's own
            tables, for `flask notify-me erase`, and returns a sentence that says what it did.
        visitor_loader: a function that returns the `VisitorOverrides` of a request (the settings
            and mode that apply to this visitor only), or None.
        shop_name: a function that returns the shop's name, which the consent wording uses if
            `[consent] brand` isn't set. It is called within a request.

    Reads from `app.config`: `SECRET_KEY`, `SECRET_KEY_FALLBACKS`, `KLAVIYO_PRIVATE_KEY`,
    `KLAVIYO_PUBLIC_KEY`, `KLAVIYO_LIST_ID`, `KLAVIYO_API_URL`, `KLAVIYO_REVISION`,
    `RATELIMIT_ENABLED`, `RATELIMIT_STORAGE_URI`, `SHOP_URL`, `TRUSTED_HOSTS`, and everything that
    begins with `NOTIFY_ME_`. The config isn't changed. Raises `SettingsError` when a setting is
    invalid or missing.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        catalog: CatalogSource | None = None,
        engine: EngineSource | None = None,
        url_prefix: str = "/notify-me",
        erase_contact: Callable[[str], str] | None = None,
        visitor_loader: VisitorLoader | None = None,
        shop_name: Callable[[], str] | None = None,
    ) -> None:
        self._catalog = catalog
        self._engine = engine
        self._url_prefix = url_prefix
        self._erase_contact = erase_contact
        self._visitor_loader = visitor_loader
        self._shop_name = shop_name
        if app is not None:
            self.init_app(app)

    def init_app(
        self,
        app: Flask,
        *,
        catalog: CatalogSource | None = None,
        engine: EngineSource | None = None,
        url_prefix: str | None = None,
        erase_contact: Callable[[str], str] | None = None,
        visitor_loader: VisitorLoader | None = None,
        shop_name: Callable[[], str] | None = None,
    ) -> None:
        """Set up the kit on `app`, without opening a database or starting a thread."""
        catalog = catalog or self._catalog
        if catalog is None:
            raise TypeError("NotifyMe needs catalog=, a function that finds variants")
        if "notify_me" in app.extensions:
            raise RuntimeError("NotifyMe is already set up on this app: create it only once")
        if not app.secret_key:
            raise SettingsError("SECRET_KEY is not set: the kit needs it to sign links")
        version = instance_config_version(app.config)
        settings = read_settings(app.config.get("NOTIFY_ME_CONFIG"), app.config)
        account = read_account(app.config)
        shop_name = shop_name or self._shop_name
        consent.check(settings, account, has_shop_name=shop_name is not None)
        for warning in (
            *theme.contrast_warnings(settings),
            *consent.untranslated_warnings(settings),
        ):
            logger.warning("%s", warning)
        # itsdangerous signs with the last key and accepts all of them
        secrets = [*(app.config.get("SECRET_KEY_FALLBACKS") or []), app.secret_key]
        keys = log_keys(app.config, account)
        breaker = _circuit_breaker(account, settings)
        database = _database(app, engine or self._engine)
        background = None
        if settings.delivery.in_web_process:
            background = BackgroundDelivery(delivery_context)
        app.extensions["notify_me"] = State(
            defaults=ActiveSettings(settings, account),
            settings=settings,
            account=account,
            catalog=FunctionCatalog(catalog) if callable(catalog) else catalog,
            database=database,
            log=SignUpLog(database.engine, keys),
            circuit_breaker=breaker,
            opt_in=ListOptIn(breaker, account.list_id),
            flow=FlowCheck(breaker),
            queue=Queue(database.engine, background.ensure_running if background else None),
            background=background,
            report_signer=URLSafeTimedSerializer(secrets, salt="notify-me"),
            confirmation_signer=URLSafeTimedSerializer(secrets, salt="notify-me-done"),
            rate_limiter=abuse.create_limiter(app.config, database.engine, keys[0]),
            limits_posts=app.config.get("RATELIMIT_ENABLED", True),
            erase_contact=erase_contact or self._erase_contact,
            visitor_loader=visitor_loader or self._visitor_loader,
            shop_name=shop_name,
            instance_config_version=version,
        )
        if app.config.get(INSTANCE_CONFIG):
            app.before_request(reload_settings)
        locales.init_app(app, current_languages)
        app.url_map.converters["composite_id"] = CompositeIDConverter
        app.register_blueprint(blueprint, url_prefix=url_prefix or self._url_prefix)
        app.cli.add_command(commands)
        app.jinja_env.globals["notify_me_gettext"] = text.gettext
        app.jinja_env.globals["notify_me_language"] = locales.language
        app.jinja_env.globals["notify_me"] = notify_me
        app.jinja_env.globals["notify_me_head"] = notify_me_head


def _database(app: Flask, engine: EngineSource | None) -> Database:
    url = app.config.get("NOTIFY_ME_DATABASE_URI")
    if engine is not None and url:
        raise SettingsError(
            "NOTIFY_ME_DATABASE_URI and NotifyMe(engine=…) are both set: remove one"
        )
    if engine is not None:
        return Database(engine)
    if url:
        return Database(create_engine(url))
    return Database.in_file(Path(app.instance_path) / "notify_me.db")


def _circuit_breaker(account: Account, settings: Settings) -> CircuitBreaker | None:
    delivery = settings.delivery
    klaviyo = klaviyo_client(account, delivery.in_flight)
    if klaviyo is None:
        return None
    return CircuitBreaker(
        klaviyo,
        failures=delivery.breaker_failures,
        pause=delivery.breaker_pause,
        longest_pause=delivery.longest_pause,
    )
