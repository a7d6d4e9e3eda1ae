"""`[channels]`: the ways in which shoppers may ask to hear."""

from __future__ import annotations

from typing import Annotated

from phonenumbers import SUPPORTED_REGIONS
from pydantic import Field, field_validator

from ...channels import Channel
from ..base import Allowed, SettingsTable

COUNTRY = "the two letters of a country, such as US, GB or DE"


class Channels(SettingsTable):
    """`[channels]`: the ways in which shoppers may ask to hear."""

    offered: tuple[Channel, ...] = Field(
        (Channel.EMAIL,),
        min_length=1,
        description="Any of EMAIL, SMS and WHATSAPP, in the order in which the form shows them. "
        "SMS and WHATSAPP need a list, and brand and links under [consent].",
    )
    default_region: Annotated[str, Allowed(COUNTRY)] = Field(
        "US",
        description="The country of phone numbers typed without a country code: two letters, "
        "such as US or DE.",
    )

    @field_validator("offered")
    @classmethod
    def _once_each(cls, value: tuple[Channel, ...]) -> tuple[Channel, ...]:
        if len(set(value)) != len(value):
            raise ValueError("must name each channel once")
        return value

    @field_validator("default_region")
    @classmethod
    def _region(cls, value: str) -> str:
        if value.upper() not in SUPPORTED_REGIONS:
            raise ValueError(f"must be {COUNTRY}")
        return value.upper()
