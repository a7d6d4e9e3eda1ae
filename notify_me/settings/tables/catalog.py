"""`[catalog]`: under which IDs Klaviyo knows the shop's variants."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from ...variants import CUSTOM_CATALOG, CompositeID, catalog_error, external_id_error
from ..base import Allowed, SettingsTable, closest_match

KNOWN = ("$custom", "$shopify", "$bigcommerce", "$magento_two", "$square", "$wix", "$prestashop")
"""The integrations that Klaviyo names. Others are taken as they are: it is free text there."""
INTEGRATION = f"an integration's name at Klaviyo, such as {', '.join(KNOWN)}"
CATALOG_ID = (
    "the catalog's ID at Klaviyo: $default, or for $magento_two the website's and the store's ID, "
    "such as 1-1"
)


# such names are free text at Klaviyo, but none is markup
_NAME = re.compile(r"""[^\s<>"'`;(){}\\]+""")


def _named(text: str) -> bool:
    return text.isprintable() and _NAME.fullmatch(text) is not None


def _integration(text: str) -> str:
    meant = None if text in KNOWN else _meant(text)
    if meant:
        raise ValueError(f"{text!r} is not Klaviyo's name for it: write {meant!r}")
    if not _named(text):
        raise ValueError(f"must be {INTEGRATION}")
    return text


def _meant(text: str) -> str | None:
    """The known integration that somebody meant who left out its sign, or slipped."""
    plain = {re.sub(r"\W|_", "", each): each for each in KNOWN}
    typed = re.sub(r"\W|_", "", text).casefold()
    if typed in ("magento", "magento2"):
        return "$magento_two"
    found = closest_match(typed, list(plain), cutoff=0.85)
    return plain[found] if found else None


def _catalog_id(text: str) -> str:
    if not _named(text):
        raise ValueError(f"must be {CATALOG_ID}")
    if text == "default":
        raise ValueError("'default' is not Klaviyo's name for it: write '$default'")
    return text


class KlaviyoCatalog(SettingsTable):
    """`[catalog]`: where Klaviyo has the shop's variants. A sign-up names one by
    `integration:::catalog_id:::variant`, so both must be what Klaviyo itself calls them.
    """

    integration: Annotated[str, AfterValidator(_integration), Allowed(INTEGRATION)] = Field(
        "$custom",
        min_length=1,
        max_length=80,
        description="The platform that fills the catalog at Klaviyo; $custom: this shop, or a "
        "feed.",
    )
    catalog_id: Annotated[str, AfterValidator(_catalog_id), Allowed(CATALOG_ID)] = Field(
        "$default",
        min_length=1,
        max_length=80,
        description="Which of the platform's catalogs.",
    )

    @model_validator(mode="after")
    def _together(self) -> KlaviyoCatalog:
        if problem := catalog_error(self.integration, self.catalog_id):
            raise ValueError(problem)
        return self

    @property
    def writable(self) -> bool:
        """Whether Klaviyo's API can fill this catalog: it can fill its custom one alone."""
        return (self.integration, self.catalog_id) == CUSTOM_CATALOG

    def composite_id(self, external_id: str) -> CompositeID:
        """The ID at Klaviyo of the variant with this ID in the shop's system.

        Raises `ValueError` when it can't be one.
        """
        return CompositeID(self.integration, self.catalog_id, external_id)

    def holds(self, composite_id: CompositeID) -> bool:
        """Whether a variant is of this catalog."""
        catalog = (composite_id.integration_type, composite_id.catalog_id)
        return catalog == (self.integration, self.catalog_id)

    def id_problem(self, external_id: str) -> str | None:
        """Why no variant here can have this ID, in a sentence with its cure; None if one can.

        A product's ID, a SKU or one of Shopify's global IDs, where the variant's number belongs.
        """
        if problem := external_id_error(self.integration, external_id):
            return problem
        try:
            self.composite_id(external_id)
        except ValueError as error:
            return str(error)
        return None
