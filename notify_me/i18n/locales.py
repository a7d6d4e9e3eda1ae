"""The language of a request, among those that the merchant offers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple, cast

from babel import Locale, negotiate_locale
from flask import Flask, current_app, has_request_context, request

from .catalogs import SOURCE_LOCALE

PARAMETER = "lang"
"""The query parameter that chooses a language. It takes precedence over the cookie."""
COOKIE = "lang"
"""The cookie that chooses a language. The kit reads it, but never sets it."""
VARY = ("Cookie", "Accept-Language")
"""The request headers that the language of a page depends on."""
_EXTENSION = "notify_me_languages"
_CACHE_KEY = "notify_me.language"
"""The key under which the language of a request is cached in its WSGI environment."""


@dataclass(frozen=True, slots=True)
class Language:
    """The language that the kit uses in a request."""

    locale: Locale
    name: str
    """The name of the locale, such as `pt_BR`."""
    tag: str
    """The tag for HTML and HTTP, such as `pt-BR`."""
    direction: str
    """The value of HTML's `dir`: `ltr` or `rtl`."""
    url_locale: str | None
    """The tag if the language comes from the page's URL (`?lang=de` or `/de/…`), because links must
    then include it; otherwise None.
    """


class _CachedLanguage(NamedTuple):
    """The language of a request, and what it was derived from."""

    get_locale: Callable[[], Locale | None] | None
    """Flask-Babel's function, if the shop uses it."""
    shop_locale: Locale | None
    """What this function returned."""
    language: Language


def init_app(app: Flask, languages: Callable[[], tuple[str, ...]]) -> None:
    """Set the languages that `app` offers; `languages` is called in each request."""
    app.extensions[_EXTENSION] = languages


def offered() -> tuple[str, ...]:
    """Return the languages that the shop offers, such as `("en", "de")`, the default first."""
    return cast("tuple[str, ...]", current_app.extensions[_EXTENSION]())


def select_locale(languages: tuple[str, ...] | None = None) -> str:
    """Return the language of this request: the first offered one in `?lang=`, the cookie and the
    browser's preferences, in this order; otherwise the default. A shop that offers fewer languages
    than `[languages]` lists passes them as `languages`, the default first.
    """
    languages = languages or offered()
    explicit = (request.args.get(PARAMETER), request.cookies.get(COOKIE))
    accepted = (name for name, quality in request.accept_languages if quality)
    return _first_offered([*filter(None, explicit), *accepted], languages) or languages[0]


def language() -> Language:
    """Return the language that the kit uses in this request.

    In a shop with Flask-Babel, the shop's locale selector chooses the language; otherwise
    `select_locale` does. On the kit's own pages, `?lang=` takes precedence. A language that isn't
    offered is replaced with the default one. Outside a request, the source language is returned.
    """
    if not has_request_context():
        return _language(SOURCE_LOCALE, in_url=False)
    # cached, since a page needs it many times
    cached: _CachedLanguage | None = request.environ.get(_CACHE_KEY)
    # Flask-Babel's locale may change within a request
    if cached and (cached.get_locale is None or cached.get_locale() is cached.shop_locale):
        return cached.language
    extensions = current_app.extensions
    if _EXTENSION not in extensions:
        return _language(SOURCE_LOCALE, in_url=False)
    get_locale = _flask_babel() if "babel" in extensions else None
    shop_locale = get_locale() if get_locale else None
    cached = _CachedLanguage(get_locale, shop_locale, _request_language(shop_locale))
    request.environ[_CACHE_KEY] = cached
    return cached.language


def forget_language() -> None:
    """Discard this request's cached language, because the offered languages have changed."""
    request.environ.pop(_CACHE_KEY, None)


def _request_language(shop_locale: Locale | None) -> Language:
    in_query = request.args.get(PARAMETER)
    preferred = [
        in_query if request.blueprint == "notify_me" else None,
        str(shop_locale) if shop_locale else select_locale(),
    ]
    languages = offered()
    name = _first_offered(filter(None, preferred), languages) or languages[0]
    path_prefix = request.path.split("/")[1].replace("-", "_")
    in_url = (
        bool(in_query and _first_offered([in_query], languages))
        or path_prefix.lower() == name.lower()
    )
    return _language(name, in_url=in_url)


@lru_cache
def _language(name: str, *, in_url: bool) -> Language:
    locale = Locale.parse(name)
    tag = str(locale).replace("_", "-")
    return Language(locale, str(locale), tag, locale.text_direction, tag if in_url else None)


@cache
def _flask_babel() -> Callable[[], Locale | None]:
    """Return Flask-Babel's function for the locale of a request."""
    from flask_babel import get_locale  # installed only if the shop uses it

    return cast("Callable[[], Locale | None]", get_locale)


def _first_offered(requested: Iterable[str], languages: tuple[str, ...]) -> str | None:
    """Return the first requested language that is in `languages`, or None; `de-AT` matches `de`."""
    return _negotiate(tuple(name.replace("-", "_") for name in requested), languages)


@lru_cache(maxsize=1024)
def _negotiate(requested: tuple[str, ...], offered: tuple[str, ...]) -> str | None:
    return negotiate_locale(requested, offered)
