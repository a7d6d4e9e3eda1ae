"""Functions for a shop's templates: `notify_me()` and `notify_me_head()`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import current_app, g, render_template, url_for
from jinja2 import Environment
from markupsafe import Markup

from ..context import current_settings, current_state
from ..i18n.locales import Language, language
from ..settings import Settings
from ..variants import Variant
from . import preview, theme
from .page import is_layout_usable
from .product import Product
from .public_count import public_count
from .templates import kit_environment, kit_template

TEMPLATES = Path(__file__).parents[1] / "templates"
IN_STOCK = Markup('<notify-me data-in-stock="{}" hidden></notify-me>')
HEAD_TEMPLATES = ("notify_me/macros.html", "notify_me/unreachable.html", "notify_me/_close.html")


def notify_me(
    variant: Variant | Sequence[Variant],
    *,
    label: str | None = None,
    display: str | None = None,
    inline: bool | None = None,
    caller: Callable[[], str] | None = None,
) -> Markup:
    """Return the button for a variant, or for a product card with several variants.

    `{{ notify_me(variant) }}` renders a button if `variant` is sold out and `[trigger]` allows an
    alert, and nothing otherwise. With a product's variants instead, it renders a button if that is
    true of all of them.

    `{% call notify_me(variant) %}` wraps the shop's own button, which is shown if the kit renders
    none. If `display` is `REPLACE`, the kit's button appears instead of the shop's. If `display` is
    `NEXT_TO`, or a variant can be bought although it is sold out, the kit's button appears after
    the shop's. If `variant` is one variant (not a list) that can be bought and has no alert, a
    hidden element makes the script forget an earlier sign-up.

    With `presentation = "inline"`, the form itself replaces a single variant's button, so the call
    must not be inside a `<form>`. `label`, `display` and `inline` override the settings; use
    `inline=False` where the form doesn't fit. Raises `ValueError` for any other `display`.
    """
    settings = current_settings()
    display = display or settings.button.display
    if display not in ("REPLACE", "NEXT_TO"):
        raise ValueError(f"notify_me(display=…) must be 'REPLACE' or 'NEXT_TO', not {display!r}")
    shop_button = Markup(caller() if caller else "")  # noqa: S704 - Jinja's own output
    is_card = not isinstance(variant, Variant)
    variants = [variant] if isinstance(variant, Variant) else list(variant)
    if not variants or not all(map(settings.trigger.offers_alert, variants)):
        if is_card or not caller or not settings.trigger.can_buy(variants[0]):
            return shop_button
        # so that the button doesn't show an earlier sign-up when the variant is next sold out
        return shop_button + IN_STOCK.format(variants[0].composite_id)
    first = variants[0]
    if is_card:
        kit_button = _macro(
            "button",
            first,
            label=label or settings.button.collection_page_text or settings.button.label,
            choose=len(variants) > 1,
            card=True,
            classes=settings.button.collection_page_class,
        )
    elif settings.modal.presentation == "inline" if inline is None else inline:
        kit_button = _inline_form(first)
    else:
        kit_button = _macro(
            "button",
            first,
            label=label or settings.button.label,
            classes=settings.button.product_page_class,
            anchor=settings.button.alternate_anchor,
            count=public_count(str(first.composite_id), settings.demand),
        )
        if preview.shows_dialog():
            kit_button += preview.open_dialog(_product_of(first))
    # keep the shop's own button if a variant can be bought even though it is sold out
    if display == "NEXT_TO" or any(map(settings.trigger.can_buy, variants)):
        return shop_button + kit_button
    return kit_button


def _inline_form(variant: Variant) -> Markup:
    settings = current_settings()
    composite_id = str(variant.composite_id)
    # unique on the page, and the same in every request, so that a 304 response is possible
    g.notify_me_inline_forms = number = g.get("notify_me_inline_forms", 0) + 1
    prefix = f"notify-me-{hashlib.sha256(composite_id.encode()).hexdigest()[:6]}-{number}"
    html = render_template(
        kit_template("inline.html"),
        prefix=prefix,
        heading="h2",
        anchor=settings.button.alternate_anchor,
        count=public_count(composite_id, settings.demand),
        **preview.form_context(_product_of(variant)),
    )
    return Markup(html)  # noqa: S704 - Jinja's own output


def _product_of(variant: Variant) -> Product:
    return Product(variant, current_state().catalog.siblings(variant.composite_id))


def notify_me_head() -> Markup:
    """Return the kit's stylesheets and script, for a page's `<head>`."""
    environment, settings = current_app.jinja_env, current_settings()
    # part of the cache key, since all URLs in the head have the prefix and parameters of this one
    script = url_for("notify_me.static", filename="notify-me.js")
    if environment.auto_reload or _has_own_head(environment):
        return _head(environment, settings, language(), script)
    return _cached_head(environment, settings, language(), script)


def _head(environment: Environment, settings: Settings, language: Language, script: str) -> Markup:
    """Return the head. All arguments are part of the cache key, even those that aren't used."""
    # not at startup, since the layout may be in a blueprint that the shop registers later
    is_layout_usable(environment, settings.page)
    stylesheet = theme.build_theme(settings)
    url = url_for("notify_me.theme_css", v=stylesheet.version) if stylesheet.css else ""
    return _macro("head", theme=url, modal=settings.modal)


_cached_head = lru_cache(maxsize=64)(_head)


@lru_cache(maxsize=8)
def _has_own_head(environment: Environment) -> bool:
    """Return whether the shop has replaced a template of the head. The shop's template may
    depend on the request, for example if it contains a nonce for the script.
    """
    templates = map(kit_environment(environment).get_template, HEAD_TEMPLATES)
    files = [template.filename for template in templates]
    return not all(Path(file or "").is_relative_to(TEMPLATES) for file in files)


def _macro(name: str, *arguments: Any, **named: Any) -> Markup:
    macros = kit_template("macros.html").module
    return Markup(getattr(macros, name)(*arguments, **named))  # noqa: S704 - Jinja's own output
