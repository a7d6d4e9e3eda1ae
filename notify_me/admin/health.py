"""A report on what keeps sign-ups from reaching Klaviyo, or alerts from reaching shoppers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy.exc import SQLAlchemyError

from ..check.advice import row
from ..check.report import Report, Row
from ..context import current_state
from ..klaviyo.calls import Operation
from .status import MissingVariant, PausedQueue, Status, status

MAX_NAMES = 5
"""The maximum number of variants that a row lists."""
PLURALS: dict[str, str] = {
    Operation.BACK_IN_STOCK: "sign-ups",
    Operation.SUBSCRIBE: "marketing consents",
    Operation.UPDATE_VARIANT: "stock updates",
}
"""The noun for each operation's calls."""


def health(read_status: Callable[[], Status] = status) -> Report:
    """Return what works and what doesn't, as rows like the ones in `flask notify-me check`.

    The rows are `flow` (whether a live flow exists, which is read from Klaviyo with a timeout of
    three seconds and cached for up to five minutes), `public_key` (only if Klaviyo refuses it),
    `sign_ups` (variants missing from Klaviyo's catalog) and `delivery` (pauses and dead letters).
    Each contains `check` (its name), `verdict` (`pass`, `warn`, `fail` or `skip`), `message` and
    `remedy`.

    A page that has already read `status()` can pass a function that returns the result.

    Raises no database or network errors: a row whose data can't be read says so, with the verdict
    `skip` or `warn`.
    """
    return Report([current_state().flow.row(), *log_rows(read_status)])


def log_rows(read_status: Callable[[], Status] = status) -> list[Row]:
    """Return the rows whose content comes from the sign-up log: `sign_ups`, `delivery` and, if
    Klaviyo refuses the public key, `public_key`.
    """
    try:
        current = read_status()
    except SQLAlchemyError:
        return [row("sign_ups/unreadable"), row("delivery/unreadable")]
    rows = [_missing_variants(current.missing_variants), _delivery(current)]
    if problem := current.public_key:
        reason, _, remedy = problem.remedy.partition(": ")
        count = problem.sign_ups
        rows.append(row("public_key/refused", problem=reason, count=count, remedy=remedy))
    return rows


def _missing_variants(missing: Sequence[MissingVariant]) -> Row:
    if not missing:
        return row("sign_ups")
    names = ", ".join(f"{entry.variant} ({entry.sign_ups:,})" for entry in missing[:MAX_NAMES])
    if len(missing) > MAX_NAMES:
        names += f" and {len(missing) - MAX_NAMES} more"
    remedies = " ".join(dict.fromkeys(f"{entry.remedy}." for entry in missing))
    return row("sign_ups/unknown variants", names=names, remedy=remedies)


def _delivery(current: Status) -> Row:
    misconfigured = [queue for queue in current.paused if queue.kind == "misconfigured"]
    if misconfigured:
        return _paused("delivery/paused", misconfigured)
    dead_lettered = current.counts["dead_lettered"]
    if dead_lettered:
        problem = current.last_error.problem if current.last_error else "unknown"
        return row("delivery/dead letters", count=dead_lettered, problem=problem)
    if current.paused:
        return _paused("delivery/throttled", current.paused)
    return row("delivery")


def _paused(case: str, queues: Sequence[PausedQueue]) -> Row:
    pauses, remedies = [], []
    for queue in queues:
        problem, remedy = queue.remedy, ""
        # `problem: what to do` for a misconfigured operation, otherwise only the problem
        if queue.kind == "misconfigured":
            problem, _, remedy = problem.partition(": ")
        since = f"{queue.since:%Y-%m-%d %H:%M} UTC"
        calls = PLURALS.get(queue.operation, queue.operation)
        pauses.append(f"delivery of {calls} has been paused since {since}, because {problem}")
        remedies.append(remedy or problem)
    return row(case, pauses="; ".join(pauses), remedies="; ".join(dict.fromkeys(remedies)))
