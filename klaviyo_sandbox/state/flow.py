"""The account's back-in-stock flow: its status and settings, its waits, and its messages."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AliasChoices, Field

from .rows import Rows
from .validation import InvalidSetting, is_whole_number

EVERYBODY = "all"
"""The value of `customers_per_unit` if everybody is notified at once."""

MAX_WAIT = 31 * 24 * 60 * 60  # seconds


class FlowStatus(StrEnum):
    """The status of the flow. Without a flow, or with a draft, nobody joins the waiting list.

    A manual flow creates messages that somebody has to send.
    """

    NONE = "none"
    DRAFT = "draft"
    MANUAL = "manual"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class FlowSettings:
    """The settings of the flow. Klaviyo doesn't document its default values.

    minimum_inventory: the lowest stock at which shoppers are notified.
    customers_per_unit: the number of shoppers notified per unit in stock; None for everybody.
    wait_seconds: the wait between rounds of notifications.
    """

    status: FlowStatus = FlowStatus.LIVE
    minimum_inventory: int = 1
    customers_per_unit: int | None = None
    wait_seconds: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the settings as `/_sandbox/flow` shows and accepts them."""
        return asdict(self) | {
            "status": str(self.status),
            "customers_per_unit": self.customers_per_unit or EVERYBODY,
        }

    def changed(self, changes: Any) -> "FlowSettings":
        """Return the settings with the changes from a JSON object. Raises `InvalidSetting`."""
        settings = self.as_json()
        names = ", ".join(settings)
        if not isinstance(changes, Mapping) or not changes:
            raise InvalidSetting(f"Send one or more of: {names}.")
        if unknown := sorted(changes.keys() - settings.keys()):
            raise InvalidSetting(f"The flow has no setting {unknown[0]!r}. Its settings: {names}.")
        settings |= changes
        if settings["status"] not in list(FlowStatus):
            raise InvalidSetting(f"status must be one of: {', '.join(FlowStatus)}.")
        everybody = settings["customers_per_unit"] in (None, EVERYBODY)
        return FlowSettings(
            status=FlowStatus(settings["status"]),
            minimum_inventory=_whole_number(settings, "minimum_inventory", 1, 1_000_000),
            customers_per_unit=None
            if everybody
            else _whole_number(settings, "customers_per_unit", 1, 10_000),
            wait_seconds=_whole_number(settings, "wait_seconds", 0, MAX_WAIT),
        )


class Flow:
    """The flow. The caller must hold the sandbox's lock."""

    id = "SBFLOW"
    name = "Back in Stock"

    def __init__(self, created: datetime) -> None:
        self.created = created
        self.waits: Rows[str, datetime] = Rows(datetime)
        """When each variant's wait ends. Nobody is notified about the variant before then."""
        self.reset()

    def reset(self) -> None:
        """Restore the default settings."""
        self.settings, self.updated = FlowSettings(), self.created

    @property
    def exists(self) -> bool:
        """Return whether the account has the flow."""
        return self.settings.status is not FlowStatus.NONE

    @property
    def is_active(self) -> bool:
        """Return whether sign-ups join the waiting list."""
        return self.settings.status in (FlowStatus.MANUAL, FlowStatus.LIVE)

    @property
    def inactive_reason(self) -> str:
        """Return why sign-ups don't join the waiting list, for use inside a sentence."""
        return "the flow is a draft" if self.exists else "there is no flow"

    def change(self, changes: Any, now: datetime) -> None:
        """Apply the changes in a JSON object.

        Raises `InvalidSetting` for an invalid value; nothing is changed in that case.
        """
        self.settings = self.settings.changed(changes)
        self.updated = now

    def start_wait(self, variant: str, since: datetime) -> None:
        """Start the wait after a round of notifications about the variant."""
        self.waits.put(variant, since + timedelta(seconds=self.settings.wait_seconds))

    def as_json(self) -> dict[str, Any]:
        """Return the settings and waits as `/_sandbox/flow` shows them."""
        waits = [
            {"variant": variant, "until": until.isoformat()}
            for variant, until in self.waits.items()
        ]
        return self.settings.as_json() | {"waits": waits}

    def dump(self) -> list[Any]:
        """Return what the state file stores."""
        return [self.settings.as_json(), self.created.isoformat(), self.updated.isoformat()]

    def load(self, stored: list[Any]) -> None:
        """Restore what `dump` returned."""
        settings, created, updated = stored
        self.settings = FlowSettings().changed(settings)
        self.created = datetime.fromisoformat(created)
        self.updated = datetime.fromisoformat(updated)


def _whole_number(settings: Mapping[str, Any], name: str, lowest: int, highest: int) -> int:
    value: int = settings[name]
    if not is_whole_number(value, lowest, highest):
        alternative = f', or "{EVERYBODY}"' if name == "customers_per_unit" else ""
        raise InvalidSetting(
            f"{name} must be a whole number from {lowest} to {highest}{alternative}."
        )
    return value


class MessageStatus(StrEnum):
    """The status of a message: sent, to be sent manually, or skipped."""

    SENT = "sent"
    MANUAL = "manual"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the flow, which never leaves this machine.

    Only emails have a `subject`, and only skipped messages a `reason`.
    """

    id: int
    to: str
    channel: str
    variant: str
    title: str
    url: str
    image: str | None
    subject: str | None
    body: str
    status: MessageStatus
    created_at: Annotated[
        # earlier versions stored this as made_at
        datetime, Field(validation_alias=AliasChoices("created_at", "made_at"))
    ]
    sent_at: datetime | None
    reason: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the message as `/_sandbox/messages` shows it."""
        fields = asdict(self) | {
            "status": str(self.status),
            "created_at": self.created_at.isoformat(),
            "sent_at": self.sent_at.isoformat() if self.sent_at else None,
        }
        del fields["image"]
        return fields
