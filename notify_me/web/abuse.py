"""Protection against abuse: rate limits by address and by contact, and a honeypot field."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import request
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter, RateLimiter

from ..context import current_state
from ..klaviyo.calls import SignUp

PER_ADDRESS = "30 per minute"
"""Posts from one address. Households share an address, and client mode posts twice a sign-up."""
PER_CONTACT = "10 per minute"
"""Posts for one contact from one address, so that nobody can use up another person's limit."""
WINDOW_SECONDS = 60
HONEYPOT = "homepage"
"""The name of a hidden form field, which people leave empty and bots fill in."""


class RateLimited(Exception):
    """A limit is used up; `retry_after` is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"rate limited; retry after {retry_after} s")
        self.retry_after = retry_after


def init_app(app: Flask) -> None:
    """Set up Flask-Limiter on `app`, with its own settings `RATELIMIT_ENABLED` and
    `RATELIMIT_STORAGE_URI`. With several processes, the latter must name a shared storage.
    """
    app.config.setdefault("RATELIMIT_STORAGE_URI", "memory://")
    # shoppers can still sign up when the storage doesn't answer
    app.config.setdefault("RATELIMIT_SWALLOW_ERRORS", True)
    app.extensions["notify_me_limiter"] = Limiter(get_remote_address, app=app)


def count_address() -> None:
    """Count a post from this address; raises `RateLimited`."""
    _count(PER_ADDRESS, str(request.remote_addr))


def count_contacts(sign_up: SignUp) -> None:
    """Count a post from this address for each contact of a sign-up; raises `RateLimited`."""
    for contact in (sign_up.email, sign_up.phone_number):
        if contact:
            contact_hash = current_state().log.hash_contact(contact)
            _count(PER_CONTACT, f"{request.remote_addr} {contact_hash}")


def _count(limit: RateLimitItem, key: str) -> None:
    limiter = current_state().rate_limiter
    if limiter is None:
        return
    try:
        with limiter.limit(limit, key_func=lambda: key):
            pass
    except RateLimitExceeded:
        current = limiter.current_limit
        wait = current.reset_at - time.time() if current else WINDOW_SECONDS
        raise RateLimited(max(1, min(WINDOW_SECONDS, round(wait)))) from None


def honeypot_filled() -> bool:
    """Whether the hidden field was filled in, so that a bot has sent the form."""
    return bool(request.form.get(HONEYPOT))


def is_cross_site() -> bool:
    """Return whether another site sent this request, by Fetch Metadata; browsers without it send
    `Origin` with each post. A request with neither isn't a browser's.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site:
        return site not in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return bool(origin) and urlsplit(origin).netloc != request.host
