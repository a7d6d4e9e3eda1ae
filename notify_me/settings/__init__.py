"""Every setting of the kit: type, default, bounds and help, read and checked once at start.

The merchant's choices come from `notify_me.toml` under Klaviyo's own words, or from variables
such as `NOTIFY_ME_BUTTON__LABEL`, which win; keys come from variables alone. Variables are read
from the Flask config, which app.py fills from the environment.
"""

from .account import Account, read_account
from .catalog import KlaviyoCatalog
from .consent import Consent
from .delivery import Delivery
from .errors import SettingsError
from .models import Settings
from .reading import Origin, Reading, read_settings, read_with_origins
from .trigger import Trigger

__all__ = [
    "Account",
    "Consent",
    "Delivery",
    "KlaviyoCatalog",
    "Origin",
    "Reading",
    "Settings",
    "SettingsError",
    "Trigger",
    "read_account",
    "read_settings",
    "read_with_origins",
]
