"""The merchant's texts with a product's names filled in."""

from __future__ import annotations

import re

import nh3
from markupsafe import Markup, escape

from ..i18n.text import bidi_isolate
from ..variants import Variant

FOOTER_TAGS = {
    *("a", "b", "br", "em", "i", "li", "ol", "p", "small", "span", "strong", "ul"),
}
"""What `footer_content` may be made of."""
FOOTER_LINKS = {"https", "http", "mailto", "tel"}
_PLACEHOLDER = re.compile(r"\{(product_name|variant_name)\}")


def fill_placeholders(text: str, variant: Variant, named: bool) -> str:
    """Klaviyo's placeholders, filled; `named`: whether one variant is meant."""
    names = {"product_name": variant.product_title, "variant_name": variant.title if named else ""}
    # in one pass, since a product's title may look like a placeholder
    return _PLACEHOLDER.sub(lambda match: bidi_isolate(names[match[1]]), text).strip()


def footer(text: str, variant: Variant, named: bool) -> Markup:
    """The text below the form: the merchant's markup, but for what could do anything."""
    names = {"product_name": variant.product_title, "variant_name": variant.title if named else ""}
    # a product's title is text; cleaned last, since it may stand in a link's address
    whole = _PLACEHOLDER.sub(lambda match: str(escape(bidi_isolate(names[match[1]]))), text)
    cleaned = nh3.clean(
        whole,
        tags=FOOTER_TAGS,
        attributes={"a": {"href"}},
        tag_attribute_values={"a": {"target": {"_blank"}}},
        url_schemes=FOOTER_LINKS,
    )
    return Markup(cleaned)  # noqa: S704 - cleaned above
