"""Notify me: back-in-stock sign-ups with Klaviyo, as a Flask extension."""

from .delivery import include_name, upgrade
from .extension import MIGRATIONS, NotifyMe, connect_src
from .settings import SettingsError
from .sign_up import Channel
from .tables import Base
from .variants import Catalog, CompositeID, InventoryPolicy, ListedCatalog, Variant
from .visitor import Visitor

__all__ = [
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
    "include_name",
    "metadata",
    "upgrade",
]

metadata = Base.metadata
"""The kit's own tables, for the shop's Alembic."""
