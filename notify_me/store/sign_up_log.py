"""The sign-up log: who asked for what, hashed and masked, and how each call ended.

A row is committed before anything goes out, so that what a crash interrupts can be seen.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, exc, exists, func, insert, select, update
from sqlalchemy.orm import Session

from ..channels import Channel
from ..klaviyo.calls import Call, Operation, SignUp
from ..klaviyo.outcomes import Outcome
from .contact_records import ContactRecords, find_by_contact_hash
from .logged import LoggedCall, LoggedSignUp, ending_of, reason_of, rows_of, statements
from .tables import UNDELIVERED, Base, CallRow, CallState, ConsentRow, PauseRow, SignUpRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

TURN = 0.8
"""Seconds to wait for this process's other writers to SQLite; its own busy timeout comes on top."""

_UNSEEN = {"synchronize_session": False}
"""For updates of rows that their session doesn't hold, or doesn't look at again."""

# a shopper waits for these, so they are built once and run without the ORM's unit of work
_SIGN_UPS, _CALLS, _CONSENTS = (
    Base.metadata.tables[row.__tablename__] for row in (SignUpRow, CallRow, ConsentRow)
)
_ADD_SIGN_UP, _ADD_CALLS, _ADD_CONSENTS = (
    insert(table).inline() for table in (_SIGN_UPS, _CALLS, _CONSENTS)
)
_SETTLE = (
    update(_CALLS)
    .where(_CALLS.c.sign_up_id == bindparam("of_sign_up"))
    .where(_CALLS.c.position == bindparam("at_position"))
    # states only move forward: what the queue does with a kept call is `advance`'s
    .where(_CALLS.c.state == CallState.STARTED.value)
)
_CONSENTS_FOLLOW = (
    update(_CONSENTS)
    .where(_CONSENTS.c.sign_up_id == bindparam("of_sign_up"))
    .values(
        state=func.coalesce(
            select(_CALLS.c.state)
            .where(_CALLS.c.sign_up_id == bindparam("of_sign_up"))
            .where(_CALLS.c.operation == Operation.SUBSCRIBE.value)
            .scalar_subquery(),
            _CONSENTS.c.state,
        )
    )
)
"""Gives a sign-up's consents the state of the call that carries them."""


