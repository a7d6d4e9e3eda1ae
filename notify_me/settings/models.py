"""`notify_me.toml`, whole."""

from __future__ import annotations

from .base import Group
from .button import Button
from .catalog import KlaviyoCatalog
from .channels import Channels
from .consent import Consent
from .delivery import Delivery
from .demand import Demand
from .languages import Languages, Texts
from .modal import Modal
from .retention import Retention
from .trigger import Trigger


class Settings(Group):
    """`notify_me.toml`, whole: a field a table."""

    button: Button = Button()
    trigger: Trigger = Trigger()
    modal: Modal = Modal()
    channels: Channels = Channels()
    consent: Consent = Consent()
    demand: Demand = Demand()
    catalog: KlaviyoCatalog = KlaviyoCatalog()
    delivery: Delivery = Delivery()
    retention: Retention = Retention()
    languages: Languages = Languages()
    texts: Texts = Texts()
