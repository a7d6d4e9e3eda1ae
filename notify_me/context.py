"""What one app holds for the kit, and what applies to the current request."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

from flask import current_app, g, has_request_context
from itsdangerous import URLSafeTimedSerializer
from limits.strategies import RateLimiter

from .database import Database
from .delivery import BackgroundDelivery, Parts, Queue
from .form import consent
from .i18n import locales
from .klaviyo.calls import Operation
from .klaviyo.circuit_breaker import CircuitBreaker
from .klaviyo.client import Klaviyo
from .klaviyo.list_opt_in import ListOptIn
from .settings import Account, KlaviyoCatalog, Settings
from .settings.localized import localized
from .store.sign_up_log import SignUpLog
from .variants import Catalog, CompositeID, Variant

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class VisitorOverrides:
    """What one visitor has of their own; everybody else sees the merchant's."""

    settings: Settings | None = None
    """Their settings; the merchant's where these can't be used, or are None."""
    mode: Literal["server", "client"] | None = None
    """Who calls Klaviyo for this visitor; without the key for it, the shop's mode holds."""


VisitorLoader = Callable[[], VisitorOverrides | None]
"""Tells, within a request, what its visitor has of their own."""


@dataclass(frozen=True, slots=True)
class ActiveSettings:
    """What applies to a request."""

    settings: Settings
    """With the texts of all languages."""
    account: Account
    is_recognized: bool = False
    """Whether the shop knows this visitor."""
    _by_locale: dict[str, Settings] = field(default_factory=dict)

    def in_language(self, locale: str) -> Settings:
        """The settings with the texts of one language. A page asks for each of its buttons: here it
        is a look into a dict, where the cache of `localized` would hash all settings each time.
        """
        found = self._by_locale.get(locale)
        if found is None:
            found = self._by_locale[locale] = localized(self.settings, locale)
        return found


@dataclass(frozen=True, slots=True)
class State:
    """What the extension keeps for one app."""

    defaults: ActiveSettings
    """What applies to whoever has nothing of their own."""
    settings: Settings
    account: Account
    catalog: Catalog
    database: Database
    log: SignUpLog
    klaviyo: CircuitBreaker | None
    """None in client mode without a private key."""
    opt_in: ListOptIn
    queue: Queue
    background: BackgroundDelivery | None
    """None where only workers deliver."""
    signer: URLSafeTimedSerializer
    """For the sign-up that a browser is to report on."""
    done_signer: URLSafeTimedSerializer
    """For links to the done page: one can't be made from the other."""
    rate_limiter: RateLimiter | None
    """None where the shop has switched rate limits off."""
    visitor_loader: VisitorLoader | None = None
    """Asks the shop what this visitor has of their own."""


def current_state() -> State:
    """The state of the app that handles this request."""
    try:
        return cast(State, current_app.extensions["notify_me"])
    except KeyError:
        raise RuntimeError(
            "NotifyMe is not set up on this app: call NotifyMe(app, catalog=…) in create_app"
        ) from None


def is_recognized_visitor() -> bool:
    """Whether the shop says that this request's visitor may have something of their own."""
    return _applying().is_recognized


def current_settings() -> Settings:
    """The settings for this request, in its language: a visitor's own over the merchant's. Outside
    of a request, the merchant's with the texts of all languages.
    """
    if not has_request_context():
        return current_state().settings
    return _applying().in_language(str(locales.current_locale()))


def current_account() -> Account:
    """The account, with the mode for this request."""
    return _applying().account


def current_form_options() -> consent.FormOptions:
    """What a form offers and asks in this request."""
    return consent.form_options(
        current_settings(), current_account(), str(locales.current_locale())
    )


def current_languages() -> tuple[str, ...]:
    """The languages offered in this request, the first of them the default."""
    return _applying().settings.languages.offered


def _applying() -> ActiveSettings:
    state = current_state()
    if state.visitor_loader is None or not has_request_context():
        return state.defaults
    if "notify_me" not in g:
        # what the shop looks up for its answer may itself ask for a language
        g.notify_me = state.defaults
        if visitor := state.visitor_loader():
            g.notify_me = _overridden(state, visitor)
    return cast(ActiveSettings, g.notify_me)


def _overridden(state: State, visitor: VisitorOverrides) -> ActiveSettings:
    account = state.account
    keys = {"client": account.public_key, "server": account.private_key.get_secret_value()}
    if visitor.mode and keys[visitor.mode]:
        account = account.model_copy(update={"mode": visitor.mode})
    settings = visitor.settings or state.settings
    if settings is not state.settings and (problems := consent.problems(settings, account)):
        logger.warning("a visitor's settings can't be used: %s", "; ".join(problems))
        settings = state.settings
    return ActiveSettings(settings, account, is_recognized=True)


def current_catalog() -> KlaviyoCatalog:
    """`[catalog]` of the app that handles this request or command: what makes composite IDs."""
    return current_state().settings.catalog


def connect_src() -> list[str]:
    """The origins that this reply's Content-Security-Policy must name in `connect-src` for the
    kit's script: Klaviyo's in client mode, none else.
    """
    account = current_account()
    return [account.api_url] if account.mode == "client" else []


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


def delivery_parts() -> Parts:
    """Return what a deliverer of this app needs in threads that have no app context."""
    state = current_state()
    engine = state.database.find_engine()
    app = current_app._get_current_object()  # type: ignore[attr-defined]

    def load_variant(composite_id: CompositeID) -> Variant | None:
        # a catalog may build URLs, for which Flask needs a request
        with app.test_request_context():
            return current_state().catalog.variant(composite_id)

    folder = os.environ.get("NOTIFY_ME_WORKER_FOLDER") or app.instance_path
    return Parts(
        engine=engine,
        log=SignUpLog(lambda: engine, state.account.log_key.get_secret_value()),
        queue=Queue(lambda: engine),
        klaviyo=klaviyo_of(
            state.account, state.settings.delivery.worker_in_flight * len(Operation)
        ),
        settings=state.settings.delivery,
        load_variant=load_variant,
        folder=Path(folder),
    )
