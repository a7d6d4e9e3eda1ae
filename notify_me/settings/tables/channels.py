"""`[channels]`: the channels through which shoppers can be notified."""

from __future__ import annotations

from phonenumbers import SUPPORTED_REGIONS
from pydantic import Field, field_validator

from ...channels import Channel
from ..base import SettingsTable

REGION = "a two-letter country code, such as US, GB or DE"


class Channels(SettingsTable):
    """`[channels]`: the channels through which shoppers can be notified."""

    offered: tuple[Channel, ...] = Field((Channel.EMAIL,), min_length=1, title="Channels")
    """The channels to offer, in the order in which the form shows them. SMS and WHATSAPP also
    require KLAVIYO_LIST_ID and, under [consent], terms_of_service_url, privacy_policy_url and
    brand. The brand may be left out if your shop passes `NotifyMe(shop_name=…)`.
    """
    default_region: str = Field(
        "US", json_schema_extra={"allowed": REGION}, title="Default country"
    )
    """The country to assume for phone numbers typed without a country code."""

    @field_validator("offered")
    @classmethod
    def _check_unique(cls, channels: tuple[Channel, ...]) -> tuple[Channel, ...]:
        if len(set(channels)) != len(channels):
            raise ValueError("must list each channel only once")
        return channels

    @field_validator("default_region")
    @classmethod
    def _check_region(cls, region: str) -> str:
        if region.upper() not in SUPPORTED_REGIONS:
            raise ValueError(f"must be {REGION}")
        return region.upper()
