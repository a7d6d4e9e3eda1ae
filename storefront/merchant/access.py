"""Who may see the merchant's pages.

If `MERCHANT_PASSWORD_HASH` is set, everybody needs the password. Otherwise, a demo shows the pages
to visitors on this machine, and everybody else gets a 404.

A session is a row in the database and a signed cookie with its ID. Signing out deletes the row, so
a copy of the cookie becomes worthless.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from flask import Blueprint, Flask, abort, current_app, g, redirect, request
from flask import url_for as url
from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from notify_me import SettingsError

from ..base.database import db
from ..base.models import MerchantSession
from ..base.visitor import is_demo_visitor

COOKIE = "shop_merchant"
IDLE_TIMEOUT = 12 * 3600
"""Seconds without a request after which a merchant must sign in again."""
MAX_SESSION_AGE = timedelta(days=7)
"""The time after which a merchant must sign in again, even if they have been active throughout."""
HASH_SETTING = "MERCHANT_PASSWORD_HASH"
EXTRA_PAGES = "storefront_merchant_pages"
"""The key in `app.extensions` of the pages that optional packages have added."""
_HASH = re.compile(r"(scrypt(:\d+){3}|pbkdf2:\w+:\d+)\$[^$\s]+\$[0-9a-f]+")
# browsers read // and /\ as the start of another host
_LOCAL_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*")


def init_app(app: Flask) -> None:
    """Check `MERCHANT_PASSWORD_HASH` if it is set; raises `SettingsError` if it isn't a hash."""
    app.extensions[EXTRA_PAGES] = app.jinja_env.globals["merchant_pages"] = []
    password_hash = app.config.setdefault(HASH_SETTING, "")
    if password_hash and not _HASH.fullmatch(password_hash):
        # the value may be the password itself: never repeat it
        raise SettingsError(
            f"{HASH_SETTING} is not a password hash: create one with flask storefront "
            "hash-password, and put it in single quotes in .env, because it contains $"
        )


def add_page(app: Flask, name: str, endpoint: str) -> None:
    """Add a page of an optional package, such as the Studio, to the merchant's links."""
    app.extensions[EXTRA_PAGES].append((name, endpoint))


def extra_pages() -> list[tuple[str, str]]:
    """Return the name and endpoint of each page that an optional package has added."""
    pages: list[tuple[str, str]] = current_app.extensions[EXTRA_PAGES]
    return pages


def password_required() -> bool:
    """Whether a password is set."""
    return bool(current_app.config[HASH_SETTING])


def has_access() -> bool:
    """Whether this visitor may see the merchant's pages."""
    if not password_required():
        return is_demo_visitor()
    try:
        return signed_in()
    except SQLAlchemyError:
        # error pages also call this, and the database may be the cause
        db.session.rollback()
        return False


def signed_in() -> bool:
    """Whether this request has the cookie of a session that hasn't ended."""
    if (session_id := _session_id()) is None or not password_required():
        return False
    query = sa.select(MerchantSession.id).where(
        MerchantSession.id == _hash(session_id),
        MerchantSession.started_at > datetime.now(UTC) - MAX_SESSION_AGE,
    )
    return db.session.scalar(query) is not None


def _session_id() -> str | None:
    """Return the ID of the session in the cookie; None if the cookie is invalid or too old."""
    try:
        return read_signed(_signer(), COOKIE, IDLE_TIMEOUT)
    except BadData:
        return None


def read_signed(serializer: URLSafeTimedSerializer, cookie: str, max_age: int) -> str:
    """Return the text in a signed cookie of this request.

    Raises `BadData` if the cookie is missing, forged or older than `max_age` seconds. A cookie with
    a time in the future is valid, since another machine's clock may be ahead.
    """
    text, signed_at = serializer.loads(request.cookies.get(cookie, ""), return_timestamp=True)
    if signed_at < datetime.now(UTC) - timedelta(seconds=max_age):
        raise SignatureExpired("the cookie is too old", date_signed=signed_at)
    return str(text)


def _hash(session_id: str) -> str:
    return hashlib.sha256(session_id.encode()).hexdigest()


def protect(blueprint: Blueprint) -> None:
    """Require access for every page of `blueprint`, and keep its responses out of caches."""
    blueprint.before_request(require_access)
    blueprint.after_request(make_private)


def make_private(response: Response) -> Response:
    """Keep a response out of caches and search engines, and extend the merchant's session."""
    response.cache_control.private = True
    response.cache_control.no_store = True
    response.headers["X-Robots-Tag"] = "noindex"
    if g.get("merchant_signed_in") and (session_id := _session_id()):
        _set_cookie(response, session_id)
    return response


def require_access() -> Response | None:
    """Return a redirect to the sign-in page, or None for a visitor who has access.

    :raise 404: no password is set, and the visitor may not see the demo.
    """
    if not password_required():
        if not is_demo_visitor():
            abort(404)
        return None
    if not signed_in():
        if request.method not in ("GET", "HEAD"):
            return redirect(url("merchant_login.show", unsaved=1), code=303)
        next_url = request.full_path.removesuffix("?")
        return redirect(url("merchant_login.show", next=next_url), code=303)
    g.merchant_signed_in = True
    return None


def start_session(response: Response) -> None:
    """Start a session and set its cookie; delete sessions that have ended."""
    session_id, now = secrets.token_urlsafe(32), datetime.now(UTC)
    db.session.execute(
        sa.delete(MerchantSession).where(MerchantSession.started_at < now - MAX_SESSION_AGE)
    )
    db.session.add(MerchantSession(id=_hash(session_id), started_at=now))
    db.session.commit()
    _set_cookie(response, session_id)


def _set_cookie(response: Response, session_id: str) -> None:
    response.set_cookie(
        COOKIE,
        _signer().dumps(session_id),
        max_age=IDLE_TIMEOUT,
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )


def end_session(response: Response) -> None:
    """End this request's session, and delete its cookie."""
    g.merchant_signed_in = False
    if session_id := _session_id():
        db.session.execute(
            sa.delete(MerchantSession).where(MerchantSession.id == _hash(session_id))
        )
        db.session.commit()
    response.delete_cookie(COOKIE, secure=request.is_secure, httponly=True, samesite="Lax")


def safe_next_url(location: str | None) -> str:
    """Return `location` if it is a page of this site other than the sign-in page; otherwise the
    merchant's first page.
    """
    login = url("merchant_login.show")
    if location and _LOCAL_PATH.fullmatch(location) and not location.startswith(login):
        return location
    return url("merchant.show")


def _signer() -> URLSafeTimedSerializer:
    # the hash is part of the salt, so that a new password ends all sessions
    salt = f"storefront.merchant {current_app.config[HASH_SETTING]}"
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=salt)
