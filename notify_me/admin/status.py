"""The state of delivery: what is queued or failed, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import and_, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ..context import current_state, lock_folder
from ..delivery import pauses
from ..delivery.locks import current_deliverer
from ..delivery.outcome_log import unknown_variant_remedy
from ..klaviyo.calls import Operation
from ..klaviyo.outcomes import PUBLIC_KEY_REMEDIES
from ..store.tables import (
    UNDELIVERED,
    UNKNOWN,
    UNKNOWN_VARIANT_CALLS,
    CallRow,
    CallState,
    HoneypotPostsRow,
    SignUpRow,
    in_utc,
    unknown_before,
)

HONEYPOT_DAYS = 7
"""The number of days, including today, for which `Status` counts posts with a filled-in hidden
field.
"""
MAX_MISSING_VARIANTS = 50


@dataclass(frozen=True, slots=True)
class Failure:
    """The most recent problem with a call, with the contact masked."""

    at: datetime
    operation: str
    """The operation of Klaviyo's API, such as `create_back_in_stock_subscription`."""
    variant: str
    """The variant's composite ID; empty for a consent call."""
    contact: str
    state: str
    """The state of the call: `queued`, `dead_lettered` or `failed`."""
    problem: str
    """What went wrong, and usually what to do about it."""
    status: int | None
    """The HTTP status of Klaviyo's response; None if there was no response."""
    code: str
    """The `code` of the error in Klaviyo's response; empty if there was none."""
    error_id: str
    """The error's `id`; empty if there was none."""


@dataclass(frozen=True, slots=True)
class PausedQueue:
    """An operation whose calls are paused.

    At `until`, one call is sent as a test. A throttled pause then ends unless that call is
    throttled as well; a misconfigured one ends once such a call succeeds.
    """

    operation: str
    kind: str
    """`throttled` or `misconfigured`."""
    since: datetime
    until: datetime
    remedy: str
    """What is wrong and, if the operation is misconfigured, what to do: `problem: what to do`."""


@dataclass(frozen=True, slots=True)
class MissingVariant:
    """A variant that has sign-ups, but isn't in Klaviyo's catalog."""

    variant: str
    """Its composite ID."""
    sign_ups: int
    """Sign-ups for it that are queued or dead-lettered."""
    remedy: str


@dataclass(frozen=True, slots=True)
class PublicKeyProblem:
    """In client mode, Klaviyo refused the public key. The server sent the calls instead or,
    without a private key, they failed.
    """

    sign_ups: int
    """The number of sign-ups affected in the last 24 hours."""
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
    """The number of sign-ups with queued calls, by operation; for stock updates, which belong to no
    sign-up, the number of updates.
    """
    oldest_queued: datetime | None
    """The time of the oldest sign-up with a queued call."""
    last_error: Failure | None
    paused: tuple[PausedQueue, ...]
    honeypot_posts: int
    """Posts of the last `HONEYPOT_DAYS` days that were refused because a bot or an autofill tool
    had filled in the hidden field.
    """
    missing_variants: tuple[MissingVariant, ...]
    """Those with the most sign-ups first, 50 at most."""
    public_key: PublicKeyProblem | None
    deliverer: str | None
    """What sends queued calls on this machine, `worker` or `web process`; None if nothing does."""


def status() -> Status:
    """Return the state of delivery. Stock updates are left out if the queue is unavailable."""
    state = current_state()
    stock_updates = 0
    with suppress(SQLAlchemyError):
        stock_updates = state.queue.count(Operation.UPDATE_VARIANT)
    with Session(state.database.engine()) as session:
        sign_ups = func.count(CallRow.sign_up_id.distinct())
        counts = {call_state.value: 0 for call_state in CallState}
        # a consent that was never sent because its sign-up failed isn't counted as another failure
        never_sent = and_(
            CallRow.operation == Operation.SUBSCRIBE,
            CallRow.state == CallState.FAILED,
            CallRow.problem == "",
        )
        for call_state, count in session.execute(
            select(CallRow.state, sign_ups).where(~never_sent).group_by(CallRow.state)
        ):
            counts[call_state] = count
        abandoned = SignUpRow.created_at < unknown_before()
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
        first_day = datetime.now(UTC).date() - timedelta(days=HONEYPOT_DAYS - 1)
        honeypot_posts = session.scalar(
            select(func.sum(HoneypotPostsRow.count)).where(HoneypotPostsRow.day >= first_day)
        )
        waiting = {operation: count for operation, count, _ in queued}
        if stock_updates:
            waiting[Operation.UPDATE_VARIANT.value] = stock_updates
        counts |= {
            CallState.STARTED.value: started - unknown,
            UNKNOWN: unknown,
        }
        return Status(
            counts=counts,
            waiting=waiting,
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
            honeypot_posts=honeypot_posts or 0,
            missing_variants=_missing_variants(session),
            public_key=_public_key_problem(session),
            deliverer=current_deliverer(lock_folder()),
        )


def _missing_variants(session: Session) -> tuple[MissingVariant, ...]:
    sign_ups = func.count()
    rows = session.execute(
        select(CallRow.variant, sign_ups)
        .where(*UNKNOWN_VARIANT_CALLS)
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


def ready() -> dict[str, str]:
    """Return whether sign-ups can be stored and delivered. `database`, `queue` and `disk` are `ok`
    or describe a problem. `deliverer` is what sends queued calls on this machine: `worker`,
    `web process` or `none`.

    `disk` says whether data can be written, which is tested at most every ten seconds. Database
    errors aren't raised. This can take as long as the timeouts of the database's engine.
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
                # the other checks use the database as well, and each would wait for the timeout
                return {**results, **dict.fromkeys(checks, problem)}
            results[name] = problem
    return results
