"""Protection against abuse: rate limits, a honeypot, and a check for posts of other sites."""

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
from ..i18n.catalogs import N_
from ..klaviyo.calls import SignUp

logger = logging.getLogger(__name__)

PER_ADDRESS = RateLimitItemPerMinute(30)
"""Posts from one address: in client mode a sign-up takes two. A household shares one address."""
PER_CONTACT = RateLimitItemPerMinute(10)
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


def rate_limiter(config: Mapping[str, Any]) -> RateLimiter | None:
    """Return what counts the kit's posts, by the shop's `RATELIMIT_ENABLED` (on unless set) and
    `RATELIMIT_STORAGE_URI`: a shop with several processes names a shared storage there. It counts
    under a prefix of the kit's, so that the shop's own limits are not touched.
    """
    if not config.get("RATELIMIT_ENABLED", True):
        return None
    uri = config.get("RATELIMIT_STORAGE_URI") or "memory://"
    return FixedWindowRateLimiter(storage_from_string(uri, wrap_exceptions=True))


def count_address() -> None:
    """Count a post from this address; raises `RateLimited`."""
    _count(PER_ADDRESS, str(request.remote_addr))


def count_contacts(sign_up: SignUp) -> None:
    """Count a post for each contact of a sign-up from this address; raises `RateLimited`."""
    for contact in (sign_up.email, sign_up.phone_number):
        if contact:
            contact_hash = current_state().log.hash_contact(contact)
            _count(PER_CONTACT, f"{request.remote_addr} {contact_hash}")


def _count(limit: RateLimitItem, key: str) -> None:
    limiter = current_state().rate_limiter
    if limiter is None:
        return
    try:
        if limiter.hit(limit, "notify-me", key):
            return
        reset_at = limiter.get_window_stats(limit, "notify-me", key).reset_time
    except StorageError as error:
        # shoppers can sign up while the storage is away
        logger.warning("the rate limits' storage doesn't answer: %s", error.storage_error)
        return
    raise RateLimited(max(1, min(WINDOW, round(reset_at - time.time()))))


def honeypot_filled() -> bool:
    """Whether the hidden field came filled in."""
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
