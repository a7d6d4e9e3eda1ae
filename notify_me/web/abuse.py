"""Against abuse: limits by address and by contact, and a field that only machines fill in."""

from __future__ import annotations

import time

from flask import Flask, current_app, request
from flask_limiter import Limiter, RateLimitExceeded
from flask_limiter.util import get_remote_address

from ..context import current_state
from ..i18n.catalogs import N_
from ..klaviyo.calls import SignUp

PER_ADDRESS = "30 per minute"
"""Posts from one address: in client mode a sign-up takes two. A household shares one address."""
PER_CONTACT = "10 per minute"
"""Posts for one contact from one address: nobody can use up another's limit, or read it."""
WINDOW = 60
"""Seconds in which both limits count."""
HONEYPOT = "homepage"
"""The form's field that stands hidden: people leave it empty."""
TOO_MANY = N_("That was a lot of tries in a short time. Please wait a minute and try again.")


class RateLimited(Exception):
    """A limit is used up; `retry_after` is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(TOO_MANY)
        self.retry_after = retry_after


def init_app(app: Flask) -> None:
    """Set up Flask-Limiter on `app`, under its own settings `RATELIMIT_ENABLED` and
    `RATELIMIT_STORAGE_URI`. A shop with several processes names a shared storage there.
    """
    app.config.setdefault("RATELIMIT_STORAGE_URI", "memory://")
    # a storage that is away must not keep shoppers from signing up
    app.config.setdefault("RATELIMIT_SWALLOW_ERRORS", True)
    app.extensions["notify_me_limiter"] = Limiter(get_remote_address, app=app)


def count_address() -> None:
    """Count a post from this address; raises `RateLimited`."""
    _count(PER_ADDRESS, get_remote_address())


def count_contacts(sign_up: SignUp) -> None:
    """Count a post for each contact of a sign-up from this address; raises `RateLimited`."""
    for contact in (sign_up.email, sign_up.phone_number):
        if contact:
            contact_hash = current_state().log.hash_contact(contact)
            _count(PER_CONTACT, f"{get_remote_address()} {contact_hash}")


def _count(limit: str, key: str) -> None:
    limiter: Limiter = current_app.extensions["notify_me_limiter"]
    try:
        with limiter.limit(limit, key_func=lambda: key):
            pass
    except RateLimitExceeded:
        current = limiter.current_limit
        wait = current.reset_at - time.time() if current else WINDOW
        raise RateLimited(max(1, min(WINDOW, round(wait)))) from None


def honeypot_filled() -> bool:
    """Whether the hidden field came filled in."""
    return bool(request.form.get(HONEYPOT))
