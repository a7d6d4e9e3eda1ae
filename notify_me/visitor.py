"""What differs for one visitor: a Studio's unsaved choices, a demo's switch of the mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Visitor:
    """What one visitor has of their own; everybody else sees the merchant's."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings by dotted key, such as `{"button.label": "Tell me"}`. Wrong ones are left out, all
    together, with a warning in the log: check them before they are kept.
    """
    mode: Literal["server", "client"] | None = None
    """Who calls Klaviyo for this visitor; without the key for it, the shop's mode holds."""


Visits = Callable[[], Visitor | None]
"""Tells, within a request, what its visitor has of their own."""
