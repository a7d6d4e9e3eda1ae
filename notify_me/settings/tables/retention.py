"""`[retention]`: how long the log is kept."""

from __future__ import annotations

from pydantic import Field, model_validator

from ..base import SettingsTable


class Retention(SettingsTable):
    """`[retention]`: what `flask notify-me purge` deletes."""

    log_days: int = Field(
        180, ge=1, le=3650, description="Days for which the sign-up log keeps a sign-up."
    )
    consent_days: int = Field(
        1825, ge=1, le=36500, description="Days for which the record of a consent is kept."
    )

    @model_validator(mode="after")
    def _consents_longer(self) -> Retention:
        if self.consent_days < self.log_days:
            raise ValueError(
                f"consent_days ({self.consent_days}) must not be less than "
                f"log_days ({self.log_days})"
            )
        return self
