"""Reads and resets the requests, waiting list and messages of the sandbox at `SANDBOX_URL`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests
from flask import current_app

TIMEOUT = 2.0
"""Seconds to wait for a response. Short, since the sandbox is on this machine."""

Row = dict[str, Any]


class SandboxUnavailable(Exception):
    """The sandbox isn't responding, or another program is responding at its URL."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The sandbox at `url`. Every method raises `SandboxUnavailable` if it isn't responding."""

    url: str

    def requests(self, *, after: int = 0) -> list[Row]:
        """Return the requests with an ID above `after`, oldest first."""
        return self._rows("requests", after=after)

    def waiting(self) -> list[Row]:
        """Return the entries of the waiting list, oldest first."""
        return self._rows("waiting")

    def messages(self, *, after: int = 0) -> list[Row]:
        """Return the messages with an ID above `after`, oldest first."""
        return [message for message in self._rows("messages") if message["id"] > after]

    def reset(self) -> None:
        """Reset everything except the account's keys and the catalog."""
        if self._call("POST", "reset", json={"keep_catalog": True}) != {"reset": True}:
            raise SandboxUnavailable("another program is responding at this URL")

    def _rows(self, name: str, **query: int) -> list[Row]:
        document = self._call("GET", name, params=query)
        rows = document.get(name) if isinstance(document, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise SandboxUnavailable("another program is responding at this URL")
        return rows

    def _call(self, method: str, name: str, **options: Any) -> Any:
        try:
            with requests.Session() as session:
                # ignore the environment's proxy settings
                session.trust_env = False
                response = session.request(
                    method, f"{self.url}/_sandbox/{name}", timeout=TIMEOUT, **options
                )
                response.raise_for_status()
                return response.json()
        except requests.RequestException as error:
            raise SandboxUnavailable(type(error).__name__) from None


def current() -> Sandbox | None:
    """Return the sandbox that this shop uses; None if it uses Klaviyo itself."""
    url = current_app.config.get("SANDBOX_URL")
    return Sandbox(str(url).rstrip("/")) if url else None
