"""The account's back-in-stock flow: its status, its settings, and the waits under way."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from .rows import Rows

ALL = "all"
"""What `customers_per_unit` is when everybody is notified at once."""

LONGEST_WAIT = 31 * 24 * 60 * 60


class FlowStatus(StrEnum):
    """How far the flow goes: none and a draft take nobody, a manual one sends nothing by itself."""

    NONE = "none"
    """There is no flow."""
    DRAFT = "draft"
    MANUAL = "manual"
    LIVE = "live"


class FlowError(ValueError):
    """A setting that the flow can't have. The message names it and says what it can be."""


@dataclass(frozen=True, slots=True)
class FlowSettings:
    """The account's settings, which Klaviyo documents without default figures.

    `customers_per_unit` is None when everybody is notified at once.
    """

    status: FlowStatus = FlowStatus.LIVE
    minimum_inventory: int = 1
    customers_per_unit: int | None = None
    wait_seconds: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the settings as `/_sandbox/flow` shows and takes them."""
        return asdict(self) | {
            "status": str(self.status),
            "customers_per_unit": self.customers_per_unit or ALL,
        }


class Flow:
    """The flow. The caller holds the sandbox's lock."""

    id = "SBFLOW"
    name = "Back in Stock"

    def __init__(self, created: datetime) -> None:
        self.created = self.updated = created
        self.settings = FlowSettings()
        self.waits: Rows[str, datetime] = Rows(datetime)
        """Until when nobody is notified about a variant."""

    @property
    def exists(self) -> bool:
        """Tell whether the account has such a flow."""
        return self.settings.status is not FlowStatus.NONE

    @property
    def takes_people(self) -> bool:
        """Tell whether a sign-up is put on the waiting list."""
        return self.settings.status not in (FlowStatus.NONE, FlowStatus.DRAFT)

    @property
    def why_nobody_waits(self) -> str:
        """Say why a sign-up is put on no list, in the middle of a sentence."""
        return "the flow is a draft" if self.exists else "there is no flow"

    def change(self, asked: Any, now: datetime) -> None:
        """Change the settings that are named. Raises `FlowError`, and then changes none."""
        self.settings = _settings(self.settings, asked)
        self.updated = now

    def wait(self, variant: str, since: datetime) -> None:
        """Let nobody be notified about the variant for the time that is set."""
        self.waits.put(variant, since + timedelta(seconds=self.settings.wait_seconds))

    def due(self, now: datetime) -> tuple[str, datetime] | None:
        """Return the variant whose wait ended first, and when, or None when none has."""
        ended = [(until, variant) for variant, until in self.waits.items() if until <= now]
        if not ended:
            return None
        until, variant = min(ended)
        return variant, until

    def as_json(self) -> dict[str, Any]:
        """Return settings and waits as `/_sandbox/flow` shows them."""
        waits = [
            {"variant": variant, "until": until.isoformat()}
            for variant, until in self.waits.items()
        ]
        return self.settings.as_json() | {"waits": waits}

    def remembered(self) -> list[Any]:
        """Return what a file keeps of the flow."""
        times = [self.created.isoformat(), self.updated.isoformat()]
        return [self.settings.as_json(), *times]

    def recall(self, kept: list[Any]) -> None:
        """Be as the file says."""
        settings, *times = kept
        self.settings = _settings(FlowSettings(), settings)
        self.created, self.updated = map(datetime.fromisoformat, times)

    def reset(self) -> None:
        """Return to the default settings."""
        self.settings, self.updated = FlowSettings(), self.created


def _settings(before: FlowSettings, asked: Any) -> FlowSettings:
    known = before.as_json()
    if not isinstance(asked, Mapping) or not asked:
        raise FlowError(f"Send one or more of: {', '.join(known)}.")
    if unknown := sorted(asked.keys() - known.keys()):
        raise FlowError(f"The flow has no {unknown[0]!r}. It has: {', '.join(known)}.")
    given = {**known, **asked}
    if given["status"] not in list(FlowStatus):
        raise FlowError(f"status must be one of: {', '.join(FlowStatus)}.")
    per_unit = given["customers_per_unit"]
    everybody = per_unit is None or per_unit == ALL
    return replace(
        before,
        status=FlowStatus(given["status"]),
        minimum_inventory=_whole(given, "minimum_inventory", 1, 1_000_000),
        customers_per_unit=None if everybody else _whole(given, "customers_per_unit", 1, 10_000),
        wait_seconds=_whole(given, "wait_seconds", 0, LONGEST_WAIT),
    )


def _whole(given: Mapping[str, Any], name: str, lowest: int, highest: int) -> int:
    value = given[name]
    if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
        more = f', or "{ALL}"' if name == "customers_per_unit" else ""
        raise FlowError(f"{name} must be a whole number from {lowest} to {highest}{more}.")
    return value
