"""Functions for a shop's templates: `notify_me()` and `notify_me_head()`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from flask import current_app, g, render_template, url_for
from markupsafe import Markup

from ..context import current_settings, current_state
from ..variants import Variant
from . import preview, theme
from .product import Product
from .public_count import public_count


def notify_me(
    variant: Variant | Sequence[Variant],
    *,
    label: str | None = None,
    display: str | None = None,
    inline: bool | None = None,
    caller: Callable[[], str] | None = None,
) -> Markup:
    """Return the button for a variant, or for a listing card with several variants.

    `{{ notify_me(variant) }}` renders a button if `variant` is sold out, and nothing otherwise.
    With a product's variants instead, it renders a button if all of them are sold out.

    `{% call notify_me(variant) %}` wraps the shop's own button, which is shown while there is
    stock; `display` (`REPLACE` or `NEXT_TO`) says what happens to it otherwise.

    With `presentation = "inline"`, the form itself replaces a single variant's button, so the call
    must not be inside a `<form>`. `label`, `display` and `inline` override the settings; use
    `inline=False` where the form doesn't fit.
    """
    settings = current_settings()
    display = display or settings.button.display
    if display not in ("REPLACE", "NEXT_TO"):
        raise ValueError(f"notify_me(display=…) must be 'REPLACE' or 'NEXT_TO', not {display!r}")
    shop_button = Markup(caller() if caller else "")  # noqa: S704 - Jinja's own output
    is_card = not isinstance(variant, Variant)
    variants = [variant] if isinstance(variant, Variant) else list(variant)
    if not variants or not all(map(settings.trigger.offers_alert, variants)):
        return shop_button
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
            count=public_count(str(first.composite_id)),
        )
        if preview.shows_dialog():
            kit_button += preview.open_dialog(_product_of(first))
    # keep the shop's own button if a variant can be bought even though it is sold out
    if display == "NEXT_TO" or any(map(settings.trigger.can_buy, variants)):
        return shop_button + kit_button
    return kit_button


def _inline_form(variant: Variant) -> Markup:
    composite_id = str(variant.composite_id)
    # unique on the page, and the same in every request, so that the page can be answered with 304
    g.notify_me_inline_forms = number = g.get("notify_me_inline_forms", 0) + 1
    prefix = f"notify-me-{hashlib.sha256(composite_id.encode()).hexdigest()[:6]}-{number}"
    html = render_template(
        "notify_me/inline.html",
        prefix=prefix,
        heading="h2",
        anchor=current_settings().button.alternate_anchor,
        count=public_count(composite_id),
        **preview.form_context(_product_of(variant)),
    )
    return Markup(html)  # noqa: S704 - Jinja's own output


def _product_of(variant: Variant) -> Product:
    return Product(variant, current_state().catalog.siblings(variant.composite_id))


def notify_me_head() -> Markup:
    """Return the kit's stylesheets and script, for a page's `<head>`."""
    settings = current_settings()
    stylesheet = theme.build_theme(settings)
    url = url_for("notify_me.theme_css", v=stylesheet.version) if stylesheet.css else ""
    return _macro("head", theme=url, modal=settings.modal)


def _macro(name: str, *arguments: Any, **named: Any) -> Markup:
    macros = current_app.jinja_env.get_template("notify_me/macros.html").module
    return Markup(getattr(macros, name)(*arguments, **named))  # noqa: S704 - Jinja's own output
