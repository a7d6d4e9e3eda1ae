"""What a shop's templates call: the button, the form in the page, stylesheet and script."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from flask import current_app, render_template, url_for
from markupsafe import Markup

from ..context import current_settings
from ..variants import Variant
from . import preview, public_count, theme
from .product import product_of


def notify_me(
    variant: Variant | Sequence[Variant],
    *,
    label: str | None = None,
    display: str | None = None,
    inline: bool | None = None,
    caller: Callable[[], str] | None = None,
) -> Markup:
    """The button for a variant, or for a card that stands for all variants of a product.

    `{{ notify_me(variant) }}` renders a button when `variant` is sold out, and nothing
    otherwise; given a product's variants, when all are. `{% call notify_me(variant) %}` wraps
    the shop's own button: that stands alone while there is stock, and `display` (`REPLACE`,
    `NEXT_TO`) says whether ours replaces it or stands next to it when there is none.
    With `presentation = "inline"` the form itself stands in the place of a single variant's
    button: don't call it inside a `<form>`, which can't hold another. `label`, `display` and
    `inline` override the settings; `inline=False` is for places too small for the form.
    """
    settings = current_settings()
    display = display or settings.button.display
    if display not in ("REPLACE", "NEXT_TO"):
        raise ValueError(f"notify_me(display=…) is 'REPLACE' or 'NEXT_TO', not {display!r}")
    card = not isinstance(variant, Variant)
    variants = [variant] if isinstance(variant, Variant) else list(variant)
    own = Markup(caller() if caller else "")  # noqa: S704 - Jinja's own output
    if not variants or not all(settings.trigger.offers_alert(each) for each in variants):
        return own
    if inline is None:
        inline = settings.modal.presentation == "inline"
    stands = inline and not card
    ours = _form(variants[0]) if stands else _button(variants, label, card=card)
    if not card and not stands:
        ours += _previewed(variants[0])
    # what can be bought all the same keeps its own button
    beside = display == "NEXT_TO" or any(settings.trigger.can_buy(each) for each in variants)
    return own + ours if beside else ours


def _button(variants: Sequence[Variant], label: str | None, *, card: bool) -> Markup:
    button = current_settings().button
    words = label or (button.collection_page_text if card else "") or button.label
    return _macro(
        "button",
        variants[0],
        label=words,
        choose=len(variants) > 1,
        card=card,
        classes=button.collection_page_class if card else button.product_page_class,
        anchor="" if card else button.alternate_anchor,
        # a card stands among many, and has no room for it
        count="" if card else _count(variants[0]),
    )


def _form(variant: Variant) -> Markup:
    # the same at each visit, or the page could never be answered with 304
    prefix = f"notify-me-{hashlib.sha256(str(variant.composite_id).encode()).hexdigest()[:6]}"
    page = render_template(
        "notify_me/inline.html",
        prefix=prefix,
        heading="h2",
        anchor=current_settings().button.alternate_anchor,
        count=_count(variant),
        **preview.in_state(preview.state(), product_of(variant)),
    )
    return Markup(page)  # noqa: S704 - Jinja's own output


def _previewed(variant: Variant) -> Markup:
    """The form's dialog, open, where this request previews it; else nothing."""
    state = preview.state()
    return preview.dialog(state, product_of(variant)) if state else Markup()


def _count(variant: Variant) -> str:
    return public_count.words(str(variant.composite_id))


def notify_me_head() -> Markup:
    """The kit's stylesheets and script, for a page's `<head>`."""
    found = theme.of(current_settings())
    address = url_for("notify_me.theme_css", v=found.version) if found.css else ""
    return _macro("head", theme=address)


def _macro(name: str, *arguments: Any, **named: Any) -> Markup:
    macros = current_app.jinja_env.get_template("notify_me/macros.html").module
    return Markup(getattr(macros, name)(*arguments, **named))  # noqa: S704 - Jinja's own output
