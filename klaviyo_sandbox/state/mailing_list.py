"""The one list of the account, and whether whoever joins it must confirm."""

from datetime import datetime
from enum import StrEnum
from typing import Any


class OptIn(StrEnum):
    """How a list takes a subscriber, in Klaviyo's words."""

    SINGLE = "single_opt_in"
    DOUBLE = "double_opt_in"


class MailingList:
    """The list. The caller holds the sandbox's lock."""

    name = "Sandbox list"

    def __init__(self, list_id: str, created: datetime) -> None:
        self.id = list_id
        self.created = self.updated = created
        self.opt_in_process = OptIn.SINGLE

    @property
    def confirms(self) -> bool:
        """Tell whether a new subscriber must confirm."""
        return self.opt_in_process is OptIn.DOUBLE

    def set_opt_in(self, opt_in_process: OptIn, now: datetime) -> None:
        """Take new subscribers in this way from now on. Those who are subscribed stay so."""
        self.opt_in_process, self.updated = opt_in_process, now

    def reset(self) -> None:
        """Return to single opt-in."""
        self.opt_in_process, self.updated = OptIn.SINGLE, self.created

    def remembered(self) -> list[str]:
        """Return what a file keeps of the list."""
        return [
            str(self.opt_in_process),
            *(moment.isoformat() for moment in (self.created, self.updated)),
        ]

    def recall(self, kept: list[str]) -> None:
        """Be as the file says."""
        opt_in_process, *moments = kept
        self.opt_in_process = OptIn(opt_in_process)
        self.created, self.updated = map(datetime.fromisoformat, moments)

    def as_json(self) -> dict[str, Any]:
        """Return the list as `/_sandbox/list` shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "opt_in_process": str(self.opt_in_process),
            "created": self.created.isoformat(),
            "updated": self.updated.isoformat(),
        }
