"""Prices as shoppers read them."""

from __future__ import annotations

from decimal import Decimal


def money(amount: Decimal) -> str:
    """`£148`, or `£9.50` where there are pence."""
    return f"£{amount:,.0f}" if amount == amount.to_integral_value() else f"£{amount:,.2f}"
