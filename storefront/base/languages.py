"""Languages and prices: the language of a page, and the language switch in the footer.

The merchant's pages are in English.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from babel import Locale
from babel.numbers import (
    format_currency,
    get_currency_precision,
    get_currency_symbol,
    get_territory_currencies,
)
from flask import Blueprint, Flask, Response, abort, g, redirect, request, url_for
from flask_babel import Babel, get_locale
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from notify_me import LANGUAGE_COOKIE, LANGUAGE_PARAMETER, bidi_isolate, languages, select_locale

from .current_shop import shop

CATALOG_LANGUAGE = "en"
COOKIE_MAX_AGE = 365 * 24 * 3600  # seconds
VARY = ("Cookie", "Accept-Language")
"""The request headers that a page's language depends on."""
TRANSLATED_BLUEPRINTS = frozenset({"shop", "cart", "checkout", "languages", "notify_me"})
LINKED_BLUEPRINTS = frozenset({"shop", "cart", "checkout"})
"""If the URL of a page has `?lang=`, so do the page's links to these blueprints."""

blueprint = Blueprint("languages", __name__)


@dataclass(frozen=True)
class Language:
    """A language the shop offers."""

    tag: str
    """The value of the `lang` attribute, such as `de`."""
    name: str
    """The language's name in the language itself, such as `Deutsch`."""
    direction: str
    """The value of the `dir` attribute: `ltr` or `rtl`."""


def init_app(app: Flask) -> None:
    """Set up Flask-Babel on `app`, and the template globals for languages and prices."""
    Babel(app, locale_selector=_select_locale)
    app.register_blueprint(blueprint)
    app.before_request(_read_url_language)
    app.url_defaults(_keep_url_language)
    app.after_request(_add_language_headers)
    app.jinja_env.filters.update(
        bidi_isolate=bidi_isolate, money=money, typographic=typographic, upper_first=upper_first
    )
    app.jinja_env.globals.update(
        canonical_links=canonical_links,
        language=language,
        languages=offered_languages,
        path_without_language=path_without_language,
    )


def language() -> Language:
    """Return the language of this page."""
    return _language(str(get_locale() or CATALOG_LANGUAGE))


def offered_languages() -> list[Language]:
    """Return the languages a shopper can choose from."""
    return [_language(locale) for locale in _offered()]


def _offered() -> tuple[str, ...]:
    """Return the kit's languages in which the products are described, the default first. If the
    products are described in none of them, return only the kit's default.
    """
    kit_languages, product_languages = languages(), shop().languages
    shared = tuple(locale for locale in kit_languages if locale in product_languages)
    return shared or kit_languages[:1]


# Flask-Babel would parse a locale's name in every request
_locale = cache(Locale.parse)


@cache
def _language(locale: str) -> Language:
    parsed = _locale(locale)
    tag = locale.replace("_", "-")
    name = (parsed.get_display_name(parsed) or tag).capitalize()
    return Language(tag, name, parsed.text_direction)


def typographic(text: str) -> str:
    """Replace straight apostrophes in text from the kit, such as an error, with typographic ones.

    The kit uses straight apostrophes, which suit the command line and the log. Quotation marks stay
    as they are.
    """
    return re.sub(r"(?<=[A-Za-z])'(?=[a-z])", "’", text)


def upper_first(text: str) -> str:
    """Capitalize the first letter, unless the first word contains a dot, since it is then a file
    name or a setting's key.
    """
    first_word = text.partition(" ")[0]
    return text if "." in first_word else text[:1].upper() + text[1:]


def money(amount: Decimal, currency: str = "") -> str:
    """Format a price for this page's language: `£148`, `£9.50`, in German `148 £`.

    Whole amounts have no decimals; other amounts have as many as the currency usually has. The
    default currency is the shop's.
    """
    currency, country = currency or shop().currency, shop().country
    locale = get_locale() or Locale.parse(CATALOG_LANGUAGE)
    pattern = locale.currency_formats["standard"].pattern
    symbol = currency_symbol(currency, country, str(locale))
    # without the space, a price would read SEK299
    space = "\N{NO-BREAK SPACE}" if symbol[-1:].isalpha() and "¤#" in pattern else ""
    digits = 0 if amount == amount.to_integral_value() else get_currency_precision(currency)
    number = f"0.{'0' * digits}".rstrip(".")
    pattern = pattern.replace("¤", f"'{symbol}'{space}").replace("0.00", number)
    return format_currency(amount, currency, pattern, locale=locale, currency_digits=False)


