"""The kit's state for one app, and the settings of the current request."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from flask import current_app, g, has_request_context, request
from itsdangerous import URLSafeTimedSerializer

from .check.flow import FlowCheck
from .database import Database
from .delivery.background import BackgroundDelivery
from .delivery.deliverer import DeliveryContext
from .delivery.queue import Queue
from .form import consent
from .i18n import locales
from .klaviyo.calls import Operation
from .klaviyo.circuit_breaker import CircuitBreaker
from .klaviyo.client import Klaviyo
from .klaviyo.list_opt_in import ListOptIn
from .settings import Account, KlaviyoCatalog, Settings, SettingsError, read_settings
from .settings.loader import INSTANCE_CONFIG
from .settings.localized import localized
from .store.sign_up_log import SignUpLog
from .variants import Catalog, CompositeID, Variant

if TYPE_CHECKING:
    from limits.strategies import RateLimiter

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class VisitorOverrides:
    """Settings and mode for one visitor, such as a merchant who previews new settings."""

    settings: Settings | None = None
    """The visitor's settings. If they are None or invalid, the shop's settings apply."""
    mode: Literal["server", "client"] | None = None
    """Whether the server or the browser calls Klaviyo. If this is None, or the mode's key isn't
    set, the shop's mode applies.
    """


VisitorLoader = Callable[[], VisitorOverrides | None]
"""Returns the overrides for the visitor of the current request, or None."""


@dataclass(frozen=True, slots=True)
class ActiveSettings:
    """The settings and the account of a request."""

    settings: Settings
    """The settings in all languages."""
    account: Account
    is_recognized: bool = False
    """Whether the shop returned overrides for this visitor."""
    _localized: dict[tuple[str, str], Settings] = field(default_factory=dict)
    """The cache of `in_language`, by locale and brand."""

    def in_language(self, locale: str, shop_name: Callable[[], str] | None) -> Settings:
        """Return the settings in one language. If no brand is set, the consent wording uses the
        name that `shop_name` returns.

        The result is cached here because every button on a page needs it. The cache of `localized`
        is slower, since each lookup may compare all settings.
        """
        brand = self.settings.consent.brand or (shop_name() if shop_name else "")
        key = locale, brand
        if key not in self._localized:
            settings = localized(self.settings, locale)
            if brand != settings.consent.brand:
                named = settings.consent.model_copy(update={"brand": brand})
                settings = settings.model_copy(update={"consent": named})
            self._localized[key] = settings
        return self._localized[key]


@dataclass(frozen=True, slots=True)
class State:
    """The objects that the extension sets up for one app."""

    defaults: ActiveSettings
    """The settings for visitors without overrides."""
    settings: Settings
    account: Account
    catalog: Catalog
    database: Database
    log: SignUpLog
    circuit_breaker: CircuitBreaker | None
    """None in client mode without a private key."""
    opt_in: ListOptIn
    flow: FlowCheck
    queue: Queue
    background: BackgroundDelivery | None
    """None if only separate workers send queued calls."""
    report_signer: URLSafeTimedSerializer
    """Signs the ID of the sign-up that a browser reports on."""
    confirmation_signer: URLSafeTimedSerializer
    """Signs links to confirmations. Its salt differs from that of `report_signer`."""
    rate_limiter: RateLimiter | None
    """Counts in the storage at `RATELIMIT_STORAGE_URI`, or in memory if that isn't set.
    None if the URI isn't set and the shop has turned off the per-minute limits.
    """
    limits_posts: bool
    """False if the shop has turned off the per-minute limits (`RATELIMIT_ENABLED`)."""
    erase_contact: Callable[[str], str] | None = None
    """Removes a contact from the shop's own tables, and returns a sentence about what it did."""
    visitor_loader: VisitorLoader | None = None
    shop_name: Callable[[], str] | None = None
    """Returns the name for the consent wording if `[consent] brand` isn't set."""
    instance_config_version: int | None = None
    """The version of the instance's settings file that was last read; None if there was no file."""


def current_state() -> State:
    """Return the state of the current app."""
    try:
        return cast(State, current_app.extensions["notify_me"])
    except KeyError:
        raise RuntimeError(
            "NotifyMe is not set up on this app: call NotifyMe(app, catalog=…) in create_app"
        ) from None


def instance_config_version(config: Mapping[str, Any]) -> int | None:
    """Return the version of the file at `NOTIFY_ME_INSTANCE_CONFIG`: its modification time in
    nanoseconds, or None if there is no such file.
    """
    try:
        return os.stat(config[INSTANCE_CONFIG]).st_mtime_ns
    except (KeyError, OSError):
        return None


def read_shop_settings(instance_file: Path | None = None) -> Settings:
    """Read the shop's settings from the files and variables, without using them yet. If
    `instance_file` is given, it's read instead of the file at `NOTIFY_ME_INSTANCE_CONFIG`.

    Raises `SettingsError` if the app couldn't start with them.
    """
    state = current_state()
    config: dict[str, Any] = current_app.config
    if instance_file:
        config = config | {INSTANCE_CONFIG: str(instance_file)}
    settings = read_settings(config.get("NOTIFY_ME_CONFIG"), config)
    consent.check(settings, state.account, has_shop_name=state.shop_name is not None)
    return settings


