"""The language of a request, among those that the merchant offers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import cast

from babel import Locale, negotiate_locale
from flask import Flask, current_app, has_request_context, request

from .catalogs import SOURCE_LOCALE

PARAMETER = "lang"
"""The query parameter for a language. It takes precedence over the cookie."""
COOKIE = "lang"
"""The cookie for a language. The kit reads it and never sets it."""
VARY = ("Cookie", "Accept-Language")
"""The request headers that the language of a page depends on."""
_EXTENSION = "notify_me_languages"
_MEMO = "notify_me.locale"
"""The key in the WSGI environment of a request's language, with what it was derived from."""


def init_app(app: Flask, languages: Callable[[], tuple[str, ...]]) -> None:
    """Set the languages that `app` offers; `languages` is called in each request."""
    app.extensions[_EXTENSION] = languages


def offered() -> tuple[str, ...]:
    """Return the languages that the shop offers, such as `("en", "de")`, the default first."""
    return cast("tuple[str, ...]", current_app.extensions[_EXTENSION]())


def select_locale() -> str:
    """Return the language of this request: the first that is offered of those in `?lang=`, in the
    cookie and in the browser's preferences, or else the default.
    """
    explicit = (request.args.get(PARAMETER), request.cookies.get(COOKIE))
    accepted = (name for name, quality in request.accept_languages if quality)
    return _first_offered([*filter(None, explicit), *accepted]) or offered()[0]


def current_locale() -> Locale:
    """Return the language of the kit's texts in this request.

    In a shop with Flask-Babel, its locale selector chooses the language; otherwise `select_locale`
    does. A language that isn't offered is replaced with the default one. Outside of a request, the
    source language is returned.
    """
    if not has_request_context() or _EXTENSION not in current_app.extensions:
        return _parse(SOURCE_LOCALE)
    # a form asks for the language thirty times; Flask-Babel's may change within a request
    shop_locale = _flask_babel_locale() if "babel" in current_app.extensions else None
    depends_on = (shop_locale, offered())
    if (known := request.environ.get(_MEMO)) and known[0] == depends_on:
        return cast(Locale, known[1])
    requested = request.args.get(PARAMETER) if request.blueprint == "notify_me" else None
    preferred = [requested, str(shop_locale) if shop_locale else select_locale()]
    locale = _parse(_first_offered(filter(None, preferred)) or offered()[0])
    request.environ[_MEMO] = (depends_on, locale)
    return locale


def _flask_babel_locale() -> Locale | None:
    from flask_babel import get_locale  # installed only if the shop uses it

    return cast("Locale | None", get_locale())


def language_tag(locale: Locale) -> str:
    """Return a locale as a language tag for HTML and HTTP, such as `pt-BR`."""
    return str(locale).replace("_", "-")


def url_locale() -> str | None:
    """Return the language tag if the page's URL chose the language (`?lang=de` or `/de/…`), so that
    links have to include it; None if the cookie or the browser did.
    """
    if not has_request_context():
        return None
    tag = language_tag(current_locale())
    path_prefix = request.path.split("/")[1].replace("_", "-")
    by_query = _first_offered(filter(None, [request.args.get(PARAMETER)])) is not None
    return tag if by_query or path_prefix.lower() == tag.lower() else None


def _first_offered(requested: Iterable[str]) -> str | None:
    """Return the first requested language that is offered; `de-AT` may match `de`."""
    return _negotiate(tuple(name.replace("-", "_") for name in requested), offered())


@lru_cache(maxsize=1024)
def _negotiate(requested: tuple[str, ...], offered: tuple[str, ...]) -> str | None:
    return negotiate_locale(requested, offered)


@lru_cache
def _parse(name: str) -> Locale:
    return Locale.parse(name)
