"""The model of `notify_me.toml`."""

from __future__ import annotations

from functools import cached_property

from pydantic import Field

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

    button: Button = Field(default_factory=Button)
    trigger: Trigger = Field(default_factory=Trigger)
    modal: Modal = Field(default_factory=Modal)
    page: Page = Field(default_factory=Page)
    channels: Channels = Field(default_factory=Channels)
    consent: Consent = Field(default_factory=Consent)
    demand: Demand = Field(default_factory=Demand)
    catalog: KlaviyoCatalog = Field(default_factory=KlaviyoCatalog)
    delivery: Delivery = Field(default_factory=Delivery)
    retention: Retention = Field(default_factory=Retention)
    limits: Limits = Field(default_factory=Limits)
    merchant: Merchant = Field(default_factory=Merchant)
    languages: Languages = Field(default_factory=Languages)
    texts: Texts = Field(default_factory=Texts)

    @cached_property
    def _hash(self) -> int:
        return hash(tuple(getattr(self, name) for name in type(self).model_fields))

    def __hash__(self) -> int:
        """Return a hash that is computed once: caches look the settings up for each button."""
        return self._hash
