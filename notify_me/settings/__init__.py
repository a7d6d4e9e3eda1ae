"""Every setting of the kit: type, default, bounds and help, read and checked once at start.

The merchant's choices come from `notify_me.toml` under Klaviyo's own words; keys and whatever
differs from one deployment to the next come from the Flask config, which app.py fills from the
environment.
"""

from .account import Account, read_account
from .consent import Consent
from .delivery import Delivery
from .errors import SettingsError
from .models import Settings
from .reading import read_settings
from .trigger import Trigger

__all__ = [
    "Account",
    "Consent",
    "Delivery",
    "Settings",
    "SettingsError",
    "Trigger",
    "read_account",
    "read_settings",
]
