"""What every group of settings is made of."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Group(BaseModel):
    """A table of `notify_me.toml`. Unknown keys are refused, and nothing changes it later."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)
