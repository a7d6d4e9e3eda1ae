"""Which language this request's shopper reads, among those that the merchant offers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import cast

from babel import Locale, negotiate_locale
from flask import Flask, current_app, has_request_context, request

from .catalogs import SOURCE_LOCALE

PARAMETER = "lang"
"""The query parameter that names a language: it wins over the cookie."""
COOKIE = "lang"
"""The cookie that keeps a shopper's choice. The kit reads it, and sets none."""
VARY = ("Cookie", "Accept-Language")
"""What a page's language depends on, besides its address."""
_OFFERED = "notify_me_languages"


def init_app(app: Flask, languages: Callable[[], tuple[str, ...]]) -> None:
    """Offer on `app` the languages that `languages` returns; it is called within a request."""
    app.extensions[_OFFERED] = languages


def offered() -> tuple[str, ...]:
    """The languages that the shop speaks, such as `("en", "de")`; the default first."""
    return cast("tuple[str, ...]", current_app.extensions[_OFFERED]())


def select_locale() -> str:
    """The language of this request: by `?lang=`, else the cookie, else what the browser accepts;
    else the default.
    """
    asked = (request.args.get(PARAMETER), request.cookies.get(COOKIE))
    accepted = (tag for tag, quality in request.accept_languages if quality)
    return _first(each for each in (*asked, *accepted) if each) or offered()[0]


def current_locale() -> Locale:
    """Return the language of the kit's texts in this request.

    A shop with Flask-Babel decides by its own selector; for others `select_locale` does. A language
    that isn't offered falls back to the default one. Outside of a request: the source language.
    """
    if not has_request_context() or _OFFERED not in current_app.extensions:
        return _parsed(SOURCE_LOCALE)
    asked = [request.args.get(PARAMETER)] if request.blueprint == "notify_me" else []
    shops = _babels_locale() if "babel" in current_app.extensions else select_locale()
    return _parsed(_first([*filter(None, asked), shops]) or offered()[0])


def _babels_locale() -> str:
    from flask_babel import get_locale  # only a shop that uses it has it

    return str(get_locale())


def tag(locale: Locale) -> str:
    """A language as HTML and HTTP name it, such as `pt-BR`."""
    return str(locale).replace("_", "-")


def url_locale() -> str | None:
    """The language, where this page's address chose it (`?lang=de`, or `/de/…`), so that its links
    must carry it; None where a cookie or the browser did.
    """
    if not has_request_context():
        return None
    name = tag(current_locale())
    first = request.path.split("/")[1].replace("_", "-")
    by_query = _first(filter(None, [request.args.get(PARAMETER)])) is not None
    return name if by_query or first.lower() == name.lower() else None


def _first(wanted: Iterable[str]) -> str | None:
    """The first of the wanted languages that is offered; `de-AT` may be `de`."""
    return _negotiated(tuple(each.replace("-", "_") for each in wanted), offered())


@lru_cache(maxsize=1024)
def _negotiated(wanted: tuple[str, ...], offered: tuple[str, ...]) -> str | None:
    return negotiate_locale(wanted, offered)


@lru_cache
def _parsed(name: str) -> Locale:
    return Locale.parse(name)
