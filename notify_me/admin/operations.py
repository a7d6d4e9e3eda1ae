"""The operations of `notify_me.admin`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import and_, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from .. import signals
from ..context import current_account, current_state, klaviyo_client, lock_folder
from ..delivery import pauses
from ..delivery.locks import current_deliverer
from ..delivery.outcome_log import unknown_variant_remedy
from ..delivery.queue import BATCH_SIZE
from ..klaviyo.calls import Operation
from ..klaviyo.catalog_push import CatalogPush, PushError, PushResult
from ..klaviyo.outcomes import PUBLIC_KEY_REMEDIES
from ..settings.tables.merchant import Merchant
from ..store import demand as demand_queries
from ..store import waiting as waiting_queries
from ..store.demand import DayDemand, Demand
from ..store.tables import (
    MISSES_VARIANT,
    UNDELIVERED,
    UNKNOWN,
    UNKNOWN_AFTER,
    CallRow,
    CallState,
    DroppedRow,
    SignUpRow,
    in_utc,
)
from ..store.waiting import Waiting
from ..variants import CompositeID, Variant

DROPPED_DAYS = 7
"""For how many days, including today, `Status` counts dropped posts."""
MAX_MISSING_VARIANTS = 50


@dataclass(frozen=True, slots=True)
class Failure:
    """The most recent problem with a call, with the contact masked."""

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
    """An operation whose calls are paused.

    If it is throttled, `until` is when the pause ends. If it is misconfigured, the pause ends once
    the merchant has done what `remedy` says, and `until` is when one call tests that.
    """

    operation: str
    kind: str
    """`throttled` or `misconfigured`."""
    since: datetime
    until: datetime
    remedy: str


@dataclass(frozen=True, slots=True)
class MissingVariant:
    """A variant that shoppers asked for and Klaviyo's catalog doesn't have."""

    variant: str
    """Its composite ID."""
    sign_ups: int
    """Sign-ups for it that are queued or dead-lettered."""
    remedy: str


@dataclass(frozen=True, slots=True)
class PublicKeyProblem:
    """In client mode, Klaviyo refused the public key, and the server sent the calls instead."""

    sign_ups: int
    """How many sign-ups in the last 24 hours."""
    last_at: datetime
    remedy: str


@dataclass(frozen=True, slots=True)
class Status:
    """The state of delivery."""

    counts: Mapping[str, int]
    """Sign-ups by the state of their calls: started, queued, accepted, refused, failed,
    dead_lettered, unknown. A sign-up whose calls are in several states counts in each of them.
    """
    waiting: Mapping[str, int]
    """Sign-ups with queued calls by operation, and the stock updates, which belong to none."""
    oldest_queued: datetime | None
    """The time of the oldest sign-up with a queued call."""
    last_error: Failure | None
    paused: tuple[PausedQueue, ...]
    dropped: int
    """Posts of the last `DROPPED_DAYS` days whose hidden field was filled in, by a bot or a form
    filler. They were not accepted."""
    missing_variants: tuple[MissingVariant, ...]
    """Those with the most sign-ups first, 50 at most."""
    public_key: PublicKeyProblem | None
    deliverer: str | None
    """What sends queued calls on this machine, `worker` or `web process`; None if nothing does."""


@dataclass(frozen=True, slots=True)
class Purged:
    """How many rows a purge deleted."""

    sign_ups: int
    consents: int
    dead_letters: int
    """Calls that were dead-lettered for too long; they now count as failed."""


def upgrade() -> None:
    """Create the kit's tables and the delivery queue's, or bring them up to date.

    Raises `SettingsError` if the shop has a table with the name of one of the queue's tables, and
    `sqlalchemy.exc.SQLAlchemyError` if the database is unavailable.
    """
    current_state().database.upgrade()


def status() -> Status:
    """Return the state of delivery. Stock updates are left out if the queue is unavailable."""
    state = current_state()
    stock = 0
    with suppress(SQLAlchemyError):
        stock = state.queue.count(Operation.UPDATE_VARIANT)
    with Session(state.database.engine()) as session:
        sign_ups = func.count(CallRow.sign_up_id.distinct())
        counts = {call_state.value: 0 for call_state in CallState}
        # a consent that was never sent, because its sign-up failed, is no second failure
        never_sent = and_(
            CallRow.operation == Operation.SUBSCRIBE,
            CallRow.state == CallState.FAILED,
            CallRow.problem == "",
        )
        for call_state, count in session.execute(
            select(CallRow.state, sign_ups).where(~never_sent).group_by(CallRow.state)
        ):
            counts[call_state] = count
        abandoned = SignUpRow.created_at < datetime.now(UTC) - UNKNOWN_AFTER
        started, unknown = session.execute(
            select(sign_ups, sign_ups.filter(abandoned))
            .select_from(CallRow)
            .join(SignUpRow)
            .where(CallRow.state == CallState.STARTED)
        ).one()
        queued = session.execute(
            select(CallRow.operation, sign_ups, func.min(SignUpRow.created_at))
            .join(SignUpRow)
            .where(CallRow.state == CallState.QUEUED)
            .group_by(CallRow.operation)
        ).all()
        first_day = datetime.now(UTC).date() - timedelta(days=DROPPED_DAYS - 1)
        dropped = session.scalar(
            select(func.sum(DroppedRow.count)).where(DroppedRow.day >= first_day)
        )
        waiting = {operation: count for operation, count, _ in queued}
        counts |= {
            CallState.STARTED.value: started - unknown,
            UNKNOWN: unknown,
        }
        return Status(
            counts=counts,
            waiting=waiting | ({Operation.UPDATE_VARIANT.value: stock} if stock else {}),
            oldest_queued=min((in_utc(oldest) for _, _, oldest in queued), default=None),
            last_error=_last_error(session),
            paused=tuple(
                PausedQueue(
                    pause.operation,
                    pause.kind,
                    datetime.fromtimestamp(pause.since, UTC),
                    datetime.fromtimestamp(pause.until, UTC),
                    pause.remedy,
                )
                for pause in pauses.active_pauses(session).values()
            ),
            dropped=dropped or 0,
            missing_variants=_missing_variants(session),
            public_key=_public_key_problem(session),
            deliverer=current_deliverer(lock_folder()),
        )


def _missing_variants(session: Session) -> tuple[MissingVariant, ...]:
    sign_ups = func.count()
    rows = session.execute(
        select(CallRow.variant, sign_ups)
        .where(*MISSES_VARIANT)
        .group_by(CallRow.variant)
        .order_by(sign_ups.desc(), CallRow.variant)
        .limit(MAX_MISSING_VARIANTS)
    )
    return tuple(
        MissingVariant(variant, count, unknown_variant_remedy(variant))
        for variant, count in rows
        if variant
    )


def _public_key_problem(session: Session) -> PublicKeyProblem | None:
    last_at = func.max(CallRow.settled_at)
    latest = session.execute(
        select(CallRow.problem, func.count(CallRow.sign_up_id.distinct()), last_at)
        .where(CallRow.state.in_((CallState.ACCEPTED, CallState.FAILED)))
        .where(CallRow.settled_at > datetime.now(UTC) - timedelta(days=1))
        .where(CallRow.problem.in_(PUBLIC_KEY_REMEDIES.values()))
        .group_by(CallRow.problem)
        .order_by(last_at.desc())
        .limit(1)
    ).first()
    if latest is None or latest[2] is None:
        return None
    return PublicKeyProblem(sign_ups=latest[1], last_at=in_utc(latest[2]), remedy=latest[0])


def _last_error(session: Session) -> Failure | None:
    row = session.execute(
        select(CallRow, SignUpRow)
        .join(SignUpRow)
        .where(CallRow.state.in_((*UNDELIVERED, CallState.FAILED)), CallRow.problem != "")
        .order_by(CallRow.settled_at.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    call, sign_up = row
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
    """Queue every dead-lettered call again, with a new series of attempts; return how many."""
    state, retried = current_state(), 0
    while True:
        jobs = state.queue.dead_letters()
        for job in jobs:
            with state.log.writing() as session:
                # if another job replaced it, or its sign-up was deleted, just remove it
                if state.log.advance(session, job.key, CallState.QUEUED):
                    next_attempt = replace(job.next_attempt(), failures=0, unknown_since=0.0)
                    state.queue.enqueue(session, [next_attempt])
                    retried += 1
        state.queue.remove([job.id for job in jobs])
        # a worker may already have dead-lettered some of them again: leave those
        if len(jobs) < BATCH_SIZE:
            return retried


def resume() -> tuple[str, ...]:
    """End all pauses, and the delays of queued calls: workers try them at once. Return the
    operations that were paused.
    """
    state = current_state()
    with state.log.writing() as session:
        paused = tuple(
            operation.value for operation in Operation if pauses.resume(session, operation)
        )
    for operation in Operation:
        state.queue.end_delays(operation)
    return paused


def demand(since: date, until: date, *, max_variants: int = 50) -> Demand:
    """Return the demand from `since` to `until`, both days included.

    Raises `ValueError` if `until` is before `since`.
    """
    engine = current_state().database.engine()
    return demand_queries.demand(engine, since, until, max_variants=max_variants)


def demand_by_day(since: date, until: date) -> Iterator[DayDemand]:
    """Yield the demand for each variant on each day with requests, oldest first.

    Rows are fetched in batches during the iteration. Raises the same exceptions as `demand`.
    """
    return demand_queries.demand_by_day(current_state().database.engine(), since, until)


def waiting(*, without: Collection[str] = ()) -> Waiting:
    """Return how many people wait for an alert now, and for how long.

    `without` are the composite IDs of variants to leave out, such as those in stock that
    `record_restock` wasn't called for.
    """
    return waiting_queries.waiting(current_state().database.engine(), without)


def people_waiting(
    variants: Collection[str] | None = None, *, at_least: int = 1
) -> Mapping[str, int]:
    """Return how many people wait for each variant, by composite ID, most people first.

    `variants` limits it to these, and `at_least` to variants for which so many people wait.
    """
    engine = current_state().database.engine()
    return waiting_queries.people_waiting(engine, variants, at_least=at_least)


def record_restock(variants: Iterable[CompositeID]) -> int:
    """Record that these variants are back in stock, so that Klaviyo alerts the shoppers who waited
    for them, and they no longer count as waiting. Return the number of sign-ups.

    Sends the signal `restocked` for each variant that somebody waited for. Klaviyo isn't called:
    see `stock_changed` and `push_catalog`.
    """
    by_id = {str(variant): variant for variant in variants}
    alerted = current_state().log.record_restock([*by_id])
    for composite_id, sign_ups in alerted.items():
        event = signals.RestockEvent(by_id[composite_id], sign_ups)
        signals.send(signals.restocked, event)
    return alerted.total()


def merchant_settings() -> Merchant:
    """Return the settings of the table `[merchant]`."""
    return current_state().settings.merchant


def purge() -> Purged:
    """Delete what is older than `[retention]` allows, unless it is queued."""
    state = current_state()
    now, retention = datetime.now(UTC), state.settings.retention
    sign_ups, consents = state.log.purge(
        now - timedelta(days=retention.log_days), now - timedelta(days=retention.consent_days)
    )
    dead_letter_age = timedelta(days=retention.dead_letter_days)
    dead_letters = 0
    while jobs := state.queue.dead_letters(dead_letter_age):
        with state.log.writing() as session:
            for job in jobs:
                dead_letters += state.log.advance(session, job.key, CallState.FAILED)
        state.queue.remove([job.id for job in jobs])
    with state.log.reading() as session:
        stale = [
            job.id
            for job in state.queue.dead_letters()
            if state.log.current_call(session, job.key) is None
        ]
    state.queue.remove(stale)
    state.queue.remove_finished(state.settings.delivery.keep_finished)
    return Purged(sign_ups, consents, dead_letters)


def delete_everything() -> None:
    """Delete the sign-up log, the consents and the queue, to reset a demo."""
    state = current_state()
    state.queue.remove_everything()
    state.log.remove_everything()


def mode() -> str:
    """Return the mode of this request, `server` or `client`: which of them calls Klaviyo."""
    return current_account().mode


def available_modes() -> tuple[str, ...]:
    """Return the modes whose keys are set."""
    account = current_state().account
    keys = {"server": account.private_key.get_secret_value(), "client": account.public_key}
    return tuple(mode for mode, key in keys.items() if key)


def push_catalog(
    products: Callable[[], Iterable[Sequence[Variant]]],
    base_url: str,
    *,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda count: None,
) -> PushResult:
    """Fill Klaviyo's custom catalog with the shop's products; see `catalog_push.CatalogPush`.

    Raises `PushError` if Klaviyo refuses, or if there is no private key.
    """
    state = current_state()
    klaviyo = klaviyo_client(state.account, in_flight=1)
    if klaviyo is None:
        raise PushError("there is no private key: set KLAVIYO_PRIVATE_KEY in .env")
    return CatalogPush(klaviyo, products, base_url, dry_run=dry_run, progress=progress).run()


def ready() -> dict[str, str]:
    """Return the state of delivery: `database`, `queue` and `disk` are `ok` or describe a problem;
    `deliverer` is what sends queued calls on this machine: `worker`, `web process` or `none`.

    `disk` is about writing, which is tried at most every ten seconds. Database errors aren't
    raised. It can take as long as the timeouts of the database's engine.
    """
    state = current_state()
    checks: dict[str, Callable[[], object]] = {
        "database": lambda: state.log.read(""),
        "queue": state.queue.check,
        "disk": state.database.check_writable,
    }
    results = {"deliverer": current_deliverer(lock_folder()) or "none"}
    for name, check in checks.items():
        try:
            check()
            results[name] = "ok"
        except (SQLAlchemyError, OSError) as error:
            problem = f"unavailable ({type(error).__name__})"
            if name == "database":
                # the others need it, too, so checking them would only take as long again
                return {**results, **dict.fromkeys(checks, problem)}
            results[name] = problem
    return results