def reload_settings() -> None:
    """Read the settings again if the instance's settings file has changed, for example by a Studio
    in another process. If the new settings are invalid, an error is logged and the previous ones
    stay in use.

    Objects that were created from settings at startup, such as the circuit breaker, don't change.
    """
    state, config = current_state(), current_app.config
    version = instance_config_version(config)
    if version == state.instance_config_version:
        return
    try:
        settings = read_shop_settings()
    except SettingsError as error:
        settings = state.settings
        logger.error("ignoring the changed settings: %s", error)
    current_app.extensions["notify_me"] = replace(
        state,
        defaults=ActiveSettings(settings, state.account),
        settings=settings,
        instance_config_version=version,
    )
    g.pop("notify_me", None)
    locales.forget_language()


def settings_version() -> int | None:
    """Return a value that changes with the shop's settings while the app runs, for caches of pages
    with a button. It is None if the file at `NOTIFY_ME_INSTANCE_CONFIG` doesn't exist, for example
    because no Studio has written it yet.
    """
    return current_state().instance_config_version


def rate_limiter() -> RateLimiter | None:
    """Return a limiter for the shop's own limits, such as on its sign-in page. It counts in the
    storage at `RATELIMIT_STORAGE_URI`; its methods raise `limits.errors.StorageError` if the
    storage is unavailable. Return None if `RATELIMIT_ENABLED` is off and no storage is set.
    """
    return current_state().rate_limiter


def is_recognized_visitor() -> bool:
    """Return whether the shop has overrides for this request's visitor."""
    return _active_settings().is_recognized


def current_settings() -> Settings:
    """Return this request's settings, in its language. Outside a request, return the shop's
    settings in all languages.
    """
    if not has_request_context():
        return current_state().settings
    return _active_settings().in_language(locales.language().name, current_state().shop_name)


def current_account() -> Account:
    """Return the account, with the mode for this request."""
    return _active_settings().account


def current_form_options() -> consent.FormOptions:
    """Return the channels and consent prompts of this request's forms."""
    return _cached_form_options(current_settings(), current_account(), locales.language().name)


_cached_form_options = lru_cache(maxsize=64)(consent.form_options)


def current_languages() -> tuple[str, ...]:
    """Return the languages offered in this request; the first is the default."""
    return _active_settings().settings.languages.offered


def _active_settings() -> ActiveSettings:
    if not has_request_context():
        return current_state().defaults
    environ: object
    active: ActiveSettings
    environ, active = g.get("notify_me", (None, None))
    # in a shop's tests, several requests may share `g`
    if environ is not request.environ:
        state = current_state()
        active = state.defaults
        # the loader itself may need settings, such as the languages
        g.notify_me = request.environ, active
        if state.visitor_loader and (overrides := state.visitor_loader()):
            active = _apply(overrides, state)
            g.notify_me = request.environ, active
            locales.forget_language()
    return active


def _apply(overrides: VisitorOverrides, state: State) -> ActiveSettings:
    account = state.account
    keys = {"client": account.public_key, "server": account.private_key.get_secret_value()}
    if overrides.mode and keys[overrides.mode]:
        account = account.model_copy(update={"mode": overrides.mode})
    settings = overrides.settings or state.settings
    has_shop_name = state.shop_name is not None
    if settings is not state.settings and (
        problems := consent.problems(settings, account, has_shop_name=has_shop_name)
    ):
        logger.warning("ignoring a visitor's invalid settings: %s", "; ".join(problems))
        settings = state.settings
    return ActiveSettings(settings, account, is_recognized=True)


def current_catalog() -> KlaviyoCatalog:
    """Return the app's settings under `[catalog]`, which create composite IDs. (The shop's catalog
    of products is the `catalog` passed to `NotifyMe`.)
    """
    return current_state().settings.catalog


def connect_src() -> list[str]:
    """Return the origins that the Content-Security-Policy of this page must list in `connect-src`:
    Klaviyo's in client mode, none in server mode.
    """
    account = current_account()
    return [account.api_url] if account.mode == "client" else []


def klaviyo_client(account: Account, in_flight: int) -> Klaviyo | None:
    """Return a client for this account that makes at most `in_flight` calls at once; None without a
    private key.
    """
    if not account.private_key.get_secret_value():
        return None
    return Klaviyo(
        api_url=account.api_url,
        private_key=account.private_key.get_secret_value(),
        revision=account.revision,
        in_flight=in_flight,
    )


def lock_folder() -> Path:
    """Return the folder for the lock files of this machine's workers."""
    return Path(os.environ.get("NOTIFY_ME_WORKER_FOLDER") or current_app.instance_path)


def delivery_context() -> DeliveryContext | None:
    """Return the objects that a worker needs in its threads, which have no app context. Return None
    without a private key.
    """
    state = current_state()
    in_flight = state.settings.delivery.worker_in_flight * len(Operation)
    klaviyo = klaviyo_client(state.account, in_flight)
    if klaviyo is None:
        return None
    engine = state.database.get_engine()
    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def load_variant(composite_id: CompositeID, base_url: str) -> Variant | None:
        # a catalog may build URLs, for which Flask needs a request
        with app.test_request_context(base_url=base_url):
            return current_state().catalog.variant(composite_id)

    return DeliveryContext(
        engine=engine,
        log=SignUpLog(lambda: engine, state.log.keys),
        queue=Queue(lambda: engine),
        klaviyo=klaviyo,
        settings=state.settings.delivery,
        load_variant=load_variant,
        folder=lock_folder(),
        log_flow=state.flow.log,
    )
