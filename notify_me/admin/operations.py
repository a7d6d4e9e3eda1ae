"""What a merchant's pages and the commands look at and do: see `notify_me.admin`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ..context import current_account, current_state, klaviyo_of
from ..delivery import pauses
from ..klaviyo.calls import Operation
from ..klaviyo.catalog_push import CatalogPush, PushError, PushResult
from ..store import demand as demand_queries
from ..store.demand import DayDemand, Demand
from ..store.tables import (
    UNDELIVERED,
    UNKNOWN,
    UNKNOWN_AFTER,
    CallRow,
    CallState,
    SignUpRow,
    in_utc,
)
from ..variants import Variant

BATCH = 500


@dataclass(frozen=True, slots=True)
class Failure:
    """The last thing that went wrong with a call, its contact masked."""

    at: datetime
    operation: str
    variant: str
    contact: str
    state: str
    problem: str
    status: int | None
    code: str
    error_id: str


@dataclass(frozen=True, slots=True)
class PausedQueue:
    """A paused queue: `remedy` tells the merchant what to fix, `until` when it is tried again."""

    operation: str
    kind: str
    """`throttled` by Klaviyo, or `misconfigured` until the merchant has mended something."""
    since: datetime
    until: datetime
    remedy: str


@dataclass(frozen=True, slots=True)
class Status:
    """How deliveries stand."""

    counts: Mapping[str, int]
    """Calls by state: started, queued, accepted, refused, failed, dead_lettered, unknown."""
    waiting: Mapping[str, int]
    """Queued calls by operation; stock updates among them, which are no part of a sign-up."""
    oldest_queued: datetime | None
    """When the sign-up was made that has waited longest."""
    last_error: Failure | None
    paused: tuple[PausedQueue, ...]

    def as_json(self) -> dict[str, Any]:
        """Everything, with moments in ISO 8601."""
        return {name: _plain(value) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Purged:
    """How much a purge deleted."""

    sign_ups: int
    consents: int


def status() -> Status:
    """How deliveries stand just now."""
    stock = 0
    # what the log tells is worth telling when the queue doesn't answer
    with suppress(SQLAlchemyError):
        stock = current_state().queue.count_waiting(Operation.UPDATE_VARIANT)
    with Session(current_state().db.engine) as session:
        oldest = session.scalar(
            select(func.min(SignUpRow.created_at))
            .join(CallRow, CallRow.sign_up_id == SignUpRow.id)
            .where(CallRow.state == CallState.QUEUED)
        )
        return Status(
            counts=_counts(session),
            waiting=_by(session, CallRow.operation, CallRow.state == CallState.QUEUED)
            | ({Operation.UPDATE_VARIANT.value: stock} if stock else {}),
            oldest_queued=in_utc(oldest) if oldest else None,
            last_error=_last_error(session),
            paused=tuple(
                PausedQueue(
                    each.operation.value,
                    each.kind,
                    datetime.fromtimestamp(each.since, UTC),
                    datetime.fromtimestamp(each.until, UTC),
                    each.remedy,
                )
                for each in pauses.active_pauses(session).values()
                if each.kind == "misconfigured" or each.until > time.time()
            ),
        )


def _counts(session: Session) -> dict[str, int]:
    counts = {state.value: 0 for state in CallState}
    counts |= _by(session, CallRow.state)
    lost = session.scalar(
        select(func.count())
        .select_from(CallRow)
        .join(SignUpRow, SignUpRow.id == CallRow.sign_up_id)
        .where(CallRow.state == CallState.STARTED)
        .where(SignUpRow.created_at < datetime.now(UTC) - UNKNOWN_AFTER)
    )
    counts[UNKNOWN] = lost or 0
    counts[CallState.STARTED] -= counts[UNKNOWN]
    return counts


def _by(session: Session, column: Any, *where: Any) -> dict[str, int]:
    rows = session.execute(select(column, func.count()).where(*where).group_by(column))
    return {str(name): int(count) for name, count in rows}


def _last_error(session: Session) -> Failure | None:
    found = session.execute(
        select(CallRow, SignUpRow)
        .join(SignUpRow, SignUpRow.id == CallRow.sign_up_id)
        .where(CallRow.state.in_((*UNDELIVERED, CallState.FAILED)), CallRow.problem != "")
        .order_by(CallRow.settled_at.desc())
        .limit(1)
    ).first()
    if found is None:
        return None
    call, sign_up = found
    return Failure(
        at=in_utc(call.settled_at) if call.settled_at else datetime.now(UTC),
        operation=call.operation,
        variant=call.variant or "",
        contact=" ".join(filter(None, (sign_up.email_masked, sign_up.phone_masked))),
        state=call.state,
        problem=call.problem,
        status=call.status,
        code=call.code,
        error_id=call.error_id,
    )


def retry() -> int:
    """Queue every dead-lettered call again; returns how many."""
    state, retried = current_state(), 0
    while jobs := state.queue.dead_letters(BATCH):
        for job in jobs:
            with state.log.writing() as session:
                # a job whose sign-up is no more, or that was put back before, is only removed
                if state.log.advance(
                    session, job.key, CallState.QUEUED, before=CallState.DEAD_LETTERED, again=True
                ):
                    state.queue.enqueue(session, [job.again()])
                    retried += 1
        state.queue.remove([job.id for job in jobs])
    return retried


def demand(since: date, until: date, *, most_variants: int = 50, most_reasons: int = 20) -> Demand:
    """The demand from `since` to `until`, both days included.

    Raises `ValueError` when `until` is before `since`.
    """
    return demand_queries.demand(
        current_state().db.engine,
        since,
        until,
        most_variants=most_variants,
        most_reasons=most_reasons,
    )


def demand_by_day(since: date, until: date) -> Iterator[DayDemand]:
    """The demand of each day for each variant, oldest first; days without any are left out.

    Rows are fetched as they are asked for. Raises as `demand` does.
    """
    return demand_queries.demand_by_day(current_state().db.engine, since, until)


def purge() -> Purged:
    """Delete what is older than the settings under `[retention]` say, but nothing still owed."""
    state = current_state()
    now, retention = datetime.now(UTC), state.settings.retention
    sign_ups, consents = state.log.purge(
        now - timedelta(days=retention.log_days), now - timedelta(days=retention.consent_days)
    )
    with Session(state.db.engine) as session:
        stale = [
            job.id for job in state.queue.dead_letters(BATCH) if not _is_owed(session, job.key)
        ]
    state.queue.remove(stale)
    state.queue.remove_finished(state.settings.delivery.keep_finished)
    return Purged(sign_ups, consents)


def forget_everything() -> None:
    """Delete the sign-up log, the consents and all that waits: for a demo's new start alone."""
    state = current_state()
    state.queue.remove_everything()
    state.log.remove_everything()


