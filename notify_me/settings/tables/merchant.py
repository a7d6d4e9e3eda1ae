"""`[merchant]`: thresholds used on the merchant's pages."""

from __future__ import annotations

from pydantic import Field

from ..base import SettingsTable


class Merchant(SettingsTable):
    """`[merchant]`: thresholds used on the merchant's pages."""

    many_waiting: int = Field(25, ge=0, le=1_000_000, title="Waiting list warning threshold")
    """When this many people are waiting for a variant, a warning is logged, and the merchant's
    pages show a banner. 0 turns both off.
    """
    sale_days: int = Field(30, ge=1, le=365, title="Days from sign-up to sale")
    """An order counts as a sale after an alert if the shopper signed up for the variant no more
    than this many days earlier.
    """
