"""The product that a request is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..context import current_settings, current_state
from ..variants import CompositeID, Variant


@dataclass(frozen=True, slots=True)
class Product:
    """A variant, and all variants of its product."""

    variant: Variant
    """The one that the address or the template names."""
    variants: Sequence[Variant]
    """All of them, that one included."""
    alertable_variants: Sequence[Variant]
    """Those for which the shop offers an alert."""


def product_of(variant: Variant) -> Product:
    """The product of a variant that the shop has at hand."""
    return _product(variant, current_state().catalog.siblings(variant.composite_id))


def load_product(composite_id: str) -> Product | None:
    """The product of the variant under this ID; None where the shop has none."""
    try:
        wanted = CompositeID.parse(composite_id)
    except ValueError:
        return None
    variants = current_state().catalog.siblings(wanted)
    variant = next((each for each in variants if each.composite_id == wanted), None)
    return None if variant is None else _product(variant, variants)


def _product(variant: Variant, variants: Sequence[Variant]) -> Product:
    trigger = current_settings().trigger
    return Product(variant, variants, [each for each in variants if trigger.offers_alert(each)])