def mode() -> str:
    """Who calls Klaviyo in this request: `server` or `client`."""
    return current_account().mode


def modes() -> tuple[str, ...]:
    """The modes for which there is a key."""
    account = current_state().account
    keys = {"server": account.private_key.get_secret_value(), "client": account.public_key}
    return tuple(mode for mode, key in keys.items() if key)


def push_catalog(
    products: Callable[[], Iterable[Sequence[Variant]]],
    root: str,
    *,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda count: None,
) -> PushResult:
    """Fill Klaviyo's custom catalog with the shop's products; see `catalog_push.CatalogPush`.

    Raises `PushError` when Klaviyo refuses, or there is no private key.
    """
    state = current_state()
    klaviyo = klaviyo_of(state.account, in_flight=1)
    if klaviyo is None:
        raise PushError("there is no private key: set KLAVIYO_PRIVATE_KEY in .env")
    return CatalogPush(klaviyo, products, root, dry_run=dry_run, progress=progress).run()


def _is_owed(session: Session, key: tuple[str, int, int]) -> bool:
    row = session.get(CallRow, key[:2])
    return row is not None and row.state == CallState.DEAD_LETTERED and row.attempt == key[2]


def ready() -> dict[str, str]:
    """`ok`, or in a few words what is wrong, for `database` and `queue`; never raises for them.

    It takes as long as the shop's engine waits for its database.
    """
    state = current_state()
    checks: dict[str, Callable[[], object]] = {
        "database": lambda: state.log.read(""),
        "queue": state.queue.check,
    }
    answers: dict[str, str] = {}
    for name, check in checks.items():
        try:
            check()
            answers[name] = "ok"
        except SQLAlchemyError as error:
            answers[name] = f"unavailable ({type(error).__name__})"
            if name == "database":
                # the queue is in the same one, and would only wait as long again
                return {**answers, "queue": answers[name]}
    return answers


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
