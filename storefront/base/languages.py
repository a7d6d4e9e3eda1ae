"""The languages of the shop: which one a page is in, and the switch at its foot.

The products themselves are in one language, as the catalog has them. The merchant's pages are in
English.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any, cast
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from babel import Locale
from flask import Blueprint, Flask, Response, abort, g, redirect, request, url_for
from flask_babel import Babel, get_locale
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from notify_me import LANGUAGE_COOKIE, LANGUAGE_PARAMETER, bidi_isolate, languages, select_locale

PRODUCTS = "en"
"""The language of the catalog's texts."""
SHOPPERS = frozenset({"shop", "cart", "checkout", "legal", "languages", "notify_me"})
"""The rooms that speak the shopper's language; error pages do, too."""
CARRIED = frozenset({"shop", "cart", "checkout", "legal"})
"""Those whose links carry a language that the page's address chose."""
MAX_AGE = 365 * 24 * 3600

blueprint = Blueprint("languages", __name__)


@dataclass(frozen=True)
class Language:
    """A language, for `lang`, `dir` and the switch."""

    tag: str
    name: str
    """In its own words, such as `Deutsch`."""
    direction: str
    """`ltr` or `rtl`."""
    url_locale: str | None = None
    """The tag, where the page's address chose it."""


def init_app(app: Flask) -> None:
    """Set Flask-Babel up on `app`, and what its templates need for it."""
    Babel(app, locale_selector=_locale)
    app.register_blueprint(blueprint)
    app.before_request(_look_at_address)
    app.url_defaults(_carry)
    app.after_request(_tell)
    app.jinja_env.filters.update(bidi_isolate=bidi_isolate)
    app.jinja_env.globals.update(
        canonical=canonical,
        this_address=this_address,
        in_english=in_english,
        language=language,
        languages=offered,
    )


def language() -> Language:
    """The language of this page."""
    # a page asks for every product on it
    if "shop_language" not in g:
        found = _named(str(get_locale() or PRODUCTS))
        g.shop_language = replace(found, url_locale=found.tag) if _in_address() else found
    return cast(Language, g.shop_language)


def offered() -> list[Language]:
    """The languages to choose from."""
    return [_named(each) for each in languages()]


def in_english() -> Markup:
    """The attributes of an element with the catalog's words, on a page of another language."""
    if language().tag == PRODUCTS:
        return Markup("")
    return Markup(f' lang="{PRODUCTS}" dir="ltr"')  # noqa: S704 - a constant


def this_address() -> str:
    """The address of this page within the shop, without the language that it may name."""
    query = [
        (name, value)
        for name, value in request.args.items(multi=True)
        if name != LANGUAGE_PARAMETER
    ]
    return quote(request.path) + (f"?{urlencode(query)}" if query else "")


def canonical(address: str) -> Markup:
    """The `<link>`s for search engines: this page's own address, and it in the other languages."""
    links = [Markup('<link rel="canonical" href="{}">').format(address)]
    bare, _, query = address.partition("?")
    kept = [(name, value) for name, value in parse_qsl(query) if name != LANGUAGE_PARAMETER]
    if len(languages()) > 1:
        named = {each.tag: [*kept, (LANGUAGE_PARAMETER, each.tag)] for each in offered()}
        for tag, arguments in {**named, "x-default": kept}.items():
            target = f"{bare}?{urlencode(arguments)}" if arguments else bare
            link = Markup('<link rel="alternate" hreflang="{}" href="{}">')
            links.append(link.format(tag, target))
    return Markup("\n  ").join(links)


@blueprint.get("/language")
def look() -> BaseResponse:
    """Nothing to see: the switch is at the foot of each page."""
    return redirect(url_for("shop.listing"), code=303)


@blueprint.post("/language")
def choose() -> BaseResponse:
    """Keep the language `lang` in a cookie, and go back to the page `next`.

    :raise 400: the shop doesn't speak it.
    """
    wanted = request.form.get("lang", "")
    if wanted not in {each.tag for each in offered()}:
        abort(400)
    response = redirect(within_the_shop(request.form.get("next", "")), code=303)
    response.set_cookie(
        LANGUAGE_COOKIE,
        wanted,
        max_age=MAX_AGE,
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )
    return response


def within_the_shop(address: str) -> str:
    """The address, if it is a path of this shop's; else the front."""
    parts = urlsplit(address)
    odd = "\\" in address or not address.isprintable()
    if parts.scheme or parts.netloc or odd or not address.startswith("/") or address[:2] == "//":
        return url_for("shop.listing")
    return address


def _locale() -> str:
    # the Studio's preview is a page of the shop
    shoppers = request.blueprint in SHOPPERS | {None} or request.endpoint == "studio.preview"
    return select_locale() if shoppers else PRODUCTS


@cache
def _named(locale: str) -> Language:
    parsed = Locale.parse(locale)
    tag = locale.replace("_", "-")
    name = (parsed.get_display_name(parsed) or tag).capitalize()
    return Language(tag, name, parsed.text_direction)


def _in_address() -> bool:
    """Whether this page's address chose the language."""
    wanted = request.args.get(LANGUAGE_PARAMETER, "")
    return wanted.replace("-", "_").lower() == str(get_locale()).lower()


def _look_at_address() -> None:
    if LANGUAGE_PARAMETER in request.args:
        g.shop_carried = language().url_locale


def _carry(endpoint: str, values: dict[str, Any]) -> None:
    """Add the language to links within the shop, where the page's address chose it."""
    # asked at each of a page's hundred links: one look, which most pages end with
    if (tag := g.get("shop_carried")) and endpoint.partition(".")[0] in CARRIED:
        values.setdefault(LANGUAGE_PARAMETER, tag)


def _tell(response: Response) -> Response:
    """Say in the headers what language a page is in, and what that depends on."""
    if response.mimetype == "text/html":
        response.vary.update(["Cookie", "Accept-Language"])
        if not response.content_language:
            response.content_language.add(language().tag)
    return response
