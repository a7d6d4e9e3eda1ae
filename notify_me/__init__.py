"""Notify me: back-in-stock sign-ups with Klaviyo, as a Flask extension."""

from .channels import Channel
from .context import VisitorOverrides, connect_src, current_catalog
from .delivery import include_name, upgrade
from .extension import MIGRATIONS, NotifyMe
from .i18n.locales import COOKIE as LANGUAGE_COOKIE
from .i18n.locales import PARAMETER as LANGUAGE_PARAMETER
from .i18n.locales import offered as languages
from .i18n.locales import select_locale
from .i18n.text import bidi_isolate
from .settings import SettingsError
from .store.tables import Base
from .variants import Catalog, CompositeID, InventoryPolicy, ListedCatalog, Variant

__all__ = [
    "LANGUAGE_COOKIE",
    "LANGUAGE_PARAMETER",
    "MIGRATIONS",
    "Catalog",
    "Channel",
    "CompositeID",
    "InventoryPolicy",
    "ListedCatalog",
    "NotifyMe",
    "SettingsError",
    "Variant",
    "VisitorOverrides",
    "bidi_isolate",
    "connect_src",
    "current_catalog",
    "include_name",
    "languages",
    "metadata",
    "select_locale",
    "upgrade",
]

metadata = Base.metadata
"""The kit's own tables, for the shop's Alembic."""
