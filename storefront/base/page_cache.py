"""Caches rendered pages until the catalog or the stock changes.

Triggers in the database give the catalog a new version with every change (migration `shop_0007`),
including changes by other processes, commands and plain SQL. Each request reads the version, so
pages are never out of date.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import wraps
from http import HTTPStatus
from threading import Lock
from typing import Any, NamedTuple, ParamSpec

from cachetools import LRUCache
from flask import Flask, Response, current_app, g, make_response, request
from flask_babel import get_locale
from markupsafe import Markup
from werkzeug.http import quote_etag

from notify_me import LANGUAGE_COOKIE, settings_version

from . import current_shop
from .visitor import is_demo_visitor

P = ParamSpec("P")

MAX_BYTES = 16 * 1024 * 1024
"""The maximum size of all pages that a process stores."""
ENTRY_BYTES = 1024
"""The most memory that a stored page needs in addition to its content."""
SCRIPT_COOKIES = ("__kla_", "_fbp", "_ga", "_gcl_", "_gid")
"""Prefixes of cookies that only scripts in the browser use, such as Klaviyo's. No page depends on
them; any other cookie may make a page personal.
"""
EXTENSION = "storefront_page_cache"


class _Page(NamedTuple):
    body: bytes
    etag: str


class _Cache:
    """The most recently used pages of one app."""

    def __init__(self, cookie_values: Mapping[str, Callable[[], object]]) -> None:
        self.cookie_values = cookie_values
        self._pages: LRUCache[bytes, _Page] = LRUCache(
            MAX_BYTES, getsizeof=lambda page: len(page.body) + ENTRY_BYTES
        )
        self._lock = Lock()

    def get(self, key: bytes) -> _Page | None:
        with self._lock:
            return self._pages.get(key)

    def set(self, key: bytes, page: _Page) -> None:
        # a page that is larger than the whole cache isn't stored
        with self._lock, suppress(ValueError):
            self._pages[key] = page


def init_app(app: Flask, cookie_values: Mapping[str, Callable[[], object]]) -> None:
    """Create the cache of `app`.

    `cookie_values` maps a cookie's name to a function. The function returns what pages show because
    of the cookie, such as the number of items in the cart. Visitors for whom it returns the same
    value get the same page.
    """
    app.extensions[EXTENSION] = _Cache(cookie_values)


def cached(
    view: Callable[P, str], *, unless: Callable[[], bool] = lambda: False
) -> Callable[P, Response]:
    """Return a view that caches the page of `view`, and returns 304 if the browser has the current
    page. If `unless` returns True, the page isn't cached, since it depends on more than the
    catalog, the URL and the language.

    The cache isn't used for visitors who may see a different page: those who may see the demo, and
    those with any cookie other than the language's, `cookie_values` and `SCRIPT_COOKIES`.
    """

    @wraps(view)
    def cached_view(*args: P.args, **kwargs: P.kwargs) -> Response:
        cache: _Cache = current_app.extensions[EXTENSION]
        key = _key(cache, request.path, request.query_string, is_personal=unless())
        if key is None:
            return revalidated(view(*args, **kwargs))
        page = cache.get(key)
        if page is None:
            body = view(*args, **kwargs).encode()
            page = _Page(body, _etag(body))
            cache.set(key, page)
        return revalidated(*page)

    return cached_view


def cache_forms(app: Flask) -> None:
    """Cache the kit's blank forms, as `cached` does for pages."""
    view = app.view_functions["notify_me.show"]

    @wraps(view)
    def cached_form(**values: str) -> Response:
        cache: _Cache = current_app.extensions[EXTENSION]
        is_confirmation = "done" in request.args
        fragment = request.headers.get("X-Notify-Me")
        key = _key(cache, request.path, request.query_string, fragment, is_personal=is_confirmation)
        if key is None:
            return make_response(view(**values))
        if page := cache.get(key):
            return make_response(page.body)
        response = make_response(view(**values))
        if response.status_code == HTTPStatus.OK:
            cache.set(key, _Page(response.get_data(), etag=""))
        return response

    app.view_functions["notify_me.show"] = cached_form


def cached_fragment(render: Callable[[], str], *depends_on: str) -> Markup:
    """Return the HTML of a part of a page, from the cache if possible.

    `depends_on` is a name for the part, followed by everything that it depends on besides the
    catalog and the language.
    """
    cache: _Cache = current_app.extensions[EXTENSION]
    # if the page's URL has a language, so do its links
    key = _key(cache, *depends_on, g.get("url_language"), is_personal=False)
    part = cache.get(key) if key else None
    if part is None:
        part = _Page(render().encode(), etag="")
        if key:
            cache.set(key, part)
    return Markup(part.body.decode())  # noqa: S704 - a template's output


def revalidated(body: str | bytes, etag: str | None = None) -> Response:
    """Return a response that browsers store and revalidate: 304 while the page is unchanged."""
    if etag is None:
        etag = _etag(body.encode() if isinstance(body, str) else body)
    # weak, since a proxy may compress the page and keep the ETag
    headers = {"Cache-Control": "no-cache", "ETag": quote_etag(etag, weak=True)}
    if request.if_none_match.contains_weak(etag):
        return Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body, headers=headers)


def _etag(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:32]


def _key(cache: _Cache, *more: object, is_personal: bool) -> bytes | None:
    """Return a hash of everything that a page, or a part of a page, depends on. `more` contains
    the values that are specific to the page or part.

    Return None if the page can't be cached: it is personal, the visitor may see the demo or has a
    cookie that may make pages personal, or the app is in debug mode.
    """
    version = current_shop.refresh()
    has_personal_cookie = any(
        name not in (LANGUAGE_COOKIE, *cache.cookie_values) and not name.startswith(SCRIPT_COOKIES)
        for name in request.cookies
    )
    if is_personal or has_personal_cookie or current_app.debug or is_demo_visitor():
        return None
    parts: tuple[Any, ...] = (
        version,
        settings_version(),
        request.scheme,
        request.host,
        request.root_path,
        str(get_locale()),
        *(value() for name, value in cache.cookie_values.items() if name in request.cookies),
        *more,
    )
    return hashlib.sha256(repr(parts).encode()).digest()
