"""`[button]`: the notify-me button."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Group


class Button(Group):
    """`[button]`: Klaviyo's dynamic button of type BACK_IN_STOCK_OPEN."""

    label: str = Field("Notify me", min_length=1, max_length=80, description="The button's words.")
    display: Literal["REPLACE", "NEXT_TO"] = Field(
        "REPLACE",
        description="For a sold-out variant: REPLACE takes the place of the shop's own button, "
        "NEXT_TO stands beside it.",
    )
