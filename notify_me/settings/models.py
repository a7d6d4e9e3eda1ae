"""The model of `notify_me.toml`."""

from __future__ import annotations

from functools import cached_property

from .base import SettingsTable
from .tables.button import Button
from .tables.catalog import KlaviyoCatalog
from .tables.channels import Channels
from .tables.consent import Consent
from .tables.delivery import Delivery
from .tables.demand import Demand
from .tables.languages import Languages, Texts
from .tables.limits import Limits
from .tables.merchant import Merchant
from .tables.modal import Modal
from .tables.page import Page
from .tables.retention import Retention
from .tables.trigger import Trigger


class Settings(SettingsTable):
    """All settings of `notify_me.toml`, with a field for each table."""

    button: Button = Button()
    trigger: Trigger = Trigger()
    modal: Modal = Modal()
    page: Page = Page()
    channels: Channels = Channels()
    consent: Consent = Consent()
    demand: Demand = Demand()
    catalog: KlaviyoCatalog = KlaviyoCatalog()
    delivery: Delivery = Delivery()
    retention: Retention = Retention()
    limits: Limits = Limits()
    merchant: Merchant = Merchant()
    languages: Languages = Languages()
    texts: Texts = Texts()

    @cached_property
    def _hash(self) -> int:
        return hash(tuple(getattr(self, name) for name in type(self).model_fields))

    def __hash__(self) -> int:
        """Return a hash that is computed once: caches look the settings up for each button."""
        return self._hash
