"""Notify me: back-in-stock sign-ups with Klaviyo, as a Flask extension."""

from .delivery import include_name, upgrade
from .extension import MIGRATIONS, NotifyMe, connect_src, current_catalog
from .locales import COOKIE as LANGUAGE_COOKIE
from .locales import PARAMETER as LANGUAGE_PARAMETER
from .locales import offered as languages
from .locales import select_locale
from .settings import SettingsError
from .sign_up import Channel
from .tables import Base
from .variants import Catalog, CompositeID, InventoryPolicy, ListedCatalog, Variant
from .visitor import Visitor
from .words import isolated

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
    "Visitor",
    "connect_src",
    "current_catalog",
    "include_name",
    "isolated",
    "languages",
    "metadata",
    "select_locale",
    "upgrade",
]

metadata = Base.metadata
"""The kit's own tables, for the shop's Alembic."""
