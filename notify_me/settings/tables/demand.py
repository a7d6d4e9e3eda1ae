"""`[demand]`: the public count of sign-ups on product pages."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from ...i18n.catalogs import N_
from ..base import TRANSLATED, SettingsTable, check_placeholders


def _text(text: str) -> str:
    return check_placeholders(text, ("count", "days"))


class Demand(SettingsTable):
    """`[demand]`: a line below the button on product pages that says how many people signed up for
    the variant. Each person counts once. So that nobody can tell who is on the list, today's
    sign-ups are left out, and the number is rounded down: to a multiple of 5, or of 10 from 50
    upwards.
    """

    public_count: bool = Field(False, title="Show how many people have signed up")
    """Show the line."""
    public_count_text: Annotated[
        str,
        Field(min_length=1, max_length=120, json_schema_extra=TRANSLATED),
        AfterValidator(_text),
    ] = Field(N_("{count}+ people have asked for an alert"), title="Social proof text")
    """Text of the line. May contain {count} and {days}."""
    public_count_floor: int = Field(5, ge=5, le=1000000, title="Minimum number shown")
    """The line is hidden below this number."""
    public_count_days: int = Field(30, ge=1, le=365, title="Period in days")
    """How many days before today are counted. Sign-ups older than [retention] log_days are deleted,
    so they don't count.
    """
