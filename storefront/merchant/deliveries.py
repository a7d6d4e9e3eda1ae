"""How deliveries to Klaviyo stand, in the words that the merchant's pages use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from notify_me import admin

from ..base.models import ProductVariant
from ..catalog import queries

LONG = timedelta(minutes=10)
"""A wait that nothing but an outage or a missing worker explains."""
UNITS = {"day": 86400, "hour": 3600, "minute": 60, "second": 1}
STOCK = "update_catalog_variant"
"""The one operation that is no part of a sign-up."""
OPERATIONS = {
    "create_back_in_stock_subscription": ("back-in-stock request", "back-in-stock requests"),
    "bulk_subscribe_profiles": ("consent to marketing", "consents to marketing"),
    STOCK: ("change of stock", "changes of stock"),
}
STATES = {
    "queued": ("Waiting", "Kept safe here. They go out by themselves, in turn."),
    "dead_lettered": (
        "Set aside",
        "Klaviyo gave an answer that the shop doesn’t know. Nothing is lost, but they stay here "
        "until you try them again.",
    ),
    "accepted": ("Taken", "Klaviyo has them."),
    "refused": (
        "Refused",
        "Klaviyo turned down the address, the number or the variant. They aren’t sent again.",
    ),
    "failed": ("Failed", "They couldn’t be sent or kept, and the shopper was asked to try again."),
    "started": ("Under way", "Being sent just now."),
    "unknown": (
        "Unknown",
        "Begun more than a minute ago, and nothing was heard since: a server was stopped, or a "
        "browser that sends for itself was closed. Klaviyo may have them or not.",
    ),
}
"""Name and meaning of each state, what the merchant may have to look at first."""


@dataclass(frozen=True, slots=True)
class Row:
    """One state."""

    state: str
    name: str
    meaning: str
    count: int


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What the page of deliveries shows."""

    now: datetime
    status: admin.Status
    queue_answers: bool

    @property
    def rows(self) -> list[Row]:
        """Every state, also those that are empty."""
        counts = self.status.counts
        return [
            Row(state, name, meaning, counts.get(state, 0))
            for state, (name, meaning) in STATES.items()
        ]

    @property
    def none_yet(self) -> bool:
        """Whether there is no call at all."""
        return not any(self.status.counts.values())

    @property
    def parked(self) -> int:
        """How many calls can be tried again."""
        return self.status.counts.get("dead_lettered", 0)

    @property
    def waiting(self) -> list[str]:
        """What waits, by its kind: `2 back-in-stock requests`."""
        return [number(count, operation) for operation, count in self.status.waiting.items()]

    @property
    def oldest(self) -> str:
        """How long the oldest has waited; empty when nothing waits."""
        made = self.status.oldest_queued
        return lasting(self.now - made) if made else ""

    @property
    def too_long(self) -> bool:
        """Whether the merchant should look why."""
        made = self.status.oldest_queued
        return made is not None and self.now - made > LONG and not self.status.paused

    @property
    def summary(self) -> str:
        """The most important things in one line."""
        kept = self.status.counts.get("queued", 0)
        stock = self.status.waiting.get(STOCK, 0)
        told = [f"{kept:,} {'waits' if kept == 1 else 'wait'}"] if kept else []
        if self.oldest:
            told = [f"{told[0]}, the oldest for {self.oldest}"]
        if stock:
            told.append(f"{number(stock, STOCK)} {'waits' if stock == 1 else 'wait'}")
        waits = "; ".join(told) or "Nothing waits"
        aside = f"; {self.parked:,} set aside" if self.parked else ""
        return f"{waits}{aside}."

    def state_name(self, state: str) -> str:
        """A state in plain words."""
        return STATES.get(state, (state,))[0]

    @property
    def mend(self) -> bool:
        """Whether Klaviyo waits for the merchant to mend a setting."""
        return any(each.kind == "misconfigured" for each in self.status.paused)

    @property
    def failed_variant(self) -> ProductVariant | None:
        """The variant of the last error, when the shop has it."""
        if self.status.last_error is None or not self.status.last_error.variant:
            return None
        composite_id = self.status.last_error.variant
        return queries.by_composite_id([composite_id]).get(composite_id)


def look() -> Deliveries | None:
    """How deliveries stand now; None when the database doesn't answer."""
    try:
        status = admin.status()
    except SQLAlchemyError:
        return None
    return Deliveries(datetime.now(UTC), status, admin.ready()["queue"] == "ok")


def number(count: int, operation: str) -> str:
    """So many of an operation's calls, in plain words."""
    one, many = OPERATIONS.get(operation, (operation, operation))
    return f"{count:,} {one if count == 1 else many}"


def lasting(span: timedelta) -> str:
    """A span of time in its largest unit: `3 minutes`."""
    seconds = max(int(span.total_seconds()), 0)
    for unit, length in UNITS.items():
        if seconds >= length:
            count = seconds // length
            return f"{count:,} {unit}{'' if count == 1 else 's'}"
    return "a moment"
