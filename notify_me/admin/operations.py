"""Operations on the kit's tables and on Klaviyo's catalog, for commands and merchant pages."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from ..context import current_account, current_state, klaviyo_client
from ..delivery import pauses
from ..delivery.queue import Job
from ..klaviyo.calls import Operation
from ..klaviyo.catalog_push import CatalogPush, PushError, PushResult
from ..settings.tables.merchant import Merchant
from ..store.tables import (
    UNDELIVERED,
    CallRow,
    CallState,
    ConsentRow,
    HoneypotPostsRow,
    PauseRow,
    RateLimitRow,
    SignUpRow,
)
from ..variants import Variant


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge deleted."""

    sign_ups: int
    consents: int
    dead_letters: int
    """Calls that were dead-lettered for too long; they now count as failed."""


def upgrade() -> None:
    """Create the kit's tables and the delivery queue's, or bring them up to date.

    Raises `SettingsError` if the kit can't use the database, SQLite is too old or the shop has a
    table with the name of one of the queue's, `TablesOutdated` if the kit is older than its tables,
    and `sqlalchemy.exc.SQLAlchemyError` if the database is unavailable.
    """
    current_state().database.upgrade()


def retry() -> int:
    """Queue every dead-lettered call again, with a new series of attempts; return how many."""
    state, retried = current_state(), 0
    for batch in state.queue.dead_letters():
        jobs = [job for job in batch.values() if job is not None]
        for job in jobs:
            with state.log.writing() as session:
                # a job that another one replaced, or whose sign-up was deleted, isn't queued again
                if state.log.advance(session, job.key, CallState.QUEUED):
                    next_attempt = replace(job.next_attempt(), failures=0, unknown_since=0.0)
                    state.queue.enqueue(session, [next_attempt])
                    retried += 1
        state.queue.remove([job.id for job in jobs])
    return retried


def resume() -> tuple[str, ...]:
    """End all pauses, and the delays of queued calls, so that workers send the calls immediately.

    Return the operations that were paused.
    """
    state = current_state()
    with state.log.writing() as session:
        paused = tuple(
            operation.value for operation in Operation if pauses.resume(session, operation)
        )
    for operation in Operation:
        state.queue.end_delays(operation)
    return paused


def merchant_settings() -> Merchant:
    """Return the settings under `[merchant]`."""
    return current_state().settings.merchant


def purge() -> Purged:
    """Delete what is older than `[retention]` allows, except sign-ups with calls that are queued or
    dead-lettered. Calls that were dead-lettered for too long count as failed from now on.
    """
    state = current_state()
    now, retention = datetime.now(UTC), state.settings.retention
    with state.log.writing() as session:
        sign_ups, consents = _purge_log(
            session,
            now - timedelta(days=retention.log_days),
            now - timedelta(days=retention.consent_days),
        )
    dead_letter_age = timedelta(days=retention.dead_letter_days)
    dead_letters = 0
    for batch in state.queue.dead_letters(dead_letter_age):
        with state.log.writing() as session:
            for job_id in batch:
                dead_letters += state.log.advance(session, Job.key_of(job_id), CallState.FAILED)
        state.queue.remove(batch)
    for batch in state.queue.dead_letters():
        # dead letters that other jobs have replaced, or whose sign-ups were deleted
        with state.log.reading() as session:
            stale = [
                job.id
                for job in filter(None, batch.values())
                if state.log.current_call(session, job.key) is None
            ]
        state.queue.remove(stale)
    state.queue.remove_finished(state.settings.delivery.keep_finished)
    return Purged(sign_ups, consents, dead_letters)


def _purge_log(session: Session, before: datetime, consents_before: datetime) -> tuple[int, int]:
    """Delete sign-ups made before `before`, unless they have undelivered calls. Then delete
    consents given before `consents_before` that no longer have a sign-up, and old counts of
    honeypot posts and rate limits. Return how many sign-ups and consents were deleted.
    """
    undelivered = exists().where(CallRow.sign_up_id == SignUpRow.id, CallRow.state.in_(UNDELIVERED))
    old = select(SignUpRow.id).where(SignUpRow.created_at < before, ~undelivered)
    # on SQLite, foreign keys are enforced only if the shop has enabled them
    session.execute(delete(CallRow).where(CallRow.sign_up_id.in_(old)))
    session.execute(
        update(ConsentRow).where(ConsentRow.sign_up_id.in_(old)).values(sign_up_id=None)
    )
    sign_ups = session.execute(
        delete(SignUpRow).where(SignUpRow.created_at < before, ~undelivered).returning(SignUpRow.id)
    )
    consents = session.execute(
        delete(ConsentRow)
        .where(ConsentRow.given_at < consents_before, ConsentRow.sign_up_id.is_(None))
        .returning(ConsentRow.id)
    )
    session.execute(delete(HoneypotPostsRow).where(HoneypotPostsRow.day < before.date()))
    session.execute(delete(RateLimitRow).where(RateLimitRow.expires_at < time.time()))
    return len(sign_ups.all()), len(consents.all())


def delete_everything() -> None:
    """Delete all rows of the kit's tables, and all jobs in the queue, to reset a demo."""
    state = current_state()
    state.queue.remove_everything()
    with state.log.writing() as session:
        for table in (CallRow, ConsentRow, SignUpRow, PauseRow, HoneypotPostsRow, RateLimitRow):
            session.execute(delete(table))


def mode() -> str:
    """Return the mode of this request: whether the `server` or the `client` calls Klaviyo."""
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

    `products` returns the variants of each product, and is called twice. `base_url` is the shop's
    base URL, such as `https://shop.example/`. With `dry_run`, nothing is written. `progress` is
    called after each batch with the number of products or variants in it.

    Raises `PushError` if there is no private key, a product can't be pushed, or Klaviyo refuses a
    call or doesn't respond.
    """
    state = current_state()
    klaviyo = klaviyo_client(state.account, in_flight=1)
    if klaviyo is None:
        raise PushError("there is no private key: set KLAVIYO_PRIVATE_KEY in .env")
    return CatalogPush(klaviyo, products, base_url, dry_run=dry_run, progress=progress).run()
