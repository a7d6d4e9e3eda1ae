"""Blinker signals, as in Flask, for a shop's own analytics. Their sender is the Flask app.

    from notify_me import sign_up_confirmed

    @sign_up_confirmed.connect_via(app)
    def count(app, event):
        statistics.add("back in stock sign-up", event.variants)

Receivers of the sign-up signals run in the shopper's request, where `flask.request.form` contains
the shop's own fields. An exception in a receiver is logged; it doesn't change what the shopper
sees.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Literal

from blinker import NamedSignal, Namespace
from flask import Flask, current_app

from .channels import Channel
from .variants import CompositeID

logger = logging.getLogger(__name__)

_signals = Namespace()

sign_up_confirmed = _signals.signal("sign-up-confirmed")
"""Klaviyo has accepted a sign-up, or it is queued. Receivers get a `SignUpEvent` as `event`."""

sign_up_failed = _signals.signal("sign-up-failed")
"""A sign-up with valid fields was neither accepted nor queued. Receivers get a `SignUpEvent` as
`event`. No signal is sent for a form that is rejected earlier because of the per-minute limits, a
filled-in hidden field, or a variant for which alerts aren't offered.
"""

restocked = _signals.signal("restocked")
"""A variant that shoppers were waiting for is back in stock, and `admin.record_restock` was called.
Receivers get a `RestockEvent` as `event`.
"""

SignUpOutcome = Literal["accepted", "queued", "refused", "rate_limited", "failed"]
"""`accepted`: by Klaviyo. `queued`: at least one call will be sent later. `refused`: Klaviyo
rejected the contact or the variants. `rate_limited`: too many alerts for this contact. `failed`:
anything else.
"""


@dataclass(frozen=True, slots=True)
class SignUpEvent:
    """A sign-up, without the contact in plain text."""

    variants: tuple[CompositeID, ...]
    channels: tuple[Channel, ...]
    contact_hash: str
    """The HMAC of the email address, or of the phone number if there is no email address, as
    `admin.contact_hash` returns it.
    """
    outcome: SignUpOutcome


@dataclass(frozen=True, slots=True)
class RestockEvent:
    """A variant that is back in stock."""

    variant: CompositeID
    sign_ups: int
    """How many sign-ups were waiting for it."""


def send(signal: NamedSignal, event: Any) -> None:
    """Call the receivers of a signal, and log the exceptions that they raise."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    # not `signal.send`, which stops at the first receiver that raises an exception
    for receiver in signal.receivers_for(app):
        try:
            receiver(app, event=event)
        except Exception:
            logger.exception("a receiver of the %s signal failed", signal.name)
