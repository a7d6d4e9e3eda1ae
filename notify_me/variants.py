"""What the kit asks of a shop: variants, their composite IDs, and a catalog to find them in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import IntEnum
from typing import Protocol, Self, runtime_checkable
from urllib.parse import quote

SEPARATOR = ":::"
MAX_LENGTH = 500
"""Longest composite ID taken, in characters. Klaviyo names no limit; a URL needs one."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_MAGENTO_CATALOG = re.compile(r"\d+-\d+")

CUSTOM_CATALOG = ("$custom", "$default")
"""Integration type and catalog ID of the one catalog that can be written."""
NUMERIC_ID_INTEGRATIONS = frozenset({"$shopify", "$bigcommerce", "$magento_two"})
"""Integrations whose variants have numbers."""
_DIGITS = re.compile(r"\d+", re.ASCII)
_DECIMAL = re.compile(r"(\d+)\.0+", re.ASCII)
_SHORTENED = re.compile(r"\d([.,]\d+)?e\+?\d+", re.ASCII | re.IGNORECASE)
_GID = "gid://"
_VARIANT_GID = re.compile(r"gid://shopify/ProductVariant/(\d+)", re.ASCII)


def is_numeric(external_id: str) -> bool:
    """Whether an ID is digits alone, as a numbered platform's are."""
    return bool(_DIGITS.fullmatch(external_id))


def shopify_gid_error(external_id: str) -> str | None:
    """What is wrong with one of Shopify's global IDs; None for any other ID."""
    if not external_id.startswith(_GID):
        return None
    if found := _VARIANT_GID.fullmatch(external_id):
        return f"Klaviyo knows Shopify variants by number; write {found[1]!r}"
    return (
        "this is no variant's ID: take the number at the end of the variant's own, "
        "gid://shopify/ProductVariant/…"
    )


def external_id_error(integration_type: str, external_id: str) -> str | None:
    """Why an ID can't be a variant's of this integration, with the cure; None where it can."""
    if problem := shopify_gid_error(external_id):
        return problem
    if integration_type not in NUMERIC_ID_INTEGRATIONS or is_numeric(external_id):
        return None
    if _SHORTENED.fullmatch(external_id):
        return (
            "a spreadsheet has cut this number short: export the file again, and open it with "
            "the column as text"
        )
    if found := _DECIMAL.fullmatch(external_id):
        return f"a spreadsheet has made this a decimal number; write {found[1]!r}"
    return (
        f"{integration_type} numbers its variants, and this looks like a SKU or a name: use the "
        "variant's ID there, such as 40012345678901"
    )


def catalog_error(integration_type: str, catalog_id: str) -> str | None:
    """What is wrong with a catalog, whichever variant is meant; None if nothing is."""
    if SEPARATOR in integration_type or SEPARATOR in catalog_id:
        return f"only the variant's own ID may hold {SEPARATOR!r}"
    if integration_type == "$magento_two" and not _MAGENTO_CATALOG.fullmatch(catalog_id):
        return (
            "for $magento_two the catalog ID is the website's ID, a hyphen and the store's ID, "
            "such as 1-1"
        )
    return None


@dataclass(frozen=True, slots=True)
class CompositeID:
    """A catalog variant's ID at Klaviyo: `integrationType:::catalogId:::externalId`.

    The integration type is free text at Klaviyo, with a known list (`$custom`, `$shopify`,
    `$bigcommerce`, `$magento_two`, `$square`, `$wix`, `$prestashop`). The external ID is the
    variant's own ID in the shop's system and may hold any printable character.

    Raises `ValueError`, in words for a merchant's developer, when a part can't be right.
    From "Set up back in stock via API" and the Catalogs API overview.
    """

    integration_type: str
    catalog_id: str
    external_id: str

    def __post_init__(self) -> None:
        if problem := self._problem():
            raise ValueError(problem)

    def _problem(self) -> str | None:
        parts = (self.integration_type, self.catalog_id, self.external_id)
        whole = SEPARATOR.join(parts)
        if not all(part.strip() for part in parts):
            return f"{whole!r} has an empty part: a composite ID is type:::catalog:::variant"
        if problem := catalog_error(self.integration_type, self.catalog_id):
            return f"{whole!r}: {problem}"
        if _CONTROL.search(whole):
            return f"{whole!r} holds a control character"
        if len(whole) > MAX_LENGTH:
            return f"a composite ID has at most {MAX_LENGTH} characters, this one {len(whole)}"
        if problem := shopify_gid_error(self.external_id):
            return f"{whole!r}: {problem}"
        return None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Split `text` at the first two `:::`; raises `ValueError` when there are not two."""
        parts = text.split(SEPARATOR, 2)
        if len(parts) != 3:
            raise ValueError(f"{text[:80]!r} is not a composite ID: type:::catalog:::variant")
        return cls(*parts)

    def __str__(self) -> str:
        return SEPARATOR.join((self.integration_type, self.catalog_id, self.external_id))

    @property
    def path(self) -> str:
        """The ID as one segment of a URL's path: every reserved character quoted."""
        return quote(str(self), safe="")


def writable(composite_id: CompositeID) -> bool:
    """Whether a variant is in the catalog that can be written."""
    return (composite_id.integration_type, composite_id.catalog_id) == CUSTOM_CATALOG


class InventoryPolicy(IntEnum):
    """Klaviyo's `inventory_policy` (Catalogs API): what happens when stock runs out."""

    UNSET = 0
    DENY = 1
    """Not sold when out of stock."""
    CONTINUE = 2
    """Sold all the same."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One variant of a product, as the kit needs to know it."""

    composite_id: CompositeID
    product_id: str
    product_title: str
    url: str
    """The product's page with this variant chosen, such as `/products/parka?variant=PARKA-M`."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Option name to chosen value, in the shop's order: `{"Size": "M", "Colour": "Moss"}`."""
    quantity: int | None = None
    """Pieces in stock; None where the shop doesn't manage stock."""
    inventory_policy: InventoryPolicy = InventoryPolicy.DENY
    tags: frozenset[str] = frozenset()
    price: Decimal | None = None
    available: bool | None = None
    """For a variant whose stock isn't managed: whether the shop sells it just now."""
    preorder: bool = False
    """Whether a sold-out variant can be ordered ahead."""
    sku: str = ""
    description: str = ""
    image_url: str = ""
    categories: Sequence[str] = ()
    """These four are for Klaviyo's catalog alone, where the shop fills it."""

    @property
    def title(self) -> str:
        """The chosen values as a shopper reads them: `M / Moss`; empty without options."""
        return " / ".join(self.options.values())


class Catalog(Protocol):
    """All that the kit asks of a shop. Both calls happen inside a request."""

    def variant(self, composite_id: CompositeID) -> Variant | None:
        """The variant under this ID, or None if the shop has none."""
        ...

    def siblings(self, composite_id: CompositeID) -> Sequence[Variant]:
        """All variants of the same product, this one included; empty if there is no such one."""
        ...


@runtime_checkable
class ListedCatalog(Catalog, Protocol):
    """A catalog that can also list all its variants, for `flask notify-me check`. Optional."""

    def composite_ids(self) -> Iterable[CompositeID]:
        """The composite ID of every variant, as a stream: there may be many thousands."""
        ...
