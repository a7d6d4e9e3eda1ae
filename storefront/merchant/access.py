"""The merchant's door: the one place that decides who may see the merchant's pages.

Where `MERCHANT_PASSWORD_HASH` is set, its password is asked for, from everybody. Where it isn't,
the pages are the demo's, for this very machine; for everybody else they don't exist.
"""

from __future__ import annotations

import re
import secrets

from flask import Blueprint, Flask, abort, current_app, g, redirect, request
from flask import url_for as url
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from notify_me import SettingsError

from ..base.loopback import demo_visitor

COOKIE = "shop_merchant"
IDLE = 12 * 3600
"""Seconds after which a merchant who does nothing must sign in again."""
SETTING = "MERCHANT_PASSWORD_HASH"
PAGES = "storefront_merchant_pages"
_HASH = re.compile(r"(scrypt(:\d+){3}|pbkdf2:\w+:\d+)\$[^$\s]+\$[0-9a-f]+")
# what a browser would take for another site begins with // or, as it reads it, with /\
_HERE = re.compile(r"/(?![/\\])[!-\[\]-~]*")


def init_app(app: Flask) -> None:
    """Check the password's hash, if there is one; raises `SettingsError` for what is none."""
    app.extensions[PAGES] = app.jinja_env.globals["merchant_pages"] = []
    hashed = app.config.setdefault(SETTING, "")
    if hashed and not _HASH.fullmatch(hashed):
        # it may be the password itself: never repeat it
        raise SettingsError(
            f"{SETTING} is not the hash of a password: flask storefront hash-password makes one; "
            "in .env it stands between single quotes, as it holds $"
        )


def add_page(app: Flask, name: str, endpoint: str) -> None:
    """Link a page of a package such as the Studio wherever the shop links the merchant's own."""
    app.extensions[PAGES].append((name, endpoint))


def added_pages() -> list[tuple[str, str]]:
    """Name and endpoint of the pages that packages such as the Studio have added."""
    pages: list[tuple[str, str]] = current_app.extensions[PAGES]
    return pages


def asks_password() -> bool:
    """Whether there is a password to ask for."""
    return bool(current_app.config[SETTING])


def may_enter() -> bool:
    """Whether this request may see the merchant's pages."""
    return signed_in() if asks_password() else demo_visitor()


def signed_in() -> bool:
    """Whether this request comes with the cookie of a merchant who gave the password."""
    token = request.cookies.get(COOKIE)
    if not token or not asks_password():
        return False
    try:
        _signer().loads(token, max_age=IDLE)
    except BadData:
        return False
    return True


def keep(blueprint: Blueprint) -> None:
    """Put the door before every page of `blueprint`, and keep its replies out of caches."""
    blueprint.before_request(ask)
    blueprint.after_request(private)


def private(response: Response) -> Response:
    """Keep a reply out of caches and search engines; a merchant who is in stays in."""
    response.cache_control.private = True
    response.cache_control.no_store = True
    response.headers["X-Robots-Tag"] = "noindex"
    if g.get("merchant_in"):
        let_in(response)
    return response


def ask() -> Response | None:
    """Let the merchant in, or ask for the password.

    :raise 404: there is no password, and the request isn't the demo's.
    """
    if not asks_password():
        if not demo_visitor():
            abort(404)
        return None
    if not signed_in():
        asked = request.full_path.removesuffix("?") if request.method == "GET" else None
        return redirect(url("merchant_login.show", next=asked), code=303)
    g.merchant_in = True
    return None


def let_in(response: Response) -> None:
    """Give the merchant a new cookie, good until they have done nothing for `IDLE`."""
    response.set_cookie(
        COOKIE,
        _signer().dumps(secrets.token_urlsafe(8)),
        max_age=IDLE,
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )


def let_out(response: Response) -> None:
    """Take the merchant's cookie away."""
    g.merchant_in = False
    response.delete_cookie(COOKIE, secure=request.is_secure, httponly=True, samesite="Lax")


def within(address: str | None) -> str:
    """`address` if it is a page of this shop's, else the merchant's first page."""
    login = url("merchant_login.show")
    if address and _HERE.fullmatch(address) and not address.startswith(login):
        return address
    return url("merchant.show")


def _signer() -> URLSafeTimedSerializer:
    # the hash is in it: another password ends what was begun with the old one
    salt = f"storefront.merchant {current_app.config[SETTING]}"
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=salt)
