"""The Flask extension: settings, state, blueprint, commands, Jinja globals, in that order."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

from flask import Flask, current_app, g, has_request_context
from itsdangerous import URLSafeTimedSerializer
from werkzeug.routing import PathConverter

from . import consent, guards, legal, locales, theme, words
from .delivery import Guarded, Queue
from .delivery.queue import check_sqlite
from .klaviyo import Klaviyo
from .log import SignUpLog
from .opt_in import OptIn
from .settings import Account, KlaviyoCatalog, Settings, SettingsError, read_account, read_settings
from .settings.localized import localized
from .settings.overlay import WrongChanges, overlaid_once
from .variants import Catalog
from .visitor import Visitor, Visits

if TYPE_CHECKING:
    from flask_sqlalchemy_lite import SQLAlchemy

logger = logging.getLogger(__name__)

MIGRATIONS = str(Path(__file__).parent / "migrations")
"""The folder of the kit's own Alembic branch, for the shop's `version_locations`."""


@dataclass(frozen=True, slots=True)
class State:
    """What the extension keeps for one app."""

    settings: Settings
    spoken: Mapping[str, Settings]
    """The settings as shoppers read them, by the languages offered."""
    account: Account
    catalog: Catalog
    db: SQLAlchemy
    log: SignUpLog
    klaviyo: Guarded | None
    """None in client mode without a private key."""
    opt_in: OptIn
    queue: Queue
    signer: URLSafeTimedSerializer
    """For the sign-up that a browser is to report on."""
    done_signer: URLSafeTimedSerializer
    """For links to the done page: one can't be made from the other."""
    visits: Visits | None = None
    """Asks the shop what this visitor has of their own."""


def current_state() -> State:
    """The state of the app that handles this request."""
    try:
        return cast(State, current_app.extensions["notify_me"])
    except KeyError:
        raise RuntimeError(
            "NotifyMe is not set up on this app: call NotifyMe(app, catalog=…, db=…) in create_app"
        ) from None


@dataclass(frozen=True, slots=True)
class _Holding:
    """What holds for one request."""

    settings: Settings
    """As they are written: in all languages."""
    account: Account
    known: bool = False
    """Whether the shop knows this visitor."""
    spoken: Mapping[str, Settings] = field(default_factory=dict)
    """As shoppers read them, by language."""

    def in_language(self, locale: str) -> Settings:
        """The settings as shoppers read them in a language that they offer."""
        return self.spoken.get(locale) or localized(self.settings, locale)


def is_known_visitor() -> bool:
    """Whether the shop says that this request's visitor may have something of their own."""
    return _holding().known


def current_settings() -> Settings:
    """The settings that hold for this request, in its language: a visitor's own over the
    merchant's. Outside of a request, the merchant's as they are written.
    """
    if not has_request_context():
        return current_state().settings
    return _holding().in_language(str(locales.current_locale()))


def current_account() -> Account:
    """The account, with the mode that holds for this request."""
    return _holding().account


def current_offer() -> consent.Offer:
    """What a form offers and asks in this request."""
    return consent.offer(current_settings(), current_account(), str(locales.current_locale()))


def _holding() -> _Holding:
    state = current_state()
    merchants = _Holding(state.settings, state.account, spoken=state.spoken)
    if state.visits is None or not has_request_context():
        return merchants
    if "notify_me" not in g:
        # what the shop looks up for its answer may itself ask for a language
        g.notify_me = merchants
        if visitor := state.visits():
            g.notify_me = _held(state, visitor)
    return cast(_Holding, g.notify_me)


def _held(state: State, visitor: Visitor) -> _Holding:
    settings, account, spoken = state.settings, state.account, state.spoken
    keys = {"client": account.public_key, "server": account.private_key.get_secret_value()}
    if visitor.mode and keys[visitor.mode]:
        account = account.model_copy(update={"mode": visitor.mode})
    if visitor.settings:
        try:
            own = overlaid_once(settings, visitor.settings)
            consent.check(own, account)
            settings, spoken = own, {}
        except (WrongChanges, SettingsError) as error:
            logger.warning("a visitor's own settings don't hold: %s", error)
    return _Holding(settings, account, known=True, spoken=spoken)


