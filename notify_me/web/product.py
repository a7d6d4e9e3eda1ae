"""The product that a request is about, and the URL of its form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask import url_for

from ..context import current_settings, current_state
from ..i18n.locales import language
from ..variants import CompositeID, Variant


@dataclass(frozen=True)
class Product:
    """A variant, and all variants of its product."""

    variant: Variant
    """The variant that the URL or the template names."""
    variants: Sequence[Variant]
    """All variants of the product, including `variant`."""

    @cached_property
    def alertable_variants(self) -> list[Variant]:
        """The variants for which the shop offers an alert."""
        offers_alert = current_settings().trigger.offers_alert
        return [variant for variant in self.variants if offers_alert(variant)]


def load_product(composite_id: str) -> Product | None:
    """Return the product of the variant with this ID; None if the shop doesn't have it."""
    try:
        parsed = CompositeID.parse(composite_id)
    except ValueError:
        return None
    variants = current_state().catalog.siblings(parsed)
    for variant in variants:
        if variant.composite_id == parsed:
            return Product(variant, variants)
    return None


def form_url(endpoint: str, composite_id: object, **query: Any) -> str:
    """Return the URL of a form, with `lang` if the URL of this page names a language."""
    return url_for(endpoint, composite_id=str(composite_id), **query, lang=language().url_locale)
