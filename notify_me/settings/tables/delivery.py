"""`[delivery]`: how calls reach Klaviyo."""

from __future__ import annotations

from pydantic import Field

from ..base import SettingsTable


class Delivery(SettingsTable):
    """`[delivery]`: how calls reach Klaviyo. Times are in seconds."""

    in_flight: int = Field(
        4,
        ge=1,
        le=256,
        description="Calls to Klaviyo under way at once in one web process. Half of its threads, "
        "so that a slow Klaviyo leaves the other half to the shop's pages.",
    )
    breaker_failures: int = Field(
        5,
        ge=1,
        le=100,
        description="After so many calls in a row without an answer, sign-ups are kept at once.",
    )
    breaker_pause: float = Field(
        10.0, gt=0, le=600, description="How long, before one call is tried again."
    )
    worker_in_flight: int = Field(
        20, ge=1, le=200, description="Calls of one operation under way at once in one worker."
    )
    back_in_stock_per_second: int = Field(
        40,
        ge=1,
        le=350,
        description="Back-in-stock subscriptions that all workers together make in a second. "
        "Klaviyo takes 3,500 a minute, of which the shop's own tries need a share.",
    )
    consent_per_second: int = Field(
        10,
        ge=1,
        le=75,
        description="Consents that all workers together send in a second. Klaviyo takes 750 a "
        "minute.",
    )
    call_timeout: float = Field(
        10.0, ge=1, le=60, description="How long a worker waits for an answer."
    )
    first_retry: float = Field(
        2.0, gt=0, le=600, description="Back-off after a first failure; it doubles each time."
    )
    longest_retry: float = Field(300.0, gt=0, le=86400, description="Where back-off stops growing.")
    probe_every: float = Field(
        60.0,
        ge=1,
        le=3600,
        description="While Klaviyo refuses the key, the revision or the list: how often one call "
        "finds out whether that is mended.",
    )
    sweep_after: float = Field(
        120.0,
        ge=1,
        le=86400,
        description="When a call that a worker took up and never finished goes to another one. "
        "Well above call_timeout, or calls are repeated.",
    )
    keep_finished: float = Field(
        3600.0,
        ge=0,
        le=2592000,
        description="How long a delivered call stays in the queue, contact details and all.",
    )