@cache
def currency_symbol(currency: str, country: str, locale: str) -> str:
    """Return the symbol of a currency. If it is the currency of the shop's country, the symbol is
    the one used in that country. Babel's symbol may differ: for the pound in French, it is £GB.
    """
    if country and currency in get_territory_currencies(country):
        # Babel adds the language that most people in the country speak
        symbol = get_currency_symbol(currency, Locale.parse(f"und_{country}"))
        # Japanese uses a full-width yen sign
        return unicodedata.normalize("NFKC", symbol)
    return get_currency_symbol(currency, locale)


def path_without_language() -> str:
    """Return the path and query of this page without the language parameter."""
    arguments = _without_language(request.args.items(multi=True))
    return quote(request.path) + (f"?{urlencode(arguments)}" if arguments else "")


def canonical_links(url: str) -> Markup:
    """Return the `<link>`s for search engines: the canonical URL, and the page in each language."""
    links = [Markup('<link rel="canonical" href="{}">').format(url)]
    if len(_offered()) > 1:
        base, _, query = url.partition("?")
        arguments = _without_language(parse_qsl(query))
        urls = {
            language.tag: f"{base}?{urlencode([*arguments, (LANGUAGE_PARAMETER, language.tag)])}"
            for language in offered_languages()
        }
        urls["x-default"] = f"{base}?{urlencode(arguments)}" if arguments else base
        link = Markup('<link rel="alternate" hreflang="{}" href="{}">')
        links += [link.format(tag, alternate) for tag, alternate in urls.items()]
    return Markup("\n  ").join(links)


def _without_language(arguments: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in arguments if name != LANGUAGE_PARAMETER]


@blueprint.post("/language")
def choose() -> BaseResponse:
    """Save the chosen language, `lang`, in a cookie, and redirect to the path in `next`.

    :raise 400: the shop doesn't offer this language.
    """
    tag = request.form.get("lang", "")
    if tag not in {language.tag for language in offered_languages()}:
        abort(400)
    response = redirect(local_path(request.form.get("next", "")), code=303)
    response.set_cookie(
        LANGUAGE_COOKIE,
        tag,
        max_age=COOKIE_MAX_AGE,
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )
    return response


def local_path(path: str) -> str:
    """Return `path` if it is on this site and therefore safe to redirect to, else the home page."""
    has_unsafe_chars = "\\" in path or not path.isprintable()
    is_local = path.startswith("/") and not path.startswith("//")
    return path if is_local and not has_unsafe_chars else url_for("shop.listing")


def _select_locale() -> Locale:
    # the Studio's preview shows a page of the shop; errors outside a blueprint are also translated
    translated = request.blueprint in TRANSLATED_BLUEPRINTS | {None}
    if translated or request.endpoint == "studio.preview":
        return _locale(select_locale(_offered()))
    return _locale(CATALOG_LANGUAGE)


def _read_url_language() -> None:
    """Set `g.url_language` if the URL has `?lang=` with a language the shop offers."""
    requested = request.args.get(LANGUAGE_PARAMETER)
    if requested and requested.replace("-", "_").lower() == str(get_locale()).lower():
        g.url_language = language().tag


def _keep_url_language(endpoint: str, values: dict[str, Any]) -> None:
    # called for about a hundred links on a page, so the check that usually fails comes first
    if (tag := g.get("url_language")) and endpoint.partition(".")[0] in LINKED_BLUEPRINTS:
        values.setdefault(LANGUAGE_PARAMETER, tag)


def _add_language_headers(response: Response) -> Response:
    if response.mimetype == "text/html":
        headers = response.headers
        if "Vary" in headers:
            response.vary.update(VARY)
        else:
            headers.add("Vary", ", ".join(VARY))
        if "Content-Language" not in headers:
            headers.add("Content-Language", language().tag)
    return response
