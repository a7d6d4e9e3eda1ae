"""`/merchant/login` and `/merchant/logout`.

Sign-in attempts are limited. A signed cookie identifies each browser in which the merchant has
signed in before. Attempts from such a browser are counted separately, so attackers who reach the
limits can't lock the merchant out.
"""

from __future__ import annotations

import logging
import secrets
import time
from datetime import timedelta

from flask import (
    Blueprint,
    abort,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
)
from flask import url_for as url
from itsdangerous import BadData, URLSafeTimedSerializer
from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter, RateLimiter
from werkzeug.security import check_password_hash
from werkzeug.wrappers import Response

from notify_me import client_address, rate_limiter

from . import access

logger = logging.getLogger(__name__)
blueprint = Blueprint("merchant_login", __name__, url_prefix="/merchant")

LIMITS_PER_CLIENT = parse_many("5 per minute; 30 per hour")
"""Attempts from one IP address, or from one browser with the `BROWSER_COOKIE` cookie."""
LIMITS_OVERALL = parse_many("30 per minute; 300 per hour")
"""Attempts from all browsers without this cookie, whatever their IP addresses."""
BROWSER_COOKIE = "shop_merchant_browser"
BROWSER_COOKIE_LIFETIME = timedelta(days=365)
MAX_PASSWORD_LENGTH = 1000


# used if the rate limits have no shared storage, or while the shared storage is unavailable
_own_limiter = FixedWindowRateLimiter(MemoryStorage())


@blueprint.before_request
def require_password_setting() -> None:
    """Serve these pages only if a password is set.

    :raise 404: no password is set.
    """
    if not access.password_required():
        abort(404)


blueprint.after_request(access.make_private)


@blueprint.get("/login")
def show() -> Response:
    """Show the sign-in form; a merchant who is already signed in is redirected to the next page."""
    if access.signed_in():
        return redirect(_next_url(), code=303)
    return _form()


@blueprint.post("/login")
def sign_in() -> Response:
    """Sign the merchant in; 422 for a wrong password, 429 after too many attempts."""
    if wait := _count_attempt():
        response = _form(
            f"Too many attempts. Try again in {wait} second{'' if wait == 1 else 's'}.", 429
        )
        response.headers["Retry-After"] = str(wait)
        return response
    password = request.form.get("password", "")
    password_hash = current_app.config[access.HASH_SETTING]
    # the length is limited, since hashing a long password takes a long time
    if len(password) > MAX_PASSWORD_LENGTH or not check_password_hash(password_hash, password):
        logger.warning("failed sign-in to the merchant's pages: wrong password")
        return _form("Wrong password. Please try again.", 422)
    response = redirect(_next_url(), code=303)
    access.start_session(response)
    _remember_browser(response)
    return response


@blueprint.post("/logout")
def sign_out() -> Response:
    """Sign the merchant out in this browser."""
    response = redirect(url("shop.listing"), code=303)
    access.end_session(response)
    return response


def _form(problem: str = "", status: int = 200) -> Response:
    html = render_template("merchant/login.html", problem=problem, next=_next_url())
    return make_response(html, status)


def _next_url() -> str:
    return access.safe_next_url(request.values.get("next"))


def _count_attempt() -> int:
    """Count a sign-in attempt; return 0 if it is allowed, else the seconds to wait."""
    try:
        return _count_with(rate_limiter() or _own_limiter)
    except StorageError as error:
        logger.warning(
            "rate-limit storage is unavailable (%s): sign-in attempts are counted per process",
            error.storage_error,
        )
        return _count_with(_own_limiter)


def _count_with(limiter: RateLimiter) -> int:
    browser = _known_browser()
    limits: list[tuple[RateLimitItem, str]] = [
        (limit, browser or client_address()) for limit in LIMITS_PER_CLIENT
    ]
    if browser is None:
        limits += [(limit, "everybody") for limit in LIMITS_OVERALL]
    for limit, key in limits:
        if not limiter.hit(limit, "merchant", key):
            reset_time = limiter.get_window_stats(limit, "merchant", key).reset_time
            return max(1, round(reset_time - time.time()))
    return 0


def _known_browser() -> str | None:
    """Return this browser's ID if the merchant has signed in with it before, else None."""
    try:
        lifetime = int(BROWSER_COOKIE_LIFETIME.total_seconds())
        return access.read_signed(_browser_signer(), BROWSER_COOKIE, lifetime)
    except BadData:
        return None


def _remember_browser(response: Response) -> None:
    response.set_cookie(
        BROWSER_COOKIE,
        _browser_signer().dumps(_known_browser() or secrets.token_urlsafe(16)),
        max_age=BROWSER_COOKIE_LIFETIME,
        path=url("merchant_login.show"),
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )


def _browser_signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        current_app.config["SECRET_KEY"], salt="storefront.merchant.browser"
    )
