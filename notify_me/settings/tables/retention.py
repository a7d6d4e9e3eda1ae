"""`[retention]`: how long records are stored."""

from __future__ import annotations

from pydantic import Field, model_validator

from ..base import SettingsTable


class Retention(SettingsTable):
    """`[retention]`: how long records are stored before `flask notify-me purge` deletes them."""

    log_days: int = Field(180, ge=1, le=3650, title="Days to store sign-ups")
    """Number of days to store a sign-up in the log."""
    consent_days: int = Field(1825, ge=1, le=36500, title="Days to store consents")
    """Number of days to store the record of a consent. Must be at least log_days."""
    dead_letter_days: int = Field(30, ge=1, le=3650, title="Days to store dead letters")
    """Number of days to store a dead-lettered call, which contains contact details. After that it
    counts as failed and can't be retried.
    """
    erase_consents: bool = Field(False, title="Erase consent records")
    """Whether flask notify-me erase also deletes the records of consents that Klaviyo may have
    accepted. These records prove that the person agreed to receive messages.
    """

    @model_validator(mode="after")
    def _check_consent_days(self) -> Retention:
        if self.consent_days < self.log_days:
            raise ValueError(
                f"consent_days ({self.consent_days}) must not be less than "
                f"log_days ({self.log_days})"
            )
        return self