class SignUpLog:
    """The log in the shop's database. Every method is a short transaction of its own.

    `engine` is asked for at each use, since Flask-SQLAlchemy-Lite binds engines to the app.
    Raises `sqlalchemy.exc.SQLAlchemyError` when the database can't take it.
    """

    def __init__(self, engine: Callable[[], Engine], key: str) -> None:
        self._engine = engine
        self._key = key.encode()
        self._turn = threading.Lock()

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        with Session(self._engine()) as session, session.begin():
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that writes."""
        with self._in_turn(), self._transaction() as session:
            yield session

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """On SQLite this process's writers take turns, since those who find the file locked sleep
        and poll: that costs the last of them most.
        """
        if self._engine().dialect.name != "sqlite":
            yield
            return
        if not self._turn.acquire(timeout=TURN):
            raise exc.TimeoutError("other writers hold the sign-up log")
        try:
            yield
        finally:
            self._turn.release()

    def start(self, sign_up: SignUp, calls: Sequence[Call], mode: str) -> str:
        """Commit the sign-up, its consent and its calls, each STARTED; returns its ID
        (unguessable).
        """
        sign_up_id = secrets.token_urlsafe(16)
        digest = self._digest(sign_up, calls)
        row, call_rows, consents = rows_of(sign_up_id, sign_up, calls, self.contact_hmac)
        with self._in_turn(), self._engine().begin() as connection:
            connection.execute(_ADD_SIGN_UP, {**row, "mode": mode, "digest": digest})
            if call_rows:
                connection.execute(_ADD_CALLS, call_rows)
            if consents:
                connection.execute(_ADD_CONSENTS, consents)
        return sign_up_id

    def claim(self, sign_up_id: str, sign_up: SignUp, calls: Sequence[Call]) -> bool:
        """Whether the caller is the first to report on this client-mode sign-up.

        False for a repeated report, and for one whose form isn't the one that was logged.
        """
        with self.writing() as session:
            claimed = session.execute(
                update(SignUpRow)
                .where(SignUpRow.id == sign_up_id, SignUpRow.mode == "client")
                .where(SignUpRow.digest == self._digest(sign_up, calls))
                .where(SignUpRow.reported_at.is_(None))
                .values(reported_at=datetime.now(UTC))
                .returning(SignUpRow.id)
            )
            return claimed.first() is not None

    def settle(
        self,
        sign_up_id: str,
        outcomes: Sequence[Outcome | None],
        queued: Collection[int] = (),
        enqueue: Callable[[Connection], None] | None = None,
    ) -> None:
        """Record how the calls ended, by position; None is a call that was never made.

        The calls at the positions `queued` become QUEUED, and `enqueue` puts them into the queue
        in the same transaction.
        """
        now = datetime.now(UTC)
        ends = [
            {
                "of_sign_up": sign_up_id,
                "at_position": position,
                "settled_at": now,
                **ending_of(outcome, queued=position in queued),
            }
            for position, outcome in enumerate(outcomes)
        ]
        with self._in_turn(), self._engine().begin() as connection:
            if ends:
                connection.execute(_SETTLE, ends)
            connection.execute(_CONSENTS_FOLLOW, {"of_sign_up": sign_up_id})
            if queued and enqueue is not None:
                enqueue(connection)

    def call(self, session: Session, sign_up_id: str, position: int) -> CallRow | None:
        """One call of a sign-up, as it stands."""
        return session.get(CallRow, (sign_up_id, position))

    def waiting(self, session: Session, operation: str, state: CallState) -> bool:
        """Whether any call of an operation is in this state."""
        found = select(CallRow.position).where(CallRow.operation == operation)
        return session.scalar(found.where(CallRow.state == state).limit(1)) is not None

    def advance(
        self,
        session: Session,
        where: tuple[str, int, int],
        state: CallState,
        outcome: Outcome | None = None,
        *,
        before: CallState = CallState.QUEUED,
        again: bool = False,
    ) -> bool:
        """Move a kept call on, if `where` (sign-up, position, attempt) is still the good copy.

        `again` makes the next attempt the good one. False, and nothing done, for a stale copy.
        """
        sign_up_id, position, attempt = where
        moved = session.execute(
            update(CallRow)
            .where(CallRow.sign_up_id == sign_up_id, CallRow.position == position)
            .where(CallRow.attempt == attempt, CallRow.state == before)
            .values(
                state=state,
                attempt=attempt + again,
                settled_at=datetime.now(UTC),
                **reason_of(outcome),
            )
            .returning(CallRow.position),
            execution_options=_UNSEEN,
        )
        done = moved.first() is not None
        if done:
            session.execute(_CONSENTS_FOLLOW, {"of_sign_up": sign_up_id})
        return done

    def purge(self, before: datetime, consents_before: datetime) -> tuple[int, int]:
        """Delete the sign-ups made before a moment, but those that are still owed a call, and the
        consents given before another.

        Returns how many of each.
        """
        owed = exists().where(CallRow.sign_up_id == SignUpRow.id, CallRow.state.in_(UNDELIVERED))
        old = select(SignUpRow.id).where(SignUpRow.created_at < before, ~owed)
        with self.writing() as session:
            # SQLite minds foreign keys only where the shop asks it to
            session.execute(delete(CallRow).where(CallRow.sign_up_id.in_(old)))
            session.execute(
                update(ConsentRow).where(ConsentRow.sign_up_id.in_(old)).values(sign_up_id=None)
            )
            purged = session.execute(
                delete(SignUpRow)
                .where(SignUpRow.created_at < before, ~owed)
                .returning(SignUpRow.id)
            )
            consents = session.execute(
                delete(ConsentRow)
                .where(ConsentRow.given_at < consents_before, ConsentRow.sign_up_id.is_(None))
                .returning(ConsentRow.id)
            )
            return len(purged.all()), len(consents.all())

    def remove_everything(self) -> None:
        """Delete all sign-ups, calls and consents, and what holds a queue."""
        with self.writing() as session:
            for table in (CallRow, ConsentRow, SignUpRow, PauseRow):
                session.execute(delete(table))

    def read(self, sign_up_id: str) -> LoggedSignUp | None:
        """The sign-up under this ID, or None."""
        with self._transaction() as session:
            row = session.scalar(select(SignUpRow).where(SignUpRow.id == sign_up_id))
            if row is None:
                return None
            return LoggedSignUp(
                channels=tuple(Channel(each) for each in row.channels),
                email_masked=row.email_masked,
                phone_masked=row.phone_masked,
                consented=tuple(Channel(each.channel) for each in row.consents),
                calls=tuple(
                    LoggedCall(
                        Operation(call.operation), call.variant, CallState(call.state), call.message
                    )
                    for call in row.calls
                ),
            )

    def contact_records(self, contact: str) -> ContactRecords:
        """All that the log holds under a normalized email address or phone number."""
        hashed = self.contact_hmac(contact)
        if hashed is None:
            return ContactRecords((), ())
        with self._transaction() as session:
            return find_by_contact_hash(session, hashed)

    def _digest(self, sign_up: SignUp, calls: Sequence[Call]) -> str:
        versions = [(each.channel, each.version) for each in statements(sign_up)]
        text = json.dumps([[call.body for call in calls], versions], sort_keys=True)
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()

    def contact_hmac(self, contact: str | None) -> str | None:
        """HMAC-SHA256 of a normalized contact under `NOTIFY_ME_LOG_KEY`, case-folded; hex."""
        if not contact:
            return None
        return hmac.new(self._key, contact.casefold().encode(), hashlib.sha256).hexdigest()
