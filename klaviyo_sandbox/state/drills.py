"""Drills: the next calls fail in a chosen way. Parsing them, and the queue they wait in."""

import math
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any

from ..protocol.failures import FAILURES
from .rows import Rows, next_number

CORS = "cors"
MISCHIEF = ("html", "slow", "drip", "drip-headers", "drop", "partial", CORS)
"""Kinds that are more than an error body."""
KINDS = (*FAILURES, *MISCHIEF)

_DEFAULT_SECONDS = {"slow": 10.0, "drip": 0.2, "drip-headers": 0.2}
_LONGEST = 600
_FIELDS = ("kind", "times", "operation", "seconds", "retry_after")


class DrillError(ValueError):
    """A drill that can't be set; `allowed` lists what could stand there instead."""

    def __init__(self, message: str, allowed: Collection[str] = ()) -> None:
        super().__init__(message)
        self.allowed = list(allowed)


@dataclass(slots=True)
class Drill:
    """A failure for the next `times` calls (None: for all until cleared), of one operation or any.

    `seconds` is the delay of a slow reply, and the pause between the bytes of a dripping one.
    """

    id: int
    kind: str
    times: int | None
    operation: str | None
    seconds: float
    retry_after: int | None

    def fits(self, operation: str, *, preflight: bool) -> bool:
        """Tell whether the drill is meant for such a call."""
        return self.operation in (None, operation) and preflight == (self.kind == CORS)


class Drills:
    """The pending drills, in the order in which they were set."""

    def __init__(self, lock: AbstractContextManager[Any]) -> None:
        self._lock = lock
        self.rows: Rows[int, Drill] = Rows(Drill)

    def add(self, asked: Any, operations: Collection[str]) -> None:
        """Queue a drill from its JSON. Raises `DrillError`."""
        fields = _parsed(asked, operations)
        with self._lock:
            drill = Drill(id=next_number(self.rows), **fields)
            self.rows.put(drill.id, drill)

    def take(self, operation: str, *, preflight: bool) -> Drill | None:
        """Return the first drill for this call, used up by one, or None."""
        with self._lock:
            for drill in self.rows.values():
                if drill.fits(operation, preflight=preflight):
                    self._use(drill)
                    return drill
        return None

    def pending(self) -> list[dict[str, Any]]:
        """Return what is still to come."""
        with self._lock:
            return [asdict(drill) for drill in self.rows.values()]

    def clear(self) -> None:
        """Let calls succeed again."""
        with self._lock:
            self.rows.clear()

    def _use(self, drill: Drill) -> None:
        if drill.times is None:
            return
        drill.times -= 1
        self.rows.put(drill.id, drill)
        if not drill.times:
            self.rows.remove(drill.id)


def _parsed(asked: Any, operations: Collection[str]) -> dict[str, Any]:
    if not isinstance(asked, dict):
        raise DrillError("A drill is a JSON object with a kind.", _FIELDS)
    if unknown := sorted(asked.keys() - set(_FIELDS)):
        raise DrillError(f"A drill has no {unknown[0]!r}.", _FIELDS)
    kind = asked.get("kind")
    if kind not in KINDS:
        raise DrillError(f"There is no drill of the kind {kind!r}.", KINDS)
    operation = asked.get("operation")
    if operation is not None and operation not in operations:
        raise DrillError(f"There is no operation {operation!r}.", operations)
    if kind == CORS and operation is not None and "_client_" not in operation:
        raise DrillError("Only the browser's operations have CORS.", operations)
    return {
        "kind": kind,
        "times": _whole(asked, "times", 1, lowest=1),
        "operation": operation,
        "seconds": _seconds(asked, _DEFAULT_SECONDS.get(kind, 0.0)),
        "retry_after": _whole(asked, "retry_after", 1 if kind == "429" else None, lowest=0),
    }


def _whole(asked: Mapping[str, Any], name: str, default: int | None, *, lowest: int) -> int | None:
    value = asked.get(name, default)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < lowest:
        raise DrillError(f"{name} must be null or a whole number from {lowest}.")
    return value


def _seconds(asked: Mapping[str, Any], default: float) -> float:
    value = asked.get("seconds", default)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not 0 <= value <= _LONGEST:
        raise DrillError(f"seconds must be a number from 0 to {_LONGEST}.")
    return float(value)


REFUSED, TROUBLE, WIRE = "Klaviyo refuses the call", "Klaviyo is in trouble", "Trouble on the way"

WORDS: Mapping[str, tuple[str, str]] = {
    "400-email": (REFUSED, "400, the email address is not valid"),
    "400-phone": (REFUSED, "400, the phone number is not valid"),
    "400-unknown-pointer": (REFUSED, "400, something else in the body is not valid"),
    "400-list": (REFUSED, "400, there is no such list"),
    "401": (REFUSED, "401, the private key is wrong"),
    "403": (REFUSED, "403, the private key lacks a scope"),
    "404-variant": (REFUSED, "404, there is no such variant"),
    "404-revision": (REFUSED, "404, the revision is not served"),
    "405": (REFUSED, "405, the method is wrong"),
    "409": (REFUSED, "409, it is there already"),
    "410": (REFUSED, "410, the revision is retired"),
    "415": (REFUSED, "415, the Content-Type is wrong"),
    "partial": (REFUSED, "202, but the phone number is dropped"),
    "429": (TROUBLE, "429, too many calls"),
    "500": (TROUBLE, "500, a server error"),
    "503": (TROUBLE, "503, not available just now"),
    "html": (TROUBLE, "502, a gateway's HTML page"),
    "slow": (WIRE, "slow: the reply is held back"),
    "drip": (WIRE, "dripping: the body comes byte by byte"),
    "drip-headers": (WIRE, "dripping: headers and body come byte by byte"),
    "drop": (WIRE, "cut: the connection ends without a reply"),
    "cors": (WIRE, "barred: the browser's preflight is refused"),
}
"""For each kind its group and its label."""


def groups() -> dict[str, dict[str, str]]:
    """Return the labels by kind, by group, in the order in which they are offered."""
    found: dict[str, dict[str, str]] = {}
    for kind, (group, label) in WORDS.items():
        found.setdefault(group, {})[kind] = label
    return found
