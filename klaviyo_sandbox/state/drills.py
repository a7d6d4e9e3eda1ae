"""Drills: simulated failures of the next calls. They are parsed and queued here."""

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any

from ..protocol.failures import CORS, KINDS
from .rows import Rows, next_number
from .validation import InvalidSetting, is_number, is_whole_number

_MAX_SECONDS = 600
_FLOW_READS = frozenset({"get_metrics", "get_flows_triggered_by_metric"})
"""Operations that a shop may call at any time, to find out whether the flow is live."""
_FIELDS = ("kind", "times", "operation", "seconds", "retry_after")


@dataclass(slots=True)
class Drill:
    """A simulated failure of the next `times` calls; if `times` is None, of all calls
    until the drill is cleared.

    operation: the name of the operation that fails; None for all operations. In that case, a drill
    with `times` skips the operations that read the flow: a shop may call them at any time, which
    would use up the drill.
    seconds: the delay of a slow reply, or the pause between the bytes of one that drips.
    retry_after: the reply's Retry-After in seconds; None to leave the header out.
    """

    id: int
    kind: str
    times: int | None
    operation: str | None
    seconds: float
    retry_after: int | None

    def applies_to(self, operation: str) -> bool:
        """Return whether the drill makes a call to this operation fail."""
        if self.operation is None:
            return self.times is None or operation not in _FLOW_READS
        return self.operation == operation


class Drills:
    """The pending drills, oldest first. Thread-safe."""

    def __init__(self, lock: AbstractContextManager[Any]) -> None:
        self._lock = lock
        self.rows: Rows[int, Drill] = Rows(Drill)

    def add(self, drill: Any, operations: Collection[str]) -> None:
        """Queue a drill from its JSON. Raises `InvalidSetting`."""
        fields = _parse(drill, operations)
        with self._lock:
            number = next_number(self.rows)
            self.rows.put(number, Drill(id=number, **fields))

    def take(self, operation: str, *, preflight: bool) -> Drill | None:
        """Return the first drill that applies to a call to the operation, and count the call.

        A CORS drill applies only to preflights; other drills apply only to other calls.
        """
        with self._lock:
            for drill in self.rows.values():
                if drill.applies_to(operation) and preflight == (drill.kind == CORS):
                    if drill.times is not None:
                        drill.times -= 1
                        self.rows.put(drill.id, drill)
                        if not drill.times:
                            self.rows.remove(drill.id)
                    return drill
        return None

    def pending(self) -> list[dict[str, Any]]:
        """Return the pending drills as JSON."""
        with self._lock:
            return [asdict(drill) for drill in self.rows.values()]

    def clear(self) -> None:
        """Remove every drill."""
        with self._lock:
            self.rows.clear()


def _parse(drill: Any, operations: Collection[str]) -> dict[str, Any]:
    if not isinstance(drill, dict):
        raise InvalidSetting("A drill is a JSON object with a kind.", _FIELDS)
    if unknown := sorted(drill.keys() - set(_FIELDS)):
        raise InvalidSetting(f"A drill has no field {unknown[0]!r}.", _FIELDS)
    kind, operation = drill.get("kind"), drill.get("operation")
    if not isinstance(kind, str) or kind not in KINDS:
        raise InvalidSetting(f"There is no drill of kind {kind!r}.", KINDS)
    if operation is not None and operation not in operations:
        raise InvalidSetting(f"There is no operation {operation!r}.", operations)
    if kind == CORS and operation is not None and "_client_" not in operation:
        raise InvalidSetting("Only the browser's operations use CORS.", operations)
    return {
        "kind": kind,
        "times": _whole_number(drill, "times", 1, lowest=1),
        "operation": operation,
        "seconds": _seconds(drill.get("seconds", KINDS[kind].seconds)),
        "retry_after": _whole_number(drill, "retry_after", 1 if kind == "429" else None, lowest=0),
    }


def _whole_number(
    drill: Mapping[str, Any], name: str, default: int | None, *, lowest: int
) -> int | None:
    value = drill.get(name, default)
    if value is not None and not is_whole_number(value, lowest):
        raise InvalidSetting(f"{name} must be null or a whole number of at least {lowest}.")
    whole_number: int | None = value
    return whole_number


def _seconds(value: Any) -> float:
    if not is_number(value, 0, _MAX_SECONDS):
        raise InvalidSetting(f"seconds must be a number from 0 to {_MAX_SECONDS}.")
    return float(value)