def _offered() -> tuple[str, ...]:
    return _holding().settings.languages.offered


def current_catalog() -> KlaviyoCatalog:
    """`[catalog]` of the app that handles this request or command: what makes composite IDs."""
    return current_state().settings.catalog


class NotifyMe:
    """Adds back-in-stock sign-ups to a Flask app: `NotifyMe(app, catalog=…, db=…)`.

    `catalog` answers for the shop's variants; `db` is the shop's Flask-SQLAlchemy-Lite
    extension, in whose default database the sign-up log lives. `visits` is asked once a request
    for what its visitor has of their own (a `Visitor`), for a Studio or a demo.
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
        visits: Visits | None = None,
    ) -> None:
        if app is not None:
            if catalog is None or db is None:
                raise TypeError("NotifyMe(app, …) needs catalog= and db=")
            self.init_app(app, catalog=catalog, db=db, visits=visits)

    def init_app(
        self, app: Flask, *, catalog: Catalog, db: SQLAlchemy, visits: Visits | None = None
    ) -> None:
        """Set the kit up on `app`; once an app."""
        if "notify_me" in app.extensions:
            raise RuntimeError("NotifyMe is already set up on this app: use that one")
        settings = read_settings(app.config.get("NOTIFY_ME_CONFIG"), app.config)
        account = read_account(app.config)
        consent.check(settings, account)
        for each in (*theme.faint(settings), *legal.unspoken(settings)):
            logger.warning("%s", each)
        if not app.secret_key:
            raise SettingsError("SECRET_KEY is not set: it signs the links to the done page")
        with app.app_context():
            if db.engine.dialect.name == "sqlite":
                check_sqlite()
        klaviyo = _klaviyo(account, settings)
        app.extensions["notify_me"] = State(
            settings=settings,
            spoken={each: localized(settings, each) for each in settings.languages.offered},
            account=account,
            catalog=catalog,
            db=db,
            log=SignUpLog(lambda: db.engine, account.log_key.get_secret_value()),
            klaviyo=klaviyo,
            opt_in=OptIn(klaviyo, account.list_id),
            queue=Queue(lambda: db.engine),
            signer=URLSafeTimedSerializer(app.secret_key, salt="notify-me"),
            done_signer=URLSafeTimedSerializer(app.secret_key, salt="notify-me-done"),
            visits=visits,
        )
        guards.init_app(app)
        locales.init_app(app, settings.languages.offered[0], _offered)
        from .buttons import notify_me, notify_me_head  # these use what stands above
        from .cli import commands
        from .views import blueprint

        app.url_map.converters["composite_id"] = _CompositeIDConverter
        app.register_blueprint(blueprint)
        app.cli.add_command(commands)
        app.jinja_env.globals["notify_me_gettext"] = words.gettext
        app.jinja_env.globals["notify_me_language"] = words.language
        app.jinja_env.globals["notify_me"] = notify_me
        app.jinja_env.globals["notify_me_head"] = notify_me_head


def connect_src() -> list[str]:
    """The origins that this reply's Content-Security-Policy must name in `connect-src` for the
    kit's script: Klaviyo's in client mode, none else.
    """
    account = current_account()
    return [account.api_url] if account.mode == "client" else []


class _CompositeIDConverter(PathConverter):
    """`path`, but with every reserved character quoted: browsers resolve `..` in a path."""

    def to_url(self, value: str) -> str:
        return quote(value, safe="")


def _klaviyo(account: Account, settings: Settings) -> Guarded | None:
    delivery = settings.delivery
    klaviyo = klaviyo_of(account, delivery.in_flight)
    if klaviyo is None:
        return None
    return Guarded(klaviyo, failures=delivery.breaker_failures, pause=delivery.breaker_pause)


def klaviyo_of(account: Account, in_flight: int) -> Klaviyo | None:
    """Klaviyo for this account, with so many calls at once; None without a private key."""
    if not account.private_key.get_secret_value():
        return None
    return Klaviyo(
        api_url=account.api_url,
        private_key=account.private_key.get_secret_value(),
        revision=account.revision,
        in_flight=in_flight,
    )
