"""`[catalog]`: the Klaviyo catalog that contains the shop's variants."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from ...variants import CUSTOM_CATALOG, CompositeID, catalog_error, external_id_error
from ..base import SettingsTable, closest_match

KNOWN_INTEGRATIONS = (
    "$custom",
    "$shopify",
    "$bigcommerce",
    "$magento_two",
    "$square",
    "$wix",
    "$prestashop",
)
"""The integrations that Klaviyo documents; it also accepts any other name."""
INTEGRATION = f"the name of an integration in Klaviyo, such as {', '.join(KNOWN_INTEGRATIONS)}"
CATALOG_ID = "the ID of a catalog in Klaviyo: $default or, for $magento_two, an ID such as 1-1"

# Klaviyo accepts any text, but no integration needs spaces or markup
_NAME = re.compile(r"""[^\s<>"'`;(){}\\]+""")


def _integration(text: str) -> str:
    match = None if text in KNOWN_INTEGRATIONS else _closest_integration(text)
    if match:
        raise ValueError(f"{text!r} is not Klaviyo's name for this integration: use {match!r}")
    if not text.isprintable() or not _NAME.fullmatch(text):
        raise ValueError(f"must be {INTEGRATION}")
    return text


def _closest_integration(text: str) -> str | None:
    """Return the known integration for a name that is mistyped or lacks its $, if any."""
    letters = re.sub(r"\W|_", "", text).casefold()
    if letters in ("magento", "magento2"):
        return "$magento_two"
    known = {re.sub(r"\W|_", "", name): name for name in KNOWN_INTEGRATIONS}
    match = closest_match(letters, known, cutoff=0.85)
    return known[match] if match else None


def _catalog_id(text: str) -> str:
    if text == "default":
        raise ValueError("'default' is not Klaviyo's name for this catalog: use '$default'")
    if not text.isprintable() or not _NAME.fullmatch(text):
        raise ValueError(f"must be {CATALOG_ID}")
    return text


class KlaviyoCatalog(SettingsTable):
    """`[catalog]`: the Klaviyo catalog that contains the shop's variants. A sign-up identifies a
    variant by `integration:::catalog_id:::variant ID`, so `integration` and `catalog_id` must match
    Klaviyo's.
    """

    integration: Annotated[str, AfterValidator(_integration)] = Field(
        "$custom",
        min_length=1,
        max_length=80,
        json_schema_extra={"allowed": INTEGRATION},
        title="Catalog integration",
    )
    """The platform that Klaviyo syncs the catalog from; $custom if this shop pushes its catalog or
    Klaviyo reads a feed.
    """
    catalog_id: Annotated[str, AfterValidator(_catalog_id)] = Field(
        "$default",
        min_length=1,
        max_length=80,
        json_schema_extra={"allowed": CATALOG_ID},
        title="Catalog ID",
    )
    """ID of the catalog on that platform: $default, except for $magento_two, where it is the
    website's ID, a hyphen and the store's ID.
    """

    @model_validator(mode="after")
    def _check_combination(self) -> KlaviyoCatalog:
        if problem := catalog_error(self.integration, self.catalog_id):
            raise ValueError(problem)
        return self

    @property
    def writable(self) -> bool:
        """Whether the API can write to this catalog: only the custom catalog is writable."""
        return (self.integration, self.catalog_id) == CUSTOM_CATALOG

    def composite_id(self, external_id: str) -> CompositeID:
        """Return Klaviyo's ID for the variant with this ID in the shop's system.

        Raises `ValueError` if no variant can have the ID.
        """
        return CompositeID(self.integration, self.catalog_id, external_id)

    def contains(self, composite_id: CompositeID) -> bool:
        """Return whether a composite ID belongs to this catalog."""
        catalog = (composite_id.integration_type, composite_id.catalog_id)
        return catalog == (self.integration, self.catalog_id)

    def id_problem(self, external_id: str) -> str | None:
        """Return why no variant of this catalog can have this ID and what to do, or None.

        Typical causes are a product's ID, a SKU or a global ID where Klaviyo wants a variant's ID.
        """
        if problem := external_id_error(self.integration, external_id):
            return problem
        try:
            self.composite_id(external_id)
        except ValueError as error:
            return str(error)
        return None
