"""The kit's settings, read and checked when the app starts.

They come from `notify_me.toml`, a second TOML file that a Studio may write, and environment
variables such as `NOTIFY_ME_BUTTON__LABEL`; later sources take precedence. Most names are
Klaviyo's. API keys come from environment variables only. The variables are read from the Flask
config, into which the shop copies them.
"""

from .account import Account, log_keys, read_account
from .errors import SettingsError, describe_error
from .loader import LoadedSettings, Origin, load_settings, read_settings, read_toml
from .models import Settings
from .tables.catalog import KlaviyoCatalog
from .tables.consent import Consent
from .tables.delivery import Delivery
from .tables.trigger import Trigger

__all__ = [
    "Account",
    "Consent",
    "Delivery",
    "KlaviyoCatalog",
    "LoadedSettings",
    "Origin",
    "Settings",
    "SettingsError",
    "Trigger",
    "describe_error",
    "load_settings",
    "log_keys",
    "read_account",
    "read_settings",
    "read_toml",
]
