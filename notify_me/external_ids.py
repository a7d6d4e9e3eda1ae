"""A variant's own ID in the shop's system: what can't be one, and what to write instead."""

from __future__ import annotations

import re

NUMBERED = frozenset({"$shopify", "$bigcommerce", "$magento_two"})
"""Integrations whose variants have numbers."""
_DIGITS = re.compile(r"\d+", re.ASCII)
_DECIMAL = re.compile(r"(\d+)\.0+", re.ASCII)
_SHORTENED = re.compile(r"\d([.,]\d+)?e\+?\d+", re.ASCII | re.IGNORECASE)
_GID = "gid://"
_VARIANT_GID = re.compile(r"gid://shopify/ProductVariant/(\d+)", re.ASCII)


def is_number(external_id: str) -> bool:
    """Whether an ID is digits alone, as a numbered platform's are."""
    return bool(_DIGITS.fullmatch(external_id))


def gid_problem(external_id: str) -> str | None:
    """What is wrong with one of Shopify's global IDs; None for any other ID."""
    if not external_id.startswith(_GID):
        return None
    if found := _VARIANT_GID.fullmatch(external_id):
        return f"Klaviyo knows Shopify variants by number; write {found[1]!r}"
    return (
        "this is no variant's ID: take the number at the end of the variant's own, "
        "gid://shopify/ProductVariant/…"
    )


def misplaced(integration_type: str, external_id: str) -> str | None:
    """Why an ID can't be a variant's of this integration, with the cure; None where it can."""
    if problem := gid_problem(external_id):
        return problem
    if integration_type not in NUMBERED or is_number(external_id):
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
