"""What single cells mean."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

from notify_me import InventoryPolicy

from .columns import Row

T = TypeVar("T")
Read = Callable[[Row], T]
"""Reads a cell of a row; raises `ValueError` in words for whoever made the file."""

MOST_PIECES = 1_000_000
LONGEST_TAG = 120
_PRICE = re.compile(r"\d{1,8}(\.\d{1,2}0*)?", re.ASCII)
_WHOLE = re.compile(r"-?\d{1,7}(\.0+)?", re.ASCII)
_POLICIES = {
    "": InventoryPolicy.DENY,
    "deny": InventoryPolicy.DENY,
    "false": InventoryPolicy.DENY,
    "continue": InventoryPolicy.CONTINUE,
    "true": InventoryPolicy.CONTINUE,
}


def price(row: Row) -> Decimal:
    """The price, to the penny."""
    text = row["price"]
    if not text:
        raise ValueError("has no price")
    if not _PRICE.fullmatch(text):
        raise ValueError(f"the price {text[:40]!r} is none: write the number alone, such as 19.99")
    return Decimal(text).quantize(Decimal("0.01"))


def quantity(row: Row) -> int | None:
    """The pieces in stock; None where nobody counts: an empty tracker, or without one no number."""
    text = row["quantity"]
    if "tracker" in row.fields:
        if not row["tracker"]:
            return None
        if not text:
            raise ValueError("its stock is tracked, and there is no quantity")
    elif not text:
        return None
    if not _WHOLE.fullmatch(text) or abs(int(float(text))) > MOST_PIECES:
        raise ValueError(f"the quantity {text[:40]!r} is none: write a whole number, such as 5")
    return int(float(text))


def policy(row: Row) -> InventoryPolicy:
    """Whether it is sold when there is none left."""
    text = row["policy"].lower()
    if text not in _POLICIES:
        raise ValueError(f"the policy {row['policy'][:40]!r} is neither deny nor continue")
    return _POLICIES[text]


def tags(text: str) -> list[str]:
    """Tags with commas between them, each once."""
    found = (tag.strip() for tag in text.split(","))
    return list(dict.fromkeys(tag for tag in found if 0 < len(tag) <= LONGEST_TAG))
