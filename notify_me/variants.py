"""Variants and their composite IDs, and the catalog protocol that a shop implements."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import IntEnum
from typing import Protocol, Self, runtime_checkable
from urllib.parse import quote

SEPARATOR = ":::"
MAX_LENGTH = 500
"""Maximum length of a composite ID in characters. Klaviyo documents no limit, but URLs need one."""
CUSTOM_CATALOG = ("$custom", "$default")
"""Integration type and catalog ID of the only catalog that Klaviyo's API can write to."""
PLACEHOLDER_PREFIX = "placeholder-"
"""The prefix of placeholder IDs, for variants whose real ID isn't known, for example in a catalog
that was imported for a demo. The kit sends a sign-up for such a variant to a stand-in for Klaviyo
on this machine, but never to Klaviyo itself.
"""
NUMERIC_ID_INTEGRATIONS = frozenset({"$shopify", "$bigcommerce", "$magento_two"})
"""Integrations whose variant IDs are numbers."""


def is_numeric(external_id: str) -> bool:
    """Return whether an ID consists of digits, as in `NUMERIC_ID_INTEGRATIONS`."""
    return bool(re.fullmatch(r"\d+", external_id, re.ASCII))


def external_id_error(integration_type: str, external_id: str) -> str | None:
    """Return why a variant of this integration can't have this ID, and what to use instead, or None
    if it can.
    """
    if error := _shopify_gid_error(external_id):
        return error
    if integration_type not in NUMERIC_ID_INTEGRATIONS or is_numeric(external_id):
        return None
    if re.fullmatch(r"\d([.,]\d+)?e\+?\d+", external_id, re.ASCII | re.IGNORECASE):
        return (
            "a spreadsheet has shortened this number: export the file again, and import this "
            "column as text"
        )
    if decimal := re.fullmatch(r"(\d+)\.0+", external_id, re.ASCII):
        return f"a spreadsheet has turned this into a decimal number: use {decimal[1]!r}"
    return (
        f"variant IDs of {integration_type} are numbers, and this looks like a SKU or a name: use "
        "the platform's own variant ID, such as 40012345678901"
    )


def _shopify_gid_error(external_id: str) -> str | None:
    if not external_id.startswith("gid://"):
        return None
    if gid := re.fullmatch(r"gid://shopify/ProductVariant/(\d+)", external_id, re.ASCII):
        return f"Klaviyo identifies Shopify's variants by number: use {gid[1]!r}"
    return (
        "this isn't the GID of a variant: use the number at the end of the variant's GID, "
        "gid://shopify/ProductVariant/…"
    )


def catalog_error(integration_type: str, catalog_id: str) -> str | None:
    """Return what is wrong with the first two parts of a composite ID, or None."""
    if SEPARATOR in integration_type or SEPARATOR in catalog_id:
        return f"only the variant's own ID may contain {SEPARATOR!r}"
    if integration_type == "$magento_two" and not re.fullmatch(r"\d+-\d+", catalog_id):
        return (
            "for $magento_two the catalog ID is the website's ID, a hyphen and the store's ID, "
            "such as 1-1"
        )
    return None


