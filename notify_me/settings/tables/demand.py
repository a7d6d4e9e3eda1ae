"""`[demand]`: what shoppers are told of how many others asked."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from ...i18n.catalogs import N_
from ..base import SettingsTable, ShopperText, only_placeholders

PLACEHOLDERS = ("count", "days")


def _placeholders(value: str) -> str:
    return only_placeholders(value, PLACEHOLDERS)


class Demand(SettingsTable):
    """`[demand]`: a line by the button on product pages that says how many people asked. It counts
    each person once, is rounded down (to a 5, above 50 to a 10), and doesn't count today, so that
    nobody can find out who is on the list.
    """

    public_count: bool = Field(False, description="Whether there is such a line.")
    public_count_text: Annotated[str, AfterValidator(_placeholders), ShopperText()] = Field(
        N_("{count}+ people asked for this"),
        min_length=1,
        max_length=120,
        description="Its words; with {count}, {days}.",
    )
    public_count_floor: int = Field(
        5, ge=5, le=1000000, description="The line is left out below this number."
    )
    public_count_days: int = Field(
        30,
        ge=1,
        le=365,
        description="The days before today that count. What [retention] has deleted counts no "
        "more.",
    )
