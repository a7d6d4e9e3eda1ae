"""Notify me: back-in-stock sign-ups with Klaviyo, as a Flask extension."""

from .extension import NotifyMe
from .settings import SettingsError
from .sign_up import Channel
from .variants import Catalog, CompositeID, InventoryPolicy, Variant

__all__ = [
    "Catalog",
    "Channel",
    "CompositeID",
    "InventoryPolicy",
    "NotifyMe",
    "SettingsError",
    "Variant",
]