@dataclass(frozen=True, slots=True)
class CompositeID:
    """A variant's ID in Klaviyo's catalog: `integrationType:::catalogId:::externalId`.

    Klaviyo documents the integration types `$custom`, `$shopify`, `$bigcommerce`, `$magento_two`,
    `$square`, `$wix` and `$prestashop`, and accepts any other text. The external ID is the
    variant's own ID in the shop's system; it may contain any printable character. From "Set up back
    in stock via API" and "Catalogs API overview" in Klaviyo's documentation.

    Raises `ValueError` for an invalid part.
    """

    integration_type: str
    catalog_id: str
    external_id: str

    def __post_init__(self) -> None:
        parts = (self.integration_type, self.catalog_id, self.external_id)
        text = SEPARATOR.join(parts)
        if not all(part.strip() for part in parts):
            raise ValueError(
                f"{text!r} has an empty part: a composite ID is type:::catalog:::variant"
            )
        error = catalog_error(self.integration_type, self.catalog_id)
        if error := error or _shopify_gid_error(self.external_id):
            raise ValueError(f"{text!r}: {error}")
        if re.search(r"[\x00-\x1f\x7f]", text):
            raise ValueError(f"{text!r} contains a control character")
        if len(text) > MAX_LENGTH:
            raise ValueError(
                f"a composite ID has at most {MAX_LENGTH} characters; this one has {len(text)}"
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Split a composite ID at its first two `:::`. Raises `ValueError` if it is invalid."""
        parts = text.split(SEPARATOR, 2)
        if len(parts) != 3:
            raise ValueError(f"{text[:80]!r} is not a composite ID: type:::catalog:::variant")
        return cls(*parts)

    def __str__(self) -> str:
        return SEPARATOR.join((self.integration_type, self.catalog_id, self.external_id))

    @property
    def is_placeholder(self) -> bool:
        """Whether it stands for an ID that isn't known: see `PLACEHOLDER_PREFIX`."""
        return self.external_id.startswith(PLACEHOLDER_PREFIX)

    @property
    def path(self) -> str:
        """The ID as one segment of a URL path, percent-encoded."""
        return quote(str(self), safe="")


def writable(composite_id: CompositeID) -> bool:
    """Return whether the variant is in the catalog that Klaviyo's API can write to."""
    return (composite_id.integration_type, composite_id.catalog_id) == CUSTOM_CATALOG


class InventoryPolicy(IntEnum):
    """Klaviyo's `inventory_policy` (Catalogs API): whether a sold-out variant can be bought."""

    UNSET = 0
    DENY = 1
    CONTINUE = 2


@dataclass(frozen=True, slots=True)
class Variant:
    """One variant of a product."""

    composite_id: CompositeID
    product_id: str
    product_title: str
    url: str
    """The product page with this variant selected, such as `/products/parka?variant=PARKA-M`."""
    options: Mapping[str, str] = field(default_factory=dict)
    """The value of each option, in the shop's order: `{"Size": "M", "Colour": "Moss"}`."""
    quantity: int | None = None
    """Units in stock; None if the shop doesn't track its stock."""
    inventory_policy: InventoryPolicy = InventoryPolicy.DENY
    tags: frozenset[str] = frozenset()
    price: Decimal | None = None
    currency: str = ""
    """The currency of the price (ISO 4217), such as `EUR`, for Klaviyo's catalog; may be empty."""
    available: bool | None = None
    """Whether the shop sells it now, if its stock isn't tracked. None counts as True."""
    preorder: bool = False
    """Whether it can be ordered while it is sold out."""
    sku: str = ""
    """This field and those below are needed only to push the catalog to Klaviyo or to offer it as a
    feed.
    """
    description: str = ""
    image_url: str = ""
    categories: Sequence[str] = ()

    @property
    def title(self) -> str:
        """The option values, such as `M / Moss`; empty without options."""
        return " / ".join(self.options.values())

    @property
    def full_title(self) -> str:
        """The product's title with the variant's, such as `Parka (M / Moss)`."""
        return f"{self.product_title} ({self.title})" if self.title else self.product_title


class Catalog(Protocol):
    """The shop's catalog, as the kit uses it. Both methods are called within a request."""

    def variant(self, composite_id: CompositeID) -> Variant | None:
        """Return the variant with this ID, or None."""
        ...

    def siblings(self, composite_id: CompositeID) -> Sequence[Variant]:
        """Return all variants of the same product, including this one; none for an unknown ID."""
        ...


class FunctionCatalog:
    """A catalog based on a function `find_variants(composite_id)` that returns all variants of the
    product, or an empty list.
    """

    def __init__(self, find_variants: Callable[[CompositeID], Sequence[Variant]]) -> None:
        self._find_variants = find_variants

    def variant(self, composite_id: CompositeID) -> Variant | None:
        """Return the variant with this ID, or None."""
        variants = self._find_variants(composite_id)
        return next((variant for variant in variants if variant.composite_id == composite_id), None)

    def siblings(self, composite_id: CompositeID) -> Sequence[Variant]:
        """Return all variants of the same product."""
        return self._find_variants(composite_id)


@runtime_checkable
class ListedCatalog(Catalog, Protocol):
    """A catalog that can also list its variants, for `flask notify-me check` and `push-catalog`."""

    def composite_ids(self) -> Iterable[CompositeID]:
        """Return the composite IDs of all variants. With thousands of them, a generator saves
        memory.
        """
        ...
