"""A product's options as links: each value leads to the variant that has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flask import url_for

from ..base.models import Product, ProductVariant
from ..catalog.stock import available


@dataclass(frozen=True)
class Choice:
    """One value of an option on a product page."""

    name: str
    swatch: str | None
    url: str
    chosen: bool
    sold_out: bool
    instead: str = ""
    """Set when this value isn't made with the other choices: the variant it leads to instead."""


@dataclass(frozen=True)
class ChoiceGroup:
    """An option with its values."""

    name: str
    chosen: str
    choices: list[Choice]


def choices(product: Product, chosen: ProductVariant) -> list[ChoiceGroup]:
    """The options of `product`, as seen from the variant that is shown."""
    return [
        ChoiceGroup(option.name, chosen.values[index], list(_choices(product, chosen, index)))
        for index, option in enumerate(product.options)
    ]


def first_choice(product: Product) -> ProductVariant:
    """The variant to show when none is asked for: the first that can be bought, else the first."""
    return next(filter(available, product.variants), product.variants[0])


def _choices(product: Product, chosen: ProductVariant, index: int) -> Iterator[Choice]:
    for value in product.options[index].values:
        wanted = [*chosen.values[:index], value["name"], *chosen.values[index + 1 :]]
        target = _nearest(product, wanted, index)
        if target is None:
            continue
        yield Choice(
            name=value["name"],
            swatch=value["swatch"],
            url=url_for("shop.product", handle=product.handle, variant=target.sku),
            chosen=target is chosen,
            sold_out=not available(target),
            instead="" if target.values == wanted else target.title,
        )


def _nearest(product: Product, wanted: list[str], index: int) -> ProductVariant | None:
    """The variant with the wanted value and as many of the other choices as there are."""
    having = [variant for variant in product.variants if variant.values[index] == wanted[index]]
    return max(
        having,
        key=lambda variant: sum(a == b for a, b in zip(variant.values, wanted, strict=True)),
        default=None,
    )
