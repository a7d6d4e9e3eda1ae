"""Notify me: back-in-stock sign-ups with Klaviyo, as a Flask extension."""

from .channels import Channel
from .context import VisitorOverrides, connect_src, current_catalog, rate_limiter, settings_version
from .database import engine_options, include_name, prepare_sqlite
from .extension import NotifyMe
from .i18n.locales import COOKIE as LANGUAGE_COOKIE
from .i18n.locales import PARAMETER as LANGUAGE_PARAMETER
from .i18n.locales import offered as languages
from .i18n.locales import select_locale
from .i18n.text import bidi_isolate
from .settings import SettingsError
from .signals import RestockEvent, SignUpEvent, restocked, sign_up_confirmed, sign_up_failed
from .variants import (
    PLACEHOLDER_PREFIX,
    Catalog,
    CompositeID,
    InventoryPolicy,
    ListedCatalog,
    Variant,
)
from .web.abuse import client_address

__all__ = [
    "LANGUAGE_COOKIE",
    "LANGUAGE_PARAMETER",
    "PLACEHOLDER_PREFIX",
    "Catalog",
    "Channel",
    "CompositeID",
    "InventoryPolicy",
    "ListedCatalog",
    "NotifyMe",
    "RestockEvent",
    "SettingsError",
    "SignUpEvent",
    "Variant",
    "VisitorOverrides",
    "bidi_isolate",
    "client_address",
    "connect_src",
    "current_catalog",
    "engine_options",
    "include_name",
    "languages",
    "prepare_sqlite",
    "rate_limiter",
    "restocked",
    "select_locale",
    "settings_version",
    "sign_up_confirmed",
    "sign_up_failed",
]
