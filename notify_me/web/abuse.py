"""Protection against abuse: rate limits, a honeypot field, and a check for cross-site posts."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import request
from sqlalchemy.exc import SQLAlchemyError

from ..context import current_state
from ..i18n.catalogs import N_
from ..klaviyo.calls import SignUp

if TYPE_CHECKING:
    from limits.strategies import RateLimiter
    from sqlalchemy import Engine

logger = logging.getLogger(__name__)

WINDOW_SECONDS, DAY_SECONDS = 60, 24 * 60 * 60
DATABASE = "database"
"""The value of `RATELIMIT_STORAGE_URI` for counting in the kit's database."""
NAT64 = IPv6Network("64:ff9b::/96")
"""The network whose addresses stand for IPv4 clients on an IPv6-only server (RFC 6052)."""
ADDRESS_WITH_PORT = re.compile(r"(?P<v4>[\d.]+):\d+|\[(?P<v6>.+)\](:\d+)?")
HONEYPOT = "leave_blank"
"""The name of a hidden form field, which bots fill in. It doesn't look like a contact detail, so
browsers don't autofill it.
"""


class RateLimited(Exception):
    """A rate limit is exceeded. `message` is for the shopper, in English; `retry_after` is in whole
    seconds.
    """

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after


def create_limiter(
    config: Mapping[str, Any], engine: Callable[[], Engine], secret: str
) -> RateLimiter | None:
    """Return a limiter that counts in the storage at `RATELIMIT_STORAGE_URI`, or in memory
    if that isn't set; None if `RATELIMIT_ENABLED` is off as well. `engine` returns the engine of
    the kit's database, and `secret` is the key for hashing clients and contacts in it.

    Raises `SettingsError` if the URI isn't valid, or its storage needs a package that isn't
    installed.
    """
    uri = config.get("RATELIMIT_STORAGE_URI")
    if not uri and not config.get("RATELIMIT_ENABLED", True):
        return None
    # imported here, because `limits` also loads its asynchronous version, and a shop without rate
    # limits needs neither
    from limits.strategies import FixedWindowRateLimiter

    from .limit_storage import DatabaseStorage, storage_from_uri

    if uri == DATABASE:
        return FixedWindowRateLimiter(DatabaseStorage(engine, secret))
    return FixedWindowRateLimiter(storage_from_uri(uri or "memory://"))


def client_address() -> str:
    """Return the address under which this request's client is counted: an IPv4 address, or the /64
    network of an IPv6 address, which a household or server has to itself.
    """
    remote = str(request.remote_addr)
    # some proxies also send the port
    if match := ADDRESS_WITH_PORT.fullmatch(remote):
        remote = match["v4"] or match["v6"]
    try:
        address = ip_address(remote)
    except ValueError:
        return remote
    if not isinstance(address, IPv6Address):
        return remote
    if address.ipv4_mapped or address in NAT64:
        return str(IPv4Address(int(address) & 0xFFFFFFFF))
    return f"{IPv6Address(int(address) >> 64 << 64)}/64"


def count_post(sign_up: SignUp | None, *, is_report: bool) -> None:
    """Count a post for this client and, unless it is a browser's report on its calls, for each
    contact in it. `sign_up` is None if the form is invalid. Raises `RateLimited` if there are too
    many posts.
    """
    limits, client = current_state().settings.limits, client_address()
    if sign_up is None:
        _count("invalid", limits.invalid_posts, client)
        return
    _count("valid", limits.valid_posts, client)
    if not is_report:
        for contact in filter(None, (sign_up.email, sign_up.phone_number)):
            contact_hash = current_state().log.hash_contact(contact)
            _count("contact", limits.posts_per_contact, f"{client} {contact_hash}")


def _count(kind: str, posts_per_minute: int, key: str) -> None:
    limiter = current_state().rate_limiter
    if limiter is None or not current_state().limits_posts:
        return
    from limits import RateLimitItemPerMinute
    from limits.errors import StorageError

    limit = RateLimitItemPerMinute(posts_per_minute)
    try:
        if limiter.hit(limit, "notify-me", kind, key):
            return
        reset_at = limiter.get_window_stats(limit, "notify-me", kind, key).reset_time
    except StorageError as error:
        # shoppers can still sign up while the storage is unavailable
        logger.warning(
            "this post isn't rate-limited, because the storage failed: %s", error.storage_error
        )
        return
    message = N_("Too many attempts. Try again in a minute.")
    raise RateLimited(message, max(1, min(WINDOW_SECONDS, round(reset_at - time.time()))))


def check_daily_limit(sign_up: SignUp) -> None:
    """Raise `RateLimited` if, with this sign-up, more than `[limits] alerts_per_contact` alerts
    would have been requested for a contact in 24 hours, from all clients combined. A contact's
    first sign-up in that time is never refused, however many variants it is for.
    """
    limit = current_state().settings.limits.alerts_per_contact
    alerts = current_state().log.recent_alerts(sign_up, timedelta(days=1))
    if alerts > 0 and alerts + len(sign_up.variants) > limit:
        message = N_(
            "Too many alerts were requested with these contact details today. Please try again "
            "tomorrow."
        )
        raise RateLimited(message, DAY_SECONDS)


def count_honeypot_post() -> None:
    """Log a post whose hidden field was filled in, and count it for the merchant's pages."""
    logger.info("refused a sign-up whose hidden field was filled in")
    try:
        current_state().log.count_honeypot_post()
    except SQLAlchemyError as error:
        logger.warning("can't count the refused sign-up: %s", type(error).__name__)


def is_cross_site() -> bool:
    """Return whether another site sent this request, according to Fetch Metadata or, in browsers
    without it, `Origin`. A request with neither probably wasn't sent by a browser.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site:
        return site not in ("same-origin", "none")
    origin = request.headers.get("Origin")
    try:
        return bool(origin) and urlsplit(origin).netloc != request.host
    except ValueError:
        # such as http://[
        return True
