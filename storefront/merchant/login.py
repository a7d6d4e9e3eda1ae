"""`/merchant/login` and `/merchant/logout`."""

from __future__ import annotations

import logging
import time

from flask import (
    Blueprint,
    Flask,
    abort,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
)
from flask import url_for as url
from limits import RateLimitItem, parse_many
from limits.storage import storage_from_string
from limits.strategies import RateLimiter, SlidingWindowCounterRateLimiter
from werkzeug.security import check_password_hash
from werkzeug.wrappers import Response

from . import access

logger = logging.getLogger(__name__)
blueprint = Blueprint("merchant_login", __name__, url_prefix="/merchant")

LIMITS_PER_ADDRESS = parse_many("5 per minute; 30 per hour")
LIMITS_OVERALL = parse_many("30 per minute; 300 per hour")
"""Attempts from all addresses together, so that having many addresses doesn't speed up guessing."""
MAX_PASSWORD_LENGTH = 1000


def init_app(app: Flask) -> None:
    """Set up the rate limits, which share the sign-up limits' storage but are always on."""
    storage = storage_from_string(app.config.get("RATELIMIT_STORAGE_URI") or "memory://")
    app.extensions["merchant_login_limiter"] = SlidingWindowCounterRateLimiter(storage)


@blueprint.before_request
def require_password_setting() -> None:
    """Serve these pages only if a password is set.

    :raise 404: none is set.
    """
    if not access.password_required():
        abort(404)


blueprint.after_request(access.make_private)


@blueprint.get("/login")
def show() -> Response:
    """Show the sign-in form; a merchant who is signed in already goes to the next page."""
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
    password_hash = current_app.config[access.SETTING]
    # a limit on the length, since hashing a long text takes a long time
    if len(password) > MAX_PASSWORD_LENGTH or not check_password_hash(password_hash, password):
        logger.warning("failed sign-in to the merchant's pages: wrong password")
        return _form("Wrong password. Please try again.", 422)
    response = redirect(_next_url(), code=303)
    access.start_session(response)
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
    limiter: RateLimiter = current_app.extensions["merchant_login_limiter"]
    limits: list[tuple[RateLimitItem, str]] = [
        *((limit, request.remote_addr or "") for limit in LIMITS_PER_ADDRESS),
        *((limit, "everybody") for limit in LIMITS_OVERALL),
    ]
    for limit, key in limits:
        if not limiter.hit(limit, "merchant", key):
            reset_time = limiter.get_window_stats(limit, "merchant", key)[0]
            return max(1, round(reset_time - time.time()))
    return 0
