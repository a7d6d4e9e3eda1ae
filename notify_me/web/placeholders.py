"""Inserts the names of products and variants into the merchant's own wording."""

from __future__ import annotations

import re
from collections.abc import Callable

import nh3
from markupsafe import Markup, escape

from ..i18n.text import bidi_isolate
from ..settings.tables.modal import FOOTER_TAGS
from ..variants import Variant

FOOTER_LINK_SCHEMES = {"https", "http", "mailto", "tel"}


def fill_placeholders(
    text: str,
    variant: Variant,
    *,
    with_variant_name: bool,
    escape_name: Callable[[str], str] = str,
) -> str:
    """Fill in `{product_name}` and `{variant_name}`. Without `with_variant_name`, the latter is
    empty.

    `escape_name` is called with each name, and returns what to insert.
    """
    names = {
        "product_name": variant.product_title,
        "variant_name": variant.title if with_variant_name else "",
    }
    # in one pass, because a product's title may contain a placeholder
    return re.sub(
        r"\{(product_name|variant_name)\}",
        lambda match: escape_name(bidi_isolate(names[match[1]])),
        text,
    ).strip()


def sanitized_footer(text: str, variant: Variant, *, with_variant_name: bool) -> Markup:
    """Return the merchant's HTML below the form, reduced to `FOOTER_TAGS` and safe links."""
    if not text:
        return Markup("")
    filled = fill_placeholders(
        text,
        variant,
        with_variant_name=with_variant_name,
        escape_name=lambda name: str(escape(name)),
    )
    # cleaned last, because a placeholder may be part of a link's URL
    cleaned = nh3.clean(
        filled,
        tags=FOOTER_TAGS,
        attributes={"a": {"href"}},
        tag_attribute_values={"a": {"target": {"_blank"}}},
        url_schemes=FOOTER_LINK_SCHEMES,
    )
    return Markup(cleaned)  # noqa: S704 - cleaned above
