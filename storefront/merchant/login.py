"""`/merchant/login`: the merchant's password, and the way out again."""

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

PER_ADDRESS = parse_many("5 per minute; 30 per hour")
OVERALL = parse_many("30 per minute; 300 per hour")
"""Tries from all addresses: who has many of them must not guess faster for that."""
LONGEST = 1000
"""Characters of a password."""


def init_app(app: Flask) -> None:
    """Set up the limits, in the storage that the sign-ups' limits use, but never switched off."""
    storage = storage_from_string(app.config.get("RATELIMIT_STORAGE_URI") or "memory://")
    app.extensions["merchant_login_limiter"] = SlidingWindowCounterRateLimiter(storage)


@blueprint.before_request
def only_with_password() -> None:
    """There is nothing to sign in to where no password is set.

    :raise 404: there is none.
    """
    if not access.asks_password():
        abort(404)


blueprint.after_request(access.private)


@blueprint.get("/login")
def show() -> Response:
    """Ask for the password, or go on for who has given it."""
    if access.signed_in():
        return redirect(_next(), code=303)
    return _page()


@blueprint.post("/login")
def sign_in() -> Response:
    """Let the merchant in, to where they were going; 422 for a wrong password, 429 for too many."""
    if wait := _wait():
        response = _page(
            f"That were too many tries. Please wait {wait} seconds, then try again.", 429
        )
        response.headers["Retry-After"] = str(wait)
        return response
    password = request.form.get("password", "")
    hashed = current_app.config[access.SETTING]
    # compares in constant time; a text of any length would be work
    if len(password) > LONGEST or not check_password_hash(hashed, password):
        logger.warning("a wrong password was given for the merchant's pages")
        return _page("That isn’t the password. Please try again.", 422)
    response = redirect(_next(), code=303)
    access.let_in(response)
    return response


@blueprint.post("/logout")
def sign_out() -> Response:
    """End it, in this browser."""
    response = redirect(url("shop.listing"), code=303)
    access.let_out(response)
    return response


def _page(problem: str = "", status: int = 200) -> Response:
    return make_response(
        render_template("merchant/login.html", problem=problem, next=_next()), status
    )


def _next() -> str:
    return access.within(request.values.get("next"))


def _wait() -> int:
    """Count a try; the seconds until the next one is taken, 0 if this one is."""
    limiter: RateLimiter = current_app.extensions["merchant_login_limiter"]
    counts: list[tuple[RateLimitItem, str]] = [
        *((limit, request.remote_addr or "") for limit in PER_ADDRESS),
        *((limit, "everybody") for limit in OVERALL),
    ]
    for limit, who in counts:
        if not limiter.hit(limit, "merchant", who):
            return max(1, round(limiter.get_window_stats(limit, "merchant", who)[0] - time.time()))
    return 0
