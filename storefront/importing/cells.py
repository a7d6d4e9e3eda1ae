"""Converts single cells; each function raises `ValueError` with a message for the merchant."""

from __future__ import annotations

import re
from decimal import Decimal

from notify_me import InventoryPolicy

from .columns import Row

MAX_QUANTITY = 1_000_000
MAX_TAG = 120
_PRICE = re.compile(r"\d{1,8}(\.\d{1,2}0*)?", re.ASCII)
_WHOLE_NUMBER = re.compile(r"-?\d{1,7}(\.0+)?", re.ASCII)
_POLICIES = {
    "": InventoryPolicy.DENY,
    "deny": InventoryPolicy.DENY,
    "false": InventoryPolicy.DENY,
    "continue": InventoryPolicy.CONTINUE,
    "true": InventoryPolicy.CONTINUE,
}


def price(row: Row) -> Decimal:
    """The price with two decimal places."""
    text = row["price"]
    if not text:
        raise ValueError("the price is missing")
    if not _PRICE.fullmatch(text):
        raise ValueError(
            f"invalid price {text[:40]!r}: use a number without a currency, such as 19.99"
        )
    return Decimal(text).quantize(Decimal("0.01"))


def quantity(row: Row) -> int | None:
    """The units in stock; None if stock isn't tracked."""
    text = row["quantity"]
    if "tracker" in row.fields:
        if not row["tracker"]:
            return None
        if not text:
            raise ValueError("the quantity is missing, although stock is tracked")
    elif not text:
        return None
    if not _WHOLE_NUMBER.fullmatch(text) or abs(int(float(text))) > MAX_QUANTITY:
        raise ValueError(f"invalid quantity {text[:40]!r}: use a whole number, such as 5")
    return int(float(text))


def policy(row: Row) -> InventoryPolicy:
    """Whether the variant can be ordered when it is out of stock."""
    text = row["policy"].lower()
    if text not in _POLICIES:
        raise ValueError(f"invalid policy {row['policy'][:40]!r}: use deny or continue")
    return _POLICIES[text]


def tags(text: str) -> list[str]:
    """The tags in a comma-separated list, without duplicates."""
    stripped = (tag.strip() for tag in text.split(","))
    return list(dict.fromkeys(tag for tag in stripped if 0 < len(tag) <= MAX_TAG))
