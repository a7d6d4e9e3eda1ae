"""What the stand-in for Klaviyo tells of itself: requests, waiting list, messages.

It is reached over HTTP, at `SANDBOX_URL`, which is set only where one stands in for Klaviyo.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests
from flask import current_app

TIMEOUT = 2.0
"""Seconds: it is on this machine."""

Row = dict[str, Any]


class SandboxAway(Exception):
    """It doesn't answer."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The stand-in at `url`. Every method raises `SandboxAway` when it doesn't answer."""

    url: str

    def requests(self, *, after: int = 0) -> list[Row]:
        """The requests whose ID is above `after`, oldest first."""
        return self._rows("requests", after=after)

    def waiting(self) -> list[Row]:
        """Who waits for which variant, oldest first."""
        return self._rows("waiting")

    def messages(self, *, after: int = 0) -> list[Row]:
        """The messages whose ID is above `after`, oldest first."""
        return [each for each in self._rows("messages") if each["id"] > after]

    def reset(self) -> None:
        """Forget all but the account and the catalog."""
        self._call("POST", "reset", json={"keep_catalog": True})

    def _rows(self, name: str, **query: int) -> list[Row]:
        rows: list[Row] = self._call("GET", name, params=query)[name]
        return rows

    def _call(self, method: str, name: str, **more: Any) -> Any:
        try:
            # trust_env: no proxy of this machine's stands between
            with requests.Session() as session:
                session.trust_env = False
                reply = session.request(
                    method, f"{self.url}/_sandbox/{name}", timeout=TIMEOUT, **more
                )
                reply.raise_for_status()
                return reply.json()
        except requests.RequestException as error:
            raise SandboxAway(type(error).__name__) from None


def current() -> Sandbox | None:
    """The stand-in for Klaviyo; None where the shop speaks to Klaviyo itself."""
    url = current_app.config.get("SANDBOX_URL")
    return Sandbox(str(url).rstrip("/")) if url else None
