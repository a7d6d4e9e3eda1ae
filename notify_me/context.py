"""What one app holds for the kit, and what applies to the current request."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast

from flask import current_app, g, has_request_context
from itsdangerous import URLSafeTimedSerializer

from .delivery import Queue
from .form import consent
from .i18n import locales
from .klaviyo.circuit_breaker import CircuitBreaker
from .klaviyo.client import Klaviyo
from .klaviyo.list_opt_in import OptIn
from .settings import Account, KlaviyoCatalog, Settings, SettingsError
from .settings.localized import localized
from .settings.overlay import WrongChanges, overlaid_once
from .store.sign_up_log import SignUpLog
from .variants import Catalog

if TYPE_CHECKING:
    from flask_sqlalchemy_lite import SQLAlchemy

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Visitor:
    """What one visitor has of their own; everybody else sees the merchant's."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings by dotted key, such as `{"button.label": "Tell me"}`. Wrong ones are left out, all
    together, with a warning in the log: check them before they are kept.
    """
    mode: Literal["server", "client"] | None = None
    """Who calls Klaviyo for this visitor; without the key for it, the shop's mode holds."""


Visits = Callable[[], Visitor | None]
"""Tells, within a request, what its visitor has of their own."""


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
    klaviyo: CircuitBreaker | None
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


def current_languages() -> tuple[str, ...]:
    """The languages offered in this request, the first of them the default."""
    return _holding().settings.languages.offered


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
