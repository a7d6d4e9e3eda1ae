"""A product's options as links: each value leads to a variant that has it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for

from ..base.models import OptionValue, Product, ProductVariant
from ..catalog.queries import variant_url
from ..catalog.stock import is_available


@dataclass(frozen=True)
class Choice:
    """One value of an option on a product page."""

    name: str
    swatch: str | None
    url: str
    selected: bool
    sold_out: bool
    alternative: str = ""
    """Empty if a variant combines this value with the other selected values; otherwise, the title
    of the variant that the link leads to.
    """


@dataclass(frozen=True)
class ChoiceGroup:
    """An option with its values."""

    name: str
    selected: str
    choices: list[Choice]


def choices(product: Product, selected: ProductVariant) -> list[ChoiceGroup]:
    """Return the options of `product` for the page that shows the variant `selected`."""
    page = url_for("shop.product", handle=product.handle)
    return [
        ChoiceGroup(
            option.name,
            selected.values[index],
            [
                choice
                for value in option.values
                if (choice := _choice(product, page, selected, index, value))
            ],
        )
        for index, option in enumerate(product.options)
    ]


def default_variant(product: Product) -> ProductVariant:
    """Return the variant to show if none is selected: the first available one, or else the
    first.
    """
    return next(filter(is_available, product.variants), product.variants[0])


def _choice(
    product: Product, page: str, selected: ProductVariant, index: int, value: OptionValue
) -> Choice | None:
    """Return the link that changes option number `index` to `value`; None if no variant has this
    value.

    `page` is the URL of the product's page.
    """
    values = [*selected.values[:index], value["name"], *selected.values[index + 1 :]]
    with_value = [v for v in product.variants if v.values[index] == value["name"]]
    target = max(
        with_value,
        # the variant with the most of the currently selected values
        key=lambda variant: sum(a == b for a, b in zip(variant.values, values, strict=True)),
        default=None,
    )
    if target is None:
        return None
    # a value of the first option, such as red, is marked as sold out only if it is sold out in
    # every size
    affected = with_value if index == 0 else [target]
    return Choice(
        name=value["name"],
        swatch=value["swatch"],
        url=variant_url(page, target.sku),
        selected=target is selected,
        sold_out=not any(map(is_available, affected)),
        alternative="" if target.values == values else target.title,
    )
