"""The state of deliveries to Klaviyo, worded for the merchant's pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import g
from sqlalchemy.exc import SQLAlchemyError

from notify_me import admin, studio

from ..base.errors import log_database_error
from ..base.models import ProductVariant
from ..catalog import queries

OVERDUE_AFTER = timedelta(minutes=10)
"""If a sign-up waits longer, Klaviyo is probably unavailable or lacks the variant, or no process is
sending deliveries.
"""
UNITS = {"day": 86400, "hour": 3600, "minute": 60, "second": 1}
STOCK_UPDATE = "update_catalog_variant"
"""The only operation that isn't part of a sign-up."""
OPERATIONS = {
    "create_back_in_stock_subscription": ("sign-up", "sign-ups"),
    "bulk_subscribe_profiles": ("marketing consent", "marketing consents"),
    STOCK_UPDATE: ("stock update", "stock updates"),
}
"""The noun for each operation's deliveries on the merchant's pages, singular and plural."""
STATES = {
    "queued": ("Queued", "Saved in this shop and will be sent automatically."),
    "dead_lettered": (
        "Needs review",
        "Couldn’t be delivered, for example because of an unexpected error from Klaviyo. Retry "
        "once the cause is fixed. Deliveries that aren’t retried within {retry_period} count as "
        "failed.",
    ),
    "accepted": ("Delivered", "Klaviyo has accepted the sign-up."),
    "refused": (
        "Rejected",
        "Klaviyo rejected the sign-up, usually because of the email address or phone number. It "
        "won’t be sent again.",
    ),
    "failed": (
        "Failed",
        "Not delivered, and won’t be sent again. If this happened during the sign-up, the shopper "
        "was asked to try again.",
    ),
    "started": ("Sending", "Being sent now."),
    "unknown": (
        "Unknown",
        "Sending started more than a minute ago, but no result was recorded: the server stopped or "
        "the shopper closed the page. Klaviyo may have received the delivery.",
    ),
}
"""The name and description of each state, in the order of the deliveries page. `{retry_period}` is
the age at which a delivery can no longer be retried.
"""


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The data on the deliveries page."""

    now: datetime
    status: admin.Status
    queue_available: bool

    @property
    def is_empty(self) -> bool:
        """Whether there have been no deliveries at all."""
        return not any(self.status.counts.values())

    @property
    def to_review(self) -> int:
        """How many deliveries the merchant can retry."""
        return self.status.counts.get("dead_lettered", 0)

    @property
    def queued(self) -> list[str]:
        """The queued deliveries of sign-ups by kind, such as `2 sign-ups`."""
        return [
            count_text(count, operation)
            for operation, count in self.status.waiting.items()
            if operation != STOCK_UPDATE
        ]

    @property
    def longest_wait(self) -> str:
        """How long the oldest queued sign-up has been waiting; empty if none is queued."""
        oldest = self.status.oldest_queued
        return duration_text(self.now - oldest) if oldest else ""

    @property
    def is_overdue(self) -> bool:
        """Whether a sign-up has been queued for too long although nothing is paused."""
        oldest = self.status.oldest_queued
        return oldest is not None and self.now - oldest > OVERDUE_AFTER and not self.status.paused

    @property
    def summary(self) -> str:
        """A one-line summary for the top of the page."""
        counts = self.status.counts
        parts = []
        if queued := counts.get("queued", 0):
            noun, oldest = ("delivery", "") if queued == 1 else ("deliveries", ", the oldest")
            age = f"{oldest} {self.longest_wait} ago" if self.longest_wait else ""
            parts.append(f"{queued:,} {noun} queued{age}")
        if stock := self.status.waiting.get(STOCK_UPDATE, 0):
            parts.append(f"{count_text(stock, STOCK_UPDATE)} queued")
        if self.to_review:
            parts.append(f"{self.to_review:,} {'needs' if self.to_review == 1 else 'need'} review")
        if parts:
            return f"{'; '.join(parts)}."
        if self.is_empty:
            return "No sign-ups yet."
        everything_delivered = sum(counts.values()) == counts.get("accepted", 0)
        return (
            "Klaviyo has accepted all sign-ups." if everything_delivered else "Nothing is queued."
        )

    @property
    def action_required(self) -> bool:
        """Whether a queue is paused until the merchant corrects a setting."""
        return any(pause.kind == "misconfigured" for pause in self.status.paused)

    @property
    def failed_variant(self) -> ProductVariant | None:
        """The variant of the last error; None if the error isn't about a variant, or if the shop no
        longer has the variant.
        """
        if self.status.last_error is None or not self.status.last_error.variant:
            return None
        composite_id = self.status.last_error.variant
        return queries.variants_by_composite_id([composite_id]).get(composite_id)


def status() -> admin.Status:
    """Return `admin.status()`, cached for the rest of the request."""
    if "merchant_status" not in g:
        g.merchant_status = admin.status()
    result: admin.Status = g.merchant_status
    return result


def load() -> Deliveries | None:
    """Return the current state of deliveries; None if the database is unavailable."""
    try:
        current = status()
    except SQLAlchemyError as error:
        log_database_error(error)
        return None
    return Deliveries(datetime.now(UTC), current, admin.ready()["queue"] == "ok")


def retry_period() -> str:
    """Return how long a delivery that needs review can be retried, such as `30 days`."""
    return duration_text(timedelta(days=studio.shop_settings().retention.dead_letter_days))


def count_text(count: int, operation: str) -> str:
    """Return a number of deliveries as text, such as `2 sign-ups`."""
    singular, plural = OPERATIONS.get(operation, (operation, operation))
    return f"{count:,} {singular if count == 1 else plural}"


def duration_text(duration: timedelta) -> str:
    """Return a duration in its largest unit, such as `3 minutes`."""
    seconds = max(int(duration.total_seconds()), 0)
    for unit, length in UNITS.items():
        if seconds >= length:
            count = seconds // length
            return f"{count:,} {unit}{'' if count == 1 else 's'}"
    return "a moment"
