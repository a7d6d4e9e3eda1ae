"""`[delivery]`: how sign-ups are sent to Klaviyo."""

from __future__ import annotations

from pydantic import Field, model_validator

from ..base import SettingsTable


class Delivery(SettingsTable):
    """`[delivery]`: how sign-ups are sent to Klaviyo. Times are in seconds, unless the name says
    otherwise.
    """

    in_flight: int = Field(4, ge=1, le=256, title="Concurrent calls in a web process")
    """Maximum number of calls to Klaviyo that a web process makes at the same time while shoppers
    wait. Set it to half the number of threads, so that slow responses can't block the shop's pages.
    The maximum for queued calls is worker_in_flight.
    """
    in_web_process: bool = Field(True, title="Deliver from the web process")
    """Whether a thread of the web process sends queued calls when no worker (`flask notify-me
    deliver`) is running on this machine. Turn it off if the shop uses DBOS itself.
    """
    breaker_failures: int = Field(5, ge=1, le=100, title="Failures that open the circuit breaker")
    """The circuit breaker opens after this many failed calls in a row: sign-ups then go straight to
    the queue. A call fails if it gets no response, a 5xx status, or an HTML page, for example
    from a proxy.
    """
    breaker_pause: float = Field(10.0, gt=0, le=600, title="Circuit breaker pause")
    """How long the circuit breaker stays open before it lets a call through."""
    worker_in_flight: int = Field(20, ge=1, le=200, title="Concurrent calls in a worker")
    """Maximum number of concurrent calls per operation in a worker."""
    back_in_stock_per_second: int = Field(45, ge=1, le=350, title="Subscriptions per second")
    """Maximum number of back-in-stock subscriptions per second, for all workers combined. Klaviyo
    allows 3,500 per minute; leave some for the web processes.
    """
    consent_per_second: int = Field(10, ge=1, le=75, title="Consent calls per second")
    """Maximum number of consent calls per second, for all workers combined. Klaviyo allows 750 per
    minute. Stock updates are counted separately, with the same maximum.
    """
    call_timeout: float = Field(10.0, ge=1, le=60, title="Call timeout")
    """How long a worker waits for a response."""
    first_retry: float = Field(2.0, gt=0, le=600, title="First retry")
    """Delay before the first retry. It doubles with each further retry."""
    longest_retry: float = Field(300.0, gt=0, le=86400, title="Longest delay between retries")
    """Maximum delay between retries. For a variant that isn't in Klaviyo's catalog, the maximum
    is one hour.
    """
    longest_pause: float = Field(600.0, ge=1, le=86400, title="Longest pause")
    """When Klaviyo rate-limits an operation, its queue is paused for as long as the Retry-After
    header says, up to this maximum. Then one call is sent as a test.
    """
    probe_every: float = Field(60.0, ge=1, le=3600, title="Time between probes")
    """How often one call is sent as a test while a queue is paused because Klaviyo rejects the key,
    the API revision or the list.
    """
    unknown_variant_hours: float = Field(24.0, ge=0, le=720, title="Retries for unknown variants")
    """Number of hours to retry sign-ups for a variant that isn't in Klaviyo's catalog. After
    that, they are dead-lettered. If Klaviyo reads a feed of your catalog, which it does every six
    hours, allow more than six.
    """
    sweep_after: float = Field(120.0, ge=1, le=86400, title="Time before a call is reassigned")
    """Time after which a call that a worker started but didn't finish is returned to the queue. It
    must be at least twice call_timeout, so that a call in progress isn't sent a second time.
    """
    keep_finished: float = Field(
        3600.0, ge=0, le=2592000, title="How long to store delivered calls"
    )
    """How long delivered calls, which contain contact details, stay in the queue."""

    @model_validator(mode="after")
    def _check_contradictions(self) -> Delivery:
        if self.sweep_after < 2 * self.call_timeout:
            raise ValueError(
                f"sweep_after ({self.sweep_after:g}) must be at least twice call_timeout "
                f"({self.call_timeout:g})"
            )
        if self.first_retry > self.longest_retry:
            raise ValueError(
                f"first_retry ({self.first_retry:g}) must not be more than longest_retry "
                f"({self.longest_retry:g})"
            )
        return self
